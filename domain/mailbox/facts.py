"""The shapes in which news leaves a transaction; knows neither the database nor Redis."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

Refs = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Letter:
    """One durable event of one person, as it stands in the mailbox: a kind and ids (`refs`), not what is shown."""

    owner_id: UUID
    seq: int
    kind: str
    refs: Refs
    at: datetime


@dataclass(frozen=True, slots=True)
class Word:
    """A passing event for some people: told now or never. `data` is what is shown."""

    kind: str
    data: Refs
    to: tuple[UUID, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """All that one committed transaction tells: durable letters with their numbers, and passing words."""

    letters: tuple[Letter, ...]
    words: tuple[Word, ...]
