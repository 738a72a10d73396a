"""Entries at the door: one's own, others' as far as they may be seen, and what is told of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from consumers.animals import AnimalThing, animal_thing
from consumers.wire import Moment, Page, Thing, cursor_of_page
from domain.animals import queries as animals
from domain.dex import geoprivacy, queries, services
from domain.dex.fields import EntryChanges, EntryFields
from domain.dex.models import DexEntry
from domain.images.links import link_to
from domain.mailbox.facts import Letter
from realtime.events import EventData, Told, durable, durable_as_kept
from realtime.idempotency import Refs
from realtime.operations import Answer, Caller, Route, Shape, operation
from vision import queries as vision

ENTRIES = "dex/entries/"


class EntryThing(Thing):
    """A catch as one viewer sees it. Coordinates are decimal strings, degrees WGS 84; `catch_date_precision` is `day` or `month`."""

    id: UUID
    owner_id: UUID
    owner_username: str
    animal_id: UUID
    animal: AnimalThing
    creation_index: int
    scientific_name: str
    common_name: str
    catch_date: date
    catch_date_precision: str
    notes: str
    visibility: str
    is_favorite: bool
    customizations: dict[str, Any]
    location_lat: str | None
    location_lon: str | None
    location_name: str
    location_precision: str
    dex_compatible_url: str
    display_image_url: str
    image_checksum: str
    source_vision_job: UUID | None
    created_at: Moment
    updated_at: Moment


class EntryAnswer(Answer):
    """`{entry}`"""

    entry: EntryThing


class Entries(Answer):
    """A page of entries, newest first; `cursor` leads to the next, null at the end."""

    entries: list[EntryThing]
    cursor: str | None


class ByEntry(Shape):
    """An entry's id."""

    entry_id: UUID


class NewEntry(EntryFields):
    """A catch; `source_vision_job` is a job of one's own, whose picture the entry gets."""

    animal_id: UUID
    source_vision_job: UUID | None = None


class ChangedEntry(EntryChanges):
    """What is absent stays as it is."""

    entry_id: UUID
    animal_id: UUID | None = None


class EntriesOf(Page):
    """Whose entries (one's own where absent), and whether only the favourites."""

    owner_id: UUID | None = None
    favorites: bool = False


def entry_thing(entry: DexEntry, viewer_id: UUID) -> EntryThing:
    """An entry as this viewer sees it; whether they may is asked before."""
    seen = geoprivacy.seen_by(entry, viewer_id)
    animal = animal_thing(entry.animal)
    url = link_to(entry.dex_compatible_image_id, viewer_id) if entry.dex_compatible_image_id else ""
    return EntryThing(
        id=entry.id,
        owner_id=entry.owner_id,
        owner_username=entry.owner.username,
        animal_id=entry.animal_id,
        animal=animal,
        creation_index=animal.creation_index,
        scientific_name=animal.scientific_name,
        common_name=animal.common_name,
        catch_date=seen.catch_date,
        catch_date_precision=seen.catch_date_precision,
        notes=entry.notes,
        visibility=entry.visibility,
        is_favorite=entry.is_favorite,
        customizations=entry.customizations,
        location_lat=seen.location_lat,
        location_lon=seen.location_lon,
        location_name=seen.location_name,
        location_precision=entry.location_precision,
        dex_compatible_url=url,
        display_image_url=url,
        image_checksum=entry.image_checksum,
        source_vision_job=entry.source_vision_job_id if entry.owner_id == viewer_id else None,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
    )


def entries_page(entries: Sequence[DexEntry], viewer_id: UUID, *, limit: int) -> Entries:
    """A page of entries; it is the last one where it isn't full."""
    return Entries(entries=[entry_thing(entry, viewer_id) for entry in entries], cursor=cursor_of_page(entries, limit=limit))


def _unwrap(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["entry"])


def _entry(caller: Caller, refs: Refs) -> EntryAnswer:
    return EntryAnswer(entry=entry_thing(queries.entry(caller.person.id, UUID(str(refs["entry_id"]))), caller.person.id))


@operation(
    "dex.create",
    changes=True,
    render=_entry,
    routes=[Route("POST", ENTRIES, status=201, envelope=_unwrap, aliases={"animal": "animal_id"})],
)
def create(caller: Caller, data: NewEntry) -> Refs:
    """Records a catch; the same animal on the same day is the same entry."""
    animal = animals.get(data.animal_id)
    job = vision.job(caller.person.id, data.source_vision_job) if data.source_vision_job else None
    fields = EntryFields.model_validate(data.model_dump(exclude={"animal_id", "source_vision_job"}))
    recorded = services.record_catch(
        caller.person, animal, fields, job_id=job.id if job else None, image=job.dex_compatible_image if job else None
    )
    return {"entry_id": str(recorded.entry.id)}


@operation(
    "dex.update",
    changes=True,
    render=_entry,
    routes=[
        Route("PATCH", ENTRIES + "{entry_id}/", envelope=_unwrap, aliases={"animal": "animal_id"}),
        Route("PUT", ENTRIES + "{entry_id}/", envelope=_unwrap, aliases={"animal": "animal_id"}),
    ],
)
def update(caller: Caller, data: ChangedEntry) -> Refs:
    """Changes an entry of one's own."""
    animal = animals.get(data.animal_id) if data.animal_id else None
    changes = EntryChanges.model_validate(data.model_dump(exclude={"entry_id", "animal_id"}, exclude_unset=True))
    return {"entry_id": str(services.change_entry(caller.person, data.entry_id, changes, animal=animal).id)}


@operation("dex.delete", changes=True, routes=[Route("DELETE", ENTRIES + "{entry_id}/")])
def delete(caller: Caller, data: ByEntry) -> Refs:
    """Deletes an entry of one's own."""
    services.delete_entry(caller.person, data.entry_id)
    return {}


@operation("dex.get", routes=[Route("GET", ENTRIES + "{entry_id}/", envelope=_unwrap)])
def get(caller: Caller, data: ByEntry) -> EntryAnswer:
    """One entry that one may see."""
    return _entry(caller, {"entry_id": data.entry_id})


@operation("dex.list", routes=[Route("GET", f"{ENTRIES}list/")])
def list_entries(caller: Caller, data: EntriesOf) -> Entries:
    """Somebody's entries as far as one may see them."""
    owner_id = data.owner_id or caller.person.id
    rows = queries.of_owner(caller.person.id, owner_id, favorites=data.favorites, before=data.before, limit=data.limit)
    return entries_page(rows, caller.person.id, limit=data.limit)


class EntryTold(EventData):
    """An entry of yours was recorded or changed."""

    entry: EntryThing


class EntryDeleted(EventData):
    """An entry of yours is gone."""

    entry_id: UUID


@durable("dex.entry_updated", EntryTold)
@durable("dex.entry_created", EntryTold)
def _told(letters: Sequence[Letter]) -> list[Told | None]:
    entries = queries.by_ids({UUID(str(letter.refs["entry_id"])) for letter in letters})
    shown = {str(entry.id): entry for entry in entries.values()}
    return [
        Told(letter.kind, EntryTold(entry=entry_thing(shown[key], letter.owner_id)))
        if (key := str(letter.refs["entry_id"])) in shown and shown[key].owner_id == letter.owner_id
        else None
        for letter in letters
    ]


durable_as_kept("dex.entry_deleted", EntryDeleted)
