"""Names and addresses are one person's in any case; a login ends when its person, password or token says so."""

from collections.abc import Callable

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from domain.accounts import services, tokens
from domain.accounts.friend_codes import ALPHABET, LENGTH
from domain.accounts.models import User
from domain.errors import DomainError, Invalid, InvalidCredentials, InvalidToken, TokenRevoked
from tests.domain.people import at_once, kinds

PASSWORD = "herons-and-egrets-42"


def register(username: str = "ada", email: str = "", password: str = PASSWORD, password_confirm: str = PASSWORD) -> User:
    email = email or f"{username}@example.org"
    return services.register(username=username, email=email, password=password, password_confirm=password_confirm)


def log_in(username: str = "ada") -> tokens.Pair:
    return services.log_in(username=username, password=PASSWORD)


@pytest.mark.django_db
def test_a_new_account_has_profile_mailbox_and_a_code_without_look_alikes() -> None:
    user = register()
    assert user.profile.total_catches == 0
    assert user.mailbox.head == 0
    assert len(user.friend_code) == LENGTH == 8
    assert set(user.friend_code) <= set(ALPHABET)
    assert not set(ALPHABET) & set("01OIL")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("again", "field"),
    [
        ({"username": "ada"}, "username"),
        ({"username": "ADA"}, "username"),
        ({"username": "\uff41da"}, "username"),
        ({"email": "ada@example.org"}, "email"),
        ({"email": "ADA@Example.ORG"}, "email"),
    ],
    ids=ascii,
)
def test_a_name_or_an_address_is_taken_in_any_case(again: dict[str, str], field: str) -> None:
    register()
    with pytest.raises(Invalid) as refused:
        register(**{"username": "other", "email": "other@example.org", **again})
    assert list(refused.value.fields) == [field]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"username": "a b"}, "username"),
        ({"username": "\ufdfa" * 20}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"email": "a@" + "\u0130." * 100 + "org"}, "email"),
        ({"password": "short", "password_confirm": "short"}, "password"),
        ({"password": "1234567890", "password_confirm": "1234567890"}, "password"),
        ({"password_confirm": "another"}, "password_confirm"),
    ],
    ids=ascii,
)
def test_what_is_wrong_is_told_by_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        register(**{"email": "ada@example.org", **given})
    assert field in refused.value.fields
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_those_who_want_one_name_at_the_same_moment_one_gets_it() -> None:
    names = ["ada", "Ada", "aDa", "ADA"]
    results = at_once([lambda name=name: register(name, f"{name.swapcase()}{names.index(name)}@example.org") for name in names])  # type: ignore[misc]
    assert sum(isinstance(result, User) for result in results) == 1
    refusals = [result for result in results if not isinstance(result, User)]
    assert all(isinstance(refusal, Invalid) and list(refusal.fields) == ["username"] for refusal in refusals), refusals


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}], ids=str)
def test_an_unknown_name_a_wrong_password_and_a_disabled_account_are_refused_alike(change: dict[str, object]) -> None:
    user = register()
    User.objects.filter(id=user.id).update(**change)
    texts = set()
    for name in ("ada", "nobody"):
        with pytest.raises(InvalidCredentials) as refused:
            log_in(name)
        texts.add(str(refused.value))
    assert len(texts) == 1


@pytest.mark.django_db
def test_a_rotated_refresh_token_gives_an_access_token_only() -> None:
    register()
    first = log_in()
    second = tokens.refresh_login(first.refresh)
    assert second.refresh
    old = tokens.refresh_login(first.refresh)
    assert old.access
    assert old.refresh == ""
    assert tokens.refresh_login(second.refresh).refresh


@pytest.mark.django_db
def test_logging_out_ends_this_login_for_its_newest_and_its_oldest_token() -> None:
    user = register()
    first, other = log_in(), log_in()
    rotated = tokens.refresh_login(first.refresh)
    services.log_out(user, refresh=first.refresh)
    attempts: list[Callable[[], object]] = [
        lambda: tokens.read_access(first.access),
        lambda: tokens.read_access(rotated.access),
        lambda: tokens.refresh_login(first.refresh),
        lambda: tokens.refresh_login(rotated.refresh),
    ]
    for attempt in attempts:
        with pytest.raises(TokenRevoked):
            attempt()
    assert tokens.read_access(other.access).user == user
    services.log_out(user, refresh=first.refresh)
    services.log_out(user, refresh=other.refresh, everywhere=True)
    with pytest.raises(TokenRevoked):
        tokens.read_access(other.access)


@pytest.mark.django_db
@pytest.mark.parametrize("everywhere", [False, True])
def test_nobody_logs_out_with_anothers_refresh_token(everywhere: bool) -> None:
    ada, bob = register(), register("bob")
    adas, bobs = log_in(), log_in("bob")
    with pytest.raises(InvalidToken):
        services.log_out(bob, refresh=adas.refresh, everywhere=everywhere)
    assert tokens.read_access(adas.access).user == ada
    assert tokens.read_access(bobs.access).user == bob


@pytest.mark.django_db
def test_tokens_of_a_deleted_or_disabled_account_are_refused() -> None:
    gone, disabled = register("gone"), register("disabled")
    tokens_of_gone, tokens_of_disabled = log_in("gone"), log_in("disabled")
    User.objects.filter(id=gone.id).delete()
    User.objects.filter(id=disabled.id).update(is_active=False)
    with pytest.raises(InvalidToken):
        tokens.read_access(tokens_of_gone.access)
    for raw in (tokens_of_gone.refresh, tokens_of_disabled.refresh):
        with pytest.raises(TokenRevoked):
            tokens.refresh_login(raw)
    with pytest.raises(TokenRevoked):
        tokens.read_access(tokens_of_disabled.access)


@pytest.mark.django_db
def test_one_kind_of_token_is_not_taken_for_the_other_nor_a_forged_one_for_ours() -> None:
    register()
    pair = log_in()
    attempts: list[tuple[Callable[[str], object], str]] = [
        (tokens.read_access, pair.refresh),
        (tokens.refresh_login, pair.access),
        (tokens.read_access, "nonsense"),
        (tokens.read_access, pair.access[:-3] + "abc"),
        (tokens.refresh_login, str(RefreshToken())),
    ]
    for take, raw in attempts:
        with pytest.raises(InvalidToken):
            take(raw)


@pytest.mark.django_db
def test_the_profile_changes_by_what_is_given_and_tells_ones_own_devices() -> None:
    user = register()
    services.update_profile(user, bio="Looks up.", preferred_card_style={"frame": "gold"})
    changed = services.update_profile(user, avatar="heron.png")
    assert (changed.bio, changed.avatar, changed.profile.preferred_card_style) == ("Looks up.", "heron.png", {"frame": "gold"})
    assert kinds(user) == ["profile.updated", "profile.updated"]


@pytest.mark.django_db(transaction=True)
def test_a_login_that_races_with_the_account_being_disabled_leaves_no_usable_login() -> None:
    for number in range(5):
        user = register(f"ada{number}")

        def disable(user: User = user) -> None:
            User.objects.filter(id=user.id).update(is_active=False)
            services.end_logins(user)

        pair, _ = at_once([lambda number=number: log_in(f"ada{number}"), disable])  # type: ignore[misc]
        if not isinstance(pair, DomainError):
            with pytest.raises(TokenRevoked):
                tokens.read_access(pair.access)
