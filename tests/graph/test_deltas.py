"""The law of the living graph: what a client has, with what it is told, equals a fresh snapshot."""

import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from graph.build import AnimalRow, CatchRow, Graph, Sighting, Viewer, build, sightings
from graph.deltas import Delta, LivingGraph, apply, difference
from tests.graph.worlds import ADA, PEOPLE, World, caught, classified, heron, kingdoms, names, viewers, worlds

VIEWER = Viewer(ADA, frozenset({"bob", "cyd"}))


def graph_of(world: World) -> Graph:
    return build(world.viewer, world.animals, world.catches)


def test_nothing_changed_is_an_empty_delta() -> None:
    graph = build(VIEWER, [heron()], [caught("heron", "bob")])
    assert difference(graph, graph).is_empty


def test_a_friend_who_shows_nothing_changes_the_stats_alone() -> None:
    alone, befriended = build(Viewer(ADA, frozenset()), [], []), build(VIEWER, [], [])
    delta = difference(alone, befriended)
    assert (delta.nodes, delta.removed_nodes, delta.edges, delta.removed_edges) == ([], [], [], [])
    assert not delta.is_empty
    assert apply(alone, delta) == befriended


@given(worlds(), worlds())
def test_a_graph_with_its_difference_to_another_is_the_other(one: World, other: World) -> None:
    old, new = graph_of(one), graph_of(other)
    delta = difference(old, new)
    assert apply(old, delta) == new
    assert delta.is_empty == (old == new)


@given(worlds(), worlds())
def test_a_difference_says_nothing_that_the_client_has_already(one: World, other: World) -> None:
    old, new = graph_of(one), graph_of(other)
    delta = difference(old, new)
    assert all(node not in old.nodes.values() for node in delta.nodes)
    assert all(edge not in old.edges.values() for edge in delta.edges)
    assert set(delta.removed_nodes) == set(old.nodes) - set(new.nodes)
    assert set(delta.removed_edges) == set(old.edges) - set(new.edges)


@given(worlds(), worlds())
def test_a_difference_does_not_depend_on_how_the_graphs_are_held(one: World, other: World) -> None:
    old, new = graph_of(one), graph_of(other)
    held = [
        Graph(dict(reversed(graph.nodes.items())), dict(reversed(graph.edges.items())), graph.stats, graph.metadata) for graph in (old, new)
    ]
    assert difference(*held) == difference(old, new)


@given(worlds(), worlds())
def test_applying_leaves_the_old_graph_as_it_was(one: World, other: World) -> None:
    old = graph_of(one)
    apply(old, difference(old, graph_of(other)))
    assert old == graph_of(one)


@given(worlds())
def test_a_living_graph_begins_as_the_graph_built(world: World) -> None:
    living = LivingGraph(world.viewer, world.animals, world.catches)
    fresh = graph_of(world)
    assert living.graph() == fresh
    assert list(living.graph().nodes) == list(fresh.nodes)


@given(worlds(), worlds())
def test_any_change_at_once_gives_the_delta_of_the_whole_graphs(one: World, other: World) -> None:
    living = LivingGraph(one.viewer, one.animals, one.catches)
    gone = dict.fromkeys((animal.id for animal in one.animals), None)
    delta = living.update(gone | sightings(other.animals, other.catches), other.viewer)
    assert living.graph() == graph_of(other)
    assert delta == difference(graph_of(one), graph_of(other))


@given(worlds(), viewers)
def test_a_change_of_friends_alone_looks_at_their_catches(world: World, viewer: Viewer) -> None:
    living = LivingGraph(world.viewer, world.animals, world.catches)
    delta = living.update({}, viewer)
    fresh = build(viewer, world.animals, world.catches)
    assert living.graph() == fresh
    assert delta == difference(graph_of(world), fresh)


def test_a_living_graph_is_not_handed_to_another_person() -> None:
    living = LivingGraph(VIEWER, [], [])
    with pytest.raises(ValueError, match="not bob's"):
        living.update({}, Viewer("bob", frozenset()))


def test_an_edge_whose_target_moves_is_a_removed_edge_and_a_new_one() -> None:
    old = build(VIEWER, [heron("b", 2), heron("c", 3)], [])
    new = build(VIEWER, [heron("a", 1), heron("b", 2), heron("c", 3)], [])
    delta = difference(old, new)
    assert delta.removed_edges == [("c", "b")]
    assert [(edge["source"], edge["target"]) for edge in delta.edges] == [("b", "a"), ("c", "a")]
    assert apply(old, delta) == new


def test_an_older_animal_that_comes_and_goes_moves_the_edges_of_those_it_is_not_told_of() -> None:
    first, second, third = heron("a", 1), heron("b", 2), heron("c", 3)
    living = LivingGraph(VIEWER, [second, third], [])
    came = living.update({"a": Sighting(first, ())})
    assert came == difference(build(VIEWER, [second, third], []), build(VIEWER, [first, second, third], []))
    went = living.update({"a": None})
    assert went == difference(build(VIEWER, [first, second, third], []), build(VIEWER, [second, third], []))
    assert living.graph() == build(VIEWER, [second, third], [])


