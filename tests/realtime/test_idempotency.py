"""A key's effect happens once, whatever happens at the same time; on real PostgreSQL with a connection for each thread."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from domain.accounts.models import User
from domain.errors import Busy, KeyReused, NotFound
from realtime import idempotency
from realtime.idempotency import Refs, fingerprint, once
from realtime.models import IdempotencyKey

pytestmark = pytest.mark.django_db(transaction=True)


def person() -> User:
    name = f"user_{uuid.uuid4().hex[:8]}"
    return User.objects.create_user(username=name, email=f"{name}@example.org", password="x")


class Effect:
    """Counts how often it happened; an account made by it shows whether it lasted."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.happened = 0
        self._meanwhile = meanwhile

    def __call__(self) -> Refs:
        self.happened += 1
        made = person()
        self._meanwhile()
        return {"made": str(made.id)}


def in_thread(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connections.close_all()


def test_the_same_key_gets_the_first_answer_and_nothing_happens_twice() -> None:
    user, effect = person(), Effect()
    first = once(user.id, "key", "asked", effect)
    assert once(user.id, "key", "asked", effect) == first
    assert effect.happened == 1


def test_another_body_under_the_same_key_is_refused() -> None:
    user, effect = person(), Effect()
    once(user.id, "key", "asked", effect)
    with pytest.raises(KeyReused):
        once(user.id, "key", "asked something else", effect)
    assert effect.happened == 1


def test_two_people_may_use_the_same_key() -> None:
    effect = Effect()
    assert once(person().id, "key", "asked", effect) != once(person().id, "key", "asked", effect)


def test_what_failed_is_not_kept() -> None:
    user = person()

    def fails() -> Refs:
        person()
        raise NotFound

    people = User.objects.count()
    with pytest.raises(NotFound):
        once(user.id, "key", "asked", fails)
    assert User.objects.count() == people
    assert not IdempotencyKey.objects.exists()
    effect = Effect()
    once(user.id, "key", "asked", effect)
    assert effect.happened == 1


def test_a_key_is_forgotten_after_its_day() -> None:
    user, effect = person(), Effect()
    once(user.id, "key", "asked", effect)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    once(user.id, "key", "asked something else", effect)
    assert effect.happened == 2
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    idempotency.prune_keys()
    assert not IdempotencyKey.objects.exists()


def test_twenty_twins_at_once_have_one_effect_and_one_answer() -> None:
    user, effect, start = person(), Effect(), threading.Barrier(20)

    def twin() -> Refs:
        start.wait(timeout=10)
        return once(user.id, "key", "asked", effect)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: in_thread(twin), range(20)))
    assert len({answer["made"] for answer in answers}) == 1
    assert User.objects.filter(id=answers[0]["made"]).count() == 1
    assert effect.happened == 1


def test_a_twin_goes_on_where_the_first_one_failed() -> None:
    user, under_way, go_on = person(), threading.Event(), threading.Event()

    def fails() -> Refs:
        under_way.set()
        go_on.wait(timeout=10)
        raise NotFound

    effect = Effect()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(in_thread, lambda: once(user.id, "key", "asked", fails))
        assert under_way.wait(timeout=10)
        second = pool.submit(in_thread, lambda: once(user.id, "key", "asked", effect))
        go_on.set()
        assert isinstance(first.exception(timeout=10), NotFound)
        assert "made" in second.result(timeout=10)
    assert effect.happened == 1


def test_a_twin_that_waited_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "WAIT_MS", 100)
    user, under_way, go_on = person(), threading.Event(), threading.Event()

    def lasts() -> None:
        under_way.set()
        go_on.wait(timeout=10)

    effect = Effect(lasts)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_thread, lambda: once(user.id, "key", "asked", effect))
        assert under_way.wait(timeout=10)
        with pytest.raises(Busy) as refused:
            once(user.id, "key", "asked", effect)
        go_on.set()
        answer = first.result(timeout=10)
    assert refused.value.retry_after
    assert once(user.id, "key", "asked", effect) == answer
    assert effect.happened == 1


def test_a_fingerprint_is_of_the_operation_and_its_data_in_any_order() -> None:
    assert fingerprint("a.b", {"x": 1, "y": [2]}) == fingerprint("a.b", {"y": [2], "x": 1})
    assert len({fingerprint("a.b", {"x": 1}), fingerprint("a.c", {"x": 1}), fingerprint("a.b", {"x": "1"}), fingerprint("a.b", {})}) == 4
