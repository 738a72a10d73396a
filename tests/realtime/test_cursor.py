"""A socket's place in its mailbox, against a model that is just a list."""

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from realtime.cursor import MOST_WAITING, Cursor


def _frames(first: int, last: int) -> list[str]:
    return [str(seq) for seq in range(first, last + 1)]


class Socket(RuleBasedStateMachine):
    """A mailbox that grows, news that come late, twice, without a frame or never, holds, and reads: what is written is always 1, 2, 3, ..."""

    news = Bundle("news")

    def __init__(self) -> None:
        super().__init__()
        self.cursor = Cursor(0)
        self.mailbox = 0
        self.written: list[str] = []
        self.holds = 0

    @rule(target=news)
    def something_happens(self) -> int:
        self.mailbox += 1
        return self.mailbox

    @rule(seq=news, carried=st.booleans())
    def news_come(self, seq: int, carried: bool) -> None:
        self.written += self.cursor.hear(seq, str(seq) if carried else None)

    @rule(seq=consumes(news))
    def news_are_lost(self, seq: int) -> None:
        """And never come (again)."""

    @rule()
    def the_clock_beats(self) -> None:
        self.written += self.cursor.hear(self.mailbox)

    @rule()
    def hold(self) -> None:
        self.cursor.hold()
        self.holds += 1

    @precondition(lambda self: self.holds)
    @rule()
    def release(self) -> None:
        self.holds -= 1
        self.written += self.cursor.release()

    @rule(most=st.integers(1, 5))
    def read(self, most: int) -> None:
        last = self.cursor.last
        rows = [(seq, str(seq)) for seq in range(last + 1, min(self.mailbox, last + most) + 1)]
        self.written += self.cursor.read(rows)

    @invariant()
    def what_is_written_rises_without_a_gap(self) -> None:
        assert self.written == _frames(1, self.cursor.last)

    @invariant()
    def nothing_is_invented(self) -> None:
        assert self.cursor.last <= self.cursor.head <= self.mailbox

    @invariant()
    def a_free_cursor_is_behind_exactly_where_it_has_not_written_what_it_heard_of(self) -> None:
        if not self.holds:
            assert self.cursor.is_behind == (self.cursor.last < self.cursor.head)

    def teardown(self) -> None:
        while self.holds:
            self.release()
        self.the_clock_beats()
        while self.cursor.is_behind:
            self.read(5)
        assert self.written == _frames(1, self.mailbox)


TestSocket = Socket.TestCase


def test_news_in_order_are_written_at_once() -> None:
    cursor = Cursor(4)
    assert cursor.hear(5, "five") == ["five"]
    assert cursor.hear(5, "five again") == []


def test_news_that_overtook_others_wait_for_them() -> None:
    cursor = Cursor(0)
    assert cursor.hear(2, "two") == []
    assert cursor.is_behind
    assert cursor.read([(1, "one")]) == ["one"]
    assert cursor.hear(1) == ["two"]


def test_while_held_everything_waits_until_the_last_release() -> None:
    cursor = Cursor(0)
    cursor.hold()
    cursor.hold()
    assert cursor.hear(1, "one") == []
    assert cursor.release() == []
    assert not cursor.is_behind
    assert cursor.release() == ["one"]


def test_what_is_beyond_the_bound_is_left_to_the_mailbox() -> None:
    cursor = Cursor(0)
    cursor.hold()
    for seq in range(1, MOST_WAITING + 3):
        cursor.hear(seq, str(seq))
    assert cursor.release() == _frames(1, MOST_WAITING)
    assert cursor.is_behind
