"""What every stored thing has: a UUID and two times. Knows no table of its own."""

import uuid

from django.db import models


class Record(models.Model):
    """Abstract row with a random UUID key and the times (UTC) of its making and of its last save."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
