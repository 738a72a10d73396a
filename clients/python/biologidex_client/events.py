"""What the server pushed and nobody has taken yet, in order of arrival; it knows no socket."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import Closed, ConnectionEnded, TimedOut

UNREAD_MOST = 20_000  # more than a whole mailbox replayed (10 000); beyond it the oldest go

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """One push: durable ones have a `seq`; `arrived_s` is this process's monotonic clock at arrival."""

    type: str
    data: Mapping[str, Any]
    seq: int | None = None
    at: str | None = None
    arrived_s: float = field(default_factory=time.monotonic, compare=False)


Wanted = Callable[[Event], bool]


def anything(event: Event) -> bool:
    return True


async def until(wanted: asyncio.Future[T], *, closed: asyncio.Future[Closed], awaited: str, timeout_s: float | None) -> T:
    """The result of `wanted`, which is cancelled where it does not come. Raises ConnectionEnded, TimedOut, or what it holds."""
    try:
        either: set[asyncio.Future[Any]] = {wanted, closed}
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            return wanted.result()
    finally:
        wanted.cancel()
    if closed.done():
        raise ConnectionEnded(closed.result())
    raise TimedOut(awaited, timeout_s or 0)


class Inbox:
    """Unread events. Taking one that matches leaves the others where they are, so that waits do not eat each other's events."""

    def __init__(self, closed: asyncio.Future[Closed]) -> None:
        self._closed = closed
        self._unread: deque[Event] = deque(maxlen=UNREAD_MOST)
        self._waiting: list[tuple[Wanted, asyncio.Future[Event]]] = []

    def put(self, event: Event) -> None:
        """Give the event to the first that waits for such a one, else keep it."""
        for waiting in self._waiting:
            wanted, future = waiting
            if not future.done() and wanted(event):
                self._waiting.remove(waiting)
                future.set_result(event)
                return
        self._unread.append(event)

    def claim(self, wanted: Wanted = anything) -> asyncio.Future[Event]:
        """A future for the first unread or coming event that is `wanted`; cancel it to give the claim up."""
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        for event in self._unread:
            if wanted(event):
                self._unread.remove(event)
                future.set_result(event)
                return future
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].done()]
        self._waiting.append((wanted, future))
        return future

    def unread(self) -> list[Event]:
        """What lies here, oldest first; it stays."""
        return list(self._unread)

    async def get(self, wanted: Wanted = anything, *, awaited: str = "An event", timeout_s: float | None = None) -> Event:
        """The first unread or coming event that is `wanted`. Raises ConnectionEnded, TimedOut."""
        return await until(self.claim(wanted), closed=self._closed, awaited=awaited, timeout_s=timeout_s)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """All events until the connection is over."""
        while True:
            try:
                event = await self.get()
            except ConnectionEnded:
                return
            yield event
