"""What changes friendships: asking, answering, parting, blocking."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from domain import mailbox
from domain.accounts.models import User
from domain.accounts.services import stand_in_line
from domain.errors import AlreadyFriends, AlreadyRequested, Conflict, FriendsSelf, NotFound
from domain.social import queries
from domain.social.models import Friendship, Status

ASK_AGAIN_AFTER = timedelta(days=1)


def request_friendship(asker: User, other: User) -> Friendship:
    """Asks `other`, or accepts what they asked: two people who ask each other are friends at once.

    Raises:
        FriendsSelf, AlreadyFriends
        AlreadyRequested: a request is open, or was rejected less than a day ago (`retry_after` in seconds).
        NotFound: they blocked the asker. Conflict: the asker blocked them.
    """
    if asker.id == other.id:
        raise FriendsSelf
    with mailbox.transaction():
        stand_in_line(asker.id, other.id)
        made = Friendship(from_user=asker, to_user=other)
        friendship = _row_of_pair(made)
        if friendship.id == made.id:
            _tell("friends.requested", friendship)
        elif friendship.status == Status.PENDING and friendship.from_user_id == other.id:
            _move(friendship, Status.ACCEPTED)
            _tell("friends.accepted", friendship)
        else:
            _refuse(friendship, asker)
            friendship.from_user, friendship.to_user = asker, other
            _move(friendship, Status.PENDING)
            _tell("friends.requested", friendship)
    return friendship


def respond(user: User, friendship_id: UUID, action: str) -> Friendship:
    """Answers an open request to this person: "accept", "reject" or "block". Saying the same again changes nothing.

    Raises:
        NotFound: no such friendship of theirs. Conflict: it is no longer open, or they are the one who asked.
    """
    if action == "block":
        friendship = queries.visible(user.id, friendship_id)
        return block(user, friendship.to_user if friendship.from_user_id == user.id else friendship.from_user)
    status = {"accept": Status.ACCEPTED, "reject": Status.REJECTED}[action]
    with mailbox.transaction():
        friendship = _locked(user, friendship_id)
        if friendship.status == status and friendship.to_user_id == user.id:
            return friendship
        if friendship.status != Status.PENDING or friendship.to_user_id != user.id:
            raise Conflict
        _move(friendship, status)
        _tell("friends.accepted" if status == Status.ACCEPTED else "friends.rejected", friendship)
    return friendship


def unfriend(user: User, *, friendship_id: UUID | None = None, user_id: UUID | None = None) -> None:
    """Ends a friendship, or takes back a request, by its id or by the other person's.

    Raises:
        NotFound: there is none.
    """
    with mailbox.transaction():
        rows = Friendship.objects.filter(id=friendship_id) if friendship_id else queries.between(user.id, user_id or user.id)
        found = rows.values_list("id", flat=True).first()
        if found is None:
            raise NotFound
        friendship = _locked(user, found)
        if friendship.status in (Status.BLOCKED, Status.REJECTED):
            raise NotFound
        _tell_parting(friendship)
        friendship.delete()


def block(user: User, other: User) -> Friendship:
    """Blocks somebody, whatever the two were. To the blocked one it looks like being unfriended.

    Raises:
        FriendsSelf. NotFound: the other one blocked first.
    """
    if user.id == other.id:
        raise FriendsSelf
    with mailbox.transaction():
        stand_in_line(user.id, other.id)
        made = Friendship(from_user=user, to_user=other, status=Status.BLOCKED)
        friendship = _row_of_pair(made)
        if friendship.id == made.id:
            return friendship
        if friendship.status == Status.BLOCKED:
            if friendship.from_user_id != user.id:
                raise NotFound
            return friendship
        if friendship.status in (Status.ACCEPTED, Status.PENDING):
            _tell_parting(friendship)
        friendship.from_user, friendship.to_user = user, other
        _move(friendship, Status.BLOCKED)
    return friendship


def unblock(user: User, other_id: UUID) -> None:
    """Lifts a block that this person set; the two are strangers then.

    Raises:
        NotFound: there is none of theirs.
    """
    with mailbox.transaction():
        stand_in_line(user.id)
        deleted, _ = Friendship.objects.filter(from_user=user, to_user_id=other_id, status=Status.BLOCKED).delete()
        if not deleted:
            raise NotFound


def _refuse(friendship: Friendship, asker: User) -> None:
    """Says why this pair can't be asked now; returns where it can."""
    if friendship.status == Status.ACCEPTED:
        raise AlreadyFriends
    if friendship.status == Status.BLOCKED:
        raise Conflict if friendship.from_user_id == asker.id else NotFound
    if friendship.status == Status.PENDING:
        raise AlreadyRequested
    wait = friendship.updated_at + ASK_AGAIN_AFTER - timezone.now()
    if friendship.from_user_id == asker.id and wait > timedelta(0):
        raise AlreadyRequested(retry_after=round(wait.total_seconds(), 1))


def _row_of_pair(made: Friendship) -> Friendship:
    """The row of these two people: `made` where there was none. Both stand in line, so it stays as it is until this transaction ends."""
    found = queries.between(made.from_user_id, made.to_user_id).select_related("from_user", "to_user").first()
    if found is None:
        made.save(force_insert=True)
    return found or made


def _locked(user: User, friendship_id: UUID) -> Friendship:
    """A friendship of this person's as it is once both of its people stand in line.

    Raises:
        NotFound: there is none, or it ended or was blocked by the other one meanwhile.
    """
    pair = Friendship.objects.filter(id=friendship_id).values_list("from_user_id", "to_user_id").first()
    if pair is None or user.id not in pair:
        raise NotFound
    stand_in_line(*pair)
    return queries.visible(user.id, friendship_id)


def _move(friendship: Friendship, status: Status) -> None:
    friendship.status = status
    friendship.save(update_fields=["from_user", "to_user", "status", "updated_at"])


def _tell(kind: str, friendship: Friendship) -> None:
    mailbox.post(kind, to=[friendship.from_user_id, friendship.to_user_id], friendship_id=str(friendship.id))


def _tell_parting(friendship: Friendship) -> None:
    """Each is told of the other; friends also that the other's entries are gone from their feed."""
    pair = (friendship.from_user_id, friendship.to_user_id)
    for person, other in (pair, pair[::-1]):
        mailbox.post("friends.removed", to=[person], friendship_id=str(friendship.id), user_id=str(other))
        if friendship.status == Status.ACCEPTED:
            mailbox.post("feed.entry_removed", to=[person], owner_id=str(other))
