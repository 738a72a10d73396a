"""Starts and ends child processes so that none outlives its starter; doesn't know what they do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

TETHER = Path(__file__).with_name("tether.py")
WATCHDOG = Path(__file__).with_name("watchdog.py")
POLL_S = 0.02
TAIL_LINES = 15

Child = subprocess.Popen[bytes]


class ServiceError(Exception):
    """A program didn't start or didn't stay; the text says what it last said and what can be done."""


def launch(
    command: Sequence[str],
    *,
    orphan_signal: signal.Signals,
    output: int | IO[bytes],
    user: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Child:
    """Start `command` in a session of its own, so that a terminal's Ctrl-C reaches only the starter.

    It gets `orphan_signal` when the calling thread ends, so call this from a thread that lives as long as the process. `output` takes both
    streams; `user` is a system user to become (the caller must be root); `folder` is the working directory, by default the caller's.
    """
    return subprocess.Popen(  # noqa: S603 commands are the project's own
        [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(orphan_signal)), user, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(environment) if environment is not None else None,
        cwd=folder,
        start_new_session=True,
    )


class Watchdog:
    """A process that ends the watched programs and all they started when this process is killed. Close it once they have ended."""

    def __init__(self, *, grace_s: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603 the project's own script
            [sys.executable, "-I", "-S", str(WATCHDOG), str(grace_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def watch(self, child: Child) -> None:
        self._tell(f"+{child.pid}\n")

    def forget(self, child: Child) -> None:
        self._tell(f"-{child.pid}\n")

    def close(self) -> None:
        self._process.communicate()

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # somebody killed the watchdog: the programs can do without
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()


def signal_group(child: Child, number: signal.Signals) -> None:
    """Signal the child and what it started; a group that is gone already is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def end(child: Child, first: signal.Signals, *, patience_s: float) -> None:
    """Ask the child alone with `first`; after `patience_s` kill its whole group. Returns once it is gone."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            child.send_signal(first)
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            signal_group(child, signal.SIGKILL)
            child.wait()
    signal_group(child, signal.SIGKILL)


def await_fact(fact: Callable[[], bool], *, child: Child, timeout_s: float) -> bool:
    """Poll `fact` until it holds (True), the child exits or `timeout_s` is over (False)."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if fact():
            return True
        if child.poll() is not None:
            return False
        time.sleep(POLL_S)
    return False


def end_leftover(pid_file: Path, *, program: str, folder: Path, first: signal.Signals) -> None:
    """End what a killed starter left running in `folder`, and remove its pid file; only for the holder of the data folder's lock.

    A pid that meanwhile belongs to another program (or lives in another folder) is left alone: only the stale file goes.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        ours = process.name().startswith(program) and Path(process.cwd()).resolve() == folder.resolve()
        if ours:
            process.send_signal(first)
            process.wait(10)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(5)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        pass
    pid_file.unlink(missing_ok=True)


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or an empty text where there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
