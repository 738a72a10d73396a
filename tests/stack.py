"""The whole product as real processes on real PostgreSQL and Redis, for tests that speak to it as a client does."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from biologidex.embedded import services

ROOT = Path(__file__).resolve().parents[1]
READY_S = 40.0
STOP_S = 10.0
HEARTBEAT_SECONDS = 1.0
# Tests make hundreds of accounts from one address.
UNLIMITED = (
    "THROTTLE_ANON_RATE",
    "THROTTLE_USER_RATE",
    "THROTTLE_USERS_REGISTER_RATE",
    "THROTTLE_AUTH_LOGIN_RATE",
    "THROTTLE_AUTH_REFRESH_RATE",
)


@dataclass
class Process:
    """A child of this test run, with what it said."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path
    base_url: str = ""

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def log_lines(self) -> list[dict[str, Any]]:
        """Its log lines that are JSON objects."""
        lines = []
        for line in self.said().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return lines

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends this process (and the group that it leads), by its own id."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, number)
        try:
            return self.child.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            return self.child.wait(timeout=STOP_S)


@dataclass
class Stack:
    """PostgreSQL, Redis, web processes and a worker of their own. `web` and `web_too` are two processes of one product."""

    folder: Path
    environment: Mapping[str, str]
    processes: list[Process] = field(default_factory=list)
    _names: int = 0

    @property
    def base_url(self) -> str:
        return self.web.base_url

    @property
    def web(self) -> Process:
        return next(process for process in self.processes if process.name == "web")

    @property
    def web_too(self) -> Process:
        return next(process for process in self.processes if process.name == "web_too")

    @property
    def worker(self) -> Process:
        return next(process for process in self.processes if process.name == "worker")

    def start_web(self, name: str = "web", **settings: str) -> Process:
        """Another web process, answering."""
        port = free_port()
        process = self._start(name, [sys.executable, "manage.py", "serve", "--port", str(port)], settings)
        process.base_url = f"http://127.0.0.1:{port}"
        wait_for(lambda: status_of(process.base_url, "/ready/") == 200, what=f"{name} to be ready", why=process.said)
        return process

    def start_worker(self, name: str = "worker", **settings: str) -> Process:
        """Another worker, consuming."""
        process = self._start(
            name, [sys.executable, "-m", "celery", "-A", "biologidex", "worker", "--concurrency", "2", "-l", "INFO"], settings
        )
        wait_for(lambda: " ready." in process.said(), what=f"{name} to be ready", why=process.said)
        return process

    def manage(self, *arguments: str, **settings: str) -> str:
        """What a management command prints.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sql(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows straight from the database."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            cursor = connection.execute(query, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()

    def _start(self, name: str, command: list[str], settings: Mapping[str, str]) -> Process:
        self._names += 1
        log = self.folder / f"{self._names}-{name}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                command, cwd=ROOT, env={**self.environment, **settings}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        process = Process(name=name, child=child, log=log)
        self.processes.append(process)
        return process


@contextmanager
def running_stack(folder: Path, **settings: str) -> Iterator[Stack]:
    """A migrated product with the starter checklist: two web processes and a worker, each setting as given."""
    with ExitStack() as ending:
        given = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MEDIA_ROOT")}
        embedded = ending.enter_context(services(folder / "data", durable=False, given={}))
        environment = {
            **given,
            **embedded,
            "DJANGO_SETTINGS_MODULE": "biologidex.settings.testing",
            "PYTHONUNBUFFERED": "1",
            "SOCKET_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
            **dict.fromkeys(UNLIMITED, ""),
            **settings,
        }
        stack = Stack(folder=folder, environment=environment)
        ending.callback(stack.stop)
        stack.manage("migrate", "--no-input")
        stack.manage("load_checklist")
        starting = [
            threading.Thread(target=stack.start_web, args=("web",)),
            threading.Thread(target=stack.start_web, args=("web_too",)),
            threading.Thread(target=stack.start_worker),
        ]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert len(stack.processes) == 3
        yield stack


def wait_for(fact: Any, *, what: str, timeout_s: float = READY_S, why: Any = None) -> Any:
    """The first true value of `fact()`; asks again until then, every 20 ms.

    Raises:
        AssertionError: it did not come in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := fact():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout_s} s for {what}" + (f"\n{why()[-3000:]}" if why else ""))


def status_of(base_url: str, path: str) -> int | None:
    """The status of a GET, None for no answer at all."""
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
