"""Friends at the door: asking, answering, parting, blocking, and the lists."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import Field, model_validator

from consumers.accounts import Person, person
from consumers.wire import Moment, Thing
from domain.accounts.models import User
from domain.errors import Invalid
from domain.mailbox.facts import Letter
from domain.social import queries, services
from domain.social.models import Friendship, Status
from realtime import presence
from realtime.events import EventData, Told, durable, durable_as_kept
from realtime.idempotency import Refs
from realtime.operations import Answer, Caller, Nothing, Route, Shape, operation

FRIENDSHIPS = "social/friendships/"
LOOKUP_RATE = "30/minute"
REQUEST_RATE = "300/hour"

Code = Annotated[str, Field(min_length=1, max_length=32)]


class FriendshipThing(Thing):
    """What two people are to each other: pending, accepted, rejected or blocked; `from_user` asked."""

    id: UUID
    status: str
    from_user: UUID
    to_user: UUID
    from_user_details: Person
    to_user_details: Person
    created_at: Moment
    updated_at: Moment


class FriendshipAnswer(Answer):
    """`{friendship}`"""

    friendship: FriendshipThing


class Friend(Person):
    """A friend in the list of friends."""

    friend_code: str
    total_catches: int
    unique_species: int
    friendship_id: UUID
    online: bool


class Friends(Answer):
    """`{friends}`"""

    friends: list[Friend]


class Pending(Answer):
    """Requests that wait for an answer, one's own and others'."""

    incoming: list[FriendshipThing]
    outgoing: list[FriendshipThing]


class People(Answer):
    """`{users}`"""

    users: list[Person]


class FoundPerson(Answer):
    """`{user}`"""

    user: Person


class ByFriendCode(Shape):
    """A friend code, however it is typed."""

    friend_code: Code


class Somebody(Shape):
    """Whom to ask: a friend code or a user's id."""

    friend_code: Code | None = None
    user_id: UUID | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> "Somebody":
        if (self.friend_code is None) == (self.user_id is None):
            raise ValueError("give friend_code or user_id")
        return self


class Response(Shape):
    """The answer to a request."""

    friendship_id: UUID
    action: Literal["accept", "reject", "block"]


class Parting(Shape):
    """Which friendship to end: its id or the friend's."""

    friendship_id: UUID | None = None
    user_id: UUID | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> "Parting":
        if (self.friendship_id is None) == (self.user_id is None):
            raise ValueError("give friendship_id or user_id")
        return self


class ByUser(Shape):
    """A user's id."""

    user_id: UUID


def friendship_thing(friendship: Friendship) -> FriendshipThing:
    """A friendship as both of its people see it."""
    return FriendshipThing(
        id=friendship.id,
        status=friendship.status,
        from_user=friendship.from_user_id,
        to_user=friendship.to_user_id,
        from_user_details=person(friendship.from_user),
        to_user_details=person(friendship.to_user),
        created_at=friendship.created_at,
        updated_at=friendship.updated_at,
    )


def _friendship(caller: Caller, refs: Refs) -> FriendshipAnswer:
    return FriendshipAnswer(friendship=friendship_thing(queries.visible(caller.person.id, UUID(str(refs["friendship_id"])))))


def _unwrap(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["friendship"])


def _other(friendship: Friendship, me: User) -> User:
    return friendship.to_user if friendship.from_user_id == me.id else friendship.from_user


def _friend(friendship: Friendship, other: User, *, online: bool) -> Friend:
    return Friend(
        **person(other).model_dump(),
        friend_code=other.friend_code,
        total_catches=other.profile.total_catches,
        unique_species=other.profile.unique_species,
        friendship_id=friendship.id,
        online=online,
    )


def _with_count(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "count": len(body["friends"])}


def _requests(body: dict[str, Any]) -> dict[str, Any]:
    return {"requests": body["incoming"], "count": len(body["incoming"]), "outgoing": body["outgoing"]}


@operation("friends.list", routes=[Route("GET", f"{FRIENDSHIPS}friends/", envelope=_with_count)])
def list_friends(caller: Caller, data: Nothing) -> Friends:
    """One's friends, with what they have caught."""
    rows = [(row, _other(row, caller.person)) for row in queries.friendships(caller.person.id, status=Status.ACCEPTED)]
    here = presence.online(other.id for _, other in rows)
    return Friends(friends=[_friend(row, other, online=other.id in here) for row, other in rows])


@operation("friends.pending", routes=[Route("GET", f"{FRIENDSHIPS}pending/", envelope=_requests)])
def list_pending(caller: Caller, data: Nothing) -> Pending:
    """Requests that wait for an answer."""
    things = [friendship_thing(row) for row in queries.friendships(caller.person.id, status=Status.PENDING)]
    mine = caller.person.id
    return Pending(
        incoming=[thing for thing in things if thing.to_user == mine], outgoing=[thing for thing in things if thing.from_user == mine]
    )


