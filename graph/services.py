"""The graph of one viewer, read in one piece: rows and mailbox number of the same moment. Knows no socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from domain.animals.models import Animal
from domain.dex import queries as dex
from domain.mailbox.models import Mailbox
from domain.social import queries as social
from graph.build import AnimalRow, CatchRow, Graph, Viewer, build

ANIMAL_FIELDS = (
    "id",
    "scientific_name",
    "common_name",
    "creation_index",
    "kingdom",
    "phylum",
    "class_name",
    "order",
    "family",
    "genus",
    "species",
    "conservation_status",
    "verified",
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A graph, and the number at which the viewer's mailbox stood when it was read."""

    graph: Graph
    version: int


def snapshot(viewer_id: UUID) -> Snapshot:
    """The viewer's own entries and those that friends let them see, as a graph; four queries in one REPEATABLE READ transaction."""
    with _one_moment():
        version = Mailbox.objects.values_list("head", flat=True).get(user_id=viewer_id)
        friends = social.friend_ids(viewer_id)
        entries = dex.in_graph(viewer_id, friends).values_list("animal_id", "owner_id", "owner__username", "created_at", "id")
        catches = [CatchRow(str(animal), str(owner), name, at, str(entry)) for animal, owner, name, at, entry in entries]
        animals = Animal.objects.filter(id__in={catch.animal_id for catch in catches}).values_list(*ANIMAL_FIELDS)
        rows = [AnimalRow(str(animal_id), *rest) for animal_id, *rest in animals]
    viewer = Viewer(id=str(viewer_id), friend_ids=frozenset(str(friend) for friend in friends))
    return Snapshot(graph=build(viewer, rows, catches), version=version)


@contextmanager
def _one_moment() -> Iterator[None]:
    """A read-only transaction in which every query sees the same moment."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
