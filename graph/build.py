"""The graph of one viewer as a pure function of the rows that the viewer may see; knows no database and no socket.

Nodes and stats have the shape of the wire, so that nothing between here and a frame has to turn them over again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypedDict

Rank = Literal["genus", "family", "order", "class", "phylum", "kingdom"]
Relationship = Literal["same_genus", "same_family", "same_order", "same_class", "same_phylum", "same_kingdom"]

# A person with hundreds of friends must not make a node of hundreds of names.
MOST_FRIENDS_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class AnimalRow:
    """One animal; an unknown rank is an empty string. Within a graph both `id` and `creation_index` are unique."""

    id: str
    scientific_name: str
    common_name: str
    creation_index: int
    kingdom: str
    phylum: str
    class_name: str
    order: str
    family: str
    genus: str
    species: str
    conservation_status: str
    verified: bool


@dataclass(frozen=True, slots=True)
class CatchRow:
    """One dex entry that the viewer may see; `recorded_at` is an aware time."""

    animal_id: str
    owner_id: str
    owner_username: str
    recorded_at: datetime
    entry_id: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose graph it is, and whom they call a friend."""

    id: str
    friend_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """An animal together with the catches of it that the viewer may see, in any order."""

    animal: AnimalRow
    catches: tuple[CatchRow, ...]


class Taxon(NamedTuple):
    """A group that animals can share. Names are unique within a kingdom only (a genus of plants may bear an animal's name)."""

    rank: Rank
    kingdom: str
    name: str


# `class` is a word of Python, hence the functional form.
Taxonomy = TypedDict(
    "Taxonomy",
    {
        "kingdom": str,
        "phylum": str,
        "class": str,
        "class_name": str,
        "order": str,
        "family": str,
        "genus": str,
        "species": str,
    },
)


class Discoverer(TypedDict, total=False):
    """All four keys, or none of them where there is nobody to show."""

    user_id: str
    username: str
    is_friend: bool
    is_self: bool


class Node(TypedDict):
    id: str
    scientific_name: str
    common_name: str
    creation_index: int
    taxonomy: Taxonomy
    conservation_status: str
    verified: bool
    captured_by_user: bool
    capture_count: int
    discoverer: Discoverer


class _EdgeEnds(TypedDict):
    source: str
    target: str
    relationship: Relationship


_SharedTaxon = TypedDict(
    "_SharedTaxon",
    {"genus": str, "family": str, "order": str, "class": str, "phylum": str, "kingdom": str},
    total=False,
)


class Edge(_EdgeEnds, _SharedTaxon):
    """Both ends, the relationship, and of the six ranks the shared one alone."""


class Diversity(TypedDict):
    """How many different taxa of each rank the nodes belong to."""

    kingdoms: int
    phyla: int
    classes: int
    orders: int
    families: int
    genera: int


class Stats(TypedDict):
    total_animals: int
    user_captures: int
    user_unique_species: int
    friend_captures: int
    friend_count: int
    taxonomic_diversity: Diversity


class Metadata(TypedDict):
    """What stays as it is as long as the graph is the same viewer's: deltas never carry it."""

    user_id: str


