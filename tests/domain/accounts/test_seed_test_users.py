"""`seed_test_users` makes three accounts that everybody knows the passwords of, and never where that would matter."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from domain.accounts.models import User
from domain.accounts.services import log_in
from tests.domain.people import animal, catch

pytestmark = pytest.mark.django_db
NAMES = ["admin", "testuser", "verified"]


def seed(**options: bool) -> str:
    said = StringIO()
    call_command("seed_test_users", stdout=said, **options)
    return said.getvalue()


def ids() -> set[object]:
    return set(User.objects.filter(username__in=NAMES).values_list("id", flat=True))


def test_it_makes_testuser_admin_and_verified_who_can_log_in_with_what_it_says() -> None:
    lines = seed().splitlines()
    assert sorted(line.split()[0] for line in lines) == NAMES
    for line in lines:
        name, _, password, *_ = line.split()
        user = log_in(username=name, password=password).user
        assert user.friend_code in line
        assert user.profile.total_catches == 0
    admin = User.objects.get(username="admin")
    assert admin.is_superuser
    assert admin.is_staff
    assert not User.objects.filter(username__in=["testuser", "verified"], is_staff=True).exists()
    assert User.objects.get(username="verified").badges[0]["name"] == "verified"


def test_a_second_run_leaves_them_as_they_are() -> None:
    seed()
    before = ids()
    assert "--force" in seed()
    assert ids() == before


def test_force_makes_them_anew_with_nothing_of_what_they_had() -> None:
    seed()
    before = ids()
    entry = catch(User.objects.get(username="testuser"), animal())
    seed(force=True)
    assert len(ids()) == 3
    assert not ids() & before
    assert not type(entry).objects.exists()


@pytest.mark.parametrize("module", ["biologidex.settings.production", "biologidex.settings.production_local", "elsewhere.settings"])
def test_it_refuses_settings_that_are_not_for_development_and_says_which(module: str, settings: Settings) -> None:
    settings.SETTINGS_MODULE = module
    with pytest.raises(CommandError, match=module):
        seed()
    with pytest.raises(CommandError, match=module):
        seed(force=True)
    assert not ids()
