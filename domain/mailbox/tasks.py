"""The mailbox's housekeeping."""

from celery import shared_task

from domain.mailbox import services


@shared_task(name="mailbox.prune")
def prune() -> None:
    """Forgets events that are both old and many."""
    services.prune()
