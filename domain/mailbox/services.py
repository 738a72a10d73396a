"""What changes mailboxes besides posting: forgetting old events, beginning a new life."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from domain.mailbox.models import Life, Mailbox, new_life

# Keeps the longer of the two: the last days, or the last events. The cut is where both end.
PRUNE = """
WITH cut AS (
    SELECT user_id, LEAST(head - %(events)s, COALESCE((SELECT max(seq) FROM mailbox_event WHERE mailbox_id = user_id AND at < %(before)s), 0)) AS last
    FROM mailbox_mailbox WHERE user_id = %(user_id)s
), gone AS (
    DELETE FROM mailbox_event USING cut WHERE mailbox_id = cut.user_id AND seq <= cut.last
)
UPDATE mailbox_mailbox SET oldest = cut.last + 1 FROM cut
WHERE mailbox_mailbox.user_id = cut.user_id AND cut.last >= mailbox_mailbox.oldest
"""


def prune() -> int:
    """Forgets events that are both older than MAILBOX_KEEP_DAYS and beyond the last MAILBOX_KEEP_EVENTS; the number of mailboxes cut."""
    before = timezone.now() - timedelta(days=settings.MAILBOX_KEEP_DAYS)
    long_ones = Mailbox.objects.filter(head__gte=F("oldest") + settings.MAILBOX_KEEP_EVENTS).values_list("user_id", flat=True)
    return sum(_prune_one(user_id, before=before) for user_id in list(long_ones))


def _prune_one(user_id: UUID, *, before: datetime) -> int:
    # A transaction for each: posts lock several mailboxes in key order, and must neither wait for a long one nor meet it the other way round.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PRUNE, {"events": settings.MAILBOX_KEEP_EVENTS, "before": before, "user_id": user_id})
        return int(cursor.rowcount)


def begin_new_life() -> None:
    """Changes the epoch: every client's number is from another life now and is answered with snapshots."""
    with transaction.atomic():
        Life.objects.all().delete()
        Life.objects.create(value=new_life())
