"""People: the account, its profile and its logins. Knows no animal."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Upper
from django.db.models.signals import post_save
from django.dispatch import receiver

from domain.accounts.friend_codes import LENGTH, new_friend_code
from domain.record import Record

FRIEND_CODE_TRIES = 5


class User(AbstractUser):
    """An account. `badges` is a list of `{name, awarded_at}`; only services change it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    friend_code = models.CharField(max_length=LENGTH, unique=True, default=new_friend_code, editable=False)
    bio = models.TextField(max_length=500, blank=True)
    avatar = models.CharField(max_length=200, blank=True)
    badges = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager["User"]] = UserManager()  # type: ignore[assignment]

    class Meta(AbstractUser.Meta):
        # In capitals because that is how `iexact` compares, so that it finds them by these indexes.
        constraints = [
            models.UniqueConstraint(Upper("username"), name="user_username_unique_in_any_case"),
            models.UniqueConstraint(Upper("email"), name="user_email_unique_in_any_case"),
        ]
        indexes = [
            models.Index(fields=["friend_code"], name="user_friend_code_index"),
            models.Index(fields=["email"], name="user_email_index"),
            models.Index(fields=["created_at"], name="user_created_at_index"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves; a friend code that somebody else was given at the same moment is drawn anew."""
        for _ in range(FRIEND_CODE_TRIES):
            try:
                with transaction.atomic():
                    super().save(*args, **kwargs)
            except IntegrityError as error:
                if not self._state.adding or "friend_code" not in str(error):
                    raise
                self.friend_code = new_friend_code()
            else:
                return
        raise RuntimeError("No free friend code was found.")


class UserProfile(Record):
    """What a person has done, in numbers, and how their cards look."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    total_catches = models.PositiveIntegerField(default=0)
    unique_species = models.PositiveIntegerField(default=0)
    preferred_card_style = models.JSONField(default=dict, blank=True)


class Login(Record):
    """One login of one person; its id is the `sid` that every token of it carries.

    `refresh_id` is the id of the newest refresh token: only that one is rotated, an older one of the same login gets access tokens only.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="logins")
    refresh_id = models.CharField(max_length=32)
    rotated_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "revoked_at"], name="login_user_revoked_index"),
            models.Index(fields=["revoked_at"], name="login_revoked_index"),
        ]


@receiver(post_save, sender=User)
def give_profile(instance: User, created: bool, raw: bool = False, **_: object) -> None:
    """Every account has a profile from its first moment on."""
    if created and not raw:
        UserProfile.objects.create(user=instance)
