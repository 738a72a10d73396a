"""Entries are made once a day, counted right, and told to exactly those who may see them."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from pydantic import ValidationError

from domain.accounts.models import User, UserProfile
from domain.animals.models import Animal
from domain.dex import services
from domain.dex.fields import EntryChanges, EntryFields
from domain.dex.models import DexEntry, Tombstone, Visibility
from domain.errors import Conflict, NotFound
from domain.social import services as social
from tests.domain.people import DAY, animal, at_once, befriend, catch, head, kinds, letters, someone


@pytest.fixture
def ada(db: None) -> User:
    return someone("ada")


@pytest.fixture
def bob(ada: User) -> User:
    friend = someone("bob")
    befriend(friend, ada)
    return friend


@pytest.fixture
def cyd(ada: User) -> User:
    return someone("cyd")


@pytest.fixture
def heron(db: None) -> Animal:
    return animal("Ardea cinerea")


@pytest.fixture
def egret(db: None) -> Animal:
    return animal("Egretta garzetta")


def counts(person: User) -> tuple[int, int]:
    return UserProfile.objects.values_list("total_catches", "unique_species").get(user=person)


def changed(owner: User, entry: DexEntry, **changes: object) -> DexEntry:
    return services.change_entry(owner, entry.id, EntryChanges.model_validate(changes))


def test_the_same_catch_twice_is_one_entry_that_stays_as_it_is(ada: User, heron: Animal) -> None:
    first = services.record_catch(ada, heron, EntryFields(catch_date=DAY, notes="first"))
    again = services.record_catch(ada, heron, EntryFields(catch_date=DAY, notes="again"))
    assert (first.new_entry, first.new_for_owner) == (True, True)
    assert (again.new_entry, again.new_for_owner) == (False, False)
    assert (again.entry.id, again.entry.notes) == (first.entry.id, "first")
    assert kinds(ada) == ["dex.entry_created"]
    assert counts(ada) == (1, 1)


def test_counts_follow_catches_edits_and_deletions(ada: User, heron: Animal, egret: Animal) -> None:
    first = catch(ada, heron)
    catch(ada, heron, day=DAY - timedelta(days=1))
    assert counts(ada) == (2, 1)
    services.change_entry(ada, first.id, EntryChanges(), animal=egret)
    assert counts(ada) == (2, 2)
    services.delete_entry(ada, first.id)
    assert counts(ada) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_counts_are_right_when_one_person_catches_many_at_once() -> None:
    ada = someone("ada")
    species = [animal(f"Ardea species{letter}") for letter in "abcdefgh"]
    works: list[Callable[[], object]] = [lambda caught=caught: catch(ada, caught) for caught in species * 2]  # type: ignore[misc]
    assert not [result for result in at_once(works) if isinstance(result, Exception)]
    assert counts(ada) == (8, 8)
    assert DexEntry.objects.filter(owner=ada).count() == 8
    assert kinds(ada) == ["dex.entry_created"] * 8


@pytest.mark.parametrize("visibility", [Visibility.FRIENDS, Visibility.PUBLIC])
def test_friends_hear_of_what_they_may_see_and_strangers_of_nothing(
    ada: User, bob: User, cyd: User, heron: Animal, visibility: Visibility
) -> None:
    entry = catch(ada, heron, visibility)
    assert kinds(ada) == ["dex.entry_created"]
    assert [(letter.kind, letter.refs) for letter in letters(bob)] == [
        ("feed.entry_added", {"entry_id": str(entry.id), "owner_id": str(ada.id)})
    ]
    assert kinds(cyd) == []


def test_a_private_entry_reaches_nobody(ada: User, bob: User, cyd: User, heron: Animal) -> None:
    entry = catch(ada, heron, Visibility.PRIVATE)
    changed(ada, entry, notes="still mine")
    services.delete_entry(ada, entry.id)
    assert kinds(ada) == ["dex.entry_created", "dex.entry_updated", "dex.entry_deleted"]
    assert kinds(bob) == kinds(cyd) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Visibility.PRIVATE, Visibility.FRIENDS, ["feed.entry_added"]),
        (Visibility.PRIVATE, Visibility.PUBLIC, ["feed.entry_added"]),
        (Visibility.FRIENDS, Visibility.PRIVATE, ["feed.entry_removed"]),
        (Visibility.PUBLIC, Visibility.PRIVATE, ["feed.entry_removed"]),
        (Visibility.FRIENDS, Visibility.PUBLIC, ["feed.entry_changed"]),
        (Visibility.PUBLIC, Visibility.FRIENDS, ["feed.entry_changed"]),
    ],
)
def test_a_change_of_visibility_is_told_as_what_it_is_to_a_friend(
    ada: User, bob: User, heron: Animal, before: Visibility, after: Visibility, told: list[str]
) -> None:
    entry = catch(ada, heron, before)
    since = head(bob)
    changed(ada, entry, visibility=after)
    assert kinds(bob, after=since) == told


def test_a_deleted_entry_leaves_a_tombstone_and_goes_from_friends_feeds(ada: User, bob: User, heron: Animal) -> None:
    entry = catch(ada, heron)
    services.delete_entry(ada, entry.id)
    assert Tombstone.objects.filter(owner=ada, entry_id=entry.id).exists()
    assert [(letter.kind, letter.refs) for letter in letters(bob)][1:] == [
        ("feed.entry_removed", {"entry_id": str(entry.id), "owner_id": str(ada.id)})
    ]
    with pytest.raises(NotFound):
        services.delete_entry(ada, entry.id)


def test_nobody_changes_or_deletes_what_is_anothers(ada: User, bob: User, heron: Animal) -> None:
    entry = catch(ada, heron, Visibility.PUBLIC)
    with pytest.raises(NotFound):
        changed(bob, entry, notes="mine now")
    with pytest.raises(NotFound):
        services.delete_entry(bob, entry.id)
    assert kinds(ada) == ["dex.entry_created"]


def test_an_edit_that_would_make_a_twin_is_a_conflict_and_changes_nothing(ada: User, heron: Animal, egret: Animal) -> None:
    catch(ada, heron)
    entry = catch(ada, egret)
    with pytest.raises(Conflict):
        services.change_entry(ada, entry.id, EntryChanges(), animal=heron)
    assert DexEntry.objects.get(id=entry.id).animal_id == egret.id
    assert kinds(ada) == ["dex.entry_created"] * 2


def test_null_leaves_a_field_as_it_is_and_takes_a_place_away(ada: User, heron: Animal) -> None:
    entry = catch(ada, heron)
    changed(ada, entry, notes="by the pond", location_lat="52.5", location_lon="13.4")
    nothing = dict.fromkeys(("notes", "visibility", "catch_date", "location_name", "location_precision", "is_favorite", "customizations"))
    changed(ada, entry, **nothing)
    kept = DexEntry.objects.get(id=entry.id)
    assert (kept.notes, kept.visibility, kept.catch_date) == ("by the pond", Visibility.FRIENDS, DAY)
    assert kept.get_location_coords() == (Decimal("52.5"), Decimal("13.4"))
    changed(ada, entry, location_lat=None)
    assert DexEntry.objects.get(id=entry.id).get_location_coords() is None


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize(
    "bad",
    [
        {"customizations": {"colour": "\x00"}},
        {"customizations": {"\x00": 1}},
        {"customizations": {"colour": "\ud800"}},
        {"customizations": {"size": float("nan")}},
        {"customizations": {"size": 2**64}},
        {"customizations": {"deep": nested(400)}},
        {"customizations": {"long": "x" * 4096}},
        {"notes": "\x00"},
        {"notes": "\udfff"},
        {"location_name": "\x00"},
        {"location_lat": "52.5"},
        {"location_lat": "91", "location_lon": "0"},
        {"location_lat": "NaN", "location_lon": "0"},
        {"catch_date": "3026-01-01"},
        {"visibility": "secret"},
        {"owner": str(uuid4())},
    ],
    ids=lambda bad: ascii(bad)[:60],
)
def test_what_could_not_be_stored_or_shown_is_refused_at_the_door(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EntryFields.model_validate(bad)


def test_customizations_come_back_as_they_were_given(ada: User, heron: Animal) -> None:
    given = {"frame": "gold \\u0000 é 🦩", "levels": [1, 2.5, None, True], "nested": {"a": {"b": [{}]}}}
    fields = EntryFields.model_validate({"customizations": given})
    entry = services.record_catch(ada, heron, fields).entry
    assert DexEntry.objects.get(id=entry.id).customizations == given == json.loads(json.dumps(given))


@pytest.mark.django_db(transaction=True)
def test_a_new_friend_either_hears_of_a_catch_made_at_the_same_moment_or_could_see_it_when_they_became_friends() -> None:
    heron = animal()
    for _ in range(15):
        ada, bob = someone("ada"), someone("bob")
        asked = social.request_friendship(bob, ada)
        results = at_once(
            [
                lambda ada=ada: catch(ada, heron),  # type: ignore[misc]
                lambda ada=ada, asked=asked: social.respond(ada, asked.id, "accept"),  # type: ignore[misc]
            ]
        )
        assert not [result for result in results if isinstance(result, Exception)]
        # ada's mailbox has the order in which the two were committed.
        order = [kind for kind in kinds(ada) if kind != "friends.requested"]
        heard = "feed.entry_added" in kinds(bob)
        assert heard == (order == ["friends.accepted", "dex.entry_created"]), (order, kinds(bob))