class FriendCatch(TypedDict):
    user_id: str
    username: str
    captured_at: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by animal id and edges by (source, target), both in order of creation; equality doesn't look at the order."""

    nodes: dict[str, Node]
    edges: dict[tuple[str, str], Edge]
    stats: Stats
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts that come from catches; counts of disjoint sets of sightings add up."""

    user_captures: int = 0
    user_unique_species: int = 0
    friend_captures: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.user_captures + other.user_captures,
            self.user_unique_species + other.user_unique_species,
            self.friend_captures + other.friend_captures,
        )

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(
            self.user_captures - other.user_captures,
            self.user_unique_species - other.user_unique_species,
            self.friend_captures - other.friend_captures,
        )


def build(viewer: Viewer, animals: Iterable[AnimalRow], catches: Iterable[CatchRow]) -> Graph:
    """The whole graph: one node for each animal given, at most one edge from each.

    `catches` are entries that `viewer` may see; what is not given counts nowhere, and a catch of an animal that is not given is passed
    over. Neither argument's order matters. Takes time linear in both (and a sort by creation index).

    The edge of an animal goes to the lowest creation index in its closest taxon that has a lower index than its own (protocol, section 8),
    so n animals have at most n - 1 edges.
    """
    seen = sightings(animals, catches)
    ordered = sorted(seen.values(), key=lambda sighting: sighting.animal.creation_index)
    edges: dict[tuple[str, str], Edge] = {}
    firsts: dict[Taxon, str] = {}
    for sighting in ordered:
        source = sighting.animal.id
        closest: Taxon | None = None
        for taxon in taxa(sighting.animal):
            # In order of creation, whoever stands here already is both earlier and the earliest.
            if firsts.setdefault(taxon, source) != source and closest is None:
                closest = taxon
        if closest is not None:
            target = firsts[closest]
            edges[source, target] = edge(source, target, closest)
    return Graph(
        nodes={sighting.animal.id: node(viewer, sighting) for sighting in ordered},
        edges=edges,
        stats=stats(viewer, len(ordered), tally(viewer, ordered), Counter(taxon.rank for taxon in firsts)),
        metadata=metadata(viewer),
    )


def sightings(animals: Iterable[AnimalRow], catches: Iterable[CatchRow]) -> dict[str, Sighting]:
    """The rows put together by animal id, in the order of `animals`; catches of other animals are passed over."""
    rows = {animal.id: animal for animal in animals}
    caught: dict[str, list[CatchRow]] = {}
    for catch in catches:
        caught.setdefault(catch.animal_id, []).append(catch)
    return {animal_id: Sighting(animal, tuple(caught.get(animal_id, ()))) for animal_id, animal in rows.items()}


def taxa(animal: AnimalRow) -> list[Taxon]:
    """The taxa that an animal belongs to, closest first: genus up to kingdom, without the unknown ones."""
    kingdom = animal.kingdom
    ranks: tuple[tuple[Rank, str], ...] = (
        ("genus", animal.genus),
        ("family", animal.family),
        ("order", animal.order),
        ("class", animal.class_name),
        ("phylum", animal.phylum),
        ("kingdom", kingdom),
    )
    return [Taxon(rank, kingdom, name) for rank, name in ranks if name]


def node(viewer: Viewer, sighting: Sighting) -> Node:
    """One animal as `viewer` sees it.

    `capture_count` counts all catches given, `captured_by_user` says whether one of them is the viewer's own, and `discoverer` is whoever
    of the viewer and the friends recorded a catch first (`{}` when nobody did).
    """
    animal = sighting.animal
    return {
        "id": animal.id,
        "scientific_name": animal.scientific_name,
        "common_name": animal.common_name,
        "creation_index": animal.creation_index,
        "taxonomy": {
            "kingdom": animal.kingdom,
            "phylum": animal.phylum,
            # Today's screens read the class under either name.
            "class": animal.class_name,
            "class_name": animal.class_name,
            "order": animal.order,
            "family": animal.family,
            "genus": animal.genus,
            "species": animal.species,
        },
        "conservation_status": animal.conservation_status,
        "verified": animal.verified,
        "captured_by_user": any(catch.owner_id == viewer.id for catch in sighting.catches),
        "capture_count": len(sighting.catches),
        "discoverer": _discoverer(viewer, sighting.catches),
    }


def friends_who_caught(viewer: Viewer, sighting: Sighting) -> list[FriendCatch]:
    """`captured_by_friends` of the tree: each friend once with their first catch, earliest first, at most MOST_FRIENDS_NAMED of them."""
    firsts: dict[str, CatchRow] = {}
    for catch in sorted(sighting.catches, key=_moment):
        if catch.owner_id in viewer.friend_ids:
            firsts.setdefault(catch.owner_id, catch)
    return [
        {"user_id": catch.owner_id, "username": catch.owner_username, "captured_at": _wire_time(catch.recorded_at)}
        for catch in list(firsts.values())[:MOST_FRIENDS_NAMED]
    ]


def edge(source: str, target: str, taxon: Taxon) -> Edge:
    """The edge between two animal ids that share `taxon`, whose name stands under its rank's own name."""
    relationship: Relationship = f"same_{taxon.rank}"  # type: ignore[assignment]  # mypy doesn't follow literals into an f-string
    shared: Edge = {"source": source, "target": target, "relationship": relationship}
    shared[taxon.rank] = taxon.name
    return shared


def tally(viewer: Viewer, seen: Iterable[Sighting]) -> Tally:
    """How many of the catches are the viewer's, on how many animals, and how many are friends'."""
    own = unique = friends = 0
    for sighting in seen:
        own_before = own
        for catch in sighting.catches:
            if catch.owner_id == viewer.id:
                own += 1
            elif catch.owner_id in viewer.friend_ids:
                friends += 1
        unique += own > own_before
    return Tally(own, unique, friends)


def stats(viewer: Viewer, total_animals: int, counts: Tally, diversity: Mapping[Rank, int]) -> Stats:
    """The numbers beside the graph, all of them integers and all of them functions of what the viewer may see.

    - `total_animals`: nodes.
    - `user_captures`: entries of the viewer.
    - `user_unique_species`: animals with at least one entry of the viewer.
    - `friend_captures`: entries of friends that the viewer may see.
    - `friend_count`: friends, whether or not anything of theirs can be seen.
    - `taxonomic_diversity`: different known taxa of each rank among the nodes, a name counted once in each kingdom where it occurs.
    """
    return {
        "total_animals": total_animals,
        "user_captures": counts.user_captures,
        "user_unique_species": counts.user_unique_species,
        "friend_captures": counts.friend_captures,
        "friend_count": len(viewer.friend_ids),
        "taxonomic_diversity": {
            "kingdoms": diversity.get("kingdom", 0),
            "phyla": diversity.get("phylum", 0),
            "classes": diversity.get("class", 0),
            "orders": diversity.get("order", 0),
            "families": diversity.get("family", 0),
            "genera": diversity.get("genus", 0),
        },
    }


def metadata(viewer: Viewer) -> Metadata:
    """`user_id` (string): whose graph this is."""
    return {"user_id": viewer.id}


def _discoverer(viewer: Viewer, catches: tuple[CatchRow, ...]) -> Discoverer:
    known = [catch for catch in catches if catch.owner_id == viewer.id or catch.owner_id in viewer.friend_ids]
    if not known:
        return {}
    first = min(known, key=_moment)
    is_self = first.owner_id == viewer.id
    return {"user_id": first.owner_id, "username": first.owner_username, "is_friend": not is_self, "is_self": is_self}


def _moment(catch: CatchRow) -> tuple[datetime, str]:
    # Two catches can bear the same time; the entry's id makes the choice the same everywhere.
    return catch.recorded_at, catch.entry_id


def _wire_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
