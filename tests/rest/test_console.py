"""The page at `/`: every link leads somewhere on this very server, and nothing comes from elsewhere."""

import re

import httpx

from tests.stack import Stack


def test_the_page_links_only_to_what_answers_here(stack: Stack) -> None:
    page = httpx.get(stack.base_url + "/", trust_env=False)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(links) >= 7
    assert all(link.startswith("/") for link in links)
    for link in links:
        assert httpx.get(stack.base_url + link, trust_env=False, follow_redirects=True, timeout=20).status_code == 200, link


def test_the_page_names_the_socket(stack: Stack) -> None:
    page = httpx.get(stack.base_url + "/", trust_env=False)
    assert stack.base_url.replace("http://", "ws://") + "/ws/v1/" in page.text
