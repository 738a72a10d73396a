"""The demo's own stack: `manage.py up` as a child process on a free port, watched until it is ready, stopped at the end."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from biologidex.embedded.process import Child, launch

READY = "ready http://"
START_S = 120.0
STOP_S = 12.0  # the supervisor itself takes at most 10 s
LINES_KEPT = 200
ROOT = Path(__file__).resolve().parents[2]


class StackFailed(Exception):
    """The stack did not come up; `lines` are the last that it said."""

    def __init__(self, reason: str, lines: list[str]) -> None:
        self.lines = lines
        super().__init__(reason)


@dataclass
class _Listening:
    """Reads what the child says, so that its pipe never fills, and finds the line that tells of readiness."""

    process: Child
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    base_url: str = ""
    decided: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        for raw in self.process.stdout or ():
            line = raw.decode(errors="replace")
            self.lines.append(line.rstrip())
            if line.startswith(READY):
                self.base_url = line.removeprefix("ready ").strip().rstrip("/")
                self.decided.set()
        self.decided.set()


@contextmanager
def own_stack(data_dir: Path) -> Iterator[str]:
    """Start the stack in `data_dir`, yield its base URL, stop it. For the main thread only: the stack ends with the thread that started it.

    Raises StackFailed where it is not ready within 120 s.
    """
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", "0", "--data-dir", str(data_dir)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    # In a session of its own: Ctrl-C reaches us alone, and we then stop the stack in good order. Should we be killed, it stops by itself.
    process = launch(command, orphan_signal=signal.SIGTERM, output=subprocess.PIPE, environment=environment, folder=ROOT)
    listening = _Listening(process)
    thread = threading.Thread(target=listening.run, name="stack-output", daemon=True)
    thread.start()
    try:
        yield _until_ready(listening)
    finally:
        _stop(process)
        thread.join(timeout=1)


def _until_ready(listening: _Listening) -> str:
    decided = listening.decided.wait(timeout=START_S)
    if listening.base_url:
        return listening.base_url
    lines = list(listening.lines)
    if not decided:
        raise StackFailed(f"The stack was not ready within {START_S:g} s.", lines)
    code = listening.process.wait(timeout=STOP_S)
    raise StackFailed(f"The stack ended with exit code {code} before it was ready.", lines)


def _stop(process: Child) -> None:
    """SIGTERM to the supervisor, which stops its children; SIGKILL only where it does not end in its time."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=STOP_S)
