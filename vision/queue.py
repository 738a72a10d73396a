"""Hands jobs to the workers, by task name and id; knows nothing of what they do with them."""

import logging
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

IDENTIFY = "vision.identify"


def enqueue_on_commit(job_id: UUID) -> None:
    """Has a worker run this job once the running transaction is committed."""
    transaction.on_commit(lambda: enqueue(job_id), robust=True)


def enqueue(job_id: UUID) -> None:
    """Rings a worker now; where the broker is away, the sweep will find the row."""
    try:
        current_app.send_task(IDENTIFY, args=[str(job_id)])
    except OperationalError:
        log.warning("The broker is away; job %s waits for the sweep.", job_id)
