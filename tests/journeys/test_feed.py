"""What friends see of each other's catches, as it happens and as a list."""

import uuid
from typing import Any

import pytest

from tests.players import Player
from tests.stack import Stack

SPECIES = ("Ardea cinerea", "Alcedo atthis", "Panthera leo", "Vulpes vulpes", "Bufo bufo", "Canis lupus", "Erinaceus europaeus")


@pytest.fixture(scope="session")
def animal_ids(stack: Stack) -> dict[str, str]:
    """Some animals of the starter list, found before these tests begin."""
    program = f"""
from domain.animals.services import animal_of_taxon
from domain.taxonomy.models import Taxon
for name in {SPECIES!r}:
    taxon = Taxon.objects.get(scientific_name=name, status="accepted")
    print("animal", animal_of_taxon(taxon, created_by=None).animal.id, name)
"""
    lines = [line.split(maxsplit=2) for line in stack.manage("shell", "-c", program).splitlines() if line.startswith("animal ")]
    return {name: animal_id for _, animal_id, name in lines}


async def records(person: Player, animal_id: str, **fields: Any) -> dict[str, Any]:
    return dict((await person.say("dex.create", {"animal_id": animal_id, **fields}))["entry"])


async def test_a_catch_reaches_friends_at_once_and_strangers_never(
    ada: Player, bob: Player, cyd: Player, animal_ids: dict[str, str]
) -> None:
    await ada.befriends(bob)
    made = await records(
        ada, animal_ids["Ardea cinerea"], notes="by the pond", location_lat="52.5", location_lon="13.4", location_name="Pond"
    )
    assert (made["location_lat"], made["location_name"]) == ("52.500000", "Pond")
    assert (await ada.expect_event("dex.entry_created")).data["entry"] == made
    shown = (await bob.expect_event("feed.entry_added")).data["entry"]
    assert (shown["id"], shown["notes"], shown["owner_username"]) == (made["id"], "by the pond", ada.username)
    assert (shown["location_lat"], shown["location_lon"], shown["location_name"]) == (None, None, "")
    assert (await bob.say("feed.list"))["entries"] == [shown]
    await cyd.expect_silence("feed.entry_added")
    assert (await cyd.say("feed.list")) == {"entries": [], "cursor": None}
    await cyd.expect_refusal("not_found", "dex.get", {"entry_id": made["id"]})


