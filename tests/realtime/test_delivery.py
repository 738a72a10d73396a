"""The way from a mailbox to one socket: order, holds, and filling what was lost."""

import asyncio
from collections.abc import Sequence

from django.db import OperationalError

from realtime.delivery import Delivery, Row


class Peer:
    """A mailbox with a reader that can be kept waiting, and a socket that remembers what was written."""

    def __init__(self) -> None:
        self.mailbox: list[str] = []
        self.oldest = 1
        self.written: list[str] = []
        self.noted: list[str] = []
        self.stirred = asyncio.Event()
        self.lost_events = asyncio.Event()
        self.fails = False
        self.open = asyncio.Event()
        self.open.set()
        self.delivery = Delivery(self, self.read)

    async def read(self, after: int) -> Sequence[Row]:
        await self.open.wait()
        if self.fails:
            raise OperationalError
        return [(seq, "kind", frame) for seq, frame in enumerate(self.mailbox, 1) if seq > after and seq >= self.oldest][:3]

    def write_event(self, frame: str) -> None:
        self.written.append(frame)
        self.stirred.set()

    async def write_replay(self, frames: Sequence[str]) -> None:
        self.written += frames
        self.stirred.set()

    def note(self, kind: str) -> None:
        self.noted.append(kind)

    def lost(self) -> None:
        self.lost_events.set()

    def happens(self, frame: str, *, rung: bool = True, carried: bool = True) -> None:
        self.mailbox.append(frame)
        if rung:
            self.delivery.hear(len(self.mailbox), "kind", frame if carried else None)

    async def wrote(self, *frames: str) -> None:
        async with asyncio.timeout(2):
            while self.written != list(frames):
                self.stirred.clear()
                await self.stirred.wait()


async def test_a_replay_comes_before_what_is_live() -> None:
    peer = Peer()
    peer.mailbox = list("abcde")
    peer.open.clear()
    peer.delivery.begin(last=1, head=5)
    peer.happens("f")
    peer.delivery.hear_word("word")
    assert peer.written == []
    peer.open.set()
    await peer.wrote("b", "c", "d", "e", "f", "word")


async def test_lost_news_are_filled_in_before_the_next_ones() -> None:
    peer = Peer()
    peer.delivery.begin(last=0, head=0)
    peer.happens("a", rung=False)
    peer.happens("b")
    await peer.wrote("a", "b")


async def test_lost_news_are_filled_in_at_the_beat() -> None:
    peer = Peer()
    peer.delivery.begin(last=0, head=0)
    peer.happens("a", rung=False)
    peer.delivery.hear_head(1)
    await peer.wrote("a")


async def test_news_that_come_while_the_mailbox_is_looked_at_are_not_missed() -> None:
    peer = Peer()
    peer.happens("a")
    peer.delivery.begin(last=0, head=0)
    await peer.wrote("a")


async def test_what_a_request_causes_waits_for_its_reply() -> None:
    peer = Peer()
    peer.delivery.begin(last=0, head=0)
    peer.delivery.hold()
    peer.happens("own")
    peer.happens("own, large", carried=False)
    peer.delivery.hear_word("own word")
    assert (peer.written, peer.noted) == ([], [])
    peer.written.append("reply")
    peer.delivery.release()
    await peer.wrote("reply", "own", "own word", "own, large")
    assert peer.noted[:1] == ["kind"]


async def test_what_a_request_causes_waits_even_while_older_events_are_read() -> None:
    peer = Peer()
    peer.mailbox = ["old", "older"]
    peer.open.clear()
    peer.delivery.begin(last=0, head=2)
    await asyncio.sleep(0)
    peer.delivery.hold()
    peer.happens("own", carried=False)
    peer.open.set()
    await peer.wrote("old", "older")
    peer.written.append("reply")
    peer.delivery.release()
    await peer.wrote("old", "older", "reply", "own")


async def test_a_mailbox_that_cannot_be_read_is_read_at_the_next_beat() -> None:
    peer = Peer()
    peer.delivery.begin(last=0, head=0)
    peer.fails = True
    peer.happens("a", carried=False)
    peer.delivery.hear_word("word")
    await peer.wrote("word")
    peer.fails = False
    peer.delivery.hear_head(1)
    await peer.wrote("word", "a")


async def test_what_is_kept_no_more_is_told_as_lost() -> None:
    peer = Peer()
    peer.mailbox, peer.oldest = list("abc"), 3
    peer.delivery.begin(last=1, head=3)
    await asyncio.wait_for(peer.lost_events.wait(), 2)
    assert peer.written == []
