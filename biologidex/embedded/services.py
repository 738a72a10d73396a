"""What the stack stands on, started for as long as it is needed, and the environment that leads there; doesn't know who uses it."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from biologidex.embedded.folder import DataFolder, DataFolderInUseError, RunningServices
from biologidex.embedded.postgres import Postgres
from biologidex.embedded.process import ServiceError
from biologidex.embedded.redis_server import RedisServer

ATTACH_TIMEOUT_S = 60.0
ATTACH_POLL_S = 0.1

Server = Postgres | RedisServer


class EmbeddedServices:
    """The servers of one data folder. A DATABASE_URL or REDIS_URL in `given` is used as it is, and no server started for it.

    The caller holds the folder's lock (`services` does both). For the main thread only: servers die with the thread that started them.
    """

    def __init__(self, folder: DataFolder, *, given: Mapping[str, str], durable: bool) -> None:
        self._folder, self._given = folder, given
        self._postgres = None if given.get("DATABASE_URL") else Postgres(folder.postgres, log=folder.logs / "postgres.log", durable=durable)
        self._redis = (
            None
            if given.get("REDIS_URL")
            else RedisServer(folder.redis, log=folder.logs / "redis.log", password=folder.secret("redis_password"), durable=durable)
        )

    @property
    def servers(self) -> tuple[Server, ...]:
        return tuple(server for server in (self._postgres, self._redis) if server is not None)

    @property
    def environment(self) -> dict[str, str]:
        """What programs need to find everything; what was given stays as it was given. Complete once the servers have started."""
        return _environment(
            self._folder,
            given=self._given,
            database_url=self._postgres.url if self._postgres else self._given["DATABASE_URL"],
            redis_url=self._redis.url if self._redis else self._given["REDIS_URL"],
        )

    def start(self) -> None:
        """Start all servers and tell others of them through the folder. Raises: ServiceError, with nothing left running."""
        try:
            for server in self.servers:
                server.start()
        except BaseException:
            self.stop()
            raise
        environment = self.environment
        self._folder.announce(RunningServices(os.getpid(), environment["DATABASE_URL"], environment["REDIS_URL"]))

    def stop(self) -> None:
        """Stop all servers, all at the same time."""
        self._folder.withdraw()
        for server in self.servers:
            server.ask_to_stop()
        for server in self.servers:
            server.stop()


@contextlib.contextmanager
def services(
    data_dir: Path | str, *, durable: bool = True, attach: bool = False, given: Mapping[str, str] = os.environ
) -> Iterator[dict[str, str]]:
    """Run PostgreSQL and Redis on a data folder; yields the environment that leads to them and stops what it started at the end.

    The variables: DATABASE_URL, REDIS_URL, SECRET_KEY, MEDIA_ROOT, LOG_DIR, DATA_DIR. Those in `given` win, and nothing is started for a
    given URL. Lay them over os.environ for a child process. `durable` off is for data that nobody misses (tests). With `attach`, services
    that another process runs on the folder are shared (they end when it ends); without, that is refused.

    Raises: DataFolderInUseError, ServiceError.
    """
    folder = DataFolder.at(data_dir)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(folder.held())
        except DataFolderInUseError:
            if not attach:
                raise
            yield _attached(folder, given=given)
            return
        embedded = EmbeddedServices(folder, given=given, durable=durable)
        embedded.start()
        stack.callback(embedded.stop)
        yield embedded.environment


def _attached(folder: DataFolder, *, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the folder's present holder, which may still be starting."""
    deadline = time.monotonic() + ATTACH_TIMEOUT_S
    while (running := folder.running()) is None:
        if time.monotonic() > deadline:
            raise ServiceError(f"Process {folder.holder()} uses {folder.shown}, but its services don't answer. Look at {folder.logs}.")
        time.sleep(ATTACH_POLL_S)
    return _environment(
        folder,
        given=given,
        database_url=given.get("DATABASE_URL") or running.database_url,
        redis_url=given.get("REDIS_URL") or running.redis_url,
    )


def _environment(folder: DataFolder, *, given: Mapping[str, str], database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": given.get("SECRET_KEY") or folder.secret("secret_key"),
        "MEDIA_ROOT": given.get("MEDIA_ROOT") or str(folder.media),
        "LOG_DIR": given.get("LOG_DIR") or str(folder.logs),
        "DATA_DIR": str(folder.path),
    }
