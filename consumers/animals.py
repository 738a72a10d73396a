"""Animals at the door: one, and the search among them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from consumers.wire import Moment, Thing
from domain.animals import queries
from domain.animals.models import Animal
from realtime.operations import Access, Answer, Caller, Route, Shape, operation


class AnimalThing(Thing):
    """An animal of the dex; a rank that is not known is ""."""

    id: UUID
    scientific_name: str
    common_name: str
    creation_index: int
    kingdom: str
    phylum: str
    class_: Annotated[str, Field(alias="class")]
    class_name: str
    order: str
    family: str
    genus: str
    species: str
    conservation_status: str
    verified: bool
    created_at: Moment


class AnimalAnswer(Answer):
    """`{animal}`"""

    animal: AnimalThing


class ByAnimal(Shape):
    """An animal's id."""

    animal_id: UUID


def animal_thing(animal: Animal) -> AnimalThing:
    """An animal as everybody sees it."""
    return AnimalThing(
        id=animal.id,
        scientific_name=animal.scientific_name,
        common_name=animal.common_name,
        creation_index=animal.creation_index,
        class_=animal.class_name,
        class_name=animal.class_name,
        kingdom=animal.kingdom,
        phylum=animal.phylum,
        order=animal.order,
        family=animal.family,
        genus=animal.genus,
        species=animal.species,
        conservation_status=animal.conservation_status,
        verified=animal.verified,
        created_at=animal.created_at,
    )


@operation("animals.get", access=Access.ANYBODY, routes=[Route("GET", "animals/{animal_id}/", envelope=lambda body: dict(body["animal"]))])
def get(caller: Caller, data: ByAnimal) -> AnimalAnswer:
    """One animal."""
    return AnimalAnswer(animal=animal_thing(queries.get(data.animal_id)))
