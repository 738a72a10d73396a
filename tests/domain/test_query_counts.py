"""Lists take the same few queries for three rows and for thirty."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consumers.dex import EntriesOf, list_entries
from consumers.feed import list_feed
from consumers.friends import list_blocked, list_friends, list_pending
from consumers.wire import Page
from domain.accounts.models import User
from domain.social import services as social
from graph.services import snapshot
from realtime.events import render_letters
from realtime.operations import Caller, Nothing
from tests.domain.people import animal, befriend, catch, letters, someone

LISTS: dict[str, Callable[[Caller], object]] = {
    "friends.list": lambda caller: list_friends(caller, Nothing()),
    "friends.pending": lambda caller: list_pending(caller, Nothing()),
    "friends.blocked": lambda caller: list_blocked(caller, Nothing()),
    "feed.list": lambda caller: list_feed(caller, Page()),
    "dex.list": lambda caller: list_entries(caller, EntriesOf()),
    "graph": lambda caller: snapshot(caller.person.id),
    "letters": lambda caller: render_letters(letters(caller.person)),
}


def rows_for(viewer: User, *, first: int, last: int) -> None:
    """Friends with an entry each, requests, blocked people, own entries and the letters of it all: one of each for every number."""
    for number in range(first, last):
        friend = someone("friend")
        befriend(viewer, friend)
        species = animal(f"Ardea species{chr(97 + number // 26)}{chr(97 + number % 26)}")
        catch(friend, species)
        catch(viewer, species)
        social.request_friendship(someone("asker"), viewer)
        social.block(viewer, someone("blocked"))


def queries_of(work: Callable[[Caller], object], viewer: User) -> int:
    with CaptureQueriesContext(connection) as captured:
        work(Caller(user=viewer))
    return len(captured)


@pytest.mark.django_db(transaction=True)
def test_no_list_asks_once_for_each_row() -> None:
    viewer = someone("viewer")
    rows_for(viewer, first=0, last=3)
    few = {name: queries_of(work, viewer) for name, work in LISTS.items()}
    rows_for(viewer, first=3, last=30)
    many = {name: queries_of(work, viewer) for name, work in LISTS.items()}
    assert many == few
    assert max(many.values()) <= 8, many
