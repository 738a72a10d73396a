"""The bench itself is alive: its short form runs through and writes every row; what it measures is not asserted here."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"area", "work", "measure", "ours", "yardstick", "ratio", "must", "better"}


def bench(asked: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", asked]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_short_form_writes_a_row_for_each_piece_of_work(tmp_path: Path) -> None:
    done = bench("--short", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert {row["work"] for row in rows} == {"post one event to the mailboxes of 200 people", "ring one user's group from a worker"}
    assert all(row.keys() == KEYS and row["ours"] > 0 and row["yardstick"] > 0 for row in rows)


def test_an_unknown_area_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    done = bench("herons", folder=tmp_path)
    assert done.returncode == 2
    assert "There are: realtime." in done.stdout
