"""Reads of accounts; who may see whom is the social room's business."""

from uuid import UUID

from domain.accounts.friend_codes import normalise
from domain.accounts.models import Login, User
from domain.errors import NotFound, TokenRevoked


def by_id(user_id: UUID | str) -> User:
    """An active account with its profile.

    Raises:
        NotFound: there is none, or it is disabled.
    """
    user = User.objects.select_related("profile").filter(id=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    return user


def by_friend_code(code: str) -> User:
    """The active account with this friend code, however it was typed.

    Raises:
        NotFound: there is none.
    """
    user = User.objects.select_related("profile").filter(friend_code=normalise(code), is_active=True).first()
    if user is None:
        raise NotFound
    return user


def revoked_among(login_ids: list[UUID]) -> set[UUID]:
    """Those of the logins that may no longer be used: revoked, gone, or of a disabled account."""
    alive = Login.objects.filter(id__in=login_ids, revoked_at=None, user__is_active=True).values_list("id", flat=True)
    return set(login_ids) - set(alive)


def by_login(login_id: UUID) -> User:
    """The account behind a login that may still be used, as it is now, with its profile.

    Raises:
        TokenRevoked: the login has ended, or its account is disabled or gone.
    """
    user = User.objects.select_related("profile").filter(logins__id=login_id, logins__revoked_at=None, is_active=True).first()
    if user is None:
        raise TokenRevoked
    return user
