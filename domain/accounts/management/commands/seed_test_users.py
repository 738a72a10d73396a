"""Makes the three test users: testuser, admin (a superuser) and verified; knows no entry."""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from domain.accounts.models import User

# The passwords are known to everybody, so these accounts exist on machines of developers and tests alone.
ALLOWED_UNDER = frozenset({"development", "testing"})


@dataclass(frozen=True, slots=True)
class TestUser:
    """What a test user is made of."""

    username: str
    password: str
    bio: str
    superuser: bool = False
    badges: tuple[str, ...] = ()


TEST_USERS = (
    TestUser("testuser", "testpass123", "Somebody to try things out with."),
    TestUser("admin", "adminpass123", "May do everything.", superuser=True),
    TestUser("verified", "verifiedpass123", "Has a badge.", badges=("verified",)),
)


class Command(BaseCommand):
    help = "Makes the test users testuser, admin and verified, with passwords that everybody knows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="delete those that exist, with all that is theirs, and make them anew")

    def handle(self, *args: Any, force: bool = False, **options: Any) -> None:
        _refuse_in_production()
        with transaction.atomic():
            for wanted in TEST_USERS:
                self.stdout.write(self._make(wanted, force=force))

    def _make(self, wanted: TestUser, *, force: bool) -> str:
        known = User.objects.filter(username__iexact=wanted.username)
        if known.exists():
            if not force:
                return f"{wanted.username} exists already; --force makes it anew."
            known.delete()
        make = User.objects.create_superuser if wanted.superuser else User.objects.create_user
        awarded_at = timezone.now().isoformat().replace("+00:00", "Z")
        user = make(
            wanted.username,
            email=f"{wanted.username}@example.com",
            password=wanted.password,
            bio=wanted.bio,
            badges=[{"name": name, "awarded_at": awarded_at} for name in wanted.badges],
        )
        return f"{user.username}  password {wanted.password}  friend code {user.friend_code}"


def _refuse_in_production() -> None:
    module = str(settings.SETTINGS_MODULE)
    if module.rpartition(".")[2] not in ALLOWED_UNDER:
        raise CommandError(f"Not under {module}: everybody knows these passwords. Only development and testing settings allow test users.")
