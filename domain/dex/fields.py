"""What a person says of a catch: the fields of an entry that are theirs to set. Knows no row."""

import datetime
import json
from decimal import Decimal
from typing import Annotated

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from domain.dex.models import MAX_CUSTOMIZATIONS_BYTES, MAX_LOCATION_NAME, MAX_NOTES, Precision, Visibility

EARLIEST = datetime.date(1800, 1, 1)


def _bounded(value: dict[str, object]) -> dict[str, object]:
    if len(json.dumps(value).encode()) > MAX_CUSTOMIZATIONS_BYTES:
        raise ValueError(f"at most {MAX_CUSTOMIZATIONS_BYTES} bytes as JSON")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("no NUL characters")
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
Notes = Annotated[str, Field(max_length=MAX_NOTES), AfterValidator(_no_nul)]
PlaceName = Annotated[str, Field(max_length=MAX_LOCATION_NAME), AfterValidator(_no_nul)]


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
