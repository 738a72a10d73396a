"""The embedded services: PostgreSQL and Redis start from nothing, keep what they are given and leave nothing running."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from biologidex.embedded import DataFolderInUseError, services
from biologidex.embedded.folder import DataFolder, RunningServices, make_passable
from biologidex.embedded.process import await_fact

NOTHING: dict[str, str] = {}
HOLDER = """
import sys
from biologidex.embedded import services
with services(sys.argv[1], durable=False, given={}):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path; pytest's own folders are closed to other users above it."""
    with tempfile.TemporaryDirectory(prefix="bdx-") as place:
        yield Path(place) / "data"


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has services running on the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.communicate()
    assert eventually(lambda: not processes_of(folder))


def processes_of(folder: Path) -> list[psutil.Process]:
    """The servers of the folder (they live in it), whoever started them."""
    return [process for process in psutil.process_iter(["cwd"]) if (process.info["cwd"] or "").startswith(f"{folder}/")]


def eventually(fact: Callable[[], bool]) -> bool:
    waiter = subprocess.Popen(["sleep", "20"])
    try:
        return await_fact(fact, child=waiter, timeout_s=15)
    finally:
        waiter.kill()
        waiter.wait()


def notes(environment: dict[str, str]) -> tuple[psycopg.Connection, redis.Redis]:
    connection = psycopg.connect(environment["DATABASE_URL"], autocommit=True)
    connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
    return connection, redis.Redis.from_url(environment["REDIS_URL"])


def test_services_answer_and_leave_no_process_behind(folder: Path) -> None:
    with services(folder, durable=False, given=NOTHING) as environment:
        connection, cache = notes(environment)
        assert connection.info.dbname == "biologidex"
        assert cache.ping()
        assert processes_of(folder)
        connection.close()
        cache.close()
    assert processes_of(folder) == []


def test_what_was_written_is_there_at_the_next_start(folder: Path) -> None:
    with services(folder, given=NOTHING) as first:
        connection, cache = notes(first)
        connection.execute("INSERT INTO note VALUES ('fox')")
        cache.set("note", "fox")
        connection.close()
        cache.close()
    with services(folder, given=NOTHING) as second:
        connection, cache = notes(second)
        assert connection.execute("SELECT text FROM note").fetchall() == [("fox",)]
        assert cache.get("note") == b"fox"
        assert second["SECRET_KEY"] == first["SECRET_KEY"]
        connection.close()
        cache.close()


def test_a_transaction_left_open_does_not_delay_the_stop(folder: Path) -> None:
    with services(folder, durable=False, given=NOTHING) as environment:
        connection = psycopg.connect(environment["DATABASE_URL"])
        connection.execute("SELECT 1")
    assert processes_of(folder) == []
    connection.close()


def test_a_second_use_is_refused_with_the_number_of_the_first(folder: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(DataFolderInUseError, match=f"in use by process {holder.pid}"), services(folder, durable=False, given=NOTHING):
        pass


def test_attaching_shares_the_services_that_run(folder: Path, holder: subprocess.Popen[str]) -> None:
    before = psutil.Process(holder.pid).children()
    ours = psutil.Process().children()
    with services(folder, attach=True, given=NOTHING) as environment:
        connection, cache = notes(environment)
        assert cache.ping()
        connection.close()
        cache.close()
    assert holder.poll() is None
    assert len(before) == 2
    assert psutil.Process(holder.pid).children() == before
    assert psutil.Process().children() == ours


def test_services_die_with_a_killed_starter_and_the_folder_is_free_again(folder: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with services(folder, durable=False, given=NOTHING) as environment:
        connection, cache = notes(environment)
        assert cache.ping()
        connection.close()
        cache.close()
    assert processes_of(folder) == []


def test_a_stale_pid_file_of_a_living_stranger_is_no_obstacle(folder: Path) -> None:
    with services(folder, durable=False, given=NOTHING):
        pass
    (folder / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{folder / 'postgres'}\n")
    with services(folder, durable=False, given=NOTHING) as environment:
        psycopg.connect(environment["DATABASE_URL"]).close()


@pytest.mark.parametrize("name", ["a folder with spaces", "käfer", "x" * 150, "comma, quote \" and 'tick"])
def test_any_folder_name_will_do(folder: Path, name: str) -> None:
    with services(folder / name, durable=False, given=NOTHING) as environment:
        connection, cache = notes(environment)
        assert cache.ping()
        connection.close()
        cache.close()


def test_a_given_url_is_used_as_it_is_and_nothing_started_for_it(folder: Path) -> None:
    given = {
        "DATABASE_URL": "postgresql://ada@db.invalid/dex",
        "REDIS_URL": "redis://cache.invalid/0",
        "SECRET_KEY": "k" * 60,
        "MEDIA_ROOT": "/elsewhere",
    }
    with services(folder, given=given) as environment:
        assert {name: environment[name] for name in given} == given
        assert processes_of(folder) == []
    assert not (folder / "postgres").exists()


def test_an_empty_url_counts_as_none(folder: Path) -> None:
    with services(folder, durable=False, given={"DATABASE_URL": "", "REDIS_URL": "redis://cache.invalid/0"}) as environment:
        psycopg.connect(environment["DATABASE_URL"]).close()


def test_secrets_are_long_and_private(folder: Path) -> None:
    with services(folder, durable=False, given=NOTHING) as environment:
        assert len(environment["SECRET_KEY"]) >= 50
        for name in ("secret_key", "redis_password", "services.json", "redis/redis.conf"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
        assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "media").stat().st_mode) == 0o700


def test_redis_answers_nobody_without_the_password(folder: Path) -> None:
    with services(folder, durable=False, given=NOTHING) as environment:
        stranger = redis.Redis.from_url("redis://" + environment["REDIS_URL"].rpartition("@")[2])
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        stranger.close()


def test_nothing_listens_beyond_this_machine(folder: Path) -> None:
    with services(folder, durable=False, given=NOTHING):
        listening = [
            connection.laddr.ip
            for process in processes_of(folder)
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]


def test_a_half_made_first_start_is_made_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with services(folder, durable=False, given=NOTHING) as environment:
        psycopg.connect(environment["DATABASE_URL"]).close()


def test_what_a_dead_process_announced_is_not_believed(folder: Path, holder: subprocess.Popen[str]) -> None:
    data = DataFolder.at(folder)
    running = data.running()
    assert running is not None
    data.announce(RunningServices(pid=holder.pid + 1, database_url=running.database_url, redis_url=running.redis_url))
    assert data.running() is None


def test_the_way_to_a_folder_is_opened_for_passing_only(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "data").mkdir()
    assert closed in make_passable(closed / "data")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    assert make_passable(closed / "data") == []


def test_a_management_command_runs_on_the_folder_and_gives_its_exit_code(folder: Path) -> None:
    command = [sys.executable, "-m", "biologidex.embedded", "manage", "--data-dir", str(folder), "--"]
    told = subprocess.run(
        [*command, "shell", "--no-imports", "-c", "import os; print(os.environ['DATA_DIR'])"], capture_output=True, text=True
    )
    assert told.stdout.strip().endswith(str(folder)), told.stderr
    refused = subprocess.run([*command, "no-such-command"], capture_output=True, text=True)
    assert refused.returncode != 0
    assert "no-such-command" in refused.stderr
    assert processes_of(folder) == []
