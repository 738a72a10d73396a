"""Who is what to whom; the only place that says whether one person may see another."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from domain.accounts import queries as accounts
from domain.accounts.models import User
from domain.errors import NotFound
from domain.social.models import Friendship, Status


def _of(user_id: UUID) -> Q:
    return Q(from_user_id=user_id) | Q(to_user_id=user_id)


def between(one: UUID, other: UUID) -> QuerySet[Friendship]:
    """The row of these two people, if there is one."""
    return Friendship.objects.filter(Q(from_user_id=one, to_user_id=other) | Q(from_user_id=other, to_user_id=one))


def friend_ids(user_id: UUID) -> set[UUID]:
    """The ids of this person's friends."""
    pairs = Friendship.objects.filter(_of(user_id), status=Status.ACCEPTED).values_list("from_user_id", "to_user_id")
    return {other for pair in pairs for other in pair if other != user_id}


def friends_of(user_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """The friends of each of these people: one query."""
    found: dict[UUID, set[UUID]] = {user_id: set() for user_id in user_ids}
    pairs = Friendship.objects.filter(Q(from_user_id__in=found) | Q(to_user_id__in=found), status=Status.ACCEPTED)
    for one, other in pairs.values_list("from_user_id", "to_user_id"):
        for person, friend in ((one, other), (other, one)):
            if person in found:
                found[person].add(friend)
    return found


def are_friends(one: UUID, other: UUID) -> bool:
    """Whether the two are friends; who asked is no matter."""
    return between(one, other).filter(status=Status.ACCEPTED).exists()


def blocked_ids(user_id: UUID) -> set[UUID]:
    """Everybody with whom there is a block, whoever set it."""
    pairs = Friendship.objects.filter(_of(user_id), status=Status.BLOCKED).values_list("from_user_id", "to_user_id")
    return {other for pair in pairs for other in pair if other != user_id}


def friendships(user_id: UUID, *, status: Status) -> QuerySet[Friendship]:
    """All of a person's friendships of one status, newest first, with both people and their profiles."""
    rows = Friendship.objects.filter(_of(user_id), status=status)
    return rows.select_related("from_user__profile", "to_user__profile").order_by("-updated_at", "id")


def visible(viewer_id: UUID, friendship_id: UUID) -> Friendship:
    """A friendship of the viewer's own, with both people.

    Raises:
        NotFound: it is others', or a block that the other one set.
    """
    rows = Friendship.objects.filter(_of(viewer_id), id=friendship_id).exclude(Q(status=Status.BLOCKED) & ~Q(from_user_id=viewer_id))
    found = rows.select_related("from_user__profile", "to_user__profile").first()
    if found is None:
        raise NotFound
    return found


def visible_person(viewer_id: UUID, person_id: UUID) -> User:
    """An account that the viewer may address.

    Raises:
        NotFound: there is none, or one of the two has blocked the other.
    """
    if between(viewer_id, person_id).filter(status=Status.BLOCKED).exclude(from_user_id=viewer_id).exists():
        raise NotFound
    return accounts.by_id(person_id)


def person_by_friend_code(viewer_id: UUID, code: str) -> User:
    """The account with this friend code.

    Raises:
        NotFound: the same for an unknown code and for somebody who blocked the viewer.
    """
    return visible_person(viewer_id, accounts.by_friend_code(code).id)
