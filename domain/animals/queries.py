"""Reads of animals."""

from collections.abc import Iterable
from uuid import UUID

from domain.animals.models import Animal
from domain.errors import NotFound


def get(animal_id: UUID) -> Animal:
    """One animal.

    Raises:
        NotFound
    """
    found = Animal.objects.filter(id=animal_id).first()
    if found is None:
        raise NotFound
    return found


def by_ids(animal_ids: Iterable[UUID]) -> dict[UUID, Animal]:
    """Animals by id: one query."""
    return Animal.objects.in_bulk(set(animal_ids))
