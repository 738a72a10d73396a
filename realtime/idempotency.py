"""The same key has its effect once: the first answer's ids are stored in the effect's own transaction.

The key's row is the transaction's first write. A twin in flight waits on the unique index until the first one commits, at most
`WAIT_MS`; if the first one rolls back, the twin goes on in its place.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import OperationalError, connection
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from domain import mailbox
from domain.errors import Busy, KeyReused
from realtime.models import IdempotencyKey

Refs = Mapping[str, object]

WAIT_MS = 10_000
LIFETIME = timedelta(hours=24)
PRUNED_AT_ONCE = 50_000


def fingerprint(operation: str, data: Mapping[str, object]) -> str:
    """SHA-256 (hex) of the operation's name and its validated data as JSON values; files stand in it by their own SHA-256."""
    return hashlib.sha256(json.dumps([operation, data], sort_keys=True, default=str).encode()).hexdigest()


def once(user_id: UUID, key: str, asked: str, effect: Callable[[], Refs]) -> Refs:
    """The refs of `effect`, which runs unless this person's key has had its effect already.

    Raises:
        KeyReused: the key belongs to another request. Busy: a twin has been under way for too long.
    """
    with mailbox.transaction():
        if not _take(user_id, key, asked):
            kept = IdempotencyKey.objects.get(user_id=user_id, key=key)
            if kept.fingerprint != asked:
                raise KeyReused
            return dict(kept.refs)
        refs = effect()
        IdempotencyKey.objects.filter(user_id=user_id, key=key).update(refs=refs)
    return refs


def _take(user_id: UUID, key: str, asked: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT_MS}ms"])
        IdempotencyKey.objects.filter(user_id=user_id, key=key, created_at__lt=timezone.now() - LIFETIME).delete()
        try:
            cursor.execute(
                "INSERT INTO realtime_idempotencykey (id, user_id, key, fingerprint, refs, created_at, updated_at)"
                " VALUES (gen_random_uuid(), %s, %s, %s, '{}', now(), now()) ON CONFLICT (user_id, key) DO NOTHING",
                [user_id, key, asked],
            )
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise Busy(retry_after=1.0) from error
            raise
        return int(cursor.rowcount) == 1


@shared_task(name="realtime.prune_keys")
def prune_keys() -> None:
    """Forgets keys after their day."""
    old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - LIFETIME).order_by("created_at")
    IdempotencyKey.objects.filter(id__in=list(old.values_list("id", flat=True)[:PRUNED_AT_ONCE])).delete()
