"""The pages for people: the API's documents and the admin, which load nothing from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from django.core.management import call_command

from realtime import operations
from tests.stack import Stack


class Assets(HTMLParser):
    """What a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("src") if tag in ("script", "img", "iframe", "source") else given.get("href") if tag == "link" else None
        if address:
            self.loaded.add(address)


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/", "/admin/login/"])
def test_a_page_loads_only_what_this_server_has(stack: Stack, path: str) -> None:
    with httpx.Client(base_url=stack.base_url, trust_env=False) as browser:
        page = browser.get(path)
        assert page.status_code == 200
        assets = Assets()
        assets.feed(page.text)
        loaded = {address for address in assets.loaded if not address.startswith("data:")}
        assert any("/static/" in address for address in loaded)
        for address in loaded:
            assert not urlsplit(address).netloc, address
            answer = browser.get(urljoin(path, address))
            assert answer.status_code == 200, address
        # Stylesheets and inline scripts don't reach elsewhere either.
        assert re.findall(r"""url\(\s*['"]?(?:https?:)?//|@import""", page.text) == []


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_a_document_forbids_its_scripts_to_load_from_elsewhere(stack: Stack, path: str) -> None:
    policy = httpx.get(stack.base_url + path, trust_env=False).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "://" not in policy


def test_the_schema_has_every_rest_door(stack: Stack) -> None:
    schema = httpx.get(f"{stack.base_url}/api/schema/", trust_env=False, timeout=30).json()
    assert schema["openapi"].startswith("3.")
    doors = {(method.upper(), path) for path, methods in schema["paths"].items() for method in methods}
    declared = {(route.method, f"/api/v1/{route.path}") for entry in operations.table().values() for route in entry.routes}
    assert declared <= doors


def test_the_schema_is_valid_openapi(tmp_path: Path) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_what_changes_something_without_a_token_is_few_and_known(stack: Stack) -> None:
    schema = httpx.get(f"{stack.base_url}/api/schema/", trust_env=False, timeout=30).json()
    open_doors = {
        path
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
        if method != "get" and told.get("security") in (None, [], [{}])
    }
    assert {path for path in open_doors if path.startswith("/api/v1/")} <= {
        "/api/v1/users/",
        "/api/v1/auth/login/",
        "/api/v1/auth/refresh/",
    }
