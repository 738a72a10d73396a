"""How often somebody may ask, counted in a real Redis."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from domain.errors import RateLimited
from realtime import limits
from realtime.limits import Rate


@pytest.fixture(autouse=True)
def _rates_are_read_afresh() -> Iterator[None]:
    limits.rate_of.cache_clear()
    yield
    limits.rate_of.cache_clear()


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/hour", Rate(100, 3600)),
        ("5/m", Rate(5, 60)),
        ("1/day", Rate(1, 86_400)),
        (" 2 / sec ", Rate(2, 1)),
        ("0/hour", Rate(0, 3600)),
        ("", None),
        ("  ", None),
    ],
)
def test_a_rate_is_written_as_in_rest_framework(text: str, rate: Rate | None) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["100", "x/hour", "100/fortnight", "-1/hour", "100 per hour"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no rate"):
        Rate.parse(text)


def test_a_setting_wins_over_what_is_declared_and_empty_is_no_limit(settings: Any) -> None:
    settings.OPERATION_RATES = {"THROTTLE_A_B_RATE": "2/m", "THROTTLE_A_C_RATE": ""}
    assert limits.rate_of("a.b", "9/m") == Rate(2, 60)
    assert limits.rate_of("a.c", "9/m") is None
    assert limits.rate_of("a.d", "9/m") == Rate(9, 60)


def test_so_many_may_come_at_once_and_the_next_is_told_when_to_come_back() -> None:
    who = uuid.uuid4().hex
    for _ in range(3):
        limits.take(who, "test.burst", "3/hour")
    with pytest.raises(RateLimited) as refused:
        limits.take(who, "test.burst", "3/hour")
    assert refused.value.retry_after == pytest.approx(1200, abs=2)
    limits.take(uuid.uuid4().hex, "test.burst", "3/hour")
    limits.take(who, "test.other", "3/hour")


def test_who_waits_as_long_as_told_may_ask_again() -> None:
    who = uuid.uuid4().hex
    for _ in range(20):
        limits.take(who, "test.wait", "20/s")
    with pytest.raises(RateLimited) as refused:
        limits.take(who, "test.wait", "20/s")
    assert refused.value.retry_after is not None
    until = time.monotonic() + refused.value.retry_after
    while time.monotonic() < until:
        pass
    limits.take(who, "test.wait", "20/s")


def test_a_rate_of_nothing_refuses_everything() -> None:
    with pytest.raises(RateLimited):
        limits.take(uuid.uuid4().hex, "test.none", "0/hour")
