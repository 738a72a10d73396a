"""The keys under which answers are remembered."""

from django.conf import settings
from django.db import models

from domain.record import Record


class IdempotencyKey(Record):
    """A key that a person gave to a request that changed something: what was asked (`fingerprint`) and the ids of the answer (`refs`)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    refs = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_made_index")]
