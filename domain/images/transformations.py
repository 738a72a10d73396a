"""What a person asked to be done to a picture before it is kept; knows the numbers, not the pixels.

Order: turned right by EXIF (unless switched off), rotated, flipped, then cropped. A crop is measured in pixels of the picture as it lies
after the turning, at full size, which is what the person saw when drawing it.
"""

import json
from typing import Annotated, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain import errors
from domain.images.orientation import EXIF_TURNS, MIRRORED, UPRIGHT, UPSIDE_DOWN, Box, Size, Turn, clockwise

MAX_COORDINATE_PX = 100_000
MAX_ROTATION_DEGREES = 3_600
MAX_TEXT_CHARACTERS = 2_000
MAX_FIELDS_TOLD = 8


def _whole(value: object) -> object:
    """Take 90.0 for 90, because JSON numbers of some clients are all floats, but neither text nor true."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_("A whole number is needed."))
    return value


def _quarters(value: object) -> object:
    value = _whole(value)
    if not isinstance(value, int | float) or value % 90 or abs(value) > MAX_ROTATION_DEGREES:
        raise ValueError(_("Degrees clockwise, a multiple of 90."))
    return int(value) % 360


Rotation = Annotated[int, BeforeValidator(_quarters)]
Offset = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=MAX_COORDINATE_PX)]
Length = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=MAX_COORDINATE_PX)]
Switch = Annotated[bool, Field(strict=True)]


class Crop(BaseModel):
    """The part to keep, in pixels of the turned picture, from its upper left corner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: Offset
    y: Offset
    width: Length
    height: Length

    @property
    def box(self) -> Box:
        return self.x, self.y, self.x + self.width, self.y + self.height


class Transformations(BaseModel):
    """Rotation in degrees clockwise (0, 90, 180, 270; other multiples of 90 are brought there), mirroring, crop, and whether EXIF turns
    first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rotation: Rotation = 0
    flip_horizontal: Switch = False
    flip_vertical: Switch = False
    crop: Crop | None = None
    exif_rotation: Switch = True

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read what a client sent: nothing, an object, or an object as JSON text (multipart). Raises errors.Invalid with fields below
        "transformations"."""
        if raw is None or raw == "":
            return cls()
        if isinstance(raw, cls):
            return raw
        if isinstance(raw, str):
            raw = _from_text(raw)
        try:
            return cls.model_validate(raw)
        except ValidationError as refusal:
            raise errors.Invalid(fields=_fields(refusal)) from None

    def canonical(self) -> str:
        """JSON that is the same for the same wish: sorted keys, no blanks, nothing that is at its default."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))

    def turn(self, orientation: int) -> Turn:
        """The one turn that EXIF (`orientation` 1 to 8), rotation and flips come to."""
        turn = EXIF_TURNS[orientation] if self.exif_rotation else UPRIGHT
        turn = turn.then(clockwise(self.rotation))
        if self.flip_horizontal:
            turn = turn.then(MIRRORED)
        if self.flip_vertical:
            turn = turn.then(UPSIDE_DOWN)
        return turn

    def box(self, stored_size: Size, *, orientation: int) -> Box:
        """The part to keep, in pixels of the picture as stored. Raises errors.Invalid if the crop leaves the picture."""
        turn = self.turn(orientation)
        if self.crop is None:
            return 0, 0, *stored_size
        width_px, height_px = turn.size(stored_size)
        left, top, right, bottom = self.crop.box
        if right > width_px or bottom > height_px:
            text = _("The crop leaves the picture, which has %(width)s x %(height)s pixels.") % {"width": width_px, "height": height_px}
            raise errors.Invalid(fields={"transformations.crop": [text]})
        return turn.inverse().box((left, top, right, bottom), (width_px, height_px))


def _from_text(text: str) -> object:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise errors.Invalid(fields={"transformations": [_("This text is too long.")]})
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise errors.Invalid(fields={"transformations": [_("This is not JSON.")]}) from None


def _fields(refusal: ValidationError) -> dict[str, list[str]]:
    """Pydantic's complaints by the path of the field, without the input that caused them."""
    fields: dict[str, list[str]] = {}
    for complaint in refusal.errors(include_url=False, include_context=False, include_input=False)[:MAX_FIELDS_TOLD]:
        path = ".".join(["transformations", *(str(part)[:64] for part in complaint["loc"])])
        fields.setdefault(path, []).append(complaint["msg"].removeprefix("Value error, "))
    return fields
