"""How the domain tells what happened: collected while a transaction runs, numbered as its last act, announced once it is committed.

`post` needs a surrounding `transaction()`; the outermost one locks the union of all mailboxes concerned in key order, numbers and inserts, so that
numbers are consecutive per person, follow commit order, and two transactions cannot deadlock over mailboxes.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db import transaction as database
from django.utils import timezone
from psycopg.types.json import Jsonb

from domain.mailbox.facts import Letter, News, Refs, Word

# One statement: lock in key order, then count up. `n` numbers are given to each person at once.
NUMBER = """
WITH wanted AS (SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS wanted(user_id, n)),
locked AS (SELECT user_id FROM mailbox_mailbox WHERE user_id = ANY(%s::uuid[]) ORDER BY user_id FOR NO KEY UPDATE)
UPDATE mailbox_mailbox SET head = head + wanted.n, updated_at = now()
FROM wanted JOIN locked USING (user_id) WHERE mailbox_mailbox.user_id = wanted.user_id
RETURNING mailbox_mailbox.user_id, head - wanted.n
"""
INSERT = """
INSERT INTO mailbox_event (mailbox_id, seq, kind, refs, at)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::jsonb[], %s::timestamptz[])
"""


@dataclass(frozen=True, slots=True)
class _Posted:
    kind: str
    refs: Refs
    to: tuple[UUID, ...]


@dataclass(slots=True)
class _Outgoing:
    """What one thread's running transaction has collected so far."""

    depth: int = 0
    posted: list[_Posted] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


class _Threads(threading.local):
    def __init__(self) -> None:
        self.outgoing = _Outgoing()


_threads = _Threads()
_listeners: list[Callable[[News], None]] = []


def listen(listener: Callable[[News], None]) -> None:
    """Has `listener` called with the news of every transaction that posted something, after its commit."""
    _listeners.append(listener)


@contextmanager
def transaction() -> Iterator[None]:
    """A service's transaction. Nested ones join the outermost; one that fails takes what it posted with it."""
    outgoing = _threads.outgoing
    outermost = outgoing.depth == 0
    posted, words = len(outgoing.posted), len(outgoing.words)
    outgoing.depth += 1
    try:
        with database.atomic():
            yield
            if outermost:
                _flush(outgoing)
    except BaseException:
        del outgoing.posted[posted:], outgoing.words[words:]
        raise
    finally:
        outgoing.depth -= 1
        if outermost:
            outgoing.posted, outgoing.words = [], []


def post(kind: str, *, to: Iterable[UUID], **refs: object) -> None:
    """Writes an event into each person's mailbox with the transaction that is running; `refs` are ids and plain values.

    Raises:
        RuntimeError: outside of `transaction()`: the event would not be bound to a change.
    """
    if _threads.outgoing.depth == 0:
        raise RuntimeError("mailbox.post needs a surrounding mailbox.transaction().")
    if people := tuple(dict.fromkeys(to)):
        _threads.outgoing.posted.append(_Posted(kind=kind, refs=refs, to=people))


def tell(kind: str, *, to: Iterable[UUID], **data: object) -> None:
    """Tells a passing thing, without a row: with the commit of the running transaction, or at once where there is none."""
    word = Word(kind=kind, data=data, to=tuple(to), at=timezone.now())
    if _threads.outgoing.depth:
        _threads.outgoing.words.append(word)
    else:
        _announce(News(letters=(), words=(word,)))


def _flush(outgoing: _Outgoing) -> None:
    letters = _number(outgoing.posted) if outgoing.posted else ()
    # Robust: what was committed stays true even if nobody can be told; the numbers show the hole.
    if letters or outgoing.words:
        news = News(letters=letters, words=tuple(outgoing.words))
        database.on_commit(lambda: _announce(news), robust=True)


def _number(posted: list[_Posted]) -> tuple[Letter, ...]:
    counts: dict[UUID, int] = {}
    for item in posted:
        for person in item.to:
            counts[person] = counts.get(person, 0) + 1
    people = list(counts)
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, [people, list(counts.values()), people])
        last: dict[UUID, int] = dict(cursor.fetchall())
        letters = tuple(_letters(posted, last, at=timezone.now()))
        cursor.execute(
            INSERT,
            [
                [letter.owner_id for letter in letters],
                [letter.seq for letter in letters],
                [letter.kind for letter in letters],
                [Jsonb(letter.refs) for letter in letters],
                [letter.at for letter in letters],
            ],
        )
    return letters


def _letters(posted: list[_Posted], last: dict[UUID, int], *, at: datetime) -> Iterator[Letter]:
    """A person whose account went in the meantime has no mailbox and gets nothing."""
    for item in posted:
        for person in item.to:
            if person in last:
                last[person] += 1
                yield Letter(owner_id=person, seq=last[person], kind=item.kind, refs=item.refs, at=at)


def _announce(news: News) -> None:
    for listener in _listeners:
        listener(news)
