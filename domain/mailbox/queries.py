"""Reads of mailboxes: heads, stretches of events, and the name of this life of the numbers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from domain.mailbox.facts import Letter
from domain.mailbox.models import Event, Mailbox

# The timeline comes from the log's position, since the control file learns of a failover only at the next checkpoint.
EPOCH = """
SELECT (SELECT value FROM mailbox_life ORDER BY created_at LIMIT 1), (SELECT system_identifier FROM pg_control_system()),
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), 'mailbox_event'::regclass::oid
"""
EPOCH_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a mailbox stands: `head` the last number given, `oldest` the lowest kept (`head + 1` when empty), `epoch` the life of its numbers."""

    epoch: str
    head: int
    oldest: int


def epoch() -> str:
    """The name of this life of all mailboxes: changes with any restore and with a failover."""
    with connection.cursor() as cursor:
        cursor.execute(EPOCH)
        facts = cursor.fetchone()
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:EPOCH_CHARACTERS]


def standing(user_id: UUID) -> Standing:
    """Where this person's mailbox stands now."""
    mailbox = Mailbox.objects.filter(user_id=user_id).values_list("head", "oldest").first()
    head, oldest = mailbox or (0, 1)
    return Standing(epoch=epoch(), head=head, oldest=oldest)


def heads(user_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The last number given, by person: one query."""
    return dict(Mailbox.objects.filter(user_id__in=list(user_ids)).values_list("user_id", "head"))


def letters(user_id: UUID, *, after: int, limit: int, until: int | None = None) -> list[Letter]:
    """The events with numbers above `after` (and up to `until`), at most `limit`, in order."""
    rows = Event.objects.filter(mailbox_id=user_id, seq__gt=after)
    if until is not None:
        rows = rows.filter(seq__lte=until)
    return [
        Letter(owner_id=user_id, seq=seq, kind=kind, refs=refs, at=at)
        for seq, kind, refs, at in rows.order_by("seq").values_list("seq", "kind", "refs", "at")[:limit]
    ]
