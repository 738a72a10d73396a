"""Hands jobs to the workers, by task name and id; knows nothing of what they do with them."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

from domain.mailbox.facts import News

log = logging.getLogger(__name__)

IDENTIFY = "vision.identify"
QUEUED = "capture.queued"


def hear(news: News) -> None:
    """Has a worker run what was queued in a transaction that is committed now.

    As a listener of the mailbox it is called after the doorbell: a job's progress can't overtake the news that there is a job.
    """
    for letter in news.letters:
        if letter.kind == QUEUED:
            enqueue(UUID(str(letter.refs["job_id"])))


def enqueue(job_id: UUID) -> None:
    """Rings a worker now; where the broker is away, the sweep will find the row."""
    try:
        current_app.send_task(IDENTIFY, args=[str(job_id)])
    except OperationalError:
        log.warning("The broker is away; job %s waits for the sweep.", job_id)
