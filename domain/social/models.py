"""Friendships: one row for two people, whoever asked. Knows no entry."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Greatest, Least

from domain.record import Record


class Status(models.TextChoices):
    """Of a blocked pair, `from_user` is the one who blocked."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    BLOCKED = "blocked"


class Friendship(Record):
    """What two people are to each other; `from_user` asked (or blocked) last."""

    from_user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sent_friendships")
    to_user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="received_friendships")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)

    class Meta:
        constraints = [
            models.UniqueConstraint(Least("from_user", "to_user"), Greatest("from_user", "to_user"), name="friendship_one_row_a_pair"),
            models.CheckConstraint(condition=~models.Q(from_user=models.F("to_user")), name="friendship_of_two_people"),
        ]
        indexes = [
            models.Index(fields=["from_user", "status"], name="friendship_from_status_index"),
            models.Index(fields=["to_user", "status"], name="friendship_to_status_index"),
            models.Index(fields=["status", "created_at"], name="friendship_status_made_index"),
        ]
