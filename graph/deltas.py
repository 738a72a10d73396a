"""What changes between two graphs of one viewer, by comparing them or as it happens; knows neither versions nor frames.

The law that everything here keeps: a graph with a delta applied equals the graph built afresh, stats included.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from graph.build import (
    AnimalRow,
    CatchRow,
    Edge,
    Graph,
    Node,
    Rank,
    Sighting,
    Stats,
    Tally,
    Taxon,
    Viewer,
    edge,
    metadata,
    node,
    sightings,
    stats,
    tally,
    taxa,
)


@dataclass(frozen=True, slots=True)
class Delta:
    """The way from one graph to the next.

    `nodes` and `edges` are new or replace those with the same id or ends; `removed_edges` are (source, target) and are taken away before
    `edges` come. An edge that gets another target is a removed edge and a new one. `stats` are always the new ones, whole. Nodes and edges
    stand in order of creation, removed ones in that of the old graph.
    """

    nodes: list[Node]
    removed_nodes: list[str]
    edges: list[Edge]
    removed_edges: list[tuple[str, str]]
    stats: Stats
    stats_changed: bool

    @property
    def is_empty(self) -> bool:
        """Whether applying this changes nothing, the stats included."""
        return not (self.nodes or self.removed_nodes or self.edges or self.removed_edges or self.stats_changed)


def difference(old: Graph, new: Graph) -> Delta:
    """The smallest delta that leads from `old` to `new`; both are the same viewer's. Takes time linear in both."""
    old_indexes = {animal_id: old_node["creation_index"] for animal_id, old_node in old.nodes.items()}
    new_indexes = {animal_id: new_node["creation_index"] for animal_id, new_node in new.nodes.items()}
    return _delta(
        nodes=[new_node for animal_id, new_node in new.nodes.items() if old.nodes.get(animal_id) != new_node],
        removed_nodes=[animal_id for animal_id in old.nodes if animal_id not in new.nodes],
        edges=[new_edge for ends, new_edge in new.edges.items() if old.edges.get(ends) != new_edge],
        removed_edges=[ends for ends in old.edges if ends not in new.edges],
        old_indexes=old_indexes,
        new_indexes=new_indexes,
        old_stats=old.stats,
        new_stats=new.stats,
    )


def apply(graph: Graph, delta: Delta) -> Graph:
    """The graph after `delta`, as every client has to work it out; `graph` itself stays as it is."""
    nodes = dict(graph.nodes)
    for animal_id in delta.removed_nodes:
        nodes.pop(animal_id, None)
    nodes.update((new_node["id"], new_node) for new_node in delta.nodes)
    edges = dict(graph.edges)
    for ends in delta.removed_edges:
        edges.pop(ends, None)
    edges.update(((new_edge["source"], new_edge["target"]), new_edge) for new_edge in delta.edges)
    return Graph(nodes=nodes, edges=edges, stats=delta.stats, metadata=graph.metadata)


class _Place(NamedTuple):
    """An animal's place in the order of creation."""

    creation_index: int
    animal_id: str


