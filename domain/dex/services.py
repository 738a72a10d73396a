"""What changes entries: recording, editing, deleting; each tells the owner's devices and the friends who may see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from domain import mailbox
from domain.accounts.models import User, UserProfile
from domain.accounts.services import stand_in_line
from domain.animals.models import Animal
from domain.dex.fields import EntryChanges, EntryFields
from domain.dex.models import DexEntry, Tombstone
from domain.dex.queries import SHOWN_TO_FRIENDS
from domain.errors import Conflict, NotFound
from domain.images.models import ProcessedImage
from domain.social import queries as social

COORDINATES = ("location_lat", "location_lon")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry, and whether it was made just now (False: that person has it for that day already, and it stays as it is)."""

    entry: DexEntry
    new_entry: bool
    new_for_owner: bool


def record_catch(
    owner: User, animal: Animal, fields: EntryFields, *, job_id: UUID | None = None, image: ProcessedImage | None = None
) -> Recorded:
    """Puts an animal into a person's dex and tells those who may see it.

    Raises:
        NotFound: the owner's account is gone.
    """
    with mailbox.transaction():
        stand_in_line(owner.id)
        known = DexEntry.objects.filter(owner=owner, animal=animal).exists()
        made = DexEntry(
            owner=owner,
            animal=animal,
            source_vision_job_id=job_id,
            dex_compatible_image=image,
            image_checksum=image.processed_checksum if image else "",
            **fields.model_dump(),
        )
        DexEntry.objects.bulk_create([made], ignore_conflicts=True)
        entry = DexEntry.objects.select_related("owner", "animal", "dex_compatible_image").get(
            owner=owner, animal=animal, catch_date=fields.catch_date
        )
        new = entry.id == made.id
        if new:
            update_stats(owner.id)
            mailbox.post("dex.entry_created", to=[owner.id], entry_id=str(entry.id))
            _tell_friends("feed.entry_added", entry)
    return Recorded(entry=entry, new_entry=new, new_for_owner=not known)


def change_entry(owner: User, entry_id: UUID, changes: EntryChanges, *, animal: Animal | None = None) -> DexEntry:
    """Changes the fields that are given; one given as None stays as it is, but for the coordinates: they are taken away, both of them.

    Raises:
        NotFound: no such entry of this person's. Conflict: they have that animal for that day already.
    """
    given = _given(changes)
    with mailbox.transaction():
        stand_in_line(owner.id)
        entry = _own(owner, entry_id)
        was_shown = entry.visibility in SHOWN_TO_FRIENDS
        for name, value in given.items():
            setattr(entry, name, value)
        if animal is not None:
            entry.animal = animal
        twin = DexEntry.objects.filter(owner=owner, animal=entry.animal, catch_date=entry.catch_date).exclude(id=entry.id)
        if twin.exists():
            raise Conflict
        entry.save()
        update_stats(owner.id)
        mailbox.post("dex.entry_updated", to=[owner.id], entry_id=str(entry.id))
        _tell_change(entry, was_shown=was_shown)
    return entry


def delete_entry(owner: User, entry_id: UUID) -> None:
    """Deletes an entry and leaves a tombstone for syncs.

    Raises:
        NotFound: no such entry of this person's.
    """
    with mailbox.transaction():
        stand_in_line(owner.id)
        entry = _own(owner, entry_id)
        shown = entry.visibility in SHOWN_TO_FRIENDS
        entry.delete()
        Tombstone.objects.create(owner=owner, entry_id=entry_id)
        update_stats(owner.id)
        mailbox.post("dex.entry_deleted", to=[owner.id], entry_id=str(entry_id))
        if shown:
            mailbox.post("feed.entry_removed", to=_friends(owner.id), entry_id=str(entry_id), owner_id=str(owner.id))


def update_stats(owner_id: UUID) -> None:
    """Counts a person's catches and species anew; the caller holds the lock on their profile."""
    counts = DexEntry.objects.filter(owner_id=owner_id).aggregate(catches=Count("id"), species=Count("animal_id", distinct=True))
    UserProfile.objects.filter(user_id=owner_id).update(total_catches=counts["catches"], unique_species=counts["species"])


def _given(changes: EntryChanges) -> dict[str, object]:
    given = changes.model_dump(exclude_unset=True)
    place = dict.fromkeys(COORDINATES) if any(name in given for name in COORDINATES) else {}
    return place | {name: value for name, value in given.items() if value is not None}


def _own(owner: User, entry_id: UUID) -> DexEntry:
    entry = DexEntry.objects.select_for_update(of=("self",)).select_related("owner", "animal").filter(id=entry_id, owner=owner).first()
    if entry is None:
        raise NotFound
    return entry


def _tell_change(entry: DexEntry, *, was_shown: bool) -> None:
    if entry.visibility in SHOWN_TO_FRIENDS:
        _tell_friends("feed.entry_changed" if was_shown else "feed.entry_added", entry)
    elif was_shown:
        mailbox.post("feed.entry_removed", to=_friends(entry.owner_id), entry_id=str(entry.id), owner_id=str(entry.owner_id))


def _tell_friends(kind: str, entry: DexEntry) -> None:
    if entry.visibility in SHOWN_TO_FRIENDS:
        mailbox.post(kind, to=_friends(entry.owner_id), entry_id=str(entry.id), owner_id=str(entry.owner_id))


def _friends(owner_id: UUID) -> Iterable[UUID]:
    return sorted(social.friend_ids(owner_id))
