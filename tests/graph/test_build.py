"""The graph of one viewer: nodes, the edge rule, and numbers that count only what may be seen."""

import gc
import time
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from graph.build import MOST_FRIENDS_NAMED, AnimalRow, Graph, Sighting, Taxon, Viewer, build, edge, friends_who_caught, node
from tests.graph.worlds import ADA, World, caught, heron, worlds

VIEWER = Viewer(ADA, frozenset({"bob", "cyd"}))
RANK_FIELDS = {
    "genus": "genus",
    "family": "family",
    "order": "order",
    "class": "class_name",
    "phylum": "phylum",
    "kingdom": "kingdom",
}


def graph_of(world: World) -> Graph:
    return build(world.viewer, world.animals, world.catches)


def edges_by_the_letter(animals: list[AnimalRow]) -> dict[tuple[str, str], dict[str, str]]:
    """The rule as the protocol words it, each animal looked at against all others."""
    found = {}
    for animal in animals:
        for rank, field in RANK_FIELDS.items():
            name = getattr(animal, field)
            kin = [other for other in animals if name and getattr(other, field) == name and other.kingdom == animal.kingdom]
            if any(other.creation_index < animal.creation_index for other in kin):
                target = min(kin, key=lambda other: other.creation_index).id
                found[animal.id, target] = {"source": animal.id, "target": target, "relationship": f"same_{rank}", rank: name}
                break
    return found


@given(worlds())
def test_edges_are_those_of_the_rule_read_by_the_letter(world: World) -> None:
    assert graph_of(world).edges == edges_by_the_letter(world.animals)


@given(worlds())
def test_n_animals_have_at_most_n_minus_one_edges_and_one_each(world: World) -> None:
    graph = graph_of(world)
    assert len(graph.edges) <= max(0, len(graph.nodes) - 1)
    assert len({source for source, _ in graph.edges}) == len(graph.edges)


@given(worlds())
def test_both_ends_of_every_edge_are_nodes_and_the_target_is_older(world: World) -> None:
    nodes = graph_of(world).nodes
    for source, target in graph_of(world).edges:
        assert nodes[target]["creation_index"] < nodes[source]["creation_index"]


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_makes_no_difference(world: World, random: Random) -> None:
    animals, catches = list(world.animals), list(world.catches)
    random.shuffle(animals)
    random.shuffle(catches)
    first, second = graph_of(world), build(world.viewer, animals, catches)
    assert first == second
    assert list(first.nodes) == list(second.nodes)
    assert list(first.edges) == list(second.edges)


@given(worlds())
def test_catches_make_no_difference_to_edges(world: World) -> None:
    assert build(world.viewer, world.animals, []).edges == graph_of(world).edges


@given(worlds())
def test_stats_count_what_stands_in_the_nodes(world: World) -> None:
    graph = graph_of(world)
    numbers, nodes = graph.stats, graph.nodes.values()
    assert numbers["total_animals"] == len(nodes)
    assert numbers["user_unique_species"] == sum(each["captured_by_user"] for each in nodes)
    assert numbers["user_captures"] == sum(catch.owner_id == ADA for catch in world.catches)
    assert numbers["friend_captures"] == sum(catch.owner_id in world.viewer.friend_ids for catch in world.catches)
    assert numbers["friend_count"] == len(world.viewer.friend_ids)
    ranks = {"kingdoms": "kingdom", "phyla": "phylum", "classes": "class", "orders": "order", "families": "family", "genera": "genus"}
    assert numbers["taxonomic_diversity"] == {
        plural: len({(each["taxonomy"]["kingdom"], name) for each in nodes if (name := each["taxonomy"][rank])})  # type: ignore[literal-required]
        for plural, rank in ranks.items()
    }


@given(worlds())
def test_capture_counts_add_up_to_the_catches_given(world: World) -> None:
    assert sum(each["capture_count"] for each in graph_of(world).nodes.values()) == len(world.catches)


@given(worlds())
def test_nobody_but_the_viewer_and_friends_is_a_discoverer(world: World) -> None:
    for each in graph_of(world).nodes.values():
        shown = each["discoverer"]
        assert shown == {} or shown["user_id"] in world.viewer.friend_ids | {ADA}


@given(worlds())
def test_nothing_in_a_graph_is_null(world: World) -> None:
    graph = graph_of(world)

    def leaves(value: object) -> list[object]:
        return [leaf for inner in value.values() for leaf in leaves(inner)] if isinstance(value, dict) else [value]

    assert None not in leaves(graph.nodes) + leaves(graph.edges) + leaves(graph.stats) + leaves(graph.metadata)


def test_a_node_has_the_shape_of_the_wire() -> None:
    graph = build(VIEWER, [heron(creation_index=42)], [caught("heron", "bob"), caught("heron", ADA, minute=1)])
    assert graph.nodes["heron"] == {
        "id": "heron",
        "scientific_name": "Ardea cinerea",
        "common_name": "Grey Heron",
        "creation_index": 42,
        "taxonomy": {
            "kingdom": "Animalia",
            "phylum": "Chordata",
            "class": "Aves",
            "class_name": "Aves",
            "order": "Pelecaniformes",
            "family": "Ardeidae",
            "genus": "Ardea",
            "species": "cinerea",
        },
        "conservation_status": "LC",
        "verified": True,
        "captured_by_user": True,
        "capture_count": 2,
        "discoverer": {"user_id": "bob", "username": "bob", "is_friend": True, "is_self": False},
    }
    assert graph.metadata == {"user_id": ADA}


