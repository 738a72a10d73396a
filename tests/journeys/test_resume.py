"""Nothing is lost: coming back at a number, holes that are filled, and Redis that loses, breaks or is away."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgpack
import pytest
import redis

from tests.journeys.redis_proxy import RedisProxy
from tests.journeys.wire import Frame, Line, dial
from tests.players import Player
from tests.stack import Process, Stack, wait_for


def happens(stack: Stack, player: Player, times: int) -> int:
    """So many things happen to somebody, and nobody is rung; the head afterwards."""
    ((head,),) = stack.sql("UPDATE mailbox_mailbox SET head = head + %s WHERE user_id = %s RETURNING head", [times, player.id])
    stack.sql(
        "INSERT INTO mailbox_event (mailbox_id, seq, kind, refs, at)"
        " SELECT %s, n, 'profile.updated', %s, now() FROM generate_series(%s::bigint, %s::bigint) n",
        [player.id, json.dumps({"user_id": player.id}), head - times + 1, head],
    )
    return int(head)


def group(player: Player) -> str:
    return f"biologidex__group__user.{UUID(player.id).hex}"


def ring(stack: Stack, player: Player, **message: Any) -> int:
    """Rings somebody through Redis, as the doorbell does; how many processes were listening."""
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        return int(client.publish(group(player), msgpack.packb({"to": UUID(player.id).hex, **message})))  # type: ignore[arg-type]


def word(stack: Stack, player: Player, mark: str) -> None:
    ring(stack, player, type="mailbox.word", kind="test.word", data={}, frame=json.dumps({"type": "test.word", "mark": mark}).encode())


def listening(stack: Stack, player: Player) -> int:
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        return int(client.pubsub_numsub(group(player))[0][1])


async def numbered(line: Line, count: int) -> list[int]:
    """The numbers of the next so many durable events."""
    seqs: list[int] = []
    while len(seqs) < count:
        frame: Frame = await line.next()
        if "seq" in frame:
            seqs.append(frame["seq"])
    return seqs


async def hears_words(stack: Stack, player: Player, line: Line) -> None:
    """Rings until a passing word comes through, which only Redis can bring."""
    for attempt in range(200):
        word(stack, player, str(attempt))
        try:
            async with asyncio.timeout(0.1):
                await line.until("test.word")
                return
        except TimeoutError:
            continue
    raise AssertionError("no word came through Redis")


@pytest.fixture
async def dot(stack: Stack) -> Player:
    return await Player.arrives(stack.base_url, "dot")


async def epoch_of(line: Line) -> str:
    return str((await line.ready())["epoch"])


async def test_coming_back_replays_what_happened_on_whichever_process(stack: Stack, dot: Player) -> None:
    happens(stack, dot, 5)
    async with dial(stack.web.base_url, token=dot.account.access) as line:
        ready = await line.ready()
        assert (ready["head"], ready["oldest"], ready["replay"]) == (5, 1, "none")
    happens(stack, dot, 450)
    async with dial(stack.web_too.base_url, token=dot.account.access, query=f"?resume={ready['epoch']}.3") as line:
        again = await line.ready()
        assert (again["replay"], again["head"], again["epoch"]) == ("complete", 455, ready["epoch"])
        assert await numbered(line, 452) == list(range(4, 456))
        event = line.heard[-1] if "seq" in line.heard[-1] else line.heard[-2]
        assert set(event) == {"type", "seq", "at", "data"}
        await dot.calls("PATCH", "users/me/", json={"bio": "live"})
        assert await numbered(line, 1) == [456]


async def test_coming_back_at_the_head_replays_nothing(stack: Stack, dot: Player) -> None:
    head = happens(stack, dot, 3)
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
    async with dial(stack.base_url, token=dot.account.access, query=f"?resume={epoch}.{head}") as line:
        assert (await line.ready())["replay"] == "complete"
        await dot.calls("PATCH", "users/me/", json={"bio": "live"})
        assert await numbered(line, 1) == [4]


async def test_a_number_that_is_none_of_this_mailbox_is_a_gap_and_nothing_is_replayed(stack: Stack, dot: Player) -> None:
    happens(stack, dot, 9)
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
    stack.sql("DELETE FROM mailbox_event WHERE mailbox_id = %s AND seq < 5", [dot.id])
    stack.sql("UPDATE mailbox_mailbox SET oldest = 5 WHERE user_id = %s", [dot.id])
    for point in ("k3v9.7", f"{epoch}.10", f"{epoch}.3", f"{epoch}.0", f"{epoch}.x", "7", f"{epoch}.-1", "."):
        async with dial(stack.base_url, token=dot.account.access, query=f"?resume={point}") as line:
            ready = await line.ready()
            assert (ready["replay"], ready["oldest"], ready["head"]) == ("gap", 5, 9), point
            await line.ask(1, "session.ping")
            assert (await line.next())["type"] == "reply"


async def test_the_oldest_number_less_one_still_replays_everything_kept(stack: Stack, dot: Player) -> None:
    happens(stack, dot, 9)
    stack.sql("DELETE FROM mailbox_event WHERE mailbox_id = %s AND seq < 5", [dot.id])
    stack.sql("UPDATE mailbox_mailbox SET oldest = 5 WHERE user_id = %s", [dot.id])
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
    async with dial(stack.base_url, token=dot.account.access, query=f"?resume={epoch}.4") as line:
        assert (await line.ready())["replay"] == "complete"
        assert await numbered(line, 5) == [5, 6, 7, 8, 9]


async def test_a_new_life_of_the_mailboxes_is_a_gap(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
    stack.sql("UPDATE mailbox_life SET value = md5(value)")
    async with dial(stack.base_url, token=dot.account.access, query=f"?resume={epoch}.0") as line:
        ready = await line.ready()
        assert ready["replay"] == "gap"
        assert ready["epoch"] != epoch


async def test_what_happens_during_a_replay_comes_after_it_each_once(stack: Stack, dot: Player) -> None:
    happens(stack, dot, 3000)
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
    async with dial(stack.base_url, token=dot.account.access, query=f"?resume={epoch}.0") as line:
        await line.ready()
        live = asyncio.gather(*(dot.calls("PATCH", "users/me/", json={"bio": f"{n}"}) for n in range(10)))
        for number in range(5):
            await line.ask(number, "users.update", {"bio": f"own {number}"})
        assert await numbered(line, 3015) == list(range(1, 3016))
        await live
        replied = [frame["id"] for frame in line.heard if frame["type"] == "reply"]
        assert replied == list(range(5))


async def test_the_mailbox_over_rest_shows_the_same_events(stack: Stack, dot: Player) -> None:
    happens(stack, dot, 7)
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
    async with dial(stack.base_url, token=dot.account.access, query=f"?resume={epoch}.2") as line:
        await line.ready()
        await numbered(line, 5)
        replayed = [frame for frame in line.heard if "seq" in frame]
    answer = (await dot.calls("GET", "mailbox/", params={"after": 2, "limit": 500})).json()
    assert (answer["epoch"], answer["head"], answer["oldest"]) == (epoch, 7, 1)
    assert answer["events"] == replayed
    limited = (await dot.calls("GET", "mailbox/", params={"after": 2, "limit": 2})).json()
    assert [event["seq"] for event in limited["events"]] == [3, 4]


async def test_news_that_redis_lost_come_by_the_next_beat(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        happens(stack, dot, 3)
        async with asyncio.timeout(3):
            assert await numbered(line, 3) == [1, 2, 3]


async def test_news_that_overtook_lost_ones_bring_them_along(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.until("session.heartbeat")
        happens(stack, dot, 2)
        assert ring(stack, dot, type="mailbox.letter", seq=2, kind="profile.updated", frame=None) == 1
        async with asyncio.timeout(0.8):
            assert await numbered(line, 2) == [1, 2]


async def test_doubled_news_are_told_once(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        happens(stack, dot, 1)
        for _ in range(3):
            ring(stack, dot, type="mailbox.letter", seq=1, kind="profile.updated", frame=None)
        happens(stack, dot, 1)
        assert await numbered(line, 2) == [1, 2]


async def test_a_message_of_another_making_silences_nobody(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
            client.publish(group(dot), b"\xc1 no message of ours")
        ring(stack, dot, type="mailbox.letter")
        ring(stack, dot, type="something.else")
        await hears_words(stack, dot, line)


async def test_news_flow_again_after_redis_ended_every_subscription(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
            assert client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") >= 1
        await dot.calls("PATCH", "users/me/", json={"bio": "meanwhile"})
        assert await numbered(line, 1) == [1]
        await hears_words(stack, dot, line)


@contextmanager
def behind_a_proxy(stack: Stack) -> Iterator[tuple[Process, RedisProxy]]:
    proxy = RedisProxy(stack.environment["REDIS_URL"])
    try:
        process = stack.start_web("proxied", CHANNELS_REDIS_URL=proxy.url)
        try:
            yield process, proxy
        finally:
            process.stop()
    finally:
        proxy.close()


async def test_a_line_to_redis_that_went_dead_without_a_sign_is_noticed_and_made_anew(stack: Stack, dot: Player) -> None:
    with behind_a_proxy(stack) as (process, proxy):
        async with dial(process.base_url, token=dot.account.access) as line:
            await line.ready()
            await hears_words(stack, dot, line)
            proxy.go_dead()
            happens(stack, dot, 1)
            assert await numbered(line, 1) == [1]
            await hears_words(stack, dot, line)


async def test_without_redis_sockets_open_and_live_and_hear_by_the_beat(stack: Stack, dot: Player, bob: Player) -> None:
    with behind_a_proxy(stack) as (process, proxy):
        async with dial(process.base_url, token=dot.account.access) as line:
            await line.ready()
            proxy.refuse()
            await line.ask(1, "friends.request", {"user_id": bob.id})
            assert (await line.until("reply", id=1))["ok"]
            assert await numbered(line, 1) == [1]
            async with dial(process.base_url, token=dot.account.access) as another:
                await another.ready()
                happens(stack, dot, 1)
                assert await numbered(line, 1) == [2]
                assert await numbered(another, 1) == [2]
            async with dial(process.base_url, token=bob.account.access) as later:
                await later.ready()
                happens(stack, bob, 1)
                assert len(await numbered(later, 1)) == 1
                proxy.allow()
                await hears_words(stack, dot, line)
                await hears_words(stack, bob, later)


async def test_who_has_left_is_listened_for_no_more(stack: Stack, dot: Player) -> None:
    async with dial(stack.web.base_url, token=dot.account.access) as line:
        await line.ready()
        async with dial(stack.web_too.base_url, token=dot.account.access) as other:
            await other.ready()
            assert listening(stack, dot) == 2
        wait_for(lambda: listening(stack, dot) == 1, what="one process to stop listening", timeout_s=5)
        await hears_words(stack, dot, line)
    wait_for(lambda: listening(stack, dot) == 0, what="nobody to be listening", timeout_s=5)


async def test_who_does_not_take_their_events_is_cut_off_and_finds_them_again(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        epoch = await epoch_of(line)
        line.connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connection.transport.pause_reading()
        last = happens(stack, dot, 400)
        for seq in range(1, last + 1):
            frame = json.dumps({"type": "profile.updated", "seq": seq, "at": "", "data": {"filler": "x" * 50_000}}).encode()
            ring(stack, dot, type="mailbox.letter", seq=seq, kind="profile.updated", frame=frame)
        await asyncio.to_thread(wait_for, lambda: listening(stack, dot) == 0, what="the slow one to be cut off", timeout_s=10)
        line.connection.transport.resume_reading()
        code, farewell = await line.end()
        assert code in (4508, 1006)
        assert farewell.get("code", 4508) == 4508
    async with dial(stack.base_url, token=dot.account.access, query=f"?resume={epoch}.0") as line:
        assert (await line.ready())["replay"] == "complete"
        assert await numbered(line, last) == list(range(1, last + 1))
