"""Reads of entries, always for a viewer: what a person may not see is not found."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from domain.dex.models import DexEntry, Visibility
from domain.errors import NotFound
from domain.social import queries as social

SHOWN_TO_FRIENDS = (Visibility.FRIENDS, Visibility.PUBLIC)


@dataclass(frozen=True, slots=True)
class Circle:
    """A viewer with those that matter for what they may see."""

    viewer_id: UUID
    friends: frozenset[UUID]
    blocked: frozenset[UUID]

    def may_see(self, entry: DexEntry) -> bool:
        """The rule of visibility, for one entry at hand with its owner; `visible_to` says the same in SQL."""
        if not entry.owner.is_active:
            return False
        if entry.owner_id == self.viewer_id:
            return True
        if entry.owner_id in self.friends:
            return entry.visibility in SHOWN_TO_FRIENDS
        return entry.visibility == Visibility.PUBLIC and entry.owner_id not in self.blocked


def circle(viewer_id: UUID) -> Circle:
    """The viewer's friends and those behind a block: two queries."""
    return Circle(viewer_id=viewer_id, friends=frozenset(social.friend_ids(viewer_id)), blocked=frozenset(social.blocked_ids(viewer_id)))


def visible_to(around: Circle) -> QuerySet[DexEntry]:
    """Every entry that the viewer may see."""
    mine = Q(owner_id=around.viewer_id)
    friends = Q(owner_id__in=around.friends, visibility__in=SHOWN_TO_FRIENDS)
    strangers = Q(visibility=Visibility.PUBLIC) & ~Q(owner_id__in=around.blocked)
    return _complete(DexEntry.objects.filter(mine | friends | strangers, owner__is_active=True))


def entry(viewer_id: UUID, entry_id: UUID) -> DexEntry:
    """One entry that the viewer may see.

    Raises:
        NotFound
    """
    found = visible_to(circle(viewer_id)).filter(id=entry_id).first()
    if found is None:
        raise NotFound
    return found


def by_ids(entry_ids: Iterable[UUID]) -> dict[UUID, DexEntry]:
    """Entries by id, without asking who looks: for renderers, which ask `Circle.may_see` for each reader."""
    return {found.id: found for found in _complete(DexEntry.objects.filter(id__in=list(entry_ids), owner__is_active=True))}


def feed(viewer_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int) -> list[DexEntry]:
    """What the viewer's friends caught, newest first; `before` is the (created_at, id) of the last one of the page before."""
    friends = social.friend_ids(viewer_id)
    rows = _complete(DexEntry.objects.filter(owner_id__in=friends, visibility__in=SHOWN_TO_FRIENDS, owner__is_active=True))
    return _page(rows, before=before, limit=limit)


def of_owner(
    viewer_id: UUID, owner_id: UUID, *, favorites: bool = False, before: tuple[datetime, UUID] | None, limit: int
) -> list[DexEntry]:
    """One person's entries as far as the viewer may see them, newest first.

    Raises:
        NotFound: there is no such person, or they blocked the viewer.
    """
    if owner_id != viewer_id:
        social.visible_person(viewer_id, owner_id)
    rows = visible_to(circle(viewer_id)).filter(owner_id=owner_id)
    if favorites:
        rows = rows.filter(is_favorite=True)
    return _page(rows, before=before, limit=limit)


def in_graph(viewer_id: UUID, friend_ids: Collection[UUID]) -> QuerySet[DexEntry]:
    """The entries that make the viewer's graph: their own, and those that friends let them see."""
    return DexEntry.objects.filter(Q(owner_id=viewer_id) | Q(owner_id__in=friend_ids, visibility__in=SHOWN_TO_FRIENDS))


def _page(rows: QuerySet[DexEntry], *, before: tuple[datetime, UUID] | None, limit: int) -> list[DexEntry]:
    if before is not None:
        at, entry_id = before
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=entry_id))
    return list(rows.order_by("-created_at", "-id")[:limit])


def _complete(rows: QuerySet[DexEntry]) -> QuerySet[DexEntry]:
    return rows.select_related("owner", "animal", "dex_compatible_image")


def has_caught(owner_id: UUID, animal_id: UUID) -> bool:
    """Whether this person has an entry of this animal."""
    return DexEntry.objects.filter(owner_id=owner_id, animal_id=animal_id).exists()


def shows_image(viewer_id: UUID, image_id: UUID) -> bool:
    """Whether some entry that the viewer may see shows this picture."""
    return visible_to(circle(viewer_id)).filter(dex_compatible_image_id=image_id).exists()
