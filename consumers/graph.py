"""The living graph at the door: a snapshot, then what changes in it, for as long as it is open."""

import asyncio
import logging
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.db import DatabaseError
from pydantic import ConfigDict, Field

from consumers.replies import reply_frames
from consumers.session import SessionConsumer
from domain.errors import DomainError
from graph.build import Graph
from graph.deltas import Delta, difference
from graph.services import Snapshot, recent_snapshot, snapshot
from realtime import frames, operations
from realtime.events import EventData, durable_as_kept, passing
from realtime.frames import Request
from realtime.operations import Answer, Caller, Empty, Nothing, Route, Shape, operation

log = logging.getLogger(__name__)

GRAPH = "graph/"
RETRY_S = 1.0
# What can change what a viewer's graph shows.
CAUSES = frozenset(
    {
        "dex.entry_created",
        "dex.entry_updated",
        "dex.entry_deleted",
        "feed.entry_added",
        "feed.entry_changed",
        "feed.entry_removed",
        "friends.accepted",
        "friends.removed",
        "graph.changed",
        "mailbox.withheld",
    }
)


class GraphOpening(Shape):
    """`since` is the `version` that the client has."""

    since: int | None = None


class WholeGraph(Answer):
    """Nodes are animals, edges lead to the relative that was found first; see PROTOCOL.md for each stat."""

    in_parts: ClassVar[tuple[str, ...]] = ("nodes", "edges")

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    stats: dict[str, Any]
    metadata: dict[str, Any]


class OpenedGraph(WholeGraph):
    """Parts carry nodes and edges; the closing reply their `version`, a number of your mailbox. `since` is null: the parts are the whole graph."""

    version: int
    since: int | None = None


class GraphDelta(EventData):
    """What changed in the graph between two versions; with `reopen`, too much to say here."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    from_: Annotated[int, Field(alias="from")]
    to: int
    nodes: list[dict[str, Any]]
    removed_nodes: list[UUID]
    edges: list[dict[str, Any]]
    removed_edges: list[list[UUID]]
    stats: dict[str, Any]


class GraphChanged(EventData):
    """Animals in your graph were re-classified, merged or removed; without `animal_ids`, open the graph again."""

    omits_null: ClassVar[bool] = True

    animal_ids: list[UUID] | None = None


durable_as_kept("graph.changed", GraphChanged)


passing("graph.delta", GraphDelta)
operations.declare_in_session(
    "graph.open", data=GraphOpening, answer=OpenedGraph, doc="Answers your graph in parts, and keeps it up to date.", rate="60/minute"
)
operations.declare_in_session("graph.close", data=Nothing, answer=Empty, doc="Ends the deltas.")


@operation("graph.get", routes=[Route("GET", f"{GRAPH}taxonomic-tree/")])
def get(caller: Caller, data: Nothing) -> WholeGraph:
    """Your graph as it is now."""
    graph = recent_snapshot(caller.person.id).graph
    return WholeGraph(**_wire(graph))


def _wire(graph: Graph) -> dict[str, Any]:
    return {
        "nodes": list(graph.nodes.values()),
        "edges": list(graph.edges.values()),
        "stats": graph.stats,
        "metadata": graph.metadata,
    }


class OpenGraph:
    """One socket's open graph: what its client has, brought up to date whenever something happened that may concern it."""

    def __init__(self, session: SessionConsumer, seen: Snapshot) -> None:
        self._session = session
        self._seen = seen
        self._stale = False
        self._task: asyncio.Task[None] | None = None

    def hear(self, kind: str) -> None:
        """Something happened to this person."""
        if kind in CAUSES:
            self._stale = True
            if self._task is None:
                self._task = asyncio.create_task(self._catch_up())

    def close(self) -> None:
        """No more deltas."""
        if self._task is not None:
            self._task.cancel()

    async def _catch_up(self) -> None:
        """Several changes at once make one delta. What cannot be read now is read a moment later, for as long as the graph is open."""
        try:
            while self._stale:
                self._stale = False
                try:
                    now, frame = await self._session.hop(_step, self._session.user_id, self._seen, self._session.handshake.max_frame)
                except (DomainError, DatabaseError) as error:
                    log.warning("An open graph could not be brought up to date yet: %s", error.__class__.__name__)
                    self._stale = True
                    await asyncio.sleep(RETRY_S)
                    continue
                if frame is not None:
                    self._session.push(frame)
                    self._seen = now
        finally:
            self._task = None


def _step(viewer_id: UUID, seen: Snapshot, max_frame: int) -> tuple[Snapshot, bytes | None]:
    """The graph now, and the delta's frame where there is one."""
    now = snapshot(viewer_id)
    delta = difference(seen.graph, now.graph)
    return now, None if delta.is_empty else _delta_frame(seen.version, now.version, delta, max_frame=max_frame)


def _delta_frame(since: int, to: int, delta: Delta, *, max_frame: int) -> bytes:
    data = {
        "from": since,
        "to": to,
        "nodes": delta.nodes,
        "removed_nodes": delta.removed_nodes,
        "edges": delta.edges,
        "removed_edges": delta.removed_edges,
        "stats": delta.stats,
    }
    frame = frames.event_now("graph.delta", data)
    return frame if len(frame) <= max_frame else frames.event_now("graph.delta", {"from": since, "to": to, "reopen": True})


async def _open(session: SessionConsumer, request: Request) -> None:
    operations.validate(operations.find(request.type), request.data)
    if session.graph is not None:
        session.graph.close()
    seen, replies = await session.hop(_opened, session.user_id, request, session.handshake.max_frame)
    for frame in replies:
        session.write(frame)
    session.graph = OpenGraph(session, seen)
    # What was told while the snapshot was read may not be in it.
    session.graph.hear("graph.changed")


def _opened(user_id: UUID, request: Request, max_frame: int) -> tuple[Snapshot, list[bytes]]:
    seen = snapshot(user_id)
    answer = OpenedGraph(**_wire(seen.graph), version=seen.version)
    return seen, reply_frames(request.id, answer, max_frame=max_frame)


async def _close(session: SessionConsumer, request: Request) -> bytes:
    operations.validate(operations.find(request.type), request.data)
    if session.graph is not None:
        session.graph.close()
        session.graph = None
    return b"{}"


SessionConsumer.in_session |= {"graph.open": _open, "graph.close": _close}
