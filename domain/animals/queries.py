"""Reads of animals."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings

from domain.animals.models import Animal, remembered_as
from domain.errors import NotFound
from domain.remembering import remembered


def get(animal_id: UUID) -> Animal:
    """One animal, as it was at most ANIMAL_CACHE_TTL seconds ago where somebody changes it past `save`.

    Raises:
        NotFound
    """
    found = remembered(remembered_as(animal_id), ttl_s=settings.ANIMAL_CACHE_TTL, make=lambda: Animal.objects.filter(id=animal_id).first())
    if found is None:
        raise NotFound
    return found


def by_ids(animal_ids: Iterable[UUID]) -> dict[UUID, Animal]:
    """Animals by id: one query."""
    return Animal.objects.in_bulk(set(animal_ids))
