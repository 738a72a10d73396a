"""Two people become friends, stay friends and part, over their sockets and over REST."""

import uuid
from typing import Any

import pytest

from tests.conftest import Arrive
from tests.players import Player

FRIENDSHIPS = "social/friendships/"


async def test_a_request_reaches_the_other_and_the_answer_reaches_the_asker(ada: Player, bob: Player) -> None:
    asked = (await ada.say("friends.request", {"friend_code": bob.friend_code}))["friendship"]
    assert (asked["status"], asked["from_user"], asked["to_user"]) == ("pending", ada.id, bob.id)
    told = await bob.expect_event("friends.requested")
    assert told.data["friendship"] == asked
    assert told.seq is not None
    incoming = (await bob.say("friends.pending"))["incoming"]
    assert [(each["id"], each["from_user_details"]["username"]) for each in incoming] == [(asked["id"], ada.username)]
    assert [each["id"] for each in (await ada.say("friends.pending"))["outgoing"]] == [asked["id"]]

    accepted = (await bob.say("friends.respond", {"friendship_id": asked["id"], "action": "accept"}))["friendship"]
    assert (await ada.expect_event("friends.accepted")).data["friendship"] == accepted
    for person, other in ((ada, bob), (bob, ada)):
        (friend,) = (await person.say("friends.list"))["friends"]
        assert friend.items() >= {"id": other.id, "username": other.username, "friendship_id": asked["id"], "total_catches": 0}.items()
        assert friend.keys() == {
            "id", "username", "avatar", "friend_code", "total_catches", "unique_species", "friendship_id", "online",
        }  # fmt: skip
    assert await ada.say("friends.pending") == {"incoming": [], "outgoing": []}


async def test_ones_own_reply_comes_before_the_news_of_it(ada: Player, bob: Player) -> None:
    frames: list[dict[str, Any]] = []
    device = Player(ada.account, ada.username)
    await device.connects(trace=frames.append)
    try:
        for _ in range(5):
            await device.say("friends.request", {"user_id": bob.id})
            await device.expect_event("friends.requested")
            await device.say("friends.unfriend", {"user_id": bob.id})
            await device.expect_event("friends.removed")
    finally:
        await device.leaves()
    spoken = [frame["type"] for frame in frames if frame["type"] in ("reply", "friends.requested", "friends.removed")]
    assert spoken == ["reply", "friends.requested", "reply", "friends.removed"] * 5


async def test_two_who_ask_each_other_are_friends_at_once(ada: Player, bob: Player) -> None:
    await ada.say("friends.request", {"friend_code": bob.friend_code})
    assert (await bob.say("friends.request", {"friend_code": ada.friend_code.lower()}))["friendship"]["status"] == "accepted"
    await ada.expect_event("friends.accepted")
    assert len((await ada.say("friends.list"))["friends"]) == 1


async def test_refusals_have_their_own_codes(ada: Player, bob: Player, cyd: Player) -> None:
    await ada.expect_refusal("friends.self", "friends.request", {"friend_code": ada.friend_code})
    await ada.expect_refusal("not_found", "friends.request", {"friend_code": "ZZZZZZZZ"})
    await ada.expect_refusal("not_found", "friends.request", {"user_id": str(uuid.uuid4())})
    await ada.expect_refusal("not_found", "friends.lookup", {"friend_code": "nobody"})
    await ada.expect_refusal("request.invalid", "friends.request", {})
    await ada.expect_refusal("request.invalid", "friends.request", {"friend_code": bob.friend_code, "user_id": bob.id})
    asked = (await ada.say("friends.request", {"user_id": bob.id}))["friendship"]
    await ada.expect_refusal("friends.already_requested", "friends.request", {"user_id": bob.id})
    await ada.expect_refusal("conflict", "friends.respond", {"friendship_id": asked["id"], "action": "accept"})
    await cyd.expect_refusal("not_found", "friends.respond", {"friendship_id": asked["id"], "action": "accept"})
    await bob.expect_refusal("request.invalid", "friends.respond", {"friendship_id": asked["id"], "action": "perhaps"})
    await bob.say("friends.respond", {"friendship_id": asked["id"], "action": "reject"})
    await ada.expect_event("friends.rejected")
    refused = await ada.expect_refusal("friends.already_requested", "friends.request", {"user_id": bob.id})
    assert 86_000 < (refused.retry_after or 0) <= 86_400
    await bob.say("friends.request", {"user_id": ada.id})
    await ada.say("friends.respond", {"friendship_id": asked["id"], "action": "accept"})
    await ada.expect_refusal("friends.already_friends", "friends.request", {"user_id": bob.id})


