"""The graph of one viewer, read in one piece: rows and mailbox number of the same moment. Knows no socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from domain.animals.models import Animal
from domain.dex import queries as dex
from domain.errors import NotFound
from domain.mailbox.models import Mailbox
from domain.remembering import remembered
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
    """The viewer's own entries and those that friends let them see, as a graph; four queries in one REPEATABLE READ transaction.

    Raises:
        NotFound: the viewer's account is gone.
    """
    with _one_moment():
        version = Mailbox.objects.filter(user_id=viewer_id).values_list("head", flat=True).first()
        if version is None:
            raise NotFound
        friends = social.friend_ids(viewer_id)
        entries = dex.in_graph(viewer_id, friends).values_list("animal_id", "owner_id", "owner__username", "created_at", "id")
        catches = [CatchRow(str(animal), str(owner), name, at, str(entry)) for animal, owner, name, at, entry in entries]
        animals = Animal.objects.filter(id__in={catch.animal_id for catch in catches}).values_list(*ANIMAL_FIELDS)
        rows = [AnimalRow(str(animal_id), *rest) for animal_id, *rest in animals]
    viewer = Viewer(id=str(viewer_id), friend_ids=frozenset(str(friend) for friend in friends))
    return Snapshot(graph=build(viewer, rows, catches), version=version)


def recent_snapshot(viewer_id: UUID) -> Snapshot:
    """A snapshot that nothing told to the viewer has outdated, made at most GRAPH_CACHE_TTL seconds ago.

    Raises:
        NotFound: the viewer's account is gone.
    """
    head = Mailbox.objects.filter(user_id=viewer_id).values_list("head", flat=True).first()
    return remembered(f"graph:{viewer_id}:{head}", ttl_s=settings.GRAPH_CACHE_TTL, make=lambda: snapshot(viewer_id))


@contextmanager
def _one_moment() -> Iterator[None]:
    """A read-only transaction in which every query sees the same moment."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
