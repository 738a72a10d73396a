"""Runs programs side by side in one terminal, restarts what dies and ends all of them in time; doesn't know what they are for."""

import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from biologidex.embedded.process import TAIL_LINES, Child, Watchdog, launch, signal_group

TICK_S = 0.1
ORPHANS_GRACE_S = 4.0
RESTARTS_A_MINUTE = 5
FIRST_BACKOFF_S = 0.5
READ_BYTES = 65536
COLOURS = ("36", "33", "35", "32", "34")  # ANSI: cyan, yellow, magenta, green, blue
NAME_WIDTH = 8


class ProgramError(Exception):
    """A program ended when it shouldn't; the text has its last lines."""


class Revivable(Protocol):
    """A server that isn't a program of the supervisor's but must stay up as well."""

    @property
    def name(self) -> str: ...
    def alive(self) -> bool: ...
    def start(self) -> None: ...


@dataclass(frozen=True)
class Program:
    """A command to keep running. `last_call` goes to what still runs after half of the time to stop (Celery: leave the task)."""

    name: str
    command: tuple[str, ...]
    orphan_signal: signal.Signals = signal.SIGTERM
    last_call: signal.Signals = signal.SIGTERM


@dataclass
class Running:
    program: Program
    child: Child
    stdout: IO[bytes]
    log: IO[bytes]
    unfinished: bytes = b""
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))