class LivingGraph:
    """An open graph that is told what changed and answers with the delta, in time that depends on the change and not on the graph.

    Holds the rows it was given (which many graphs may share) and the order of creation within each taxon, but no node and no edge in the
    wire's shape. Always equal to `build` of the same rows. Belongs to one thread at a time.
    """

    def __init__(self, viewer: Viewer, animals: Iterable[AnimalRow], catches: Iterable[CatchRow]) -> None:
        self._viewer = viewer
        self._sightings: dict[str, Sighting] = {}
        self._places: dict[Taxon, list[_Place]] = {}
        # Who reaches whom through which taxon, from both sides: all who have a taxon as their closest share its first animal as target.
        self._anchors: dict[str, tuple[Taxon, str]] = {}
        self._anchored: dict[Taxon, set[str]] = {}
        self._diversity: Counter[Rank] = Counter()
        self._tally = Tally()
        self._move(sightings(animals, catches))
        self._tally = tally(viewer, self._sightings.values())

    @property
    def viewer(self) -> Viewer:
        return self._viewer

    def graph(self) -> Graph:
        """The whole graph as it stands now."""
        ordered = sorted(self._sightings.values(), key=lambda sighting: sighting.animal.creation_index)
        edges = [found for sighting in ordered if (found := self._edge(sighting.animal.id))]
        return Graph(
            nodes={sighting.animal.id: node(self._viewer, sighting) for sighting in ordered},
            edges={(found["source"], found["target"]): found for found in edges},
            stats=self._stats(),
            metadata=metadata(self._viewer),
        )

    def update(self, changes: Mapping[str, Sighting | None], viewer: Viewer | None = None) -> Delta:
        """Take over what is now true of some animals, and give the delta that tells a client.

        `changes` has by animal id the animal with all catches of it that the viewer may see now, or None when the animal is not to be
        seen any more; naming an animal of which nothing changed does no harm. `viewer` is needed when the friends changed; then every
        animal with a catch by a person who came or went is looked at too, which takes one pass over the catches.

        Raises ValueError when `viewer` is another person.
        """
        viewer = viewer or self._viewer
        if viewer.id != self._viewer.id:
            raise ValueError(f"this graph is {self._viewer.id}'s, not {viewer.id}'s")
        affected = self._caught_by(viewer.friend_ids ^ self._viewer.friend_ids) | dict(changes)
        old = {animal_id: self._sightings[animal_id] for animal_id in affected if animal_id in self._sightings}
        new = {animal_id: sighting for animal_id, sighting in affected.items() if sighting is not None}
        old_nodes = {animal_id: node(self._viewer, sighting) for animal_id, sighting in old.items()}
        old_stats = self._stats()
        self._tally += tally(viewer, new.values()) - tally(self._viewer, old.values())
        self._viewer = viewer
        removed, added = self._move(affected)
        nodes = {animal_id: node(viewer, sighting) for animal_id, sighting in new.items()}
        return _delta(
            nodes=[new_node for animal_id, new_node in nodes.items() if old_nodes.get(animal_id) != new_node],
            removed_nodes=[animal_id for animal_id in old if animal_id not in new],
            edges=[found for ends, found in added.items() if removed.get(ends) != found],
            removed_edges=[ends for ends in removed if ends not in added],
            old_indexes=self._indexes(removed) | {animal_id: sighting.animal.creation_index for animal_id, sighting in old.items()},
            new_indexes=self._indexes(added) | {animal_id: sighting.animal.creation_index for animal_id, sighting in new.items()},
            old_stats=old_stats,
            new_stats=self._stats(),
        )

    def _move(self, changes: Mapping[str, Sighting | None]) -> tuple[dict[tuple[str, str], Edge], dict[tuple[str, str], Edge]]:
        """Put sightings in and out, and answer the edges of all who may have got another one: before, and after."""
        leaders: dict[Taxon, _Place | None] = {}
        for animal_id in changes:
            if (gone := self._sightings.pop(animal_id, None)) is not None:
                self._leave(gone.animal, leaders)
        for animal_id, sighting in changes.items():
            if sighting is not None:
                self._sightings[animal_id] = sighting
                self._enter(sighting.animal, leaders)
        # Whoever leads a taxon neither before nor after has an earlier animal in it both times: such an edge moves only with its target.
        loose = set(changes)
        for taxon, leader in leaders.items():
            now = self._leader(taxon)
            if leader != now:
                loose |= self._anchored.get(taxon, set())
                loose.update(place.animal_id for place in (leader, now) if place)
        before = {animal_id: self._edge(animal_id) for animal_id in loose}
        for animal_id in loose:
            self._anchor(animal_id)
        after = {animal_id: self._edge(animal_id) for animal_id in loose}
        return _by_ends(before.values()), _by_ends(after.values())

    def _leave(self, animal: AnimalRow, leaders: dict[Taxon, _Place | None]) -> None:
        """Take an animal out of its taxa; `leaders` keeps who led each of them at the start."""
        for taxon in taxa(animal):
            leaders.setdefault(taxon, self._leader(taxon))
            places = self._places[taxon]
            del places[bisect_left(places, _Place(animal.creation_index, animal.id))]
            if not places:
                del self._places[taxon]
                self._diversity[taxon.rank] -= 1

    def _enter(self, animal: AnimalRow, leaders: dict[Taxon, _Place | None]) -> None:
        """Put an animal into its taxa; `leaders` keeps who led each of them at the start."""
        place = _Place(animal.creation_index, animal.id)
        for taxon in taxa(animal):
            leaders.setdefault(taxon, self._leader(taxon))
            if taxon not in self._places:
                self._places[taxon] = []
                self._diversity[taxon.rank] += 1
            insort(self._places[taxon], place)

    def _leader(self, taxon: Taxon) -> _Place | None:
        places = self._places.get(taxon)
        return places[0] if places else None

    def _anchor(self, animal_id: str) -> None:
        """Find an animal's edge anew."""
        if (held := self._anchors.pop(animal_id, None)) is not None:
            together = self._anchored[held[0]]
            together.discard(animal_id)
            if not together:
                del self._anchored[held[0]]
        if (sighting := self._sightings.get(animal_id)) is None:
            return
        for taxon in taxa(sighting.animal):
            target = self._places[taxon][0].animal_id
            if target != animal_id:
                self._anchors[animal_id] = (taxon, target)
                self._anchored.setdefault(taxon, set()).add(animal_id)
                return

    def _edge(self, animal_id: str) -> Edge | None:
        held = self._anchors.get(animal_id)
        return edge(animal_id, held[1], held[0]) if held else None

    def _caught_by(self, people: frozenset[str]) -> dict[str, Sighting | None]:
        if not people:
            return {}
        return {
            animal_id: sighting
            for animal_id, sighting in self._sightings.items()
            if any(catch.owner_id in people for catch in sighting.catches)
        }

    def _indexes(self, edges: Iterable[tuple[str, str]]) -> dict[str, int]:
        """The creation index of every source that is still there."""
        return {source: self._sightings[source].animal.creation_index for source, _ in edges if source in self._sightings}

    def _stats(self) -> Stats:
        return stats(self._viewer, len(self._sightings), self._tally, self._diversity)


def _by_ends(edges: Iterable[Edge | None]) -> dict[tuple[str, str], Edge]:
    return {(found["source"], found["target"]): found for found in edges if found is not None}


def _delta(
    *,
    nodes: list[Node],
    removed_nodes: list[str],
    edges: list[Edge],
    removed_edges: list[tuple[str, str]],
    old_indexes: Mapping[str, int],
    new_indexes: Mapping[str, int],
    old_stats: Stats,
    new_stats: Stats,
) -> Delta:
    """The same changes in the one order that both ways of finding them share."""
    return Delta(
        nodes=sorted(nodes, key=lambda new_node: new_node["creation_index"]),
        removed_nodes=sorted(removed_nodes, key=lambda animal_id: old_indexes[animal_id]),
        edges=sorted(edges, key=lambda new_edge: new_indexes[new_edge["source"]]),
        removed_edges=sorted(removed_edges, key=lambda ends: old_indexes[ends[0]]),
        stats=new_stats,
        stats_changed=old_stats != new_stats,
    )
