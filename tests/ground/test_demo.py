"""`manage.py demo`: plays the main job on a stack of its own, says what to do where it can't, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.stack import wait_for

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MEDIA_ROOT", "LOG_DIR", "DATA_DIR", "OPENAI_API_KEY", "OPENAI_BASE_URL")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in GIVEN},
    "DJANGO_SETTINGS_MODULE": "biologidex.settings.development",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bdx-") as place:
        yield Path(place)


def photo(folder: Path, name: str) -> Path:
    path = folder / name
    Image.effect_noise((640, 480), 60).convert("RGB").save(path, quality=85)
    return path


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "demo", "--data-dir", str(folder / "data"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


def processes_of(folder: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(process.info["cmdline"] or ())]


def test_a_photo_named_for_its_species_is_caught_and_seen_by_a_friend(folder: Path) -> None:
    played = demo(folder, "--photo", str(photo(folder, "IMG_0042_red-fox.jpg")))
    assert played.returncode == 0, played.stdout + played.stderr
    for said in ("Red fox (Vulpes vulpes) is in her dex", "feed: 0 -> 1 entries", "How long each step took", "make up", "/api/docs/"):
        assert said in played.stdout
    assert "\x1b" not in played.stdout
    assert processes_of(folder) == []


def test_a_photo_that_says_nothing_ends_with_advice(folder: Path) -> None:
    played = demo(folder, "--photo", str(photo(folder, "IMG_0042.jpg")))
    assert played.returncode == 1
    assert "name the file after the species" in played.stdout + played.stderr


def test_a_photo_that_is_not_there_is_said_at_once(folder: Path) -> None:
    played = demo(folder, "--photo", str(folder / "nowhere.jpg"))
    assert played.returncode == 1
    assert "nowhere.jpg" in played.stdout + played.stderr


def test_a_killed_demo_leaves_no_process_behind(folder: Path) -> None:
    command = [sys.executable, "manage.py", "demo", "--data-dir", str(folder / "data")]
    playing = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: any("postgres" in process.name() for process in processes_of(folder)), what="the demo's PostgreSQL")
    playing.send_signal(signal.SIGKILL)
    playing.wait()
    wait_for(lambda: processes_of(folder) == [], what="all of its processes to end", timeout_s=20)
