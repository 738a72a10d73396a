"""What the code of the rooms looks like: which way it imports, how long its pieces are, where it may catch everything."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT, calls, functions, lines_of, modules

MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 60
# Longer than the house likes, each with its reason and the length that it may not pass.
LONG_MODULES = {
    "consumers/session.py": ("one actor's state belongs into one class", 480),
}
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "core", "manager", "managers", "base", "shared", "tools"}
# Settings are named as Django projects name them.
DRAWERS_ALLOWED = {"biologidex/settings/base.py"}
CATCHES_EVERYTHING = {"consumers/session.py"}
PUBLISHERS = {"realtime/doorbell.py", "realtime/presence.py"}


def test_imports_go_down_only() -> None:
    checked = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", modules())
def test_a_module_is_short(path: str) -> None:
    assert lines_of(path) <= LONG_MODULES.get(path, ("", MOST_MODULE_LINES))[1]


def test_functions_are_short() -> None:
    long = {
        f"{path}:{function.name}" for path, function in functions() if (function.end_lineno or 0) - function.lineno >= MOST_FUNCTION_LINES
    }
    assert long == set()


def test_no_module_is_a_drawer() -> None:
    names = {path: {*Path(path).with_suffix("").parts} for path in modules()}
    assert {path for path, parts in names.items() if parts & DRAWERS} <= DRAWERS_ALLOWED


@pytest.mark.parametrize("path", modules())
def test_a_module_says_what_it_is_for(path: str) -> None:
    tree = modules()[path]
    assert not tree.body or ast.get_docstring(tree)


def test_everything_is_caught_only_where_a_socket_or_a_worker_must_live_on() -> None:
    catchers = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or "Exception" in ast.unparse(node.type).split("."))
    }
    assert {path for path in catchers if not path.endswith("/tasks.py")} <= CATCHES_EVERYTHING


def test_only_the_doorbell_and_presence_publish() -> None:
    publishing = {
        path
        for path, tree in modules().items()
        for name, _ in calls(tree)
        if name.rpartition(".")[2] in ("group_send", "publish", "spublish") and not name.startswith("doorbell.")
    }
    assert publishing <= PUBLISHERS


def test_the_domain_tells_and_nobody_above_it_does() -> None:
    tellers = {
        path for path, tree in modules().items() for name, _ in calls(tree) if name in ("mailbox.post", "mailbox.tell", "posting.post")
    }
    assert {path for path in tellers if not path.startswith(("domain/", "vision/"))} == set()


def test_nothing_is_drawn_from_a_weak_source_where_it_must_not_be_guessed() -> None:
    weak = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
        if name.name == "random"
    }
    assert {path for path in weak if path.startswith("domain/accounts")} == set()
