"""The way in: who may ask, in which shape, how often, and what a key does. With a table of its own."""

import uuid
from typing import Annotated

import pytest
from django.db import OperationalError
from psycopg.errors import DeadlockDetected
from pydantic import Field

from domain.accounts.models import User
from domain.errors import AuthRequired, Busy, Invalid, KeyReused, NotFound, PermissionDenied, RateLimited, UnknownType
from realtime import operations
from realtime.idempotency import Refs
from realtime.operations import Access, Answer, Caller, Nothing, Shape, operation, perform

pytestmark = pytest.mark.django_db


class Inner(Shape):
    n: int


class Sighting(Shape):
    """What a test says."""

    name: Annotated[str, Field(max_length=10)]
    inner: list[Inner] = []


class Heard(Answer):
    """What a test is answered."""

    text: str


@pytest.fixture(autouse=True)
def _own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_table", {})


@pytest.fixture
def ada() -> Caller:
    name = f"ada_{uuid.uuid4().hex[:8]}"
    return Caller(user=User.objects.create_user(username=name, email=f"{name}@example.org", password="x"))


def echo(caller: Caller, data: Sighting) -> Heard:
    """Answers the name."""
    return Heard(text=data.name)


def show_user(caller: Caller, refs: Refs) -> Heard:
    return Heard(text=User.objects.get(id=str(refs["id"])).bio)


def write_bio(caller: Caller, data: Sighting) -> Refs:
    """Adds to the bio."""
    user = caller.person
    user.bio += data.name
    user.save(update_fields=["bio"])
    if data.name == "fail":
        raise NotFound
    return {"id": str(user.id)}


def test_an_operation_answers(ada: Caller) -> None:
    operation("test.echo")(echo)
    assert perform("test.echo", ada, {"name": "heron"}) == Heard(text="heron")


def test_a_name_that_is_not_in_the_table_is_unknown(ada: Caller) -> None:
    with pytest.raises(UnknownType):
        perform("test.echo", ada, {})


def test_a_name_is_declared_once() -> None:
    operation("test.echo")(echo)
    with pytest.raises(ValueError, match="twice"):
        operation("test.echo")(echo)


def test_what_only_a_session_can_do_cannot_be_performed(ada: Caller) -> None:
    operations.declare_in_session("test.session", data=Nothing, answer=Heard, doc="")
    with pytest.raises(UnknownType):
        perform("test.session", ada, {})


def test_a_stranger_is_refused_before_their_data_are_looked_at() -> None:
    operation("test.echo")(echo)
    with pytest.raises(AuthRequired):
        perform("test.echo", Caller(), {"nonsense": 1})


def test_anybody_may_ask_what_is_for_anybody() -> None:
    operation("test.echo", access=Access.ANYBODY)(echo)
    assert perform("test.echo", Caller(address="192.0.2.7"), {"name": "heron"}) == Heard(text="heron")


def test_what_is_for_staff_is_refused_to_others(ada: Caller) -> None:
    operation("test.echo", access=Access.STAFF)(echo)
    with pytest.raises(PermissionDenied):
        perform("test.echo", ada, {"name": "heron"})
    ada.person.is_staff = True
    assert perform("test.echo", ada, {"name": "heron"}) == Heard(text="heron")


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({}, {"name"}),
        ({"name": "heron", "nmae": 1}, {"nmae"}),
        ({"nmae": "heron"}, {"name", "nmae"}),
        ({"name": 7}, {"name"}),
        ({"name": "x" * 11}, {"name"}),
        ({"name": "heron", "inner": [{"n": 1}, {"n": "x"}]}, {"inner.1.n"}),
        ({"name": "heron", "inner": [{"n": 1, "m": 2}]}, {"inner.0.m"}),
        ({"name": "he\x00ron"}, {"name"}),
        ({"name": "heron", "inner": [{"n": 1}, {"n": "\x00"}]}, {"inner.1.n"}),
        ({"na\x00me": "heron"}, {"data"}),
    ],
)
def test_data_of_another_shape_are_refused_by_the_paths_of_their_fields(ada: Caller, data: dict[str, object], paths: set[str]) -> None:
    operation("test.echo")(echo)
    with pytest.raises(Invalid) as refused:
        perform("test.echo", ada, data)
    assert set(refused.value.fields) == paths
    assert all(messages and all(isinstance(message, str) for message in messages) for messages in refused.value.fields.values())


def test_complaints_do_not_repeat_what_was_sent(ada: Caller) -> None:
    operation("test.echo")(echo)
    with pytest.raises(Invalid) as refused:
        perform("test.echo", ada, {"name": {"password": "hunter2-hunter2"}})
    assert "hunter2" not in str(refused.value.fields)


def test_who_asks_too_often_is_refused_each_person_for_themselves(ada: Caller) -> None:
    operation(f"test.{uuid.uuid4().hex}", rate="1/hour")(echo)
    name = next(iter(operations.table()))
    perform(name, ada, {"name": "heron"})
    with pytest.raises(RateLimited) as refused:
        perform(name, ada, {"name": "heron"})
    assert refused.value.retry_after
    other = User.objects.create_user(username="bob_limits", email="bob_limits@example.org", password="x")
    perform(name, Caller(user=other), {"name": "heron"})


def test_a_key_makes_a_change_happen_once(ada: Caller) -> None:
    operation("test.write", changes=True, render=show_user)(write_bio)
    assert perform("test.write", ada, {"name": "a"}, key="k").model_dump() == {"text": "a"}
    assert perform("test.write", ada, {"name": "a"}, key="k").model_dump() == {"text": "a"}
    assert perform("test.write", ada, {"name": "a"}, key="other").model_dump() == {"text": "aa"}
    with pytest.raises(KeyReused):
        perform("test.write", ada, {"name": "b"}, key="k")


def test_what_was_kept_is_shown_as_it_is_today(ada: Caller) -> None:
    operation("test.write", changes=True, render=show_user)(write_bio)
    perform("test.write", ada, {"name": "a"}, key="k")
    User.objects.filter(id=ada.person.id).update(bio="today")
    assert perform("test.write", ada, {"name": "a"}, key="k").model_dump() == {"text": "today"}


def test_the_same_key_for_another_operation_is_refused(ada: Caller) -> None:
    operation("test.write", changes=True, render=show_user)(write_bio)
    operation("test.write_too", changes=True, render=show_user)(write_bio)
    perform("test.write", ada, {"name": "a"}, key="k")
    with pytest.raises(KeyReused):
        perform("test.write_too", ada, {"name": "a"}, key="k")


def test_a_refusal_is_not_kept(ada: Caller) -> None:
    operation("test.write", changes=True, render=show_user)(write_bio)
    with pytest.raises(NotFound):
        perform("test.write", ada, {"name": "fail"}, key="k")
    assert User.objects.get(id=ada.person.id).bio == ""
    ada.person.refresh_from_db()
    assert perform("test.write", ada, {"name": "a"}, key="k").model_dump() == {"text": "a"}


def test_a_key_means_nothing_to_what_only_reads(ada: Caller) -> None:
    operation("test.echo")(echo)
    perform("test.echo", ada, {"name": "a"}, key="k")
    assert perform("test.echo", ada, {"name": "b"}, key="k") == Heard(text="b")


def test_others_in_the_way_make_it_busy(ada: Caller) -> None:
    def deadlocks(caller: Caller, data: Nothing) -> Heard:
        raise OperationalError("deadlock detected") from DeadlockDetected()

    operation("test.deadlock")(deadlocks)
    with pytest.raises(Busy):
        perform("test.deadlock", ada, {})
