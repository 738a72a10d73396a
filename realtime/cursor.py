"""Keeps one socket's durable events in order: what may be written now, what waits, and when the mailbox must be read. Knows no socket."""

from collections.abc import Iterable

MOST_WAITING = 100


class Cursor:
    """Where a socket stands in its mailbox: `last` is the number written last, `head` the highest number heard of.

    While it is held (a request that changes something is running, or the mailbox is being read) frames wait here, at most `MOST_WAITING`; what is
    beyond that is read from the mailbox later, which `is_behind` says.
    """

    __slots__ = ("_holds", "_waiting", "head", "last")

    def __init__(self, last: int) -> None:
        self.last = last
        self.head = last
        self._holds = 0
        self._waiting: dict[int, str] = {}

    @property
    def is_held(self) -> bool:
        return self._holds > 0

    @property
    def is_behind(self) -> bool:
        """Whether numbers are missing that no waiting frame fills."""
        return not self.is_held and self.last < self.head

    def hold(self) -> None:
        """Lets frames wait until as many releases as holds were said."""
        self._holds += 1

    def release(self) -> list[str]:
        """The frames that may be written now."""
        self._holds -= 1
        return [] if self.is_held else self._ready()

    def hear(self, seq: int, frame: str | None = None) -> list[str]:
        """News of number `seq`, with its frame where it came along; the frames that may be written now."""
        self.head = max(self.head, seq)
        if frame is not None and seq > self.last and len(self._waiting) < MOST_WAITING:
            self._waiting[seq] = frame
        return [] if self.is_held else self._ready()

    def read(self, rows: Iterable[tuple[int, str]]) -> list[str]:
        """Rows read from the mailbox, in order, beginning after `last`; the frames to write now, even while held."""
        written = []
        for seq, frame in rows:
            if seq == self.last + 1:
                self.last = seq
                self.head = max(self.head, seq)
                written.append(frame)
                self._waiting.pop(seq, None)
        return written

    def _ready(self) -> list[str]:
        ready = []
        while (frame := self._waiting.pop(self.last + 1, None)) is not None:
            self.last += 1
            ready.append(frame)
        if self._waiting:
            self._waiting = {seq: frame for seq, frame in self._waiting.items() if seq > self.last}
        return ready
