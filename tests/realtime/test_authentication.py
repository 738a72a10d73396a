"""What a handshake says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.authentication import LEAST_MAX_FRAME, MOST_MAX_FRAME, ResumePoint, read_handshake, read_language, read_resume


def scope(*, subprotocols: tuple[str, ...] = (), query: str = "", **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode("latin1")) for name, value in headers.items()]
    return {"headers": named, "subprotocols": list(subprotocols), "query_string": query.encode(), "client": ("192.0.2.1", 5)}


def test_the_token_comes_by_header_or_by_subprotocol_and_never_by_the_query_string() -> None:
    assert read_handshake(scope(authorization="Bearer abc")).token == "abc"
    assert read_handshake(scope(authorization="bearer abc")).token == "abc"
    assert read_handshake(scope(subprotocols=("biologidex.v1", "bearer.abc"))).token == "abc"
    assert read_handshake(scope(query="token=abc&access_token=abc&bearer=abc")).token == ""
    assert read_handshake(scope(authorization="Basic abc")).token == ""


def test_the_subprotocol_answered_is_ours_and_never_the_token() -> None:
    assert read_handshake(scope(subprotocols=("bearer.abc", "biologidex.v1"))).subprotocol == "biologidex.v1"
    assert read_handshake(scope()).subprotocol is None


@pytest.mark.parametrize(
    ("offered", "ours"),
    [((), True), (("biologidex.v1",), True), (("graphql", "biologidex.v1"), True), (("graphql",), False), (("bearer.abc",), False)],
)
def test_who_offers_subprotocols_must_offer_ours(offered: tuple[str, ...], ours: bool) -> None:
    assert read_handshake(scope(subprotocols=offered)).speaks_ours is ours


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.org", True),
        ("https://dex.example.org", True),
        ("https://dex.example.org:444", False),
        ("https://evil.example", False),
        ("https://dex.example.org.evil.example", False),
        ("null", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_an_origin_must_be_listed_or_be_this_server(settings: Any, origin: str, allowed: bool) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    settings.ALLOWED_HOSTS = ["dex.example.org"]
    assert read_handshake(scope(origin=origin, host="dex.example.org")).origin_allowed is allowed


def test_a_host_that_is_not_this_servers_makes_no_origin_its_own(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["dex.example.org"]
    assert not read_handshake(scope(origin="https://evil.example", host="evil.example")).origin_allowed


def test_no_origin_comes_from_no_browser_and_is_fine() -> None:
    assert read_handshake(scope(host="dex.example.org")).origin_allowed


@given(st.text(max_size=20))
def test_any_max_frame_is_within_its_bounds(text: str) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    assert LEAST_MAX_FRAME <= read_handshake(scope(query=f"max_frame={quote(text)}")).max_frame <= MOST_MAX_FRAME


@pytest.mark.parametrize(("text", "size"), [("1", 60_000), ("100000", 100_000), ("9999999", 1_048_576), ("-1", 60_000), ("x", 60_000)])
def test_max_frame_is_what_was_asked_within_its_bounds(text: str, size: int) -> None:
    assert read_handshake(scope(query=f"max_frame={text}")).max_frame == size


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("", None),
        ("k3v9.1042", ResumePoint("k3v9", 1042)),
        ("k3v9.0", ResumePoint("k3v9", 0)),
        ("k3v9", ResumePoint("", 0)),
        ("k3v9.", ResumePoint("", 0)),
        ("k3v9.-1", ResumePoint("", 0)),
        ("k3v9.1e3", ResumePoint("", 0)),
        ("k3v9.99999999999999999999", ResumePoint("", 0)),
        ("k3v9.\u0663", ResumePoint("", 0)),
    ],
)
def test_a_point_to_resume_at_is_an_epoch_and_a_number(text: str, point: ResumePoint | None) -> None:
    assert read_resume(text) == point


@given(st.binary(max_size=300))
def test_any_query_string_is_read(query: bytes) -> None:
    read_handshake({**scope(), "query_string": query})


def test_a_query_string_with_many_fields_is_read() -> None:
    assert read_handshake(scope(query="&".join(f"a{n}=1" for n in range(500)) + "&max_frame=70000")).max_frame == 70_000


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de", "de"), ("de-AT,en;q=0.5", "de"), ("fr, de;q=0.4", "de"), ("fr", "en"), ("", "en"), ("*", "en"), (";;", "en")],
)
def test_the_language_is_the_first_accepted_one_that_there_is(accepted: str, language: str) -> None:
    assert read_language(accepted) == language