@operation("friends.lookup", rate=LOOKUP_RATE, routes=[Route("POST", "users/lookup_friend_code/")])
def look_up(caller: Caller, data: ByFriendCode) -> FoundPerson:
    """Who has this friend code; the same answer for a code of nobody and for somebody who blocked you."""
    return FoundPerson(user=person(queries.person_by_friend_code(caller.person.id, data.friend_code)))


@operation(
    "friends.request",
    changes=True,
    rate=REQUEST_RATE,
    render=_friendship,
    routes=[Route("POST", f"{FRIENDSHIPS}send_request/", status=201, envelope=_unwrap, aliases={"to_user_id": "user_id"})],
)
def request(caller: Caller, data: Somebody) -> Refs:
    """Asks somebody to be friends; two people who ask each other are friends at once."""
    if data.friend_code is not None:
        other = queries.person_by_friend_code(caller.person.id, data.friend_code)
    elif data.user_id is not None:
        other = queries.visible_person(caller.person.id, data.user_id)
    else:
        raise Invalid(fields={"data": [_("Give friend_code or user_id.")]})
    return {"friendship_id": str(services.request_friendship(caller.person, other).id)}


@operation(
    "friends.respond", changes=True, render=_friendship, routes=[Route("POST", FRIENDSHIPS + "{friendship_id}/respond/", envelope=_unwrap)]
)
def respond(caller: Caller, data: Response) -> Refs:
    """Accepts, rejects or blocks who asked."""
    return {"friendship_id": str(services.respond(caller.person, data.friendship_id, data.action).id)}


@operation("friends.unfriend", changes=True, routes=[Route("POST", f"{FRIENDSHIPS}unfriend/")])
def unfriend(caller: Caller, data: Parting) -> Refs:
    """Ends a friendship, or takes back a request."""
    services.unfriend(caller.person, friendship_id=data.friendship_id, user_id=data.user_id)
    return {}


class ByEitherId(Shape):
    """A friendship's id or the friend's."""

    either_id: UUID


@operation(
    "friends.unfriend_by_either_id",
    changes=True,
    routes=[
        Route("DELETE", FRIENDSHIPS + "{either_id}/unfriend/"),
        Route("POST", FRIENDSHIPS + "{either_id}/unfriend/"),
        Route("GET", FRIENDSHIPS + "{either_id}/unfriend/", legacy=True),
    ],
)
def unfriend_by_either_id(caller: Caller, data: ByEitherId) -> Refs:
    """Ends a friendship by its id or by the friend's, whichever this is: REST's paths don't say."""
    mine = Friendship.objects.filter(id=data.either_id).exists()
    services.unfriend(caller.person, friendship_id=data.either_id if mine else None, user_id=None if mine else data.either_id)
    return {}


@operation("friends.block", changes=True, routes=[Route("POST", "social/blocks/")])
def block(caller: Caller, data: ByUser) -> Refs:
    """Blocks somebody, whatever you were to each other; to them it looks like being unfriended."""
    services.block(caller.person, queries.visible_person(caller.person.id, data.user_id))
    return {}


@operation("friends.unblock", changes=True, routes=[Route("DELETE", "social/blocks/{user_id}/")])
def unblock(caller: Caller, data: ByUser) -> Refs:
    """Lifts a block of your own."""
    services.unblock(caller.person, data.user_id)
    return {}


@operation("friends.blocked", routes=[Route("GET", "social/blocks/")])
def list_blocked(caller: Caller, data: Nothing) -> People:
    """Whom you have blocked."""
    rows = queries.friendships(caller.person.id, status=Status.BLOCKED).filter(from_user=caller.person)
    return People(users=[person(row.to_user) for row in rows])


class FriendshipChanged(EventData):
    """Somebody asked, accepted or rejected."""

    friendship: FriendshipThing


class FriendRemoved(EventData):
    """A friendship ended, or a request was taken back; `user_id` is the other one."""

    friendship_id: UUID
    user_id: UUID


def _changed(letters: Sequence[Letter]) -> list[Told | None]:
    ids = {UUID(str(letter.refs["friendship_id"])) for letter in letters}
    rows = Friendship.objects.select_related("from_user", "to_user").exclude(status=Status.BLOCKED).in_bulk(ids)
    shown = {str(key): FriendshipChanged(friendship=friendship_thing(row)) for key, row in rows.items()}
    # What has ended since may no longer be told.
    return [Told(letter.kind, shown[key]) if (key := str(letter.refs["friendship_id"])) in shown else None for letter in letters]


for _kind in ("friends.requested", "friends.accepted", "friends.rejected"):
    durable(_kind, FriendshipChanged)(_changed)


durable_as_kept("friends.removed", FriendRemoved)