class Supervisor:
    """Programs under one roof: `run_once` for a step, `start` and `watch` for what stays, `stop` at the end. For the main thread only."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        folder: Path,
        logs: Path,
        write: Callable[[str], None],
        coloured: bool,
        stopping: Callable[[], bool],
    ) -> None:
        self._environment, self._folder, self._logs = environment, folder, logs
        self._write, self._coloured, self._stopping = write, coloured, stopping
        self._selector = selectors.DefaultSelector()
        self._running: dict[str, Running] = {}
        self._waiting: dict[str, tuple[float, Program]] = {}
        self._deaths: deque[float] = deque()
        self._names: list[str] = []
        self._watchdog = Watchdog(grace_s=ORPHANS_GRACE_S)

    def say(self, text: str, *, name: str = "up") -> None:
        """Write lines to the terminal with the name of who says them."""
        for line in text.splitlines():
            self._write(f"{self._prefix(name)} {line}")

    def run_once(self, program: Program) -> None:
        """Run a program to its end, or until we are to stop. Raises: ProgramError unless it exits with 0."""
        running = self._launch(program)
        while running.child.poll() is None:
            self._relay(TICK_S)
            if self._stopping():
                return  # `stop` ends it
        self._bury(running)
        if running.child.returncode != 0:
            raise ProgramError(_obituary(running))

    def start(self, program: Program) -> None:
        self._launch(program)

    def await_start(self, ready: Callable[[], bool], *, timeout_s: float) -> bool:
        """Relay output until `ready`; False when we are to stop or `timeout_s` is over. Raises: ProgramError when a program dies."""
        deadline = time.monotonic() + timeout_s
        while not self._stopping() and time.monotonic() < deadline:
            self._relay(TICK_S)
            for running in list(self._running.values()):
                if running.child.poll() is not None:
                    self._bury(running)
                    raise ProgramError(_obituary(running))
            if ready():
                return True
        return False

    def watch(self, servers: Sequence[Revivable]) -> None:
        """Relay output and restart what dies until we are to stop. Raises: ProgramError when something dies too often."""
        while not self._stopping():
            self._relay(TICK_S)
            for server in servers:
                if not server.alive():
                    self._count_death(f"{server.name} ended unexpectedly. Its log is {self._logs / server.name}.log.")
                    self.say("ended unexpectedly, starting again", name=server.name)
                    server.start()
            for running in list(self._running.values()):
                if running.child.poll() is not None:
                    self._bury(running)
                    backoff_s = FIRST_BACKOFF_S * 2 ** self._count_death(_obituary(running))
                    self.say(f"ended with code {running.child.returncode}, starting again in {backoff_s:g} s", name=running.program.name)
                    self._waiting[running.program.name] = (time.monotonic() + backoff_s, running.program)
            for name, (at, program) in list(self._waiting.items()):
                if time.monotonic() >= at:
                    del self._waiting[name]
                    self._launch(program)

    def stop(self, *, patience_s: float) -> None:
        """End all programs: SIGTERM, at half of `patience_s` each one's last call, at its end SIGKILL to whatever they started."""
        begun = time.monotonic()
        last_called = False
        for running in self._running.values():
            running.child.terminate()
        while self._running and time.monotonic() < begun + patience_s:
            self._relay(TICK_S)
            for running in list(self._running.values()):
                if running.child.poll() is not None:
                    self._bury(running)
            if not last_called and time.monotonic() > begun + patience_s / 2:
                last_called = True
                for running in self._running.values():
                    running.child.send_signal(running.program.last_call)
        for running in list(self._running.values()):
            signal_group(running.child, signal.SIGKILL)
            running.child.wait()
            self._bury(running)
        self._watchdog.close()

    def _launch(self, program: Program) -> Running:
        if program.name not in self._names:
            self._names.append(program.name)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        try:
            child = launch(
                program.command, orphan_signal=program.orphan_signal, output=writing, environment=self._environment, folder=self._folder
            )
        finally:
            os.close(writing)
        self._watchdog.watch(child)
        running = Running(program, child, os.fdopen(reading, "rb", buffering=0), (self._logs / f"{program.name}.log").open("ab"))
        self._selector.register(running.stdout, selectors.EVENT_READ, running)
        self._running[program.name] = running
        return running

    def _relay(self, timeout_s: float) -> None:
        """Pass on what the programs wrote, waiting up to `timeout_s` for something."""
        for key, _ in self._selector.select(timeout_s):
            self._pass_on(key.data)

    def _pass_on(self, running: Running) -> bool:
        """Read one piece; False when there is nothing now or never again."""
        piece = running.stdout.read(READ_BYTES)
        if not piece:
            if piece == b"":  # closed: without this the selector would report it for ever
                self._forget(running)
            return False
        running.log.write(piece)
        running.log.flush()
        *lines, running.unfinished = (running.unfinished + piece).split(b"\n")
        for line in lines:
            self._show(running, line)
        return True

    def _show(self, running: Running, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        running.last_lines.append(text)
        self.say(text, name=running.program.name)

    def _bury(self, running: Running) -> None:
        """After a program's end: its last words, no survivor in its group, nothing kept open."""
        signal_group(running.child, signal.SIGKILL)
        while not running.stdout.closed and self._pass_on(running):
            pass
        if running.unfinished:
            self._show(running, running.unfinished)
            running.unfinished = b""
        self._forget(running)
        running.log.close()
        self._running.pop(running.program.name, None)
        self._watchdog.forget(running.child)

    def _forget(self, running: Running) -> None:
        if not running.stdout.closed:
            self._selector.unregister(running.stdout)
            running.stdout.close()

    def _count_death(self, obituary: str) -> int:
        """Note a death; returns how many there were in the last minute before it. Raises: ProgramError when there are too many."""
        now = time.monotonic()
        while self._deaths and self._deaths[0] < now - 60:
            self._deaths.popleft()
        if len(self._deaths) >= RESTARTS_A_MINUTE:
            raise ProgramError(f"{obituary}\nThat was the last of more than {RESTARTS_A_MINUTE} deaths within a minute.")
        self._deaths.append(now)
        return len(self._deaths) - 1

    def _prefix(self, name: str) -> str:
        text = f"{name:<{NAME_WIDTH}}|"
        if not self._coloured:
            return text
        colour = COLOURS[self._names.index(name) % len(COLOURS)] if name in self._names else "1"
        return f"\x1b[{colour}m{text}\x1b[0m"


def _obituary(running: Running) -> str:
    last = "\n".join(f"    {line}" for line in running.last_lines) or "    (it said nothing)"
    return f"{running.program.name} ended with code {running.child.returncode}. Its last lines:\n{last}"
