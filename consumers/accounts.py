"""Accounts at the door: registering, tokens, the profile, and what a session says of itself."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from consumers.wire import Moment, Thing
from domain.accounts import queries, services, tokens
from domain.accounts.models import User
from domain.accounts.services import LOGINS_ENDED
from domain.dex.fields import Customizations, storable_text
from domain.mailbox.facts import Letter
from realtime.events import EventData, Told, durable, passing
from realtime.idempotency import Refs
from realtime.operations import Access, Answer, Caller, Nothing, Route, Shape, operation

MAX_BIO = 500
MAX_AVATAR = 200
# Others' screens load it: an address on the web or a name of one of the client's own pictures, never a script or a page in itself.
AVATAR_SCHEMES = frozenset({"", "http", "https"})


def _harmless_address(value: str) -> str:
    try:
        scheme = urlsplit(value).scheme
    except ValueError as error:
        raise ValueError("this is no address of a picture") from error
    if scheme not in AVATAR_SCHEMES or any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError("this is no address of a picture")
    return value


Text = Annotated[str, AfterValidator(storable_text)]
Avatar = Annotated[Text, Field(max_length=MAX_AVATAR), AfterValidator(_harmless_address)]
Token = Annotated[str, Field(max_length=4096)]


class Person(Thing):
    """Somebody, as others see them."""

    id: UUID
    username: str
    avatar: str = ""


class Me(Person):
    """Oneself. `badges` is a list of `{name, awarded_at}`."""

    email: str
    friend_code: str
    bio: str
    badges: list[dict[str, Any]]
    total_catches: int
    unique_species: int
    preferred_card_style: dict[str, Any]
    created_at: Moment


class MeAnswer(Answer):
    """`{user}`"""

    user: Me


class TokenPair(Answer):
    """`refresh` is absent where only an access token is given."""

    access: str
    refresh: str | None = None
    user: Person | None = None


class Registration(Shape):
    """A new account."""

    username: Annotated[Text, Field(min_length=1, max_length=150)]
    email: Annotated[Text, Field(min_length=1, max_length=254)]
    password: Annotated[Text, Field(min_length=1, max_length=128)]
    password_confirm: Annotated[Text, Field(min_length=1, max_length=128)]


class Credentials(Shape):
    """A name and its password."""

    username: Annotated[Text, Field(max_length=150)]
    password: Annotated[Text, Field(max_length=128)]


class RefreshToken(Shape):
    """A refresh token."""

    refresh: Token


class Logout(RefreshToken):
    """Which login to end; `everywhere` ends all of them."""

    everywhere: bool = False


class ProfileChanges(Shape):
    """What is absent stays as it is."""

    bio: Annotated[Text, Field(max_length=MAX_BIO)] | None = None
    avatar: Avatar | None = None
    preferred_card_style: Customizations | None = None


class FriendCode(Answer):
    """One's own friend code."""

    friend_code: str
    username: str


def person(user: User) -> Person:
    """Somebody, as others see them."""
    return Person(id=user.id, username=user.username, avatar=user.avatar)


def me(user: User) -> Me:
    """Somebody, as they see themselves."""
    return Me(
        id=user.id,
        username=user.username,
        avatar=user.avatar,
        email=user.email,
        friend_code=user.friend_code,
        bio=user.bio,
        badges=user.badges,
        total_catches=user.profile.total_catches,
        unique_species=user.profile.unique_species,
        preferred_card_style=user.profile.preferred_card_style,
        created_at=user.created_at,
    )


def _unwrap_user(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["user"])


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _me(caller: Caller, refs: Refs) -> MeAnswer:
    return MeAnswer(user=me(queries.by_id(str(refs["user_id"]))))


@operation(
    "users.register",
    access=Access.ANYBODY,
    changes=True,
    takes_key=False,
    render=_me,
    routes=[Route("POST", "users/", status=201, envelope=_unwrap_user)],
)
def register(caller: Caller, data: Registration) -> Refs:
    """Makes an account."""
    user = services.register(username=data.username, email=data.email, password=data.password, password_confirm=data.password_confirm)
    return {"user_id": str(user.id)}


@operation("auth.login", access=Access.ANYBODY, routes=[Route("POST", "auth/login/", envelope=_without_empty)])
def log_in(caller: Caller, data: Credentials) -> TokenPair:
    """Answers an access and a refresh token for a name and its password."""
    pair = services.log_in(username=data.username, password=data.password)
    return TokenPair(access=pair.access, refresh=pair.refresh, user=person(pair.user))


@operation("auth.refresh", access=Access.ANYBODY, routes=[Route("POST", "auth/refresh/", envelope=_without_empty)])
def refresh(caller: Caller, data: RefreshToken) -> TokenPair:
    """Answers a new access token, and a new refresh token where the one given was the newest of its login."""
    pair = tokens.refresh_login(data.refresh)
    return TokenPair(access=pair.access, refresh=pair.refresh or None)


@operation("auth.logout", changes=True, takes_key=False, routes=[Route("POST", "auth/logout/")])
def log_out(caller: Caller, data: Logout) -> Refs:
    """Ends the login of a refresh token, or all logins; their sockets close with 4403."""
    services.log_out(caller.person, refresh=data.refresh, everywhere=data.everywhere)
    return {}


@operation("users.me", routes=[Route("GET", "users/me/", envelope=_unwrap_user)])
def show_me(caller: Caller, data: Nothing) -> MeAnswer:
    """Oneself."""
    return MeAnswer(user=me(caller.person))


@operation(
    "users.update",
    changes=True,
    render=_me,
    routes=[Route("PATCH", "users/me/", envelope=_unwrap_user), Route("PUT", "users/me/", envelope=_unwrap_user)],
)
def update(caller: Caller, data: ProfileChanges) -> Refs:
    """Changes one's profile."""
    user = services.update_profile(caller.person, bio=data.bio, avatar=data.avatar, preferred_card_style=data.preferred_card_style)
    return {"user_id": str(user.id)}


@operation("users.friend_code", routes=[Route("GET", "users/friend-code/"), Route("GET", "users/friend_code/")])
def friend_code(caller: Caller, data: Nothing) -> FriendCode:
    """One's own friend code."""
    return FriendCode(friend_code=caller.person.friend_code, username=caller.person.username)


class ProfileUpdated(EventData):
    """Your profile was changed, on whichever of your devices."""

    user: Me


@durable("profile.updated", ProfileUpdated)
def profile_updated(letters: Sequence[Letter]) -> list[Told | None]:
    users = User.objects.select_related("profile").in_bulk({letter.owner_id for letter in letters})
    return [
        Told("profile.updated", ProfileUpdated(user=me(users[letter.owner_id]))) if letter.owner_id in users else None for letter in letters
    ]


class LoginsEnded(EventData):
    """Between processes only: sockets of these logins close. Never sent to a client."""

    sids: list[UUID]


passing(LOGINS_ENDED, LoginsEnded)
