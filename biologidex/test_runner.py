"""`manage.py test [app ...] [--parallel [N]]`: hands the run to pytest; knows where an app's tests stand, not what they test."""

import argparse
import importlib
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
# Where the tests of an app, a room or an area may stand.
PLACES = ("domain/{label}", "{label}", "domain/test_{label}*.py", "journeys/test_{label}*.py")


class PytestRunner:
    """What Django's `test` command calls."""

    def __init__(self, *, verbosity: int = 1, failfast: bool = False, parallel: str = "", keyword: str = "", **options: Any) -> None:
        self._arguments = ["-q"] * (verbosity < 1) + ["-v"] * (verbosity > 1)
        self._arguments += ["--exitfirst"] * failfast
        self._arguments += ["-n", parallel] if parallel else []
        self._arguments += ["-k", keyword] if keyword else []

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--parallel", nargs="?", const="auto", default="", metavar="N", help="run in N processes; without N, one per core"
        )
        parser.add_argument("-k", dest="keyword", default="", help="run what matches this expression, as pytest's -k")

    def run_tests(self, test_labels: tuple[str, ...], **_: Any) -> int:
        """Runs the tests of these apps (all without); 0 where all passed."""
        # A development tool that production images don't have.
        pytest = importlib.import_module("pytest")
        paths = [path for label in test_labels for path in paths_of(label)]
        return int(pytest.main([f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml"), *self._arguments, *(paths or [str(TESTS)])]))


def paths_of(label: str) -> list[str]:
    """Where the tests of an app (`accounts`), a room (`realtime`), a module (`tests.house.test_code`) or a path stand.

    Raises:
        CommandError: there are none.
    """
    if (ROOT / label.partition("::")[0]).exists() and "/" in label:
        return [label]
    module = ROOT / (label.replace(".", "/") + ".py")
    if label.startswith("tests.") and module.exists():
        return [str(module)]
    name = label.removeprefix("domain.")
    found = [str(path) for place in PLACES for path in sorted(TESTS.glob(place.format(label=name)))]
    if not found:
        raise CommandError(f"There are no tests of {label}. Name an app such as accounts, a room such as realtime, or a path.")
    return found
