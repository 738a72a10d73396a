"""The documents: PROTOCOL.md is what the tables say, .env.example is what the settings read, and what the pages name exists."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import translation

from biologidex.demo.sample import sample_jpeg
from biologidex.protocol_document import document, error_codes, spoken_events
from graph.build import Diversity, Metadata, Node, Stats
from realtime import operations
from realtime.errors import Close
from realtime.events import WITHHELD
from tests.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "ARCHITECTURE.md", "DECISIONS.md", "CHANGELOG.md", "SECURITY.md", "PROTOCOL.md", "clients/python/README.md")
FILE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|toml|yaml|lock|txt|svg))`")
NAMED_IN = re.compile(r"`(\w+)` in\s+`([\w/]+\.py)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)?(#[\w-]+)?\)")
SETTING_WITH_DEFAULT = re.compile(r"`([A-Z][A-Z_]+)`, default ([^\s;)]+)")
EXAMPLE_LINE = re.compile(r"^#([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
READERS = {"str", "bool", "int", "float", "list", "db_url"}
HELPERS = {"redis_url", "rate", "required_secret"}
NOT_DJANGOS = {"DJANGO_SETTINGS_MODULE"}


def page(name: str) -> str:
    return (ROOT / name).read_text()


def settings_read() -> dict[str, list[str]]:
    """Every variable that the settings read, with its defaults as .env.example writes them ("?" for one that is computed)."""
    found: dict[str, list[str]] = {}
    for file in (ROOT / "biologidex" / "settings").glob("*.py"):
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            if reads_a_variable(call) and isinstance(call.args[0], ast.Constant):
                found.setdefault(str(call.args[0].value), []).append(default_of(call))
    return found


def reads_a_variable(call: ast.Call) -> bool:
    if not call.args:
        return False
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return (call.func.value.id == "env" and call.func.attr in READERS) or call.func.attr in HELPERS
    return isinstance(call.func, ast.Name) and call.func.id in HELPERS


def default_of(call: ast.Call) -> str:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "default"), call.args[1] if len(call.args) > 1 else None)
    if given is None or (isinstance(given, ast.List) and not given.elts):
        return ""
    return str(given.value) if isinstance(given, ast.Constant) else "?"


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(page("compose.yaml")))


# PROTOCOL.md


def test_the_protocol_page_is_what_make_docs_writes() -> None:
    assert page("PROTOCOL.md") == document(), "PROTOCOL.md is stale: make docs"


def test_every_operation_stands_in_the_protocol() -> None:
    missing = [name for name in operations.table() if f"#### `{name}`" not in document()]
    assert not missing


def test_every_route_stands_in_the_protocol() -> None:
    text = document()
    routes = [route for entry in operations.table().values() for route in entry.routes]
    assert not [route for route in routes if f"`{route.method} /api/v1/{route.path}`" not in text]


def test_every_event_stands_in_the_protocol() -> None:
    text = document()
    assert not [name for name in spoken_events() if f"### `{name}`" not in text]
    assert f"| `{WITHHELD}` |" in text


def test_every_error_code_stands_in_the_protocol_with_its_status() -> None:
    text = document()
    assert not [code for code in error_codes() if not re.search(rf"^\| `{re.escape(code)}` \| \d{{3}} \|", text, re.MULTILINE)]


def test_every_close_code_stands_in_the_protocol() -> None:
    text = document()
    assert not [close for close in Close if f"\n| {int(close)} |" not in text]


def test_every_number_of_the_graph_is_defined() -> None:
    text = document()
    keys = [key for kind in (Node, Stats, Diversity, Metadata) for key in kind.__annotations__]
    assert not [key for key in keys if f"| `{key}` |" not in text]


def test_every_operation_and_event_says_what_it_is() -> None:
    assert not [entry.name for entry in operations.table().values() if not entry.doc]
    assert not [event.name for event in spoken_events().values() if not event.doc]


def test_the_protocol_page_is_the_same_whatever_language_is_active() -> None:
    with translation.override("de"):
        assert document() == page("PROTOCOL.md")


# What pages name


@pytest.mark.parametrize("name", PAGES)
def test_files_and_links_that_a_page_names_exist(name: str) -> None:
    folder = (ROOT / name).parent
    links = {path for path, _anchor in LINK.findall(page(name)) if path and "://" not in path}
    assert not [path for path in links if not (folder / path).exists()]
    files = {path for path in FILE.findall(page(name)) if "/" in path}
    assert not [path for path in files if not (ROOT / path).exists()]


def test_anchors_within_the_protocol_lead_somewhere() -> None:
    text = page("PROTOCOL.md")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert not {anchor for path, anchor in LINK.findall(text) if anchor and not path} - anchors


def test_functions_and_classes_that_the_architecture_names_exist() -> None:
    named = NAMED_IN.findall(page("ARCHITECTURE.md"))
    assert len(named) > 20
    assert not [(thing, file) for thing, file in named if not re.search(rf"^\s*(def|class|async def) {thing}\b", page(file), re.MULTILINE)]


def test_every_dependency_has_a_line_in_the_decisions() -> None:
    project = tomllib.loads(page("pyproject.toml"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["embedded"],
        *project["dependency-groups"]["dev"],
    ]
    names = {re.split(r"[\[<>=]", each)[0] for each in wanted}
    text = page("DECISIONS.md")
    assert not [name for name in names if f"`{name}`" not in text]


@pytest.mark.parametrize("name", [*PAGES, "biologidex/protocol_prose.md"])
def test_defaults_that_a_page_tells_are_the_settings_defaults(name: str) -> None:
    known = settings_read()
    told = {setting: default.replace("_", "").rstrip(",.") for setting, default in SETTING_WITH_DEFAULT.findall(page(name))}
    assert not {setting: default for setting, default in told.items() if default not in known.get(setting, [])}


def test_the_python_of_the_readme_runs(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "grey_heron.jpg").write_bytes(sample_jpeg())
    code = re.findall(r"```python\n(.+?)```", page("README.md"), re.DOTALL)
    assert len(code) == 1
    done = subprocess.run(
        [sys.executable, "-c", code[0].replace("http://127.0.0.1:8000", stack.base_url)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "clients" / "python")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "Ardea cinerea", done.stderr


# .env.example


def test_every_setting_stands_in_the_example_and_no_other() -> None:
    told = [name for name, _ in EXAMPLE_LINE.findall(page(".env.example"))]
    assert len(told) == len(set(told))
    assert set(told) - NOT_DJANGOS == set(settings_read())


def test_the_example_tells_the_defaults() -> None:
    known = settings_read()
    for name, value in EXAMPLE_LINE.findall(page(".env.example")):
        defaults = [default.replace("_", "") if default.replace("_", "").isdigit() else default for default in known.get(name, [])]
        assert name in NOT_DJANGOS or value in defaults or (value == "" and "?" in defaults), f"{name}={value} is not {defaults}"


def test_the_example_has_no_secret() -> None:
    secret = re.compile(r"(SECRET|PASSWORD|API_KEY|DATABASE_URL|REDIS_URL|BROKER_URL)")
    assert not [name for name, value in EXAMPLE_LINE.findall(page(".env.example")) if secret.search(name) and value]


# The image and its services


def test_the_services_have_the_names_that_commands_use() -> None:
    assert set(compose()["services"]) == {"web", "db", "redis", "celery_worker", "celery_beat", "migrate"}


def test_every_lasting_service_is_watched_and_restarted() -> None:
    services = compose()["services"]
    for name in services.keys() - {"migrate"}:
        assert services[name]["restart"] == "unless-stopped"
        # The web service has the image's own.
        assert name == "web" or "test" in services[name]["healthcheck"]
        assert "container_name" not in services[name]
    assert "HEALTHCHECK" in page("Dockerfile")


def test_no_secret_of_the_services_has_a_default() -> None:
    text = page("compose.yaml")
    assert {"SECRET_KEY", "DB_PASSWORD", "REDIS_PASSWORD", "ALLOWED_HOSTS"} == set(re.findall(r"\$\{(\w+):\?", text))
    environment = [line for service in compose()["services"].values() for line in service.get("environment", {}).items()]
    assert not [name for name, value in environment if re.search("SECRET|PASSWORD|AUTH", name) and not str(value).startswith("${")]


def test_the_image_installs_the_lock_alone_and_runs_as_nobody_special() -> None:
    text = page("Dockerfile")
    assert set(re.findall(r"requirements[\w-]*\.lock", text)) == {"requirements.lock"}
    assert "--require-hashes" in text
    assert re.search(r"^USER biologidex$", text, re.MULTILINE)
    copied = re.findall(r"^COPY (?!--)(\S+) ", text, re.MULTILINE)
    assert not [path for path in copied if not (ROOT / path).exists()]
    allowed = {line.removeprefix("!") for line in page(".dockerignore").splitlines() if line.startswith("!")}
    assert set(copied) == allowed


def test_the_image_has_every_room_that_imports_need() -> None:
    rooms = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["root_packages"]
    assert not [room for room in rooms if f"COPY {room}/ {room}/" not in page("Dockerfile")]


def test_the_healthcheck_tells_a_server_that_is_ready_from_none(stack: Stack) -> None:
    def check(port: str) -> int:
        command = [sys.executable, str(ROOT / "deploy" / "healthcheck.py"), "--port", port]
        return subprocess.run(command, env={"ALLOWED_HOSTS": "localhost"}, check=False, timeout=20).returncode

    assert check(stack.base_url.rpartition(":")[2]) == 0
    assert check("1") == 1
