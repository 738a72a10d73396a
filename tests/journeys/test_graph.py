"""The living graph on real sockets: a snapshot in parts, then deltas that keep it equal to a fresh one."""

import json
from typing import Any

import pytest

from clients.python.biologidex_client.events import Event
from tests.players import Player
from tests.stack import Stack

TREE = "graph/taxonomic-tree/"
MANY = 150
RANKS = ("genus", "family", "order", "class", "phylum", "kingdom")
SPECIES = (
    "Ardea cinerea", "Ardea alba", "Alcedo atthis", "Panthera leo", "Vulpes vulpes", "Canis lupus", "Bufo bufo", "Apis mellifera",
)  # fmt: skip


@pytest.fixture(scope="session")
def animal_ids(stack: Stack) -> dict[str, str]:
    """Animals of the starter list, found before these tests begin: the named ones and MANY in all."""
    program = f"""
from domain.animals.services import animal_of_taxon
from domain.taxonomy.models import Taxon
species = Taxon.objects.filter(status="accepted", rank="species", kingdom="Animalia").order_by("scientific_name")
for taxon in [*species.filter(scientific_name__in={SPECIES!r}), *species.exclude(scientific_name__in={SPECIES!r})][:{MANY}]:
    print("animal", animal_of_taxon(taxon, created_by=None).animal.id, taxon.scientific_name)
"""
    lines = [line.split(maxsplit=2) for line in stack.manage("shell", "-c", program).splitlines() if line.startswith("animal ")]
    assert len(lines) == MANY
    return {name: animal_id for _, animal_id, name in lines}


class OpenTree:
    """A graph as a client holds it."""

    def __init__(self, person: Player) -> None:
        self.person = person
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: dict[tuple[str, str], dict[str, Any]] = {}
        self.stats: dict[str, Any] = {}
        self.version = -1
        self.parts = 0

    @classmethod
    async def of(cls, person: Player) -> "OpenTree":
        tree = cls(person)
        parts, closing = await person.socket.request_parts("graph.open")
        assert closing.keys() == {"version", "stats", "metadata", "since"}
        assert closing["since"] is None
        tree.parts = len(parts)
        for part in parts:
            assert part.keys() == {"nodes", "edges"}
            tree._take(part)
        tree.stats, tree.version = closing["stats"], closing["version"]
        return tree

    def _take(self, change: dict[str, Any]) -> None:
        self.nodes |= {node["id"]: node for node in change["nodes"]}
        self.edges |= {(edge["source"], edge["target"]): edge for edge in change["edges"]}

    def apply(self, event: Event) -> None:
        delta = dict(event.data)
        assert event.seq is None
        assert delta["from"] == self.version
        for gone in delta["removed_nodes"]:
            del self.nodes[gone]
        for source, target in delta["removed_edges"]:
            del self.edges[source, target]
        self._take(delta)
        self.stats, self.version = delta["stats"], delta["to"]

    async def fresh(self) -> tuple[dict[str, Any], dict[Any, Any], dict[str, Any]]:
        """What REST shows now."""
        shown = (await self.person.calls("GET", TREE)).json()
        assert shown.keys() == {"nodes", "edges", "stats", "metadata"}
        return (
            {node["id"]: node for node in shown["nodes"]},
            {(edge["source"], edge["target"]): edge for edge in shown["edges"]},
            shown["stats"],
        )

    async def comes_to_be_fresh(self) -> None:
        """Takes deltas until this is what a fresh snapshot shows; a delta that never comes fails the test."""
        while (self.nodes, self.edges, self.stats) != await self.fresh():
            self.apply(await self.person.expect_event("graph.delta"))

    @property
    def names(self) -> set[str]:
        return {node["scientific_name"] for node in self.nodes.values()}


async def records(person: Player, animal_id: str, **fields: Any) -> str:
    return str((await person.say("dex.create", {"animal_id": animal_id, **fields}))["entry"]["id"])


