"""The graph's law for four people, whatever they do: what a client holds, with the delta applied, is what a fresh snapshot shows.

And a change never comes without an event that makes an open graph look: whoever's graph changed was told something that stands in CAUSES.
"""

from contextlib import suppress
from datetime import timedelta
from itertools import combinations
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from consumers.graph import CAUSES, _step
from domain.accounts.models import User
from domain.animals.models import Animal
from domain.dex import services as dex
from domain.dex.fields import EntryChanges
from domain.dex.models import DexEntry, Visibility
from domain.errors import DomainError
from domain.social import services as social
from domain.social.models import Friendship
from graph.build import Graph
from graph.services import Snapshot, snapshot
from realtime.frames import encode
from tests.domain.people import DAY, animal, befriend, catch, letters, someone

PEOPLE = 4
ANY_FRAME = 1_048_576
# Relatives at every distance, a name that two kingdoms share, ranks that are not known.
ANIMALS: dict[str, dict[str, str]] = {
    "Ardea cinerea": {},
    "Ardea alba": {},
    "Egretta garzetta": {},
    "Threskiornis aethiopicus": {"family": "Threskiornithidae"},
    "Alcedo atthis": {"order": "Coraciiformes", "family": "Alcedinidae"},
    "Panthera leo": {"class_name": "Mammalia", "order": "Carnivora", "family": "Felidae"},
    "Apis mellifera": {"phylum": "Arthropoda", "class_name": "Insecta", "order": "Hymenoptera", "family": ""},
    "Ardea plantae": {"kingdom": "Plantae", "phylum": "", "class_name": "", "order": "", "family": ""},
    "Incertae sedis": {"kingdom": "", "phylum": "", "class_name": "", "order": "", "family": ""},
}

persons = st.integers(0, PEOPLE - 1)
numbers = st.integers(0, 10**6)
visibilities = st.sampled_from(list(Visibility))


def on_the_wire(graph: Graph) -> dict[str, Any]:
    """A graph as a client holds it: sets, by id and by ends."""
    plain: dict[str, Any] = orjson.loads(encode({"nodes": list(graph.nodes.values()), "edges": list(graph.edges.values())}))
    return {
        "nodes": {node["id"]: node for node in plain["nodes"]},
        "edges": {(edge["source"], edge["target"]): edge for edge in plain["edges"]},
        "stats": graph.stats,
    }


class Watching:
    """One client with its graph open."""

    def __init__(self, person: User) -> None:
        self.person = person
        self.seen: Snapshot = snapshot(person.id)
        self.held = on_the_wire(self.seen.graph)
        self.version = self.seen.version

    def catch_up(self) -> None:
        """Does what the socket's side does, then what the client does."""
        now, frame = _step(self.person.id, self.seen, ANY_FRAME)
        fresh = on_the_wire(now.graph)
        news = {letter.kind for letter in letters(self.person, after=self.seen.version)}
        if frame is None:
            assert self.held == fresh
            return
        assert news & CAUSES, f"a graph changed, and only {news} was told"
        delta = orjson.loads(frame)["data"]
        assert (delta["from"], delta["to"]) == (self.version, now.version)
        for gone in delta["removed_nodes"]:
            del self.held["nodes"][gone]
        for source, target in delta["removed_edges"]:
            del self.held["edges"][source, target]
        self.held["nodes"] |= {node["id"]: node for node in delta["nodes"]}
        self.held["edges"] |= {(edge["source"], edge["target"]): edge for edge in delta["edges"]}
        self.held["stats"] = delta["stats"]
        self.version, self.seen = delta["to"], now
        assert self.held == fresh


