"""A session: requests and replies in order, frames of every kind, sizes, the clock, and what is told of errors."""

import asyncio
import json
import uuid
from pathlib import Path

import pytest

from biologidex.demo.sample import sample_jpeg
from tests.journeys.wire import Line, dial
from tests.players import Player
from tests.stack import Stack, wait_for

MALFORMED = [
    "",
    "not json",
    "[]",
    "null",
    "42",
    '"text"',
    '{"type":"session.ping"}',
    '{"id":true,"type":"session.ping"}',
    '{"id":1.5,"type":"session.ping"}',
    '{"id":1,"type":"session.ping","dtaa":{}}',
    '{"id":1,"type":"session.ping","data":[]}',
    '{"id":1,"type":"session.ping","data":{"n":NaN}}',
    '{"id":1,"type":"session.ping","data":' + '{"a":' * 100 + "1" + "}" * 101,
    "[" * 60_000,
    '{"id":"' + "x" * 65 + '","type":"session.ping"}',
    bytes(24),
]


async def lives(line: Line) -> None:
    mark = uuid.uuid4().hex
    await line.ask(mark, "session.ping")
    assert (await line.until("reply", id=mark))["ok"]


async def test_replies_keep_the_order_of_the_requests(stack: Stack, ada: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        names = ["friends.list", "session.ping", "no.such_thing", "users.me", "feed.list", "session.ping", "users.update"]
        for number in range(70):
            await line.ask(f"n{number}", names[number % 7])
        replies = [await line.until("reply") for _ in range(70)]
        assert [reply["id"] for reply in replies] == [f"n{number}" for number in range(70)]
        assert [reply["ok"] for reply in replies[:4]] == [True, True, False, True]


async def test_session_ping_answers_the_time_and_the_head(ada: Player) -> None:
    answer = await ada.say("session.ping")
    assert set(answer) == {"server_time", "head"}
    assert answer["head"] == 0


async def test_session_ack_is_not_answered(stack: Stack, ada: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        await line.ask(1, "session.ack", {"seq": 0})
        await line.ask(2, "session.ping")
        assert (await line.next())["id"] == 2
        await line.ask(3, "session.ack", {"seq": -1})
        assert (await line.refused())["code"] == "request.invalid"


@pytest.mark.parametrize("half", [0, 1])
async def test_a_malformed_frame_is_answered_without_an_id_and_the_socket_lives(stack: Stack, ada: Player, half: int) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        for frame in MALFORMED[half::2]:
            await line.say(frame)
            refusal = await line.refused()
            assert (refusal["id"], refusal["code"]) == (None, "request.malformed")
            assert refusal["message"]
        await lives(line)


async def test_the_eleventh_malformed_frame_within_a_minute_is_closed_with_4400(stack: Stack, ada: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        for _ in range(11):
            await line.say("{")
        code, farewell = await line.end()
        assert (code, farewell["code"]) == (4400, 4400)
        assert [frame["type"] for frame in line.heard if frame["type"] != "session.heartbeat"][1:] == ["reply"] * 10 + ["session.closing"]


async def test_an_unknown_type_is_told(ada: Player) -> None:
    for name in ("no.such_thing", "friends", "x" * 64, "FRIENDS.LIST"):
        await ada.expect_refusal("request.unknown_type", name)


async def test_missing_and_extra_keys_are_told_by_field(ada: Player) -> None:
    missing = await ada.expect_refusal("request.invalid", "friends.lookup", {})
    assert set(missing.facts["fields"]) == {"friend_code"}
    extra = await ada.expect_refusal("request.invalid", "friends.list", {"limit": 3})
    assert set(extra.facts["fields"]) == {"limit"}
    both = await ada.expect_refusal("request.invalid", "friends.lookup", {"friendcode": "AB12CD34"})
    assert set(both.facts["fields"]) == {"friend_code", "friendcode"}
    extra = await ada.expect_refusal("request.invalid", "session.ping", {"x": 1})
    assert set(extra.facts["fields"]) == {"x"}
    nul = await ada.expect_refusal("request.invalid", "friends.lookup", {"friend_code": "AB12\x00"})
    assert set(nul.facts["fields"]) == {"friend_code"}


@pytest.mark.parametrize("size", [65_537, 1_000_000])
async def test_a_text_frame_that_is_too_large_is_closed_with_1009(stack: Stack, ada: Player, size: int) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        await line.say("x" * size)
        assert (await line.end())[0] == 1009


@pytest.mark.parametrize("size", [24 + 32_768 + 1, 65_536, 1_000_000])
async def test_a_binary_frame_larger_than_a_chunk_and_its_header_is_closed_with_1009(stack: Stack, ada: Player, size: int) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        await line.say(bytes(size))
        assert (await line.end())[0] == 1009


async def test_frames_of_exactly_the_allowed_size_are_taken(stack: Stack, ada: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        frame = '{"id":1,"type":"session.ping","data":{"x":""}}'
        await line.say(frame.replace('""', '"' + "x" * (65_536 - len(frame)) + '"'))
        assert (await line.refused())["code"] == "request.invalid"
        await line.say(uuid.uuid4().bytes + bytes(8) + bytes(32_768))
        failed = await line.until("upload.failed")
        assert failed["data"]["error"]["code"] == "upload.unknown"


@pytest.mark.parametrize("asked", [None, 100_000])
async def test_no_frame_passes_max_frame_and_longer_answers_come_in_parts(stack: Stack, ada: Player, asked: int | None) -> None:
    for number in range(5):
        many = {"n": "x" * 200, "m": list(range(600)), "number": number}
        await ada.say("users.update", {"preferred_card_style": many})
    stack.sql(
        "INSERT INTO mailbox_event (mailbox_id, seq, kind, refs, at) SELECT %s, n, 'profile.updated', %s, now() FROM generate_series(6, 90) n",
        [ada.id, json.dumps({"user_id": ada.id})],
    )
    stack.sql("UPDATE mailbox_mailbox SET head = 90 WHERE user_id = %s", [ada.id])
    async with dial(stack.base_url, token=ada.account.access, query=f"?max_frame={asked}" if asked else "") as line:
        await line.ready()
        await line.ask(1, "mailbox.list")
        told: list[int] = []
        while (frame := await line.next())["type"] == "part":
            assert frame["id"] == 1
            told += [event["seq"] for event in frame["data"]["events"]]
        assert (frame["type"], frame["id"], frame["ok"], frame["data"]["head"]) == ("reply", 1, True, 90)
        assert told == list(range(1, 91))
        largest = asked or 60_000
        assert max(line.sizes) <= largest
        assert max(line.sizes) > 0.9 * largest
        assert len([frame for frame in line.heard if frame["type"] == "part"]) > 1


async def test_a_heartbeat_comes_with_the_head(stack: Stack, ada: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        assert (await line.ready())["heartbeat_seconds"] == 1.0
        first = await line.until("session.heartbeat")
        assert set(first) == {"type", "at", "data"}
        assert first["data"] == {"head": 0}
        await ada.say("users.update", {"bio": "I look at herons."})
        assert (await line.until("session.heartbeat"))["data"] == {"head": 1}


async def test_what_ones_own_request_causes_comes_after_its_reply(stack: Stack, ada: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        for number in range(20):
            await line.ask(number, "users.update", {"bio": f"bio {number}"})
        heard = [await line.next() for _ in range(40)]
        replies = {frame["id"]: place for place, frame in enumerate(heard) if frame["type"] == "reply"}
        events = {frame["data"]["user"]["bio"]: place for place, frame in enumerate(heard) if frame["type"] == "profile.updated"}
        assert len(replies) == 20
        assert sorted(frame["seq"] for frame in heard if "seq" in frame) == list(range(1, 21))
        assert all(replies[number] < place for number, place in enumerate(sorted(events.values())))


async def test_asking_oneself_hears_its_own_news_after_the_reply(stack: Stack, ada: Player, bob: Player) -> None:
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        await line.ask(1, "friends.request", {"user_id": bob.id})
        assert [(await line.next())["type"] for _ in range(2)] == ["reply", "friends.requested"]


async def test_the_same_account_is_shown_as_it_is_now_on_a_live_socket(ada: Player) -> None:
    await ada.say("users.update", {"bio": "new"})
    assert (await ada.say("users.me"))["user"]["bio"] == "new"


async def test_a_key_has_one_effect_on_any_process_and_door(stack: Stack, ada: Player, bob: Player) -> None:
    key = str(uuid.uuid4())
    first = await ada.say("friends.request", {"user_id": bob.id}, key=key)
    async with dial(stack.web_too.base_url, token=ada.account.access) as there:
        await there.ready()
        await there.ask(1, "friends.request", {"user_id": bob.id}, key=key)
        assert (await there.until("reply", id=1))["data"] == first
        await there.ask(2, "friends.request", {"friend_code": bob.friend_code}, key=key)
        assert (await there.until("reply", id=2))["error"]["code"] == "request.key_reused"
    over_rest = await ada.calls("POST", "social/friendships/send_request/", json={"to_user_id": bob.id}, headers={"Idempotency-Key": key})
    assert (over_rest.status_code, over_rest.json()["id"]) == (201, first["friendship"]["id"])
    reused = await ada.calls("POST", "social/friendships/send_request/", json={"to_user_id": ada.id}, headers={"Idempotency-Key": key})
    assert (reused.status_code, reused.json()["code"]) == (422, "request.key_reused")
    await bob.expect_event("friends.requested")
    await bob.expect_silence("friends.requested")


async def test_a_refusal_is_not_kept_under_its_key(ada: Player, bob: Player) -> None:
    key = str(uuid.uuid4())
    await ada.expect_refusal("not_found", "friends.request", {"friend_code": "ZZZZ2222"}, key=key)
    assert await ada.say("friends.request", {"user_id": bob.id}, key=key)


async def test_twenty_twins_at_once_have_one_effect(stack: Stack, ada: Player, bob: Player) -> None:
    key = str(uuid.uuid4())

    async def over_rest(base_url: str) -> str:
        response = await ada.calls(
            "POST",
            "social/friendships/send_request/",
            base_url=base_url,
            json={"user_id": bob.id},
            headers={"Idempotency-Key": key},
        )
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def over_socket() -> str:
        answer = await ada.say("friends.request", {"user_id": bob.id}, key=key)
        return str(answer["friendship"]["id"])

    twins = [over_rest(stack.web.base_url), over_rest(stack.web_too.base_url)] * 1
    twins += [over_rest(each) for each in [stack.web.base_url, stack.web_too.base_url] * 7] + [over_socket() for _ in range(4)]
    assert len(twins) == 20
    assert len(set(await asyncio.gather(*twins))) == 1
    await bob.expect_event("friends.requested")
    await bob.expect_silence("friends.requested")


async def test_an_unforeseen_error_is_told_by_an_id_that_is_in_the_log(tmp_path: Path, stack: Stack) -> None:
    # A storage that cannot be written to is nobody's mistake and no refusal of the domain.
    occupied = tmp_path / "media"
    occupied.write_text("a file where a folder should be")
    broken = stack.start_web("broken", MEDIA_ROOT=str(occupied))
    try:
        eve = await (await Player.arrives(broken.base_url, "eve")).connects()
        photo = sample_jpeg()
        begun = await eve.say("capture.begin", {"filename": "a.jpg", "size": len(photo), "sha256": "0" * 64, "content_type": "image/jpeg"})
        upload_id = uuid.UUID(begun["upload_id"])
        for offset in range(0, len(photo), 32_768):
            await eve.socket.send_bytes(upload_id.bytes + offset.to_bytes(8, "big") + photo[offset : offset + 32_768])
        failed = await eve.expect_event("upload.failed", where=lambda event: event.data["error"]["code"] == "internal")
        error = failed.data["error"]
        assert set(error) == {"code", "message", "error_id"}
        assert str(occupied) not in json.dumps(error)
        assert "Errno" not in json.dumps(error)
        logged = wait_for(
            lambda: [line for line in broken.log_lines() if error["error_id"] in line.get("message", "")], what="the error in the log"
        )
        assert str(occupied) in logged[0]["exc_info"]
        assert await eve.say("session.ping")
        await eve.leaves()
    finally:
        broken.stop()


async def test_an_unforeseen_error_of_a_request_is_told_by_an_id_that_is_in_the_log(stack: Stack, ada: Player) -> None:
    # Refs that nobody wrote: what stands in the table of keys no longer fits the operation.
    key = str(uuid.uuid4())
    await ada.say("users.update", {"bio": "x"}, key=key)
    stack.sql("UPDATE realtime_idempotencykey SET refs = '{}' WHERE key = %s", [key])
    refused = await ada.expect_refusal("internal", "users.update", {"bio": "x"}, key=key)
    assert set(refused.facts) == {"code", "message", "error_id"}
    assert "KeyError" not in json.dumps(refused.facts)
    error_id = str(refused.facts["error_id"])
    logged = wait_for(lambda: [line for line in stack.web.log_lines() if error_id in line.get("message", "")], what="the error in the log")
    assert "KeyError" in logged[0]["exc_info"]
    assert logged[0]["request_id"]
    assert await ada.say("session.ping")


async def test_the_id_of_a_frame_follows_it_into_the_worker(stack: Stack) -> None:
    talkative = stack.start_web("talkative", LOG_LEVEL="DEBUG")
    try:
        gus = await (await Player.arrives(talkative.base_url, "gus")).connects()
        await gus.catches(sample_jpeg(), filename="heron.jpg")
        ids = {line["request_id"] for line in talkative.log_lines() if line["message"].startswith("A chunk of upload")}
        assert ids
        wait_for(
            lambda: [line for line in stack.worker.log_lines() if line.get("request_id") in ids],
            what="the id of the last chunk in the worker's log",
            why=stack.worker.said,
        )
        await gus.leaves()
    finally:
        talkative.stop()


async def test_errors_speak_the_callers_language_and_their_codes_do_not(stack: Stack, ada: Player) -> None:
    texts = {}
    for language in ("en", "de"):
        async with dial(stack.base_url, token=ada.account.access, headers={"Accept-Language": language}) as line:
            await line.ready()
            await line.ask(1, "friends.lookup", {"friend_code": "ZZZZ2222"})
            refusal = await line.refused()
            assert refusal["code"] == "not_found"
            await line.say("{")
            malformed = await line.refused()
            assert malformed["code"] == "request.malformed"
            texts[language] = (refusal["message"], malformed["message"])
    assert texts["en"][0] != texts["de"][0]
    assert texts["en"][1] != texts["de"][1]


async def test_farewells_speak_the_callers_language(stack: Stack) -> None:
    reasons = set()
    for language in ("en", "de"):
        async with dial(stack.base_url, token="nonsense", headers={"Accept-Language": language}) as line:
            reasons.add((await line.end())[1]["reason"])
    assert len(reasons) == 2


async def test_asking_on_and_on_in_spite_of_a_limit_is_closed_with_4429(stack: Stack) -> None:
    strict = stack.start_web("strict", THROTTLE_FRIENDS_LOOKUP_RATE="1/hour")
    try:
        fay = await Player.arrives(strict.base_url, "fay")
        async with dial(strict.base_url, token=fay.account.access) as line:
            await line.ready()
            for number in range(102):
                await line.ask(number, "friends.lookup", {"friend_code": "ZZZZ2222"})
            code, farewell = await line.end()
            assert (code, farewell["code"]) == (4429, 4429)
            assert farewell["retry_after"] > 0
            refusals = [frame["error"] for frame in line.heard if frame["type"] == "reply"]
            assert [error["code"] for error in refusals[:2]] == ["not_found", "request.rate_limited"]
            assert refusals[1]["retry_after"] > 0
    finally:
        strict.stop()


async def test_who_asks_without_reading_is_not_heard_on_and_costs_the_others_nothing(stack: Stack, ada: Player, bob: Player) -> None:
    await ada.say("users.update", {"preferred_card_style": {"n": "x" * 3500}})
    async with dial(stack.base_url, token=ada.account.access) as line:
        await line.ready()
        line.connection.transport.pause_reading()

        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await line.ask(sent, "users.me", {})
                sent += 1

        flooding = asyncio.create_task(flood())
        before = -1
        # The server takes requests until nobody takes their replies; then the flood stands still, and only it.
        while sent > before:
            before = sent
            for _ in range(200):
                await bob.say("session.ping")
        flooding.cancel()
        line.connection.transport.abort()
    await bob.say("users.me")