async def test_every_cause_reaches_every_open_graph(ada: Player, bob: Player, cyd: Player, animal_ids: dict[str, str]) -> None:
    trees = {person.username: await OpenTree.of(person) for person in (ada, bob, cyd)}
    at_ada, at_bob, at_cyd = trees.values()

    async def all_are_fresh() -> None:
        for tree in trees.values():
            await tree.comes_to_be_fresh()

    heron = await records(ada, animal_ids["Ardea cinerea"], visibility="public")
    await records(bob, animal_ids["Ardea alba"])
    await all_are_fresh()
    assert (at_ada.names, at_bob.names, at_cyd.names) == ({"Ardea cinerea"}, {"Ardea alba"}, set())

    friendship = await ada.befriends(bob)
    await all_are_fresh()
    assert at_ada.names == at_bob.names == {"Ardea cinerea", "Ardea alba"}
    assert at_ada.stats["friend_count"] == at_bob.stats["friend_count"] == 1
    (edge,) = at_bob.edges.values()
    assert (edge["relationship"], edge["genus"]) == ("same_genus", "Ardea")

    await ada.say("dex.update", {"entry_id": heron, "visibility": "private"})
    await all_are_fresh()
    assert (at_bob.names, at_bob.edges) == ({"Ardea alba"}, {})
    assert at_ada.names == {"Ardea cinerea", "Ardea alba"}

    await ada.say("dex.update", {"entry_id": heron, "visibility": "friends"})
    await ada.say("dex.update", {"entry_id": heron, "animal_id": animal_ids["Vulpes vulpes"]})
    await all_are_fresh()
    assert at_bob.names == {"Ardea alba", "Vulpes vulpes"}
    fox = at_bob.nodes[animal_ids["Vulpes vulpes"]]
    assert fox["discoverer"] == {"user_id": ada.id, "username": ada.username, "is_friend": True, "is_self": False}
    assert (fox["captured_by_user"], fox["capture_count"]) == (False, 1)

    await ada.say("dex.delete", {"entry_id": heron})
    await all_are_fresh()
    assert at_ada.names == at_bob.names == {"Ardea alba"}

    await bob.say("friends.unfriend", {"friendship_id": friendship})
    await all_are_fresh()
    assert (at_ada.names, at_bob.names) == (set(), {"Ardea alba"})

    await ada.befriends(bob)
    await all_are_fresh()
    await ada.say("friends.block", {"user_id": bob.id})
    await all_are_fresh()
    assert (at_ada.names, at_bob.names) == (set(), {"Ardea alba"})
    assert at_cyd.version == 0 or at_cyd.names == set()


async def test_a_friends_private_entry_is_never_in_it(ada: Player, bob: Player, animal_ids: dict[str, str]) -> None:
    await ada.befriends(bob)
    tree = await OpenTree.of(bob)
    await records(ada, animal_ids["Panthera leo"], visibility="private")
    await records(ada, animal_ids["Canis lupus"], visibility="friends")
    await tree.comes_to_be_fresh()
    assert tree.names == {"Canis lupus"}
    assert tree.stats["friend_captures"] == 1
    assert (await OpenTree.of(bob)).names == {"Canis lupus"}
    await bob.expect_silence("graph.delta")


async def test_the_edges_on_the_wire_follow_the_rule(ada: Player, animal_ids: dict[str, str]) -> None:
    for animal_id in list(animal_ids.values())[:40]:
        await records(ada, animal_id)
    tree = await OpenTree.of(ada)
    assert len(tree.nodes) == 40
    by_age = sorted(tree.nodes.values(), key=lambda node: node["creation_index"])
    expected: dict[tuple[str, str], dict[str, str]] = {}
    for place, node in enumerate(by_age):
        for rank in RANKS:
            name, kingdom = node["taxonomy"][rank], node["taxonomy"]["kingdom"]
            relatives = [older for older in by_age[:place] if older["taxonomy"][rank] == name and older["taxonomy"]["kingdom"] == kingdom]
            if name and relatives:
                source, target = node["id"], relatives[0]["id"]
                expected[source, target] = {"source": source, "target": target, "relationship": f"same_{rank}", rank: name}
                break
    assert tree.edges == expected
    assert len(tree.edges) <= len(tree.nodes) - 1