class FourPeople(RuleBasedStateMachine):
    """They catch, edit, hide, delete, make friends, part and block, with all four graphs open."""

    @initialize()
    def begin(self) -> None:
        self.animals: list[Animal] = [animal(name, **ranks) for name, ranks in ANIMALS.items()]
        self.people = [someone() for _ in range(PEOPLE)]
        # Three friends and a stranger: most of what can happen needs friends first.
        for one, other in combinations(self.people[:3], 2):
            befriend(one, other)
        self.watching = [Watching(person) for person in self.people]

    def an_entry(self, person: User, number: int) -> DexEntry | None:
        entries = list(DexEntry.objects.filter(owner=person).order_by("created_at"))
        return entries[number % len(entries)] if entries else None

    @rule(who=persons, number=numbers, visibility=visibilities, days=st.integers(0, 2))
    def catches(self, who: int, number: int, visibility: Visibility, days: int) -> None:
        catch(self.people[who], self.animals[number % len(self.animals)], visibility, day=DAY - timedelta(days=days))

    @rule(who=persons, number=numbers, visibility=visibilities)
    def shows_or_hides(self, who: int, number: int, visibility: Visibility) -> None:
        if entry := self.an_entry(self.people[who], number):
            dex.change_entry(self.people[who], entry.id, EntryChanges(visibility=visibility))

    @rule(who=persons, number=numbers, other=numbers)
    def corrects_the_animal(self, who: int, number: int, other: int) -> None:
        if entry := self.an_entry(self.people[who], number):
            with suppress(DomainError):
                dex.change_entry(self.people[who], entry.id, EntryChanges(), animal=self.animals[other % len(self.animals)])

    @rule(who=persons, number=numbers)
    def deletes(self, who: int, number: int) -> None:
        if entry := self.an_entry(self.people[who], number):
            dex.delete_entry(self.people[who], entry.id)

    @rule(one=persons, other=persons)
    def become_friends(self, one: int, other: int) -> None:
        with suppress(DomainError):
            social.request_friendship(self.people[one], self.people[other])
            social.request_friendship(self.people[other], self.people[one])

    @rule(one=persons, other=persons)
    def asks(self, one: int, other: int) -> None:
        with suppress(DomainError):
            social.request_friendship(self.people[one], self.people[other])

    @rule(who=persons, action=st.sampled_from(["accept", "reject", "block"]))
    def answers(self, who: int, action: str) -> None:
        asked = Friendship.objects.filter(to_user=self.people[who]).first()
        if asked is not None:
            with suppress(DomainError):
                social.respond(self.people[who], asked.id, action)

    @rule(one=persons, other=persons)
    def parts(self, one: int, other: int) -> None:
        with suppress(DomainError):
            social.unfriend(self.people[one], user_id=self.people[other].id)

    @rule(one=persons, other=persons)
    def blocks(self, one: int, other: int) -> None:
        with suppress(DomainError):
            social.block(self.people[one], self.people[other])

    @rule(one=persons, other=persons)
    def unblocks(self, one: int, other: int) -> None:
        with suppress(DomainError):
            social.unblock(self.people[one], self.people[other].id)

    @invariant()
    def the_law_holds(self) -> None:
        for watching in getattr(self, "watching", []):
            watching.catch_up()
            assert set(watching.held["nodes"]) == self.visible_animals(watching.person)
            assert len(watching.held["edges"]) <= max(0, len(watching.held["nodes"]) - 1)

    def visible_animals(self, viewer: User) -> set[str]:
        """The rule in other words: one's own, and what is not private of those whose friendship is accepted."""
        accepted = Friendship.objects.filter(status="accepted").values_list("from_user", "to_user")
        friends = {other for pair in accepted if viewer.id in pair for other in pair}
        entries = DexEntry.objects.filter(owner__in=self.people).values_list("owner", "animal", "visibility")
        return {str(seen) for owner, seen, visibility in entries if owner == viewer.id or (owner in friends and visibility != "private")}


@pytest.mark.django_db(transaction=True)
def test_whatever_four_people_do_every_open_graph_with_its_deltas_is_the_fresh_one() -> None:
    run_state_machine_as_test(
        FourPeople,
        settings=settings(max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)),
    )
