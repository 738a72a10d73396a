"""The checklist at the door."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from consumers.wire import Thing
from domain.taxonomy import queries
from domain.taxonomy.models import Taxon
from realtime.operations import Access, Answer, Caller, Route, Shape, operation

TAXONOMY = "taxonomy/"


class TaxonThing(Thing):
    """A name of the checklist with its place; a rank that it lacks is ""."""

    id: UUID
    scientific_name: str
    common_names: list[str]
    rank: str
    status: str
    kingdom: str
    phylum: str
    class_: Annotated[str, Field(alias="class")]
    class_name: str
    order: str
    family: str
    genus: str
    specific_epithet: str
    conservation_status: str


class Taxa(Answer):
    """`{taxa}`"""

    taxa: list[TaxonThing]


class TaxonSearch(Shape):
    """Words that begin words of a scientific or common name."""

    q: Annotated[str, Field(min_length=1, max_length=200)]
    rank: Annotated[str, Field(max_length=32)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


def taxon_thing(taxon: Taxon) -> TaxonThing:
    """A taxon as everybody sees it."""
    return TaxonThing(
        id=taxon.id,
        scientific_name=taxon.scientific_name,
        common_names=[name.name for name in taxon.vernacular_names.all()],
        rank=taxon.rank,
        status=taxon.status,
        kingdom=taxon.kingdom,
        phylum=taxon.phylum,
        class_=taxon.class_name,
        class_name=taxon.class_name,
        order=taxon.order,
        family=taxon.family,
        genus=taxon.genus,
        specific_epithet=taxon.specific_epithet,
        conservation_status=taxon.conservation_status,
    )


def _results(body: dict[str, Any]) -> dict[str, Any]:
    return {"count": len(body["taxa"]), "results": body["taxa"]}


@operation("taxonomy.search", access=Access.ANYBODY, routes=[Route("GET", f"{TAXONOMY}search/", envelope=_results)])
def search(caller: Caller, data: TaxonSearch) -> Taxa:
    """The checklist's names that fit."""
    return Taxa(taxa=[taxon_thing(taxon) for taxon in queries.search(data.q, rank=data.rank, limit=data.limit)])