async def test_a_block_looks_like_unfriending_and_hides_the_blocker(ada: Player, bob: Player, cyd: Player) -> None:
    friendship = await ada.befriends(bob)
    await ada.befriends(cyd)
    await ada.say("friends.block", {"user_id": bob.id})
    await ada.say("friends.unfriend", {"user_id": cyd.id})
    for person in (bob, cyd):
        removed = await person.expect_event("friends.removed")
        assert removed.data["user_id"] == ada.id
        assert (await person.expect_event("feed.entry_removed")).data == {"owner_id": ada.id}
        assert (await person.say("friends.list"))["friends"] == []
    about_ada: list[tuple[str, dict[str, Any]]] = [
        ("friends.lookup", {"friend_code": ada.friend_code}),
        ("friends.request", {"friend_code": ada.friend_code}),
        ("friends.request", {"user_id": ada.id}),
        ("friends.respond", {"friendship_id": friendship, "action": "accept"}),
        ("friends.respond", {"friendship_id": friendship, "action": "block"}),
        ("friends.unfriend", {"friendship_id": friendship}),
        ("friends.unfriend", {"user_id": ada.id}),
        ("friends.block", {"user_id": ada.id}),
        ("friends.unblock", {"user_id": ada.id}),
        ("dex.list", {"owner_id": ada.id}),
    ]
    for request, data in about_ada:
        await bob.expect_refusal("not_found", request, data)
    assert [user["id"] for user in (await ada.say("friends.blocked"))["users"]] == [bob.id]
    assert (await bob.say("friends.blocked"))["users"] == []
    await ada.say("friends.unblock", {"user_id": bob.id})
    assert (await bob.say("friends.lookup", {"friend_code": ada.friend_code}))["user"]["id"] == ada.id
    await bob.say("friends.request", {"user_id": ada.id})


@pytest.mark.parametrize("method", ["DELETE", "POST"])
async def test_todays_client_asks_and_parts_over_rest(ada: Player, bob: Player, method: str) -> None:
    for field, value in (("friend_code", bob.friend_code), ("to_user_id", bob.id), ("user_id", bob.id)):
        asked = await ada.calls("POST", f"{FRIENDSHIPS}send_request/", json={field: value})
        assert asked.status_code == 201
        pending = (await bob.calls("GET", f"{FRIENDSHIPS}pending/")).json()
        assert pending["count"] == 1
        assert pending["requests"][0]["from_user_details"]["username"] == ada.username
        friendship_id = pending["requests"][0]["id"]
        await bob.calls("POST", f"{FRIENDSHIPS}{friendship_id}/respond/", json={"action": "accept"})
        friends = (await ada.calls("GET", f"{FRIENDSHIPS}friends/")).json()
        assert (friends["count"], friends["friends"][0]["id"]) == (1, bob.id)
        # Its `unfriend` carries the friend's own id; both are taken.
        either_id = bob.id if field == "user_id" else friendship_id
        parted = await ada.calls(method, f"{FRIENDSHIPS}{either_id}/unfriend/")
        assert (parted.status_code, parted.json()) == (200, {})
    assert (await ada.calls(method, f"{FRIENDSHIPS}{bob.id}/unfriend/")).status_code == 404
    assert (await ada.calls("GET", f"{FRIENDSHIPS}{bob.id}/unfriend/")).status_code in (404, 405)


async def test_conflicts_are_409_over_rest(ada: Player, bob: Player) -> None:
    refused = await ada.calls("POST", f"{FRIENDSHIPS}send_request/", json={"friend_code": ada.friend_code})
    assert (refused.status_code, refused.json()["code"]) == (409, "friends.self")
    unknown = await ada.calls("POST", f"{FRIENDSHIPS}send_request/", json={"friend_code": "ZZZZZZZZ"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_the_same_key_asks_once_on_either_door(ada: Player, bob: Player) -> None:
    key = str(uuid.uuid4())
    first = await ada.say("friends.request", {"user_id": bob.id}, key=key)
    assert await ada.say("friends.request", {"user_id": bob.id}, key=key) == first
    over_rest = await ada.calls("POST", f"{FRIENDSHIPS}send_request/", json={"user_id": bob.id}, headers={"Idempotency-Key": key})
    assert over_rest.json() == first["friendship"]
    await ada.expect_refusal("request.key_reused", "friends.request", {"friend_code": bob.friend_code}, key=key)


async def test_somebody_away_reads_the_news_when_they_come_back(ada: Player, arrive: Arrive) -> None:
    bob = await arrive("bob")
    point = bob.socket.resume_point
    await bob.leaves()
    await ada.say("friends.request", {"user_id": bob.id})
    await bob.connects(resume=point)
    assert bob.socket.ready["replay"] == "complete"
    assert (await bob.expect_event("friends.requested")).data["friendship"]["from_user"] == ada.id
