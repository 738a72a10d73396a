"""The commands that a Django project is started with do what their names promise."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management.base import CommandError
from websockets.asyncio.client import connect

from biologidex.test_runner import paths_of
from tests.players import Player
from tests.stack import ROOT, Process, Stack, free_port, status_of, wait_for


def started(stack: Stack, name: str, *command: str, **settings: str) -> Process:
    log = stack.folder / f"{name}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**stack.environment, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(name=name, child=child, log=log)


@pytest.fixture
def runserver(stack: Stack) -> Iterator[Process]:
    port = free_port()
    process = started(stack, "runserver", "manage.py", "runserver", f"127.0.0.1:{port}", "--noreload")
    process.base_url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: status_of(process.base_url, "/ready/") == 200, what="runserver to be ready", why=process.said)
        yield process
    finally:
        process.stop(signal.SIGINT)


async def test_runserver_serves_http_and_sockets(runserver: Process, ada: Player) -> None:
    async with connect(
        f"{runserver.base_url.replace('http', 'ws')}/ws/v1/",
        additional_headers={"Authorization": f"Bearer {ada.account.access}"},
        proxy=None,
    ) as socket:
        ready = json.loads(await socket.recv())
        assert (ready["type"], ready["data"]["user"]["id"]) == ("session.ready", ada.id)


def test_beat_comes_up_and_hands_out_its_first_task(stack: Stack) -> None:
    schedule = stack.folder / "beat-schedule"
    beat = started(
        stack,
        "beat",
        "-m",
        "celery",
        "-A",
        "biologidex",
        "beat",
        "-l",
        "INFO",
        "--schedule",
        str(schedule),
        "--pidfile",
        "",
        VISION_SWEEP_SECONDS="1",
    )
    try:
        wait_for(lambda: "vision-sweep" in beat.said(), what="beat to send a task", why=beat.said)
    finally:
        beat.stop()


def test_celery_can_be_asked_what_it_does(stack: Stack) -> None:
    inspected = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "biologidex", "inspect", "registered", "--json"],
        cwd=ROOT,
        env=dict(stack.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert inspected.returncode == 0, inspected.stderr
    tasks = {task for names in json.loads(inspected.stdout.strip().splitlines()[-1]).values() for task in names}
    assert {"vision.sweep", "vision.expire_uploads", "mailbox.prune", "realtime.prune_keys"} <= tasks


def manage_test(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "manage.py", "test", *arguments],
        cwd=ROOT,
        env={**given, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_manage_test_runs_pytest_over_the_app_that_is_named_and_in_parallel() -> None:
    done = manage_test("taxonomy", "-k", "test_names", "--parallel", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 workers" in done.stdout
    assert " passed" in done.stdout


def test_manage_test_says_no_where_a_test_fails() -> None:
    assert manage_test("tests.house.test_code", "-k", "no_test_has_this_name").returncode != 0


def test_an_apps_tests_are_found_by_its_name() -> None:
    assert paths_of("graph")[0] == str(ROOT / "tests/graph")
    assert paths_of("domain.accounts") == paths_of("accounts")
    assert paths_of("tests.house.test_code") == [str(ROOT / "tests/house/test_code.py")]
    with pytest.raises(CommandError):
        paths_of("zoology")


def test_coverage_measures_the_rooms(tmp_path: object) -> None:
    measured = subprocess.run(
        [sys.executable, "-m", "coverage", "run", f"--data-file={tmp_path}/coverage", "-m", "pytest", "-q", "tests/taxonomy/test_names.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert measured.returncode == 0, measured.stdout + measured.stderr
    report = subprocess.run(
        [sys.executable, "-m", "coverage", "report", f"--data-file={tmp_path}/coverage", "--include=domain/taxonomy/*", "--format=total"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(report.stdout) > 10
