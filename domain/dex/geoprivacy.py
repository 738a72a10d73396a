"""What others learn of where and when: for everybody but the owner a place is withheld, and a threatened animal's day is its month. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from domain.dex.models import DexEntry

# IUCN categories whose places poachers would like to know.
SENSITIVE = frozenset({"VU", "EN", "CR", "EW"})


@dataclass(frozen=True, slots=True)
class Seen:
    """Place and day of a catch, as one viewer may know them; coordinates are decimal strings."""

    catch_date: date
    catch_date_precision: str
    location_lat: str | None
    location_lon: str | None
    location_name: str


def seen_by(entry: "DexEntry", viewer_id: UUID) -> Seen:
    """The owner sees all; others no place, and the month alone where the animal is threatened."""
    if entry.owner_id == viewer_id:
        return Seen(
            catch_date=entry.catch_date,
            catch_date_precision="day",
            location_lat=None if entry.location_lat is None else format(entry.location_lat, "f"),
            location_lon=None if entry.location_lon is None else format(entry.location_lon, "f"),
            location_name=entry.location_name,
        )
    sensitive = entry.animal.conservation_status in SENSITIVE
    return Seen(
        catch_date=entry.catch_date.replace(day=1) if sensitive else entry.catch_date,
        catch_date_precision="month" if sensitive else "day",
        location_lat=None,
        location_lon=None,
        location_name="",
    )