def test_an_empty_graph_has_whole_stats() -> None:
    graph = build(VIEWER, [], [])
    assert (graph.nodes, graph.edges) == ({}, {})
    assert graph.stats == {
        "total_animals": 0,
        "user_captures": 0,
        "user_unique_species": 0,
        "friend_captures": 0,
        "friend_count": 2,
        "taxonomic_diversity": {"kingdoms": 0, "phyla": 0, "classes": 0, "orders": 0, "families": 0, "genera": 0},
    }


def test_the_viewer_who_came_first_is_the_discoverer() -> None:
    shown = node(VIEWER, Sighting(heron(), (caught("heron", "bob", minute=1), caught("heron", ADA))))["discoverer"]
    assert shown == {"user_id": ADA, "username": ADA, "is_friend": False, "is_self": True}


def test_of_two_catches_at_one_time_the_lower_entry_id_discovered() -> None:
    catches = (caught("heron", "bob", entry_id="2"), caught("heron", "cyd", entry_id="1"))
    assert node(VIEWER, Sighting(heron(), catches))["discoverer"]["user_id"] == "cyd"
    assert node(VIEWER, Sighting(heron(), catches[::-1]))["discoverer"]["user_id"] == "cyd"


def test_an_animal_that_nobody_known_caught_has_an_empty_discoverer() -> None:
    assert node(VIEWER, Sighting(heron(), (caught("heron", "stranger"),)))["discoverer"] == {}
    assert node(VIEWER, Sighting(heron(), ()))["discoverer"] == {}


def test_a_catch_of_an_animal_that_is_not_shown_counts_nowhere() -> None:
    assert build(VIEWER, [heron()], [caught("ghost", "bob"), caught("ghost", ADA)]) == build(VIEWER, [heron()], [])


def test_the_closest_rank_wins_and_its_first_animal_is_the_target() -> None:
    stork = heron("stork", 1, order="Ciconiiformes", family="Ciconiidae", genus="Ciconia")
    bittern = heron("bittern", 2, genus="Botaurus")
    purple, grey = heron("purple", 3), heron("grey", 4)
    edges = build(VIEWER, [grey, purple, bittern, stork], []).edges
    assert edges == {
        ("bittern", "stork"): {"source": "bittern", "target": "stork", "relationship": "same_class", "class": "Aves"},
        ("purple", "bittern"): {"source": "purple", "target": "bittern", "relationship": "same_family", "family": "Ardeidae"},
        ("grey", "purple"): {"source": "grey", "target": "purple", "relationship": "same_genus", "genus": "Ardea"},
    }


def test_homonyms_in_two_kingdoms_share_nothing() -> None:
    # Ficus: fig trees, and a genus of sea snails.
    fig = heron("fig", 1, kingdom="Plantae", phylum="Tracheophyta", class_name="", order="", family="Moraceae", genus="Ficus")
    snail = heron("snail", 2, phylum="Mollusca", class_name="Gastropoda", order="", family="Ficidae", genus="Ficus")
    graph = build(VIEWER, [fig, snail], [])
    assert graph.edges == {}
    assert graph.stats["taxonomic_diversity"]["genera"] == 2


def test_two_unknown_ranks_are_not_the_same_rank() -> None:
    blank = {"kingdom": "", "phylum": "", "class_name": "", "order": "", "family": "", "genus": ""}
    graph = build(VIEWER, [heron("one", 1, **blank), heron("two", 2, **blank)], [])
    assert graph.edges == {}
    assert set(graph.stats["taxonomic_diversity"].values()) == {0}


def test_the_shared_taxon_stands_under_its_ranks_own_name() -> None:
    for rank in RANK_FIELDS:
        assert edge("a", "b", Taxon(rank, "Animalia", "X")) == {"source": "a", "target": "b", "relationship": f"same_{rank}", rank: "X"}  # type: ignore[arg-type]


def test_each_friend_is_named_once_with_the_first_catch_and_strangers_never() -> None:
    catches = (
        caught("heron", "cyd", minute=3),
        caught("heron", "bob", minute=2),
        caught("heron", "cyd", minute=1),
        caught("heron", ADA),
        caught("heron", "stranger"),
    )
    assert friends_who_caught(VIEWER, Sighting(heron(), catches)) == [
        {"user_id": "cyd", "username": "cyd", "captured_at": "2026-11-23T12:01:00.000Z"},
        {"user_id": "bob", "username": "bob", "captured_at": "2026-11-23T12:02:00.000Z"},
    ]


def test_a_node_names_a_bounded_number_of_friends() -> None:
    friends = [f"friend{number:03}" for number in range(3 * MOST_FRIENDS_NAMED)]
    catches = tuple(caught("heron", friend, minute=minute) for minute, friend in enumerate(friends))
    named = friends_who_caught(Viewer(ADA, frozenset(friends)), Sighting(heron(), catches))
    assert [each["user_id"] for each in named] == friends[:MOST_FRIENDS_NAMED]


def least_build_time_s(count: int) -> float:
    animals = [heron(f"a{index}", index, genus=f"G{index // 3}", family=f"F{index // 30}") for index in range(count)]
    catches = [caught(animal.id, "bob") for animal in animals]
    times = []
    for _ in range(3):
        gc.collect()
        started = time.process_time()
        build(VIEWER, animals, catches)
        times.append(time.process_time() - started)
    return min(times)


def test_building_takes_linear_time() -> None:
    # Eight times the animals; a quadratic way would take sixty-four times as long.
    assert least_build_time_s(16_000) < 24 * least_build_time_s(2_000)
