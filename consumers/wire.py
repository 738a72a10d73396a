"""The words that several areas share: times, coordinates, pages. Knows no area."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, PlainSerializer, WithJsonSchema

from domain.errors import Invalid
from domain.record import Record
from realtime.frames import timestamp
from realtime.operations import Answer, Shape

Moment = Annotated[datetime, PlainSerializer(timestamp, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})]
Limit = Annotated[int, Field(ge=1, le=100)]
CursorText = Annotated[str, Field(max_length=200)]

DEFAULT_LIMIT = 50


class Thing(Answer):
    """Something that several answers show; names that Python reserves go out under their own."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)


class Page(Shape):
    """Which part of a list: `cursor` as the page before gave it."""

    cursor: CursorText | None = None
    limit: Limit = DEFAULT_LIMIT

    @property
    def before(self) -> tuple[datetime, UUID] | None:
        """The (time, id) after which the page begins.

        Raises:
            Invalid: the cursor is none of ours.
        """
        return None if self.cursor is None else read_cursor(self.cursor)


def cursor_after(at: datetime, row_id: UUID) -> str:
    """The cursor of the page that begins after this row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{row_id.hex}".encode()).decode().rstrip("=")


def cursor_of_page(rows: Sequence[Record], *, limit: int) -> str | None:
    """The cursor of the page after these rows; a page that isn't full is the last one."""
    return cursor_after(rows[-1].created_at, rows[-1].id) if len(rows) == limit else None


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """The (time, id) that a cursor stands for.

    Raises:
        Invalid
    """
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        return moment, UUID(hex=row_id)
    except (ValueError, binascii.Error) as error:
        raise Invalid(fields={"cursor": ["This is no cursor of ours."]}) from error
