"""The table of events: what may be told, in which shape, and how a stored letter becomes a frame for its reader today.

Areas fill the table from above (`consumers/`); this module knows none of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from domain.mailbox.facts import Letter, Word
from realtime import frames

WITHHELD = "mailbox.withheld"


class EventData(BaseModel):
    """What an event tells; where `omits_null` is set, keys that are null are left out."""

    omits_null: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a letter tells its reader today; `kind` differs from the letter's where that may no longer be told."""

    kind: str
    data: EventData


# Letters of one kind, for any readers, in; what each tells out, in the same order. The same object for those who see the same is encoded once.
Renderer = Callable[[Sequence[Letter]], Sequence[Told | None]]


@dataclass(frozen=True)
class Event:
    """One row of the table; a durable one has a renderer."""

    name: str
    shape: type[EventData]
    render: Renderer | None
    doc: str


_table: dict[str, Event] = {}


def durable(name: str, shape: type[EventData]) -> Callable[[Renderer], Renderer]:
    """Puts an event that lies in mailboxes into the table, with what renders its letters."""

    def enter(render: Renderer) -> Renderer:
        _table[name] = Event(name=name, shape=shape, render=render, doc=(shape.__doc__ or "").strip())
        return render

    return enter


def durable_as_kept(name: str, shape: type[EventData]) -> None:
    """The same for an event whose refs are all that it tells, to anybody at any time."""
    durable(name, shape)(lambda letters: [Told(letter.kind, shape.model_validate(dict(letter.refs))) for letter in letters])


def passing(name: str, shape: type[EventData]) -> None:
    """Puts an event that is told now or never into the table."""
    _table[name] = Event(name=name, shape=shape, render=None, doc=(shape.__doc__ or "").strip())


def table() -> Mapping[str, Event]:
    """All events by name."""
    return _table


def render_letters(letters: Sequence[Letter]) -> list[bytes]:
    """A frame for each letter, as its reader may see it now; a handful of queries for each kind of event, however many letters there are."""
    told: dict[int, Told | None] = {}
    for kind in {letter.kind for letter in letters}:
        places = [place for place, letter in enumerate(letters) if letter.kind == kind]
        event = _table.get(kind)
        render = event.render if event is not None else None
        answers = render([letters[place] for place in places]) if render is not None else [None] * len(places)
        told.update(zip(places, answers, strict=True))
    encoded: dict[int, bytes] = {}
    return [_frame(letter, told[place], encoded) for place, letter in enumerate(letters)]


def _frame(letter: Letter, told: Told | None, encoded: dict[int, bytes]) -> bytes:
    if told is None:
        return frames.event(WITHHELD, b"{}", at=letter.at, seq=letter.seq)
    if id(told.data) not in encoded:
        encoded[id(told.data)] = told.data.model_dump_json(exclude_none=told.data.omits_null).encode()
    return frames.event(told.kind, encoded[id(told.data)], at=letter.at, seq=letter.seq)


def render_word(word: Word) -> bytes:
    """The frame of a passing event."""
    return frames.event(word.kind, frames.encode(dict(word.data)), at=word.at)