def test_an_edge_that_keeps_its_ends_and_changes_its_rank_is_replaced() -> None:
    old = build(VIEWER, [heron("a", 1), heron("b", 2)], [])
    new = build(VIEWER, [heron("a", 1), heron("b", 2, genus="Egretta")], [])
    delta = difference(old, new)
    assert delta.removed_edges == []
    assert delta.edges == [{"source": "b", "target": "a", "relationship": "same_family", "family": "Ardeidae"}]
    assert apply(old, delta) == new


def test_one_new_animal_that_moves_no_other_is_one_node_and_one_edge_in_a_kilobyte() -> None:
    def one_id(number: int) -> str:
        return str(uuid.UUID(int=number))

    first, last = heron(one_id(1), 1), heron(one_id(2), 10_001, genus="Botaurus", species="stellaris")
    catch = caught(last.id, one_id(3), entry_id=one_id(4))
    viewer = Viewer(one_id(5), frozenset({one_id(3)}))
    living = LivingGraph(viewer, [first], [])
    delta = living.update({last.id: Sighting(last, (replace(catch, owner_username="bob"),))})
    assert (len(delta.nodes), len(delta.edges), delta.removed_nodes, delta.removed_edges) == (1, 1, [], [])
    told = {
        "from": 1041,
        "to": 1042,
        "nodes": delta.nodes,
        "removed_nodes": [],
        "edges": delta.edges,
        "removed_edges": [],
        "stats": delta.stats,
    }
    assert len(json.dumps({"type": "graph.delta", "at": "2026-11-23T12:00:03.120Z", "data": told}, separators=(",", ":"))) <= 1000


class OpenGraph(RuleBasedStateMachine):
    """What happens to a person's world, one thing after another, against a graph that is told of each and one built afresh at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.viewer = VIEWER
        self.animals: dict[str, AnimalRow] = {}
        self.catches: dict[str, CatchRow] = {}
        self.living = LivingGraph(self.viewer, [], [])
        self.client = self.fresh()

    def fresh(self) -> Graph:
        return build(self.viewer, self.animals.values(), self.catches.values())

    def tell(self, *animal_ids: str) -> None:
        """Tell the living graph of some animals as the world has them, and check what it says against the whole graphs."""
        now = sightings(self.animals.values(), self.catches.values())
        before, after = self.client, self.fresh()
        delta = self.living.update({animal_id: now.get(animal_id) for animal_id in animal_ids}, self.viewer)
        assert delta == difference(before, after)
        self.client = apply(before, delta)

    @rule(data=st.data(), index=st.integers(1, 30))
    def an_animal_comes_or_is_classified_anew(self, data: st.DataObject, index: int) -> None:
        self.animals[f"a{index}"] = data.draw(classified(f"a{index}", index))
        self.tell(f"a{index}")

    @precondition(lambda self: self.animals)
    @rule(data=st.data())
    def an_animal_goes(self, data: st.DataObject) -> None:
        animal_id = data.draw(st.sampled_from(sorted(self.animals)))
        del self.animals[animal_id]
        self.catches = {entry_id: catch for entry_id, catch in self.catches.items() if catch.animal_id != animal_id}
        self.tell(animal_id)

    @precondition(lambda self: self.animals)
    @rule(data=st.data(), name=names, kingdom=kingdoms)
    def a_whole_genus_moves(self, data: st.DataObject, name: str, kingdom: str) -> None:
        genus = self.animals[data.draw(st.sampled_from(sorted(self.animals)))].genus
        moved = {row.id: replace(row, family=name, kingdom=kingdom) for row in self.animals.values() if row.genus == genus}
        self.animals |= moved
        self.tell(*moved)

    @precondition(lambda self: self.animals)
    @rule(data=st.data(), owner=st.sampled_from(PEOPLE), minute=st.integers(0, 9))
    def somebody_catches(self, data: st.DataObject, owner: str, minute: int) -> None:
        catch = caught(data.draw(st.sampled_from(sorted(self.animals))), owner, minute=minute)
        self.catches[catch.entry_id] = catch
        self.tell(catch.animal_id)

    @precondition(lambda self: self.catches)
    @rule(data=st.data())
    def an_entry_is_hidden(self, data: st.DataObject) -> None:
        self.tell(self.catches.pop(data.draw(st.sampled_from(sorted(self.catches)))).animal_id)

    @precondition(lambda self: self.catches)
    @rule(data=st.data(), friend=st.sampled_from(PEOPLE[1:]))
    def a_friend_is_lost_with_all_that_they_showed(self, data: st.DataObject, friend: str) -> None:
        theirs = [catch for catch in self.catches.values() if catch.owner_id == friend]
        for catch in theirs:
            del self.catches[catch.entry_id]
        self.viewer = Viewer(ADA, self.viewer.friend_ids - {friend})
        self.tell(*{catch.animal_id for catch in theirs})

    @rule(viewer=viewers)
    def friends_change(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.tell()

    @invariant()
    def client_and_server_have_the_fresh_graph(self) -> None:
        fresh = self.fresh()
        assert self.living.graph() == fresh
        assert self.client == fresh
        assert self.living.update({}) == Delta([], [], [], [], fresh.stats, stats_changed=False)


OpenGraph.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnOpenGraphFollowsEveryChange = OpenGraph.TestCase
