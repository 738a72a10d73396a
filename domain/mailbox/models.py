"""What happened to whom, in order: a counter for each person and a row for each event. Knows kinds and ids, never what they mean."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

from domain.record import Record


def new_life() -> str:
    """32 random hex digits."""
    return secrets.token_hex(16)


class Mailbox(models.Model):
    """The counter of one person: `head` is the last number given, `oldest` the lowest number still kept.

    Its key is its person's, because the row is locked by person, in key order.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="mailbox")
    head = models.BigIntegerField(default=0)
    oldest = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class Event(models.Model):
    """One thing that happened to one person: number `seq` of their mailbox.

    Its key is (mailbox, seq), which is what every read asks for; it is never updated.
    """

    pk = models.CompositePrimaryKey("mailbox_id", "seq")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    refs = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="mailbox_event_at_index")]


class Life(Record):
    """The stored part of the epoch: one row, drawn anew by a restore."""

    value = models.CharField(max_length=32, default=new_life)


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def give_mailbox(instance: models.Model, created: bool, raw: bool = False, **_: Any) -> None:
    """Every account has a mailbox from its first moment on."""
    if created and not raw:
        Mailbox.objects.create(user_id=instance.pk)
