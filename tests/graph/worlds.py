"""Small worlds for the graph's tests: few names, so that taxa meet, and not always a classification that makes sense."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from graph.build import AnimalRow, CatchRow, Viewer

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = "ada"
PEOPLE = (ADA, "bob", "cyd", "dan")

kingdoms = st.sampled_from(["Animalia", "Plantae", ""])
names = st.sampled_from(["Alpha", "Beta", "Gamma", ""])
viewers = st.frozensets(st.sampled_from(PEOPLE[1:])).map(lambda friends: Viewer(ADA, friends))


def heron(animal_id: str = "heron", creation_index: int = 1, **other: object) -> AnimalRow:
    """A grey heron, but for what is said otherwise."""
    row = AnimalRow(
        id=animal_id,
        scientific_name="Ardea cinerea",
        common_name="Grey Heron",
        creation_index=creation_index,
        kingdom="Animalia",
        phylum="Chordata",
        class_name="Aves",
        order="Pelecaniformes",
        family="Ardeidae",
        genus="Ardea",
        species="cinerea",
        conservation_status="LC",
        verified=True,
    )
    return replace(row, **other)  # type: ignore[arg-type]


def caught(animal_id: str, owner: str, *, minute: int = 0, entry_id: str | None = None) -> CatchRow:
    return CatchRow(
        animal_id=animal_id,
        owner_id=owner,
        owner_username=owner,
        recorded_at=NOON + timedelta(minutes=minute),
        entry_id=entry_id or f"{animal_id}-{owner}-{minute}",
    )


@st.composite
def classified(draw: st.DrawFn, animal_id: str, creation_index: int) -> AnimalRow:
    return heron(
        animal_id,
        creation_index,
        kingdom=draw(kingdoms),
        phylum=draw(names),
        class_name=draw(names),
        order=draw(names),
        family=draw(names),
        genus=draw(names),
    )


@dataclass(frozen=True)
class World:
    viewer: Viewer
    animals: list[AnimalRow]
    catches: list[CatchRow]


@st.composite
def worlds(draw: st.DrawFn, most_animals: int = 12) -> World:
    """Some animals with creation indexes out of a range that leaves holes, and catches by friends and by people who are none."""
    indexes = draw(st.lists(st.integers(1, 3 * most_animals), unique=True, max_size=most_animals))
    animals = [draw(classified(f"a{index}", index)) for index in indexes]
    if not animals:
        return World(draw(viewers), [], [])
    catch = st.builds(
        lambda animal, owner, minute, number: caught(animal.id, owner, minute=minute, entry_id=f"{animal.id}-{owner}-{number}"),
        st.sampled_from(animals),
        st.sampled_from(PEOPLE),
        st.integers(0, 5),
        st.integers(0, 9),
    )
    return World(draw(viewers), animals, draw(st.lists(catch, max_size=2 * most_animals, unique_by=lambda row: row.entry_id)))
