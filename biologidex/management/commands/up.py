"""`manage.py up`: the whole stack on one machine in the foreground; knows the programs and their order, not what they do."""

import argparse
import http.client
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from biologidex.embedded import DataFolderInUseError, EmbeddedServices, ServiceError
from biologidex.embedded.folder import DataFolder
from biologidex.embedded.redis_server import free_port
from biologidex.supervisor import Program, ProgramError, Supervisor

ROOT = Path(__file__).resolve().parents[3]
# Programs get 6 s, then PostgreSQL and Redis 4 s: everything is gone within 10 s of a Ctrl-C.
STOP_PATIENCE_S = 5.5
READY_TIMEOUT_S = 90.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 compared, not bound


class Command(BaseCommand):
    help = "Run the whole stack on this machine in the foreground: PostgreSQL, Redis, web, worker and beat. Ctrl-C ends it."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=_port, default=8000, help="TCP port of the web server; 0 for any free one (default: 8000)")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--data-dir", default=".data", help="where everything is kept (default: .data)")

    def handle(self, *, host: str, port: int, data_dir: str, **options: Any) -> None:
        self._asked_to_stop = False
        port = port or free_port()
        _check_port_is_free(host, port)
        try:
            folder = DataFolder.at(data_dir)
        except OSError as problem:
            raise CommandError(
                f"The data folder {data_dir} can't be used: {problem.strerror}. Another one: make up DATA_DIR=..."
            ) from problem
        try:
            with _signals(self._stop), folder.held():
                self._run(folder, host=host, port=port)
        except DataFolderInUseError as problem:
            raise CommandError(f"{problem} Stop that one first, or use another folder: make up DATA_DIR=.data2") from problem
        except (ServiceError, ProgramError) as problem:
            raise CommandError(f"{problem}\nThe full logs are in {folder.logs}.") from problem

    def _run(self, folder: DataFolder, *, host: str, port: int) -> None:
        embedded = EmbeddedServices(folder, given=os.environ, durable=True)
        embedded.start()
        supervisor: Supervisor | None = None
        try:
            environment = {
                "DEBUG": "False",
                "PYTHONUNBUFFERED": "1",
                "PUBLIC_URL": f"http://{_bracketed(ANYWHERE.get(host, host))}:{port}",
                **os.environ,
                **embedded.environment,
            }
            supervisor = Supervisor(
                environment=environment,
                folder=ROOT,
                logs=folder.logs,
                write=self._write,
                coloured=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
                stopping=lambda: self._asked_to_stop,
            )
            self._start(supervisor, folder, host=host, port=port)
            supervisor.watch(embedded.servers)
            supervisor.say("stopping")
        finally:
            if supervisor is not None:
                supervisor.stop(patience_s=STOP_PATIENCE_S)
            embedded.stop()

    def _start(self, supervisor: Supervisor, folder: DataFolder, *, host: str, port: int) -> None:
        """Prepare the database, start the programs and say so once the web server answers."""
        for program in _preparations():
            supervisor.run_once(program)
        if self._asked_to_stop:
            return
        for program in _programs(folder, host=host, port=port):
            supervisor.start(program)
        asked = ANYWHERE.get(host, host)
        if supervisor.await_start(lambda: _answer(asked, port) == 200, timeout_s=READY_TIMEOUT_S):
            self._write(f"ready http://{_bracketed(asked)}:{port}/")
        elif not self._asked_to_stop:
            raise ProgramError(
                f"The web server didn't get ready in {READY_TIMEOUT_S:.0f} s: GET /ready/ answers {_answer(asked, port) or 'nothing'}."
            )

    def _write(self, line: str) -> None:
        with suppress(BrokenPipeError):  # the reader of our output left; the stack needn't
            self.stdout.write(line)
            self.stdout.flush()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True


def _preparations() -> tuple[Program, ...]:
    """What has to be done before anything starts; each may be done again at every start."""
    return (Program("migrate", _manage("migrate", "--no-input")), Program("list", _manage("load_checklist")))


def _programs(folder: DataFolder, *, host: str, port: int) -> tuple[Program, ...]:
    celery = (sys.executable, "-m", "celery", "--quiet", "-A", "biologidex")
    schedule, pid_file = folder.path / "beat-schedule", folder.path / "beat.pid"
    pid_file.unlink(missing_ok=True)  # we hold the folder, so a pid file is a dead one's
    return (
        Program("web", _manage("serve", "--host", host, "--port", str(port))),
        Program("worker", (*celery, "worker", "--concurrency", "2"), orphan_signal=signal.SIGQUIT, last_call=signal.SIGQUIT),
        Program("beat", (*celery, "beat", "--schedule", str(schedule), "--pidfile", str(pid_file))),
    )


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(ROOT / "manage.py"), *arguments)


def _check_port_is_free(host: str, port: int) -> None:
    """Raises: CommandError where we can't listen. Reuse is on, as it is in the server: a connection just closed doesn't count."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as problem:
        another = port + 1 if 1024 <= port < 65535 else 8000  # lower ones are root's
        raise CommandError(f"Can't listen on {host}:{port}: {problem.strerror}. Another port: make up PORT={another}") from problem


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port: 1 to 65535, or 0 for any free one")
    return port


def _answer(host: str, port: int) -> int | None:
    """The status of GET /ready/, None for no answer at all."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/ready/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _signals(handler: Any) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
