"""The mailbox at the REST door: what happened, for clients that have no socket at the moment."""

from typing import Annotated, Any

import orjson
from pydantic import Field

from domain.mailbox import queries
from realtime import events
from realtime.operations import Answer, Caller, Route, Shape, operation

MOST_AT_ONCE = 500


class Stretch(Shape):
    """The events with numbers above `after`."""

    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = MOST_AT_ONCE


class Events(Answer):
    """`head` is the highest number, `oldest` the lowest kept (`head + 1` where nothing is); `epoch` names this life of the numbers."""

    epoch: str
    head: int
    oldest: int
    events: list[dict[str, Any]]


@operation("mailbox.list", routes=[Route("GET", "mailbox/")])
def list_events(caller: Caller, data: Stretch) -> Events:
    """What happened, as it may be told today."""
    standing = queries.standing(caller.person.id)
    letters = queries.letters(caller.person.id, after=data.after, limit=data.limit)
    shown = [orjson.loads(frame) for frame in events.render_letters(letters)]
    return Events(epoch=standing.epoch, head=standing.head, oldest=standing.oldest, events=shown)
