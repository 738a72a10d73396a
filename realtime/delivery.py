"""How what a person is told comes to one socket: durable events in order without a gap, and nothing before the reply that it waits for.

Knows how to read a mailbox and how to write a frame only by what it is given.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from django.db import DatabaseError

from domain.errors import DomainError
from realtime.cursor import Cursor

log = logging.getLogger(__name__)

MOST_HELD_WORDS = 100

# Number, kind, frame.
Row = tuple[int, str, str]


class Socket(Protocol):
    """What a delivery needs of its socket."""

    def write_event(self, frame: str) -> None: ...
    async def write_replay(self, frames: Sequence[str]) -> None: ...
    def note(self, kind: str) -> None: ...
    def lost(self) -> None: ...


class Delivery:
    """One socket's way from its mailbox. Before `begin` it only remembers how far the mailbox has got."""

    def __init__(self, socket: Socket, read: Callable[[int], Awaitable[Sequence[Row]]]) -> None:
        self._socket = socket
        self._read = read
        self._cursor: Cursor | None = None
        self._early_head = 0
        # While requests hold, what they cause lies above this number, and is not read from the mailbox either.
        self._ceiling: int | None = None
        self._holds = 0
        self._words: deque[str] = deque(maxlen=MOST_HELD_WORDS)
        self._kinds: set[str] = set()
        self._filling: asyncio.Task[None] | None = None

    @property
    def head(self) -> int:
        """The highest number heard of."""
        return self._cursor.head if self._cursor is not None else self._early_head

    @property
    def has_begun(self) -> bool:
        return self._cursor is not None

    @property
    def is_holding(self) -> bool:
        """Whether something waits for a reply."""
        return self._holds > 0

    def begin(self, *, last: int, head: int) -> None:
        """Goes on after number `last`; `head` is the number at which the mailbox stood."""
        self._cursor = Cursor(last)
        self._write(self._cursor.hear(max(head, self._early_head)))
        self._fill_if_behind()

    def end(self) -> None:
        """The socket is gone."""
        if self._filling is not None:
            self._filling.cancel()

    def hold(self) -> None:
        """Everything waits until `release`."""
        if self._cursor is None:
            return
        if not self._holds:
            self._ceiling = self._cursor.head
        self._holds += 1
        self._cursor.hold()

    def release(self) -> None:
        """Writes what waited."""
        if self._cursor is None:
            return
        self._holds -= 1
        if not self._holds:
            self._ceiling = None
        self._let_go(self._cursor)
        self._fill_if_behind()

    def hear(self, seq: int, kind: str, frame: str | None) -> None:
        """News of number `seq`; without its frame it is read from the mailbox."""
        if self._cursor is None:
            self._early_head = max(self._early_head, seq)
        elif seq > self._cursor.last:
            self._write(self._cursor.hear(seq, frame))
            self._fill_if_behind()
            self._note(kind)

    def hear_head(self, head: int) -> None:
        """The mailbox stands at this number."""
        if self._cursor is not None:
            self._write(self._cursor.hear(head))
            self._fill_if_behind()

    def hear_word(self, frame: str) -> None:
        """A passing thing; of many that have to wait the oldest are forgotten."""
        if self._cursor is None:
            return
        if self._cursor.is_held:
            self._words.append(frame)
        else:
            self._socket.write_event(frame)

    def _note(self, kind: str) -> None:
        if self._cursor is not None and self._cursor.is_held:
            self._kinds.add(kind)
        else:
            self._socket.note(kind)

    def _write(self, letters: list[str]) -> None:
        for frame in letters:
            self._socket.write_event(frame)

    def _let_go(self, cursor: Cursor) -> None:
        self._write(cursor.release())
        if cursor.is_held:
            return
        while self._words:
            self._socket.write_event(self._words.popleft())
        kinds, self._kinds = self._kinds, set()
        for kind in kinds:
            self._socket.note(kind)

    def _fill_if_behind(self) -> None:
        if self._cursor is not None and self._cursor.is_behind and self._filling is None:
            self._cursor.hold()
            self._filling = asyncio.create_task(self._fill(self._cursor))

    async def _fill(self, cursor: Cursor) -> None:
        """Reads from the mailbox what did not come by itself; the cursor is held for it."""
        try:
            while cursor.last < self._bound(cursor):
                rows = await self._read(cursor.last)
                if not rows or rows[0][0] != cursor.last + 1:
                    self._socket.lost()
                    return
                # Asked again: a request that began meanwhile waits for its reply.
                ceiling = self._ceiling
                fitting = [row for row in rows if ceiling is None or row[0] <= ceiling]
                self._kinds.update(kind for _, kind, _ in fitting)
                await self._socket.write_replay(cursor.read((seq, frame) for seq, _, frame in fitting))
        except (DomainError, DatabaseError) as error:
            log.warning("A mailbox could not be read, the next beat tries again: %s", error.__class__.__name__)
        finally:
            self._filling = None
            self._let_go(cursor)

    def _bound(self, cursor: Cursor) -> int:
        return cursor.head if self._ceiling is None else min(cursor.head, self._ceiling)
