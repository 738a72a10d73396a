"""Tokens: what a login hands out and what it takes back; the signing is simplejwt's.

An access token carries `user_id` and `sid` (the login). A refresh token that was rotated still gets an `access` until it expires, because the
Godot client in use keeps its first one; it never gets a new refresh token, and nothing once its login is revoked.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from domain.accounts.models import Login, User
from domain.errors import InvalidToken, TokenExpired, TokenRevoked

SID = "sid"
AnyToken = TypeVar("AnyToken", bound=Token)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a login answers; `refresh` is empty where only an access token is given."""

    access: str
    refresh: str
    user: User


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom an access token speaks for, of which login, and until when (UTC)."""

    user: User
    sid: UUID
    expires_at: datetime


def begin_login(user: User) -> Pair:
    """A new login of this person and its first pair of tokens."""
    refresh = RefreshToken()
    login = Login.objects.create(
        user=user, refresh_id=refresh["jti"], ends_at=timezone.now() + timedelta(days=settings.LOGIN_LIFETIME_DAYS)
    )
    return _pair(user, login, refresh)


def refresh_login(raw: str) -> Pair:
    """An access token for a refresh token, and a new refresh token where this was the newest of its login.

    Raises:
        InvalidToken, TokenExpired, TokenRevoked: it is none, too old, or its login has ended.
    """
    presented = _decode(RefreshToken, raw)
    with transaction.atomic():
        login = Login.objects.select_for_update(of=("self",)).select_related("user").filter(id=_sid(presented)).first()
        if login is None or not login.user.is_active or login.revoked_at is not None or login.ends_at <= timezone.now():
            raise TokenRevoked
        if login.refresh_id != presented["jti"]:
            return Pair(access=_access(login.user, login), refresh="", user=login.user)
        rotated = RefreshToken()
        login.refresh_id = rotated["jti"]
        login.rotated_at = timezone.now()
        login.save(update_fields=["refresh_id", "rotated_at", "updated_at"])
    return _pair(login.user, login, rotated)


def login_of_refresh(raw: str) -> UUID:
    """The login that a refresh token belongs to.

    Raises:
        InvalidToken, TokenExpired
    """
    return _sid(_decode(RefreshToken, raw))


def read_access(raw: str) -> Bearer:
    """Whom this access token speaks for: one query.

    Raises:
        InvalidToken: it is no access token of ours, or its person is gone. TokenExpired. TokenRevoked: its login has ended.
    """
    token = _decode(AccessToken, raw)
    sid = _sid(token)
    login = Login.objects.select_related("user__profile").filter(id=sid).first()
    if login is None or str(login.user_id) != token.get("user_id"):
        raise InvalidToken
    if login.revoked_at is not None or not login.user.is_active:
        raise TokenRevoked
    return Bearer(user=login.user, sid=sid, expires_at=datetime.fromtimestamp(token["exp"], tz=UTC))


def _decode(kind: type[AnyToken], raw: str) -> AnyToken:
    try:
        return kind(raw)  # type: ignore[arg-type]
    except ExpiredTokenError as error:
        raise TokenExpired from error
    except TokenError as error:
        raise InvalidToken from error


def _sid(token: Token) -> UUID:
    try:
        return UUID(str(token[SID]))
    except (KeyError, ValueError) as error:
        raise InvalidToken from error


def _pair(user: User, login: Login, refresh: RefreshToken) -> Pair:
    refresh["user_id"] = str(user.id)
    refresh[SID] = str(login.id)
    # A family of tokens ends with its login, however often it was refreshed.
    refresh.payload["exp"] = min(refresh["exp"], int(login.ends_at.timestamp()))
    return Pair(access=_access(user, login), refresh=str(refresh), user=user)


def _access(user: User, login: Login) -> str:
    access = AccessToken()
    access["user_id"] = str(user.id)
    access[SID] = str(login.id)
    return str(access)
