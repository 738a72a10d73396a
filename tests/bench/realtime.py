"""The realtime core beside bare yardsticks: posting to mailboxes, ringing from a worker."""

import time
import uuid

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from psycopg.types.json import Jsonb
from rich.console import Console

from domain import mailbox
from domain.accounts.models import User
from domain.mailbox.models import Mailbox
from realtime import doorbell
from realtime.groups import user_group
from tests.bench.table import Row, side_by_side

AREA = "realtime"
PEOPLE = 200
FRAME_BYTES = 600


def measure(console: Console, *, short: bool) -> list[Row]:
    """All rows of this area."""
    call_command("migrate", verbosity=0, interactive=False)
    return [_posting(rounds=3 if short else 100), _ringing(rounds=5 if short else 300)]


def _posting(*, rounds: int) -> Row:
    """One event to the mailboxes of 200 people, beside a multi-row INSERT of the same rows and a counter UPDATE in one transaction."""
    people = [
        User.objects.create_user(f"bench{number}_{uuid.uuid4().hex[:8]}", f"{uuid.uuid4().hex}@example.org") for number in range(PEOPLE)
    ]
    ids = sorted(person.id for person in people)
    # Far from the numbers that ours gives.
    next_seq = dict.fromkeys(ids, 10_000_000)

    def ours() -> float:
        began = time.perf_counter()
        for _ in range(rounds):
            with mailbox.transaction():
                mailbox.post("bench.told", to=ids, entry_id=str(ids[0]), owner_id=str(ids[1]))
        return (time.perf_counter() - began) / rounds * 1000

    def bare() -> float:
        began = time.perf_counter()
        for _ in range(rounds):
            with transaction.atomic(), connection.cursor() as cursor:
                Mailbox.objects.filter(user_id__in=ids).update(head=F("head") + 1)
                rows = []
                for user_id in ids:
                    next_seq[user_id] += 1
                    rows += [
                        user_id,
                        next_seq[user_id],
                        "bench.told",
                        Jsonb({"entry_id": str(ids[0]), "owner_id": str(ids[1])}),
                        timezone.now(),
                    ]
                values = ",".join(["(%s,%s,%s,%s,%s)"] * len(ids))
                cursor.execute(f"INSERT INTO mailbox_event (mailbox_id, seq, kind, refs, at) VALUES {values}", rows)  # noqa: S608
        return (time.perf_counter() - began) / rounds * 1000

    figure, yardstick = side_by_side(ours, bare)
    return Row(AREA, f"post one event to the mailboxes of {PEOPLE} people", "ms", figure, yardstick, figure / yardstick, 2.0, "lower")


def _ringing(*, rounds: int) -> Row:
    """Ringing one user's group from a worker, beside `async_to_sync(group_send)`."""
    person = uuid.uuid4()
    frame = b"x" * FRAME_BYTES
    layer = get_channel_layer()

    def ours() -> float:
        began = time.perf_counter()
        for number in range(rounds):
            doorbell.publish([(person, {"type": doorbell.LETTER, "to": person.hex, "seq": number, "kind": "bench.told", "frame": frame})])
        return (time.perf_counter() - began) / rounds * 1000

    def stock() -> float:
        began = time.perf_counter()
        for number in range(rounds):
            async_to_sync(layer.group_send)(user_group(person), {"type": "bench.told", "seq": number, "frame": frame})
        return (time.perf_counter() - began) / rounds * 1000

    figure, yardstick = side_by_side(ours, stock)
    return Row(AREA, "ring one user's group from a worker", "ms", figure, yardstick, yardstick / figure, 15.0, "higher")