async def test_a_private_entry_reaches_nobody(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    await ada.befriends(bob)
    made = await records(ada, animal_ids["Ardea cinerea"], visibility="private")
    await ada.say("dex.update", {"entry_id": made["id"], "notes": "still mine"})
    await ada.expect_event("dex.entry_updated")
    await bob.expect_silence("feed.entry_added", "feed.entry_changed", "feed.entry_removed", "graph.delta")
    assert (await bob.say("feed.list"))["entries"] == []
    assert (await bob.say("dex.list", {"owner_id": ada.id}))["entries"] == []
    await bob.expect_refusal("not_found", "dex.get", {"entry_id": made["id"]})
    assert (await bob.calls("GET", f"dex/entries/{made['id']}/")).status_code == 404


async def test_an_entry_comes_changes_hides_returns_and_goes_before_a_friends_eyes(
    ada: Player, bob: Player, animal_ids: dict[str, str]
) -> None:
    await ada.befriends(bob)
    made = await records(ada, animal_ids["Alcedo atthis"])
    entry = {"entry_id": made["id"]}
    gone = {**entry, "owner_id": ada.id}
    await ada.say("dex.update", {**entry, "notes": "blue"})
    await ada.say("dex.update", {**entry, "visibility": "private"})
    await ada.say("dex.update", {**entry, "visibility": "public"})
    await ada.say("dex.delete", entry)
    told = [await bob.socket.events.get(lambda event: event.type.startswith("feed."), timeout_s=10) for _ in range(5)]
    # Rendered at their time each, or as removed where a later change was quicker than the news.
    assert [event.type in (kind, "feed.entry_removed") for event, kind in zip(told, KINDS, strict=True)] == [True] * 5
    assert told[-1].data == gone
    seqs = [event.seq for event in told]
    assert seqs == list(range(seqs[0] or 0, (seqs[0] or 0) + 5))
    assert (await ada.expect_event("dex.entry_deleted")).data == entry
    assert (await bob.say("feed.list"))["entries"] == []


KINDS = ("feed.entry_added", "feed.entry_changed", "feed.entry_removed", "feed.entry_added", "feed.entry_removed")


async def test_the_feed_comes_in_pages_newest_first_on_both_doors(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    await ada.befriends(bob)
    made = [(await records(ada, animal_id))["id"] for animal_id in animal_ids.values()]
    pages: list[list[str]] = []
    cursor = None
    for _ in range(10):
        page = await bob.say("feed.list", {"limit": 3, **({"cursor": cursor} if cursor else {})})
        over_rest = await bob.calls("GET", "feed/", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        assert [entry["id"] for entry in over_rest.json()["entries"]] == [entry["id"] for entry in page["entries"]]
        pages.append([entry["id"] for entry in page["entries"]])
        cursor = page["cursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [entry_id for page in pages for entry_id in page] == made[::-1]


@pytest.mark.parametrize(
    "bad", [{"cursor": "nonsense"}, {"cursor": "\u00e9"}, {"limit": 0}, {"limit": 101}, {"limit": "many"}, {"page": 2}], ids=str
)
async def test_a_bad_page_is_refused_by_its_field(ada: Player, bad: dict[str, Any]) -> None:
    refused = await ada.expect_refusal("request.invalid", "feed.list", bad)
    assert list(refused.fields) == list(bad)
    assert (await ada.calls("GET", "feed/", params=bad)).status_code == 400


async def test_a_new_friend_gets_no_old_entries_as_events_but_finds_them_in_the_list(
    ada: Player, bob: Player, animal_ids: dict[str, str]
) -> None:
    made = await records(ada, animal_ids["Bufo bufo"])
    await ada.befriends(bob)
    await bob.expect_silence("feed.entry_added")
    assert [entry["id"] for entry in (await bob.say("feed.list"))["entries"]] == [made["id"]]


async def test_the_end_of_a_friendship_takes_the_entries_out_of_both_feeds(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    friendship = await ada.befriends(bob)
    await records(ada, animal_ids["Bufo bufo"])
    await records(bob, animal_ids["Canis lupus"])
    await ada.say("friends.unfriend", {"friendship_id": friendship})
    for person, other in ((ada, bob), (bob, ada)):
        assert (await person.expect_event("friends.removed")).data == {"friendship_id": friendship, "user_id": other.id}
        assert (await person.expect_event("feed.entry_removed")).data == {"owner_id": other.id}
        assert (await person.say("feed.list"))["entries"] == []


async def test_an_old_letter_is_told_as_of_today_on_both_doors(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    await ada.befriends(bob)
    point = bob.socket.resume_point
    await bob.leaves()
    kept = await records(ada, animal_ids["Ardea cinerea"], notes="first")
    hidden = await records(ada, animal_ids["Alcedo atthis"], notes="secret")
    await ada.say("dex.update", {"entry_id": kept["id"], "notes": "second"})
    await ada.say("dex.update", {"entry_id": hidden["id"], "visibility": "private"})
    await bob.connects(resume=point)
    told = [await bob.socket.events.get(lambda event: event.seq is not None, timeout_s=10) for _ in range(4)]
    gone = {"entry_id": hidden["id"], "owner_id": ada.id}
    assert [event.type for event in told] == ["feed.entry_added", "feed.entry_removed", "feed.entry_changed", "feed.entry_removed"]
    assert told[0].data["entry"]["notes"] == told[2].data["entry"]["notes"] == "second"
    assert told[1].data == told[3].data == gone
    after = int(point.rpartition(".")[2])
    over_rest = (await bob.calls("GET", "mailbox/", params={"after": after})).json()
    assert [(event["seq"], event["type"], event["data"]) for event in over_rest["events"]] == [
        (event.seq, event.type, event.data) for event in told
    ]
    assert "secret" not in str(over_rest)


async def test_the_same_catch_twice_is_one_entry_and_one_event(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    await ada.befriends(bob)
    first = await ada.calls("POST", "dex/entries/", json={"animal": animal_ids["Vulpes vulpes"], "visibility": "friends"})
    again = await ada.calls("POST", "dex/entries/", json={"animal": animal_ids["Vulpes vulpes"], "visibility": "friends"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    await bob.expect_event("feed.entry_added")
    await bob.expect_silence("feed.entry_added", "feed.entry_changed")
    me = (await ada.calls("GET", "users/me/")).json()
    assert (me["total_catches"], me["unique_species"]) == (1, 1)


async def test_nobody_touches_what_is_anothers(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    await ada.befriends(bob)
    made = await records(ada, animal_ids["Panthera leo"], visibility="public")
    await bob.expect_refusal("not_found", "dex.update", {"entry_id": made["id"], "notes": "mine"})
    await bob.expect_refusal("not_found", "dex.delete", {"entry_id": made["id"]})
    await bob.expect_refusal("not_found", "dex.create", {"animal_id": str(uuid.uuid4())})
    await bob.expect_refusal("not_found", "dex.create", {"animal_id": animal_ids["Panthera leo"], "source_vision_job": str(uuid.uuid4())})
    for method, body in (("PUT", {"notes": "mine"}), ("PATCH", {"notes": "mine"}), ("DELETE", None)):
        assert (await bob.calls(method, f"dex/entries/{made['id']}/", json=body)).status_code == 404
    # A lion is vulnerable: friends learn the month alone.
    assert (await bob.say("dex.get", {"entry_id": made["id"]}))["entry"]["catch_date_precision"] == "month"


async def test_null_in_an_update_leaves_things_as_they_are(ada: Player, animal_ids: dict[str, str]) -> None:
    made = await records(ada, animal_ids["Bufo bufo"], notes="croaks", location_lat="1", location_lon="2")
    same = (await ada.say("dex.update", {"entry_id": made["id"], "notes": None, "visibility": None, "catch_date": None}))["entry"]
    assert {**same, "updated_at": ""} == {**made, "updated_at": ""}
    bare = (await ada.say("dex.update", {"entry_id": made["id"], "location_lat": None, "location_lon": None}))["entry"]
    assert (bare["location_lat"], bare["location_lon"], bare["notes"]) == (None, None, "croaks")
