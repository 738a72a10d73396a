"""What a person says of a catch: the fields of an entry that are theirs to set. Knows no row."""

import datetime
import json
from decimal import Decimal
from typing import Annotated

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from domain.dex.models import MAX_CUSTOMIZATIONS_BYTES, MAX_LOCATION_NAME, MAX_NOTES, Precision, Visibility
from domain.storable import is_storable

MAX_CUSTOMIZATIONS_DEPTH = 8
# What a double holds exactly: Godot reads every JSON number as one.
LARGEST_NUMBER = 2**53
EARLIEST = datetime.date(1800, 1, 1)


def storable_text(value: str) -> str:
    """The text itself.

    Raises:
        ValueError: it could not be kept.
    """
    if not is_storable(value):
        raise ValueError("no NUL characters and no surrogates")
    return value


def _storable(value: object, depth: int = 1) -> None:
    """Raises ValueError for what PostgreSQL could not keep or JSON not carry to every client."""
    match value:
        case str():
            storable_text(value)
        case bool() | None:
            pass
        case int() | float():
            # NaN compares false with everything.
            if not abs(value) <= LARGEST_NUMBER:
                raise ValueError("no numbers beyond 2 ** 53")
        case dict() | list() if depth > MAX_CUSTOMIZATIONS_DEPTH:
            raise ValueError(f"at most {MAX_CUSTOMIZATIONS_DEPTH} levels deep")
        case dict():
            for name, item in value.items():
                storable_text(name)
                _storable(item, depth + 1)
        case list():
            for item in value:
                _storable(item, depth + 1)


def _bounded(value: dict[str, object]) -> dict[str, object]:
    _storable(value)
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_CUSTOMIZATIONS_BYTES:
        raise ValueError(f"at most {MAX_CUSTOMIZATIONS_BYTES} bytes as JSON")
    return value


def _plausible(value: datetime.date) -> datetime.date:
    # Somebody east of here may be a day ahead.
    if not EARLIEST <= value <= timezone.now().date() + datetime.timedelta(days=1):
        raise ValueError("a day between 1800 and today")
    return value


CatchDate = Annotated[datetime.date, AfterValidator(_plausible)]
Customizations = Annotated[dict[str, object], AfterValidator(_bounded)]
Latitude = Annotated[Decimal, Field(ge=-90, le=90, max_digits=20), PlainSerializer(str)]
Longitude = Annotated[Decimal, Field(ge=-180, le=180, max_digits=20), PlainSerializer(str)]
Notes = Annotated[str, Field(max_length=MAX_NOTES), AfterValidator(storable_text)]
PlaceName = Annotated[str, Field(max_length=MAX_LOCATION_NAME), AfterValidator(storable_text)]


class EntryChanges(BaseModel):
    """The fields of an entry that a person may set; one that is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    catch_date: CatchDate | None = None
    notes: Notes | None = None
    visibility: Visibility | None = None
    location_lat: Latitude | None = None
    location_lon: Longitude | None = None
    location_name: PlaceName | None = None
    location_precision: Precision | None = None
    is_favorite: bool | None = None
    customizations: Customizations | None = None

    @model_validator(mode="after")
    def both_or_neither(self) -> "EntryChanges":
        if (self.location_lat is None) != (self.location_lon is None):
            raise ValueError("location_lat and location_lon go together")
        return self


class EntryFields(EntryChanges):
    """The same for a new entry: today, for friends, the place about 10 km around, unless said otherwise."""

    catch_date: CatchDate = Field(default_factory=lambda: timezone.now().date())
    notes: Notes = ""
    visibility: Visibility = Visibility.FRIENDS
    location_name: PlaceName = ""
    location_precision: Precision = Precision.APPROXIMATE
    is_favorite: bool = False
    customizations: Customizations = Field(default_factory=dict)
