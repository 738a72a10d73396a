"""The supervisor: what runs side by side is shown, restarted and ended, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from biologidex.supervisor import Program, ProgramError, Supervisor

DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('here', flush=True)\ntime.sleep(60)"
PARENT_OF_DEAF = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {DEAF!r}])\ntime.sleep(60)"
SUPERVISED = """
import functools, os, sys
from pathlib import Path
from biologidex.supervisor import Program, Supervisor
place = Path(sys.argv[1])
write = functools.partial(print, flush=True)
supervisor = Supervisor(environment=dict(os.environ), folder=place, logs=place, write=write, coloured=False, stopping=lambda: False)
supervisor.start(Program("parent", (sys.executable, "-c", sys.argv[2])))
print("watching", flush=True)
supervisor.watch([])
"""


@dataclass
class Server:
    """Stands in for a database that somebody ends: it counts its starts."""

    name: str = "postgres"
    starts: int = 0

    def alive(self) -> bool:
        return self.starts > 0

    def start(self) -> None:
        self.starts += 1


@dataclass
class Terminal:
    """What the supervisor wrote, and when it is to stop: once `enough` holds, or after 20 s, which no test should need."""

    lines: list[str] = field(default_factory=list)
    enough: Callable[[list[str]], bool] = lambda lines: False
    deadline: float = field(default_factory=lambda: time.monotonic() + 20)

    def stopping(self) -> bool:
        return self.enough(self.lines) or time.monotonic() > self.deadline


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def supervisor(tmp_path: Path, terminal: Terminal) -> Iterator[Supervisor]:
    ours = set(psutil.Process().children(recursive=True))
    made = Supervisor(
        environment={**os.environ, "ANIMAL": "fox"},
        folder=tmp_path,
        logs=tmp_path,
        write=terminal.lines.append,
        coloured=False,
        stopping=terminal.stopping,
    )
    yield made
    made.stop(patience_s=1)
    # PostgreSQL and Redis of the test run come and go with processes of their own.
    left = set(psutil.Process().children(recursive=True)) - ours
    assert [process.name() for process in left if process.name() != "postgres"] == []


def python(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code))


def test_lines_carry_their_programs_name_and_go_to_its_log(supervisor: Supervisor, terminal: Terminal, tmp_path: Path) -> None:
    supervisor.run_once(python("web", "import os; print(os.environ['ANIMAL']); print('unfinished', end='')"))
    assert terminal.lines == ["web     | fox", "web     | unfinished"]
    assert (tmp_path / "web.log").read_text() == "fox\nunfinished"


def test_much_output_arrives_whole(supervisor: Supervisor, terminal: Terminal) -> None:
    supervisor.run_once(python("web", "for number in range(20000): print(number)"))
    assert [int(line.split("| ")[1]) for line in terminal.lines] == list(range(20000))


def test_a_failed_step_tells_its_last_lines(supervisor: Supervisor) -> None:
    with pytest.raises(ProgramError, match=r"migrate ended with code 3[\s\S]*no such table"):
        supervisor.run_once(python("migrate", "import sys; print('no such table'); sys.exit(3)"))


def test_a_death_before_readiness_is_an_error_at_once(supervisor: Supervisor) -> None:
    supervisor.start(python("worker", "print('no broker')"))
    with pytest.raises(ProgramError, match=r"worker ended with code 0[\s\S]*no broker"):
        supervisor.await_start(lambda: False, timeout_s=20)


def test_readiness_that_never_comes_gives_up_in_time(supervisor: Supervisor) -> None:
    supervisor.start(python("web", "import time; time.sleep(60)"))
    assert supervisor.await_start(lambda: False, timeout_s=0.3) is False


def test_what_dies_is_started_again(supervisor: Supervisor, terminal: Terminal) -> None:
    terminal.enough = lambda lines: sum("born" in line for line in lines) >= 2
    supervisor.start(python("worker", "print('born')"))
    supervisor.watch([])
    assert any("ended with code 0, starting again in 0.5 s" in line for line in terminal.lines)


def test_a_server_that_dies_is_started_again(supervisor: Supervisor, terminal: Terminal) -> None:
    server = Server()
    terminal.enough = lambda lines: server.starts > 0
    supervisor.watch([server])
    assert server.starts == 1


def test_what_dies_all_the_time_ends_everything(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biologidex.supervisor.FIRST_BACKOFF_S", 0.01)
    supervisor.start(python("worker", "print('no broker')"))
    with pytest.raises(ProgramError, match="more than 5 deaths within a minute"):
        supervisor.watch([])


def test_the_deaf_and_their_children_are_ended_too(supervisor: Supervisor, terminal: Terminal) -> None:
    supervisor.start(python("deaf", DEAF))
    supervisor.start(python("parent", PARENT_OF_DEAF))
    assert supervisor.await_start(lambda: sum("here" in line for line in terminal.lines) == 2, timeout_s=20)
    begun = time.monotonic()
    supervisor.stop(patience_s=1)
    assert time.monotonic() - begun < 3


def test_the_last_call_comes_before_the_end(supervisor: Supervisor, terminal: Terminal) -> None:
    code = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGQUIT, lambda *_: (print('left', flush=True), sys.exit()))\nprint('here', flush=True)\ntime.sleep(60)"
    )
    supervisor.start(Program("worker", (sys.executable, "-c", code), last_call=signal.SIGQUIT))
    assert supervisor.await_start(lambda: "worker  | here" in terminal.lines, timeout_s=20)
    supervisor.stop(patience_s=4)
    assert terminal.lines[-1] == "worker  | left"


def test_a_killed_supervisor_leaves_nobody(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SUPERVISED, str(tmp_path), PARENT_OF_DEAF], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "here" not in process.stdout.readline():
        assert process.poll() is None
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) == 3  # the parent, its deaf child and the watchdog
    process.kill()
    process.communicate()
    assert psutil.wait_procs(family, timeout=15)[1] == []
