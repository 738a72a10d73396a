"""What a picture's EXIF tells of camera, time and place, in bounded, JSON-safe form; knows no pixel and judges nothing."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from PIL import ExifTags, Image, TiffImagePlugin

from domain.images.formats import PICTURE_ERRORS

MAX_TAGS = 96
MAX_TEXT_CHARACTERS = 200
MAX_NUMBERS = 8
PLACE_STEP = Decimal("0.000001")
MOMENT = re.compile(r"^(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)")
ZONE = re.compile(r"^(?:Z|[+-]\d\d:\d\d)$")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")

Json = str | int | float | list["Json"]


@dataclass(frozen=True)
class ExifFacts:
    """Camera, moment (ISO 8601, with an offset only where the camera knew it), place (decimal strings, degrees WGS 84) and the readable
    tags by name."""

    make: str | None = None
    model: str | None = None
    taken_at: str | None = None
    gps_lat: str | None = None
    gps_lon: str | None = None
    raw: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {
            "make": self.make,
            "model": self.model,
            "taken_at": self.taken_at,
            "gps_lat": self.gps_lat,
            "gps_lon": self.gps_lon,
            "raw": dict(self.raw),
        }


def read_exif(image: Image.Image) -> ExifFacts:
    """Read an opened picture's EXIF; damaged parts count as absent, so this never raises. Binary tags (maker notes, previews) are left
    out."""
    main = _ifd(image, None)
    detail = _ifd(image, ExifTags.IFD.Exif)
    place = _ifd(image, ExifTags.IFD.GPSInfo)
    zone = _text(detail.get(ExifTags.Base.OffsetTimeOriginal))
    return ExifFacts(
        make=_text(main.get(ExifTags.Base.Make)),
        model=_text(main.get(ExifTags.Base.Model)),
        taken_at=_moment(_text(detail.get(ExifTags.Base.DateTimeOriginal)) or _text(main.get(ExifTags.Base.DateTime)), zone),
        gps_lat=_degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), negative="S", limit=90),
        gps_lon=_degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), negative="W", limit=180),
        raw=_readable(main, detail, place),
    )


def _ifd(image: Image.Image, part: ExifTags.IFD | None) -> dict[int, object]:
    try:
        exif = image.getexif()
        return dict(exif) if part is None else dict(exif.get_ifd(part))
    except PICTURE_ERRORS:
        return {}


def _readable(main: dict[int, object], detail: dict[int, object], place: dict[int, object]) -> dict[str, Json]:
    named: dict[str, Json] = {}
    for tags, names in ((main, ExifTags.TAGS), (detail, ExifTags.TAGS), (place, ExifTags.GPSTAGS)):
        for number, value in tags.items():
            told = _json(value)
            if told is not None and number in names and len(named) < MAX_TAGS:
                named[names[number]] = told
    return named


def _json(value: object) -> Json | None:
    """The value as JSON, or None where it is binary, empty, endless or too long."""
    if isinstance(value, bool) or value is None or isinstance(value, bytes):
        return None
    if isinstance(value, int):
        return value if abs(value) < 2**53 else None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple | list):
        parts = [_json(part) for part in value[:MAX_NUMBERS]]
        return [part for part in parts if part is not None] if len(value) <= MAX_NUMBERS else None
    number = _number(value)
    return None if number is None else round(number, 6)


def _number(value: object) -> float | None:
    if not isinstance(value, int | float | TiffImagePlugin.IFDRational):
        return None
    try:
        number = float(value)
    except (ArithmeticError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return CONTROL.sub(" ", value).strip()[:MAX_TEXT_CHARACTERS].strip() or None


def _moment(text: str | None, zone: str | None) -> str | None:
    """Exif's "2026:11:23 10:00:00" as ISO 8601; cameras without a clock write zeros or blanks."""
    found = MOMENT.match(text or "")
    if found is None:
        return None
    year, month, day, hour, minute, second = found.groups()
    if not (year >= "0001" and "01" <= month <= "12" and "01" <= day <= "31" and hour < "24" and minute < "60" and second < "61"):
        return None
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}" + (zone if zone and ZONE.match(zone) else "")


def _degrees(parts: object, reference: object, *, negative: str, limit: int) -> str | None:
    """Degrees, minutes and seconds (Exif 2.32, 4.6.6) as a decimal string with six places."""
    if not isinstance(parts, tuple | list) or len(parts) != 3:
        return None
    numbers = [_number(part) for part in parts]
    degrees = Decimal(0)
    for number, share in zip(numbers, (1, 60, 3600), strict=True):
        if number is None or number < 0:
            return None
        degrees += Decimal(str(number)) / share
    if degrees > limit:
        return None
    place = degrees.quantize(PLACE_STEP)
    return str(-place if str(reference).strip("\0 ").upper() == negative and place else place)
