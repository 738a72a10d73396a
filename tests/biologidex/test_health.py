"""Whether a process says truly that it lives, is ready, and what it stands on."""

import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.stack import Process, Stack, free_port, status_of, wait_for


@pytest.fixture
def stranded(stack: Stack) -> Iterator[Process]:
    """A process whose database, Redis and broker are nowhere."""
    nowhere = f"127.0.0.1:{free_port()}"
    port = free_port()
    process = stack._start(
        "stranded",
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        {
            "DATABASE_URL": f"postgres://nobody@{nowhere}/nothing",
            "REDIS_URL": f"redis://{nowhere}/0",
            "DATABASE_POOL_TIMEOUT_S": "0.5",
        },
    )
    process.base_url = f"http://127.0.0.1:{port}"
    try:
        yield process
    finally:
        process.stop()
        stack.processes.remove(process)


def get(process: Process, path: str) -> httpx.Response:
    return httpx.get(process.base_url + path, trust_env=False, timeout=30)


def test_a_process_lives_whatever_it_stands_on_and_says_what_is_wrong(stranded: Process) -> None:
    wait_for(lambda: status_of(stranded.base_url, "/health/") == 200, what="the process to live", why=stranded.said)
    alive = get(stranded, "/health/")
    assert alive.json() == {"status": "healthy"}
    assert "no-cache" in alive.headers["Cache-Control"]

    ready = get(stranded, "/ready/")
    assert ready.status_code == 503
    assert {name: check["status"] for name, check in ready.json()["checks"].items()} == {"database": "unhealthy", "cache": "unhealthy"}

    whole = get(stranded, "/api/v1/health/")
    assert whole.status_code == 503
    assert {name: check["status"] for name, check in whole.json()["checks"].items()} == {
        "database": "unhealthy",
        "redis": "unhealthy",
        "celery": "unhealthy",
        "storage": "healthy",
    }


def test_all_is_well_with_the_whole_stack(stack: Stack) -> None:
    ready = get(stack.web, "/ready/")
    assert (ready.status_code, ready.json()["status"], set(ready.json()["checks"])) == (200, "healthy", {"database", "cache"})
    whole = get(stack.web, "/api/v1/health/")
    assert (whole.status_code, whole.json()["status"]) == (200, "healthy")
    assert set(whole.json()["checks"]) == {"database", "redis", "celery", "storage"}
    for check in whole.json()["checks"].values():
        assert check["status"] == "healthy"
        assert check["response_time_ms"] >= 0


def test_no_worker_is_503_and_names_celery(stack: Stack) -> None:
    lonely = stack.start_web("lonely", CELERY_BROKER_URL=stack.environment["REDIS_URL"].rpartition("/")[0] + "/9")
    try:
        whole = get(lonely, "/api/v1/health/")
        assert whole.status_code == 503
        assert {name for name, check in whole.json()["checks"].items() if check["status"] != "healthy"} == {"celery"}
        assert get(lonely, "/ready/").status_code == 200
    finally:
        lonely.stop()
        stack.processes.remove(lonely)


def test_a_health_check_takes_no_other_method(stack: Stack) -> None:
    assert httpx.post(f"{stack.base_url}/health/", trust_env=False).status_code == 405
