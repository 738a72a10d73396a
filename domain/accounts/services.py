"""What changes accounts: registering, logging in and out, the profile."""

from uuid import UUID

from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from domain import mailbox
from domain.accounts import tokens
from domain.accounts.models import Login, User, UserProfile
from domain.errors import Invalid, InvalidCredentials, InvalidToken, NotFound

# Tells sockets of these logins to close; the row is what counts, the word only makes it quick.
LOGINS_ENDED = "session.logins_ended"


def register(*, username: str, email: str, password: str, password_confirm: str) -> User:
    """A new account with its profile and mailbox.

    Raises:
        Invalid: with the fields email, username, password, password_confirm that are wrong or taken.
    """
    candidate = User(username=User.normalize_username(username), email=User.objects.normalize_email(email).lower())
    fields = _problems(candidate, password=password, password_confirm=password_confirm)
    if fields:
        raise Invalid(fields=fields)
    candidate.set_password(password)
    try:
        with mailbox.transaction():
            candidate.save(force_insert=True)
    except IntegrityError as error:
        # Somebody took the name or the address between the look and the leap.
        taken = _problems(candidate, password=password, password_confirm=password_confirm)
        raise Invalid(fields=taken or {"username": [_("This name is taken.")]}) from error
    return candidate


def log_in(*, username: str, password: str) -> tokens.Pair:
    """A new login by name and password.

    Raises:
        InvalidCredentials: the same for an unknown name, a wrong password and a disabled account.
    """
    user = authenticate(username=User.normalize_username(username), password=password)
    if not isinstance(user, User):
        raise InvalidCredentials
    with mailbox.transaction():
        # What was changed while the hash was being worked out must not be logged in past: the row says today's password and whether it is enabled.
        if not User.objects.select_for_update(no_key=True).filter(id=user.id, is_active=True, password=user.password).exists():
            raise InvalidCredentials
        User.objects.filter(id=user.id).update(last_login=timezone.now())
        return tokens.begin_login(user)


def log_out(user: User, *, refresh: str, everywhere: bool = False) -> None:
    """Ends the login that this refresh token belongs to, or all of the person's; an ended one ends again without harm.

    Raises:
        InvalidToken, TokenExpired: it is no refresh token, or not this person's.
    """
    sid = tokens.login_of_refresh(refresh)
    if not Login.objects.filter(id=sid, user=user).exists():
        raise InvalidToken
    end_logins(user, only=None if everywhere else sid)


def end_logins(user: User, *, only: UUID | None = None) -> None:
    """Revokes one login of this person, or all, and has their sockets closed."""
    with mailbox.transaction():
        logins = Login.objects.filter(user=user, revoked_at=None)
        if only is not None:
            logins = logins.filter(id=only)
        ended = list(logins.select_for_update().order_by("id").values_list("id", flat=True))
        Login.objects.filter(id__in=ended).update(revoked_at=timezone.now(), updated_at=timezone.now())
        if ended:
            mailbox.tell(LOGINS_ENDED, to=[user.id], sids=[str(sid) for sid in ended])


def update_profile(
    user: User, *, bio: str | None = None, avatar: str | None = None, preferred_card_style: dict[str, object] | None = None
) -> User:
    """Changes what is given (None leaves a thing as it is) and tells the person's devices.

    Raises:
        NotFound: the account is gone.
    """
    with mailbox.transaction():
        stand_in_line(user.id)
        user = User.objects.select_for_update(of=("self",), no_key=True).select_related("profile").get(id=user.id)
        if bio is not None:
            user.bio = bio
        if avatar is not None:
            user.avatar = avatar
        user.save(update_fields=["bio", "avatar", "updated_at"])
        if preferred_card_style is not None:
            user.profile.preferred_card_style = preferred_card_style
            user.profile.save(update_fields=["preferred_card_style", "updated_at"])
        mailbox.post("profile.updated", to=[user.id], user_id=str(user.id))
    return user


def stand_in_line(*user_ids: UUID) -> None:
    """Lets one transaction at a time change what these people catch or whom they call a friend, until it ends.

    So the audience of a catch is that of one moment, and counts are right. People are locked in key order.

    Raises:
        NotFound: one of the accounts is gone.
    """
    people = set(user_ids)
    locked = UserProfile.objects.select_for_update().filter(user_id__in=people).order_by("user_id")
    if len(locked.values_list("user_id", flat=True)) != len(people):
        raise NotFound


def _problems(candidate: User, *, password: str, password_confirm: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    try:
        # The field's own validators too: normalising may have made a text longer than what was checked at the door.
        User._meta.get_field("email").run_validators(candidate.email)
    except ValidationError as error:
        fields["email"] = list(error.messages)
    else:
        if User.objects.filter(email__iexact=candidate.email).exists():
            fields["email"] = [_("An account with this address exists already.")]
    try:
        User._meta.get_field("username").run_validators(candidate.username)
    except ValidationError as error:
        fields["username"] = list(error.messages)
    else:
        if User.objects.filter(username__iexact=candidate.username).exists():
            fields["username"] = [_("This name is taken.")]
    if password != password_confirm:
        fields["password_confirm"] = [_("The two passwords differ.")]
    try:
        password_validation.validate_password(password, candidate)
    except ValidationError as error:
        fields["password"] = list(error.messages)
    return fields