async def test_a_large_graph_comes_in_parts_that_fit_and_deltas_come_after_the_closing_reply(
    ada: Player, bob: Player, animal_ids: dict[str, str]
) -> None:
    await ada.befriends(bob)
    for animal_id in animal_ids.values():
        await records(ada, animal_id)
    frames: list[dict[str, Any]] = []
    device = Player(bob.account, bob.username)
    await device.connects(trace=frames.append)
    try:
        tree = await OpenTree.of(device)
        assert tree.parts > 1
        assert len(tree.nodes) == MANY
        await records(ada, animal_ids["Ardea cinerea"], catch_date="2024-01-02")
        await tree.comes_to_be_fresh()
    finally:
        await device.leaves()
    assert max(len(json.dumps(frame, separators=(",", ":")).encode()) for frame in frames) <= 60_000
    kinds = [frame["type"] for frame in frames if frame["type"] in ("part", "reply", "graph.delta")]
    assert kinds.index("graph.delta") > kinds.index("reply") > kinds.index("part")
    assert "part" not in kinds[kinds.index("reply") :]


async def test_a_closed_graph_says_nothing_more(ada: Player, animal_ids: dict[str, str]) -> None:
    tree = await OpenTree.of(ada)
    await records(ada, animal_ids["Bufo bufo"])
    await tree.comes_to_be_fresh()
    assert await ada.say("graph.close") == {}
    assert await ada.say("graph.close") == {}
    await records(ada, animal_ids["Alcedo atthis"])
    await ada.expect_silence("graph.delta")
    assert (await OpenTree.of(ada)).names == {"Bufo bufo", "Alcedo atthis"}


async def test_ones_own_catch_is_answered_before_the_delta_that_it_causes(ada: Player, animal_ids: dict[str, str]) -> None:
    frames: list[dict[str, Any]] = []
    device = Player(ada.account, ada.username)
    await device.connects(trace=frames.append)
    try:
        tree = await OpenTree.of(device)
        del frames[:]
        for name in SPECIES:
            await records(device, animal_ids[name])
            await tree.comes_to_be_fresh()
    finally:
        await device.leaves()
    kinds = [frame["type"] for frame in frames if frame["type"] in ("reply", "graph.delta")]
    assert kinds == ["reply", "graph.delta"] * len(SPECIES)


async def test_two_devices_on_two_processes_hold_the_same_graph(stack: Stack, ada: Player, animal_ids: dict[str, str]) -> None:
    device = Player(ada.account, ada.username)
    await device.connects(base_url=stack.web_too.base_url)
    try:
        here, there = await OpenTree.of(ada), await OpenTree.of(device)
        await records(ada, animal_ids["Apis mellifera"])
        await device.say("dex.create", {"animal_id": animal_ids["Bufo bufo"], "visibility": "private"})
        for tree in (here, there):
            await tree.comes_to_be_fresh()
        assert here.nodes == there.nodes
        assert here.names == {"Apis mellifera", "Bufo bufo"}
    finally:
        await device.leaves()


@pytest.mark.parametrize("bad", [{"since": "yesterday"}, {"mode": "global"}], ids=str)
async def test_a_bad_opening_is_refused_and_leaves_an_open_graph_alone(
    ada: Player, animal_ids: dict[str, str], bad: dict[str, Any]
) -> None:
    tree = await OpenTree.of(ada)
    await ada.expect_refusal("request.invalid", "graph.open", bad)
    await records(ada, animal_ids["Bufo bufo"])
    await tree.comes_to_be_fresh()


async def test_a_number_of_the_past_is_answered_with_a_whole_graph_or_what_changed(ada: Player, animal_ids: dict[str, str]) -> None:
    before = await OpenTree.of(ada)
    await records(ada, animal_ids["Bufo bufo"])
    parts, closing = await ada.socket.request_parts("graph.open", {"since": before.version})
    assert closing["since"] in (None, before.version)
    assert {node["scientific_name"] for part in parts for node in part["nodes"]} == {"Bufo bufo"}


async def test_the_tree_over_rest_needs_a_token(stack: Stack, ada: Player) -> None:
    refused = await ada.calls("GET", TREE, headers={"Authorization": ""})
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")
