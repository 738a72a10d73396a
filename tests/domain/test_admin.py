"""The admin's pages open, find things, and leave to services what services must do."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.cache import caches
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from domain.accounts import services, tokens
from domain.accounts.models import Login, User, UserProfile
from domain.animals.models import Animal, Sequence
from domain.dex.models import DexEntry, Tombstone
from domain.errors import TokenRevoked
from domain.mailbox.models import Event, Life, Mailbox
from domain.mailbox.services import begin_new_life
from domain.social.models import Friendship
from realtime.models import IdempotencyKey
from tests.domain.people import animal, befriend, catch, someone
from vision.models import AnalysisJob, Upload

pytestmark = pytest.mark.django_db
OURS = ("accounts", "taxonomy", "animals", "dex", "social", "images", "mailbox", "vision", "realtime")
MODELS = [model for label in OURS for model in apps.get_app_config(label).get_models() if model is not Event]
LOOKED_AT_ONLY = [UserProfile, Login, Mailbox, Life, Animal, Sequence, DexEntry, Tombstone, Friendship, AnalysisJob, Upload, IdempotencyKey]


@pytest.fixture
def staff() -> Iterator[Client]:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "herons-and-egrets-42"))
    yield client
    caches["sessions"].clear()


def page_of(model: type[Model], page: str, *ids: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=ids)


@pytest.fixture
def world() -> tuple[User, Model]:
    begin_new_life()
    ada = someone("ada")
    befriend(ada, someone("bob"))
    entry = catch(ada, animal())
    tokens.begin_login(ada)
    Tombstone.objects.create(owner=ada, entry_id=entry.id)
    IdempotencyKey.objects.create(user=ada, key="key", fingerprint="f")
    AnalysisJob.objects.create(user=ada, image_checksum="c", fingerprint="f")
    Upload.objects.create(owner=ada, size_bytes=1, sha256="s")
    return ada, entry


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_opens_and_can_be_searched(staff: Client, world: object, model: type[Model]) -> None:
    assert staff.get(page_of(model, "changelist")).status_code == 200
    assert staff.get(page_of(model, "changelist"), {"q": "ada"}).status_code == 200


@pytest.mark.parametrize("model", LOOKED_AT_ONLY, ids=lambda model: model._meta.label)
def test_what_services_must_change_can_only_be_looked_at(staff: Client, world: object, model: type[Model]) -> None:
    row = model._default_manager.first()
    assert row is not None
    assert staff.get(page_of(model, "change", row.pk)).status_code == 200
    for page, ids in (("add", ()), ("delete", (row.pk,))):
        assert staff.post(page_of(model, page, *ids), {"post": "yes"}).status_code == 403
    assert staff.post(page_of(model, "change", row.pk), {}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


def test_the_events_alone_have_no_page() -> None:
    assert [model for model in MODELS if not admin.site.is_registered(model)] == []
    assert not admin.site.is_registered(Event)


def test_people_without_the_right_are_sent_away(world: tuple[User, Model]) -> None:
    client = Client()
    client.force_login(world[0])
    assert client.get(page_of(User, "changelist")).status_code == 302


def test_staff_make_a_person_who_can_log_in_but_delete_nobody(staff: Client) -> None:
    password = "kingfisher-and-dipper-7"
    given = {"username": "cyd", "email": "cyd@example.org", "usable_password": "true", "password1": password, "password2": password}
    assert staff.post(page_of(User, "add"), given).status_code == 302
    cyd = services.log_in(username="cyd", password=password).user
    assert cyd.mailbox.head == 0
    assert staff.get(page_of(User, "change", cyd.id)).status_code == 200
    assert staff.post(page_of(User, "delete", cyd.id), {"post": "yes"}).status_code == 403


def test_a_password_that_staff_set_and_an_account_that_staff_disable_end_their_logins(staff: Client, world: tuple[User, Model]) -> None:
    ada = world[0]
    first = tokens.begin_login(ada)
    password = "kingfisher-and-dipper-7"
    address = reverse("admin:auth_user_password_change", args=[ada.id])
    assert staff.post(address, {"usable_password": "true", "password1": password, "password2": password}).status_code == 302
    with pytest.raises(TokenRevoked):
        tokens.read_access(first.access)
    second = services.log_in(username=ada.username, password=password)
    kept = {"username": ada.username, "email": ada.email}
    assert staff.post(page_of(User, "change", ada.id), kept).status_code == 302
    assert not User.objects.get(id=ada.id).is_active
    assert Login.objects.filter(user=ada, revoked_at=None).count() == 0
    with pytest.raises(TokenRevoked):
        tokens.read_access(second.access)
