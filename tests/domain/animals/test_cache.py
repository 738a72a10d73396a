"""Animals are remembered for ANIMAL_CACHE_TTL seconds, and forgotten once a change is committed."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from domain.animals import queries
from domain.animals.models import Animal


def heron() -> Animal:
    return Animal.objects.create(scientific_name="Ardea cinerea", common_name="Grey heron", creation_index=1)


@pytest.mark.django_db(transaction=True)
def test_a_second_look_asks_the_database_nothing(settings: Any) -> None:
    settings.ANIMAL_CACHE_TTL = 60
    animal = heron()
    queries.get(animal.id)
    with CaptureQueriesContext(connection) as asked:
        assert queries.get(animal.id).common_name == "Grey heron"
    assert len(asked) == 0


@pytest.mark.django_db(transaction=True)
def test_without_a_time_to_live_nothing_is_remembered(settings: Any) -> None:
    settings.ANIMAL_CACHE_TTL = 0
    animal = heron()
    queries.get(animal.id)
    with CaptureQueriesContext(connection) as asked:
        queries.get(animal.id)
    assert len(asked) == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_is_seen_after_its_commit_and_not_before(settings: Any) -> None:
    settings.ANIMAL_CACHE_TTL = 60
    animal = heron()
    queries.get(animal.id)
    with transaction.atomic():
        animal.common_name = "Heron"
        animal.save()
        # Somebody else, outside of this transaction, would still be given what is committed.
        assert queries.get(animal.id).common_name == "Grey heron"
    assert queries.get(animal.id).common_name == "Heron"


@pytest.mark.django_db(transaction=True)
def test_without_redis_animals_are_read_from_the_database(settings: Any) -> None:
    settings.ANIMAL_CACHE_TTL = 60
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}}
    animal = heron()
    assert queries.get(animal.id).common_name == "Grey heron"
