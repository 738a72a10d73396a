"""Who may see which entry: one rule, said in Python for renderers and in SQL for lists, and asked again whenever an old letter is read."""

from collections.abc import Callable
from itertools import product
from typing import Any

import orjson
import pytest

from domain.accounts.models import User
from domain.dex import queries, services
from domain.dex.fields import EntryChanges
from domain.dex.models import DexEntry, Visibility
from domain.errors import NotFound
from domain.social import services as social
from realtime.events import render_letters
from tests.domain.people import animal, befriend, catch, letters, someone

pytestmark = pytest.mark.django_db

Relation = Callable[[User, User], object]


def strangers(ada: User, bob: User) -> None:
    pass


def asked(ada: User, bob: User) -> None:
    social.request_friendship(ada, bob)


def rejected(ada: User, bob: User) -> None:
    social.respond(bob, social.request_friendship(ada, bob).id, "reject")


def blocked_by_owner(ada: User, bob: User) -> None:
    social.block(ada, bob)


def blocked_by_viewer(ada: User, bob: User) -> None:
    social.block(bob, ada)


def disabled(ada: User, bob: User) -> None:
    befriend(ada, bob)
    User.objects.filter(id=ada.id).update(is_active=False)


RELATIONS: list[Relation] = [strangers, asked, rejected, befriend, blocked_by_owner, blocked_by_viewer, disabled]
SEEN = {
    (strangers, Visibility.PUBLIC),
    (asked, Visibility.PUBLIC),
    (rejected, Visibility.PUBLIC),
    (befriend, Visibility.FRIENDS),
    (befriend, Visibility.PUBLIC),
}


@pytest.mark.parametrize(("relation", "visibility"), list(product(RELATIONS, Visibility)))
def test_the_rule_in_python_and_the_rule_in_sql_agree(relation: Relation, visibility: Visibility) -> None:
    ada, bob = someone("ada"), someone("bob")
    entry = catch(ada, animal(), visibility)
    relation(ada, bob)
    around = queries.circle(bob.id)
    expected = (relation, visibility) in SEEN
    assert around.may_see(DexEntry.objects.select_related("owner").get(id=entry.id)) is expected
    assert queries.visible_to(around).filter(id=entry.id).exists() is expected
    if expected:
        assert queries.entry(bob.id, entry.id).id == entry.id
    else:
        with pytest.raises(NotFound):
            queries.entry(bob.id, entry.id)


@pytest.mark.parametrize("visibility", list(Visibility))
def test_the_owner_sees_everything_of_their_own(visibility: Visibility) -> None:
    ada = someone("ada")
    entry = catch(ada, animal(), visibility)
    around = queries.circle(ada.id)
    assert around.may_see(entry)
    assert queries.visible_to(around).get().id == entry.id


def test_the_feed_has_what_friends_show_and_nothing_else() -> None:
    ada, bob, cyd = someone("ada"), someone("bob"), someone("cyd")
    befriend(ada, bob)
    shown = [catch(ada, animal(f"Ardea {name}"), visibility) for name, visibility in (("alba", "friends"), ("cinerea", "public"))]
    catch(ada, animal("Ardea purpurea"), Visibility.PRIVATE)
    catch(bob, animal("Ardea alba"))
    catch(cyd, animal("Ardea alba"), Visibility.PUBLIC)
    assert [entry.id for entry in queries.feed(bob.id, before=None, limit=10)] == [entry.id for entry in reversed(shown)]


def test_pages_of_the_feed_meet_without_overlap_or_hole() -> None:
    ada, bob = someone("ada"), someone("bob")
    befriend(ada, bob)
    made = [catch(ada, animal(f"Ardea species{letter}")) for letter in "abcdefg"]
    # All at one moment: only their ids tell them apart.
    DexEntry.objects.update(created_at=made[0].created_at)
    found: list[DexEntry] = []
    while page := queries.feed(bob.id, before=(found[-1].created_at, found[-1].id) if found else None, limit=3):
        found += page
    assert len(found) == 7
    assert {entry.id for entry in found} == {entry.id for entry in made}


def read_again(person: User) -> list[dict[str, Any]]:
    """Everything in somebody's mailbox, as it would be sent today."""
    return [orjson.loads(frame) for frame in render_letters(letters(person))]


def turns_private(ada: User, bob: User, entry: DexEntry) -> None:
    services.change_entry(ada, entry.id, EntryChanges(visibility=Visibility.PRIVATE))


def is_deleted(ada: User, bob: User, entry: DexEntry) -> None:
    services.delete_entry(ada, entry.id)


def parts(ada: User, bob: User, entry: DexEntry) -> None:
    social.unfriend(ada, user_id=bob.id)


def blocks(ada: User, bob: User, entry: DexEntry) -> None:
    social.block(ada, bob)


def account_is_disabled(ada: User, bob: User, entry: DexEntry) -> None:
    User.objects.filter(id=ada.id).update(is_active=False)


@pytest.mark.parametrize("end", [turns_private, is_deleted, parts, blocks, account_is_disabled])
def test_an_old_letter_about_what_may_no_longer_be_seen_says_that_it_is_gone(end: Callable[[User, User, DexEntry], None]) -> None:
    ada, bob = someone("ada"), someone("bob")
    befriend(ada, bob)
    entry = catch(ada, animal(), Visibility.FRIENDS)
    services.change_entry(ada, entry.id, EntryChanges(notes="secret from now on"))
    end(ada, bob, entry)
    told = read_again(bob)
    gone = {"entry_id": str(entry.id), "owner_id": str(ada.id)}
    assert [(each["seq"], each["type"], each["data"]) for each in told[:2]] == [
        (1, "feed.entry_removed", gone),
        (2, "feed.entry_removed", gone),
    ]
    assert "secret from now on" not in str(told)


def test_an_old_letter_shows_the_entry_as_it_is_today() -> None:
    ada, bob = someone("ada"), someone("bob")
    befriend(ada, bob)
    entry = catch(ada, animal(), Visibility.FRIENDS)
    services.change_entry(ada, entry.id, EntryChanges(notes="a heron after all"))
    added, changed = read_again(bob)
    assert (added["type"], changed["type"]) == ("feed.entry_added", "feed.entry_changed")
    assert added["data"]["entry"]["notes"] == "a heron after all"
    assert added["data"] == changed["data"]


def test_friends_learn_no_place() -> None:
    ada, bob = someone("ada"), someone("bob")
    befriend(ada, bob)
    entry = catch(ada, animal(), Visibility.FRIENDS)
    services.change_entry(
        ada, entry.id, EntryChanges.model_validate({"location_lat": "52.5", "location_lon": "13.4", "location_name": "Pond"})
    )
    for told in read_again(bob):
        shown = told["data"]["entry"]
        assert (shown["location_lat"], shown["location_lon"], shown["location_name"]) == (None, None, "")
        assert shown["source_vision_job"] is None
    assert read_again(ada)[0]["data"]["entry"]["location_name"] == "Pond"


def test_an_owner_hears_of_a_deleted_entry_only_that_it_is_deleted() -> None:
    ada = someone("ada")
    entry = catch(ada, animal())
    services.delete_entry(ada, entry.id)
    assert [(told["type"], told["data"]) for told in read_again(ada)] == [
        ("mailbox.withheld", {}),
        ("dex.entry_deleted", {"entry_id": str(entry.id)}),
    ]
