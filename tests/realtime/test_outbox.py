"""What waits for one socket, and when its peer is too slow."""

import asyncio
from typing import Any

from realtime.outbox import MOST_EVENT_BYTES, ROOM_BYTES, Outbox


class Peer:
    """Takes frames while it is `open`."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.open = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        await self.open.wait()
        self.got.append(message.get("text", message.get("code")))


async def test_frames_go_out_in_order_and_the_farewell_last() -> None:
    outbox, peer = Outbox(), Peer()
    peer.open.set()
    for text in "abc":
        outbox.put(text)
    outbox.close(4401, farewell="bye")
    outbox.end()
    await outbox.write_all(peer.send)
    assert peer.got == ["a", "b", "c", "bye", 4401]


async def test_there_is_room_again_once_the_peer_has_read() -> None:
    outbox, peer = Outbox(), Peer()
    writer = asyncio.create_task(outbox.write_all(peer.send))
    outbox.put("x" * ROOM_BYTES)
    outbox.put("y" * 10)
    outbox.put("z" * ROOM_BYTES)
    waiting = asyncio.create_task(outbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    peer.open.set()
    await asyncio.wait_for(waiting, 2)
    outbox.end()
    await asyncio.wait_for(writer, 2)
    assert [len(text) for text in peer.got] == [ROOM_BYTES, 10, ROOM_BYTES]


async def test_a_peer_that_lets_events_wait_is_too_slow_and_one_that_lets_replies_wait_is_not() -> None:
    outbox = Outbox()
    outbox.put("x" * (MOST_EVENT_BYTES + 1))
    assert not outbox.is_too_slow
    for _ in range(MOST_EVENT_BYTES // 1000 + 1):
        outbox.put("x" * 1000, is_event=True)
    assert outbox.is_too_slow
    outbox.clear()
    assert not outbox.is_too_slow


async def test_a_peer_that_has_gone_keeps_nobody_waiting() -> None:
    async def gone(message: dict[str, Any]) -> None:
        raise ConnectionResetError

    outbox = Outbox()
    for _ in range(5):
        outbox.put("x" * ROOM_BYTES)
    await outbox.write_all(gone)
    outbox.put("x" * ROOM_BYTES * 2)
    await asyncio.wait_for(outbox.room(), 2)
