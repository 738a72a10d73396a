"""What the Celery worker runs: ids in, nothing out; each may run twice."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from vision import pipeline, queries, queue, uploads

log = logging.getLogger(__name__)

SWEEP_LIMIT = 200
# A job that nobody took up for so long was lost on its way to a worker.
LOST_AFTER = timedelta(seconds=60)


@shared_task(name=queue.IDENTIFY)
def identify(job_id: str) -> None:
    """Runs one job where it is due. What nobody foresaw gives the job back: the sweep has it run again, at most three times in all."""
    held = pipeline.claim(UUID(job_id))
    if held is None:
        return
    try:
        pipeline.run(held)
    except Exception:
        log.exception("Job %s broke off.", job_id)
        pipeline.give_back(held)


@shared_task(name="vision.sweep")
def sweep() -> None:
    """Hands out again what waits for its time, and what a lost message or a dead worker left behind."""
    for job_id in queries.due_jobs(queued_before=timezone.now() - LOST_AFTER, limit=SWEEP_LIMIT):
        queue.enqueue(job_id)


@shared_task(name="vision.expire_uploads")
def expire_uploads() -> None:
    """Forgets unfinished uploads after their day."""
    uploads.expire()
