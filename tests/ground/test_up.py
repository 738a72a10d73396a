"""`manage.py up`: the whole stack stands on an empty folder, keeps its data and leaves no process behind, however it is ended."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from biologidex.embedded import services

ROOT = Path(__file__).resolve().parents[2]
UP = [sys.executable, str(ROOT / "manage.py"), "up", "--port", "0"]
STOP_WITHIN_S = 10
STACK_ENVIRONMENT = {**os.environ, "DJANGO_SETTINGS_MODULE": "biologidex.settings.development", "OPENAI_API_KEY": ""}
for given in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MEDIA_ROOT", "LOG_DIR", "DATA_DIR"):
    STACK_ENVIRONMENT.pop(given, None)


@dataclass
class Up:
    """A running stack: its supervisor and where it answers."""

    process: subprocess.Popen[str]
    url: str

    def family(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def drain(self) -> None:
        """Read what is still said until the end, so that nobody waits for a reader."""
        assert self.process.stdout is not None
        for _ in self.process.stdout:
            pass
        self.process.wait()

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bdx-") as place:
        yield Path(place) / "data"


@contextmanager
def up(folder: Path, **environment: str) -> Iterator[Up]:
    """A stack that is ready; whatever the test leaves of it is ended."""
    process = subprocess.Popen(
        [*UP, "--data-dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**STACK_ENVIRONMENT, **environment},
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("ready "):
            break
    assert said[-1].startswith("ready http://127.0.0.1:"), "".join(said)
    stack = Up(process, said[-1].split()[1].rstrip("/"))
    family = stack.family()
    try:
        yield stack
    finally:
        process.terminate()
        stack.drain()
        for process_left in psutil.wait_procs(family, timeout=5)[1]:
            process_left.kill()


def test_the_stack_answers_and_ends_within_ten_seconds(folder: Path) -> None:
    with up(folder) as stack:
        assert stack.get("/ready/")[0] == 200
        family = stack.family()
        begun = time.monotonic()
        stack.process.terminate()
        stack.drain()
        assert psutil.wait_procs(family, timeout=STOP_WITHIN_S)[1] == []
        assert time.monotonic() - begun < STOP_WITHIN_S
        assert stack.process.returncode == 0


def test_ctrl_c_twice_still_ends_in_good_order(folder: Path) -> None:
    with up(folder) as stack:
        family = stack.family()
        stack.process.send_signal(signal.SIGINT)
        stack.process.send_signal(signal.SIGINT)
        stack.drain()
        assert psutil.wait_procs(family, timeout=STOP_WITHIN_S)[1] == []
        assert stack.process.returncode == 0


def test_a_killed_supervisor_leaves_no_process_behind(folder: Path) -> None:
    with up(folder) as stack:
        family = stack.family()
        stack.process.kill()
        stack.process.wait()
        assert psutil.wait_procs(family, timeout=15)[1] == []


def test_settings_of_the_caller_reach_every_program(folder: Path) -> None:
    with up(folder, OPENAI_API_KEY="sk-fox", DEBUG="False") as stack:
        programs = [process for process in stack.family() if any(word in process.cmdline() for word in ("serve", "worker", "beat"))]
        assert len(programs) >= 3
        for process in programs:
            assert process.environ()["OPENAI_API_KEY"] == "sk-fox"
            assert process.environ()["DATA_DIR"] == str(folder)


def test_data_are_there_at_the_next_start_and_a_command_reaches_them(folder: Path) -> None:
    count = (
        "import json; from domain.accounts.models import User; print('people', json.dumps([user.username for user in User.objects.all()]))"
    )
    manage = [sys.executable, "-m", "biologidex.embedded", "manage", "--data-dir", str(folder), "--"]
    with up(folder):
        subprocess.run([*manage, "seed_test_users"], check=True, env=STACK_ENVIRONMENT, cwd=ROOT)
    with up(folder):
        told = subprocess.run(
            [*manage, "shell", "--no-imports", "-c", count], check=True, env=STACK_ENVIRONMENT, cwd=ROOT, capture_output=True, text=True
        )
    people = json.loads(told.stdout.partition("people ")[2])
    assert {"admin", "testuser", "verified"} <= set(people)


def test_a_program_that_dies_is_started_again(folder: Path) -> None:
    with up(folder) as stack:
        web = next(process for process in stack.family() if "serve" in process.cmdline())
        web.kill()
        assert stack.process.stdout is not None
        while "starting again" not in stack.process.stdout.readline():
            assert stack.process.poll() is None


def test_a_folder_in_use_is_refused_at_once(folder: Path) -> None:
    with services(folder, durable=False, given={}):
        refused = subprocess.run([*UP, "--data-dir", str(folder)], env=STACK_ENVIRONMENT, capture_output=True, text=True, timeout=20)
    assert refused.returncode != 0
    assert f"The data folder {folder} is in use by process {os.getpid()}." in refused.stderr


def test_a_taken_port_is_refused_with_advice_and_nothing_started(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), "--data-dir", str(folder)]
        refused = subprocess.run(command, env=STACK_ENVIRONMENT, capture_output=True, text=True, timeout=20)
    assert refused.returncode != 0
    assert f"Can't listen on 127.0.0.1:{port}: Address already in use. Another port: make up PORT=" in refused.stderr
    assert not folder.exists()


def test_a_first_step_that_fails_ends_everything_with_its_last_lines(folder: Path) -> None:
    environment = {**STACK_ENVIRONMENT, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}
    failed = subprocess.run([*UP, "--data-dir", str(folder)], env=environment, capture_output=True, text=True, timeout=60)
    assert failed.returncode != 0
    assert "migrate ended with code" in failed.stderr
    assert "onnection refused" in failed.stderr
