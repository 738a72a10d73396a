"""The data folder of a stack on one machine: what lies where, its secrets, and who uses it; doesn't know what runs on it."""

import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

SECRET_BYTES = 48  # 64 characters; Django and the settings ask for 50 at least
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
# Root's PostgreSQL runs as another user, who must pass through the folder but needn't see what is in it.
PASSABLE_FOLDER = 0o711


class DataFolderInUseError(Exception):
    """Another process holds the data folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.folder, self.pid = folder, pid
        super().__init__(f"The data folder {folder} is in use by process {pid or 'unknown'}.")


@dataclass(frozen=True)
class RunningServices:
    """What the holder of a folder tells others: its pid and where its services answer (passwords included, hence a private file)."""

    pid: int
    database_url: str
    redis_url: str


@dataclass(frozen=True)
class DataFolder:
    """Paths under one data folder. `shown` is the folder as the person wrote it, for messages."""

    path: Path
    shown: Path

    @classmethod
    def at(cls, path: Path | str) -> "DataFolder":
        """Make the folder where it is missing, private to its owner; an existing one keeps its mode."""
        folder = cls(path=Path(path).expanduser().resolve(), shown=Path(path))
        folder.path.mkdir(parents=True, exist_ok=True, mode=PASSABLE_FOLDER if os.geteuid() == 0 else PRIVATE_FOLDER)
        for part in (folder.logs, folder.media):
            part.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
        return folder

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def media(self) -> Path:
        return self.path / "media"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    def secret(self, name: str) -> str:
        """The secret of that name, made at the first call and the same ever after (mode 0600)."""
        path = self.path / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            write_private(path, secrets.token_urlsafe(SECRET_BYTES))
            return path.read_text().strip()

    def announce(self, running: RunningServices) -> None:
        write_private(self._state, json.dumps(asdict(running)))

    def withdraw(self) -> None:
        self._state.unlink(missing_ok=True)

    def running(self) -> RunningServices | None:
        """What the present holder announced; None while it is still starting (or for what a dead one left behind)."""
        try:
            found = RunningServices(**json.loads(self._state.read_text()))
        except FileNotFoundError:
            return None
        return found if found.pid == self.holder() else None

    def holder(self) -> int | None:
        """The pid in the lock file; it means something only while the lock is held."""
        try:
            return int(self._lock.read_text())
        except (FileNotFoundError, ValueError):
            return None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder alone; the kernel lets go when this process dies.

        Raises: DataFolderInUseError at once when another process holds it.
        """
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataFolderInUseError(self.shown, self.holder()) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    @property
    def _state(self) -> Path:
        return self.path / "services.json"


def write_private(path: Path, text: str) -> None:
    """Put a file in place whole, readable by its owner only."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.rename(path)


def make_passable(path: Path) -> list[Path]:
    """Let every user pass through the folders above `path` (search permission only, never reading); returns those that were closed before.

    Only for root, whose PostgreSQL runs as a user without rights: it couldn't reach its own files under, say, a /root of mode 0700.
    """
    opened = []
    for parent in path.resolve().parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
            opened.append(parent)
    return opened
