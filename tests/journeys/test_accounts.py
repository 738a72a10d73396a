"""Accounts as a client meets them over REST: registering, logging in, refreshing, logging out, oneself."""

import uuid
from typing import Any

import httpx
import pytest

from tests.players import PASSWORD, Player
from tests.stack import Stack

Reply = httpx.Response


async def post(stack: Stack, path: str, body: dict[str, Any], **options: Any) -> Reply:
    async with httpx.AsyncClient(base_url=f"{stack.base_url}/api/v1/", trust_env=False, timeout=20) as http:
        return await http.post(path, json=body, **options)


def registration(**given: str) -> dict[str, str]:
    name = f"eve_{uuid.uuid4().hex[:8]}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "password_confirm": PASSWORD, **given}


async def test_a_person_registers_logs_in_and_sees_themselves(stack: Stack) -> None:
    wanted = registration()
    made = await post(stack, "users/", wanted)
    assert made.status_code == 201
    assert made.json()["username"] == wanted["username"]
    assert len(made.json()["friend_code"]) == 8
    assert PASSWORD not in made.text
    logged_in = await post(stack, "auth/login/", {"username": wanted["username"], "password": PASSWORD})
    assert logged_in.status_code == 200
    assert logged_in.json().keys() == {"access", "refresh", "user"}
    assert logged_in.json()["user"]["id"] == made.json()["id"]
    bearer = {"Authorization": f"Bearer {logged_in.json()['access']}"}
    async with httpx.AsyncClient(base_url=f"{stack.base_url}/api/v1/", trust_env=False, headers=bearer) as http:
        me = (await http.get("users/me/")).json()
        codes = [(await http.get(path)).json() for path in ("users/friend_code/", "users/friend-code/")]
    assert (me["username"], me["email"], me["total_catches"], me["badges"]) == (wanted["username"], wanted["email"], 0, [])
    assert codes == [{"friend_code": me["friend_code"], "username": me["username"]}] * 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nowhere"}, "email"),
        ({"username": "two words"}, "username"),
        ({"password": "short", "password_confirm": "short"}, "password"),
        ({"password_confirm": "another-one-entirely"}, "password_confirm"),
        ({"nickname": "eve"}, "nickname"),
        ({"username": "a\x00b"}, "username"),
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_what_is_wrong_with_a_registration_stands_under_its_field(stack: Stack, change: dict[str, str], field: str) -> None:
    refused = await post(stack, "users/", registration(**change))
    body = refused.json()
    assert (refused.status_code, body["code"]) == (400, "request.invalid")
    assert isinstance(body["detail"], str)
    assert body[field]
    assert all(isinstance(message, str) for message in body[field])


async def test_a_taken_name_and_a_taken_address_are_refused_in_any_case(stack: Stack, ada: Player) -> None:
    for field, taken in (("username", ada.username.upper()), ("email", f"{ada.username}@EXAMPLE.org".upper())):
        refused = await post(stack, "users/", registration(**{field: taken}))
        assert refused.status_code == 400
        assert refused.json().keys() == {"detail", "code", field}


async def test_a_wrong_password_and_an_unknown_name_are_the_same_401(stack: Stack, ada: Player) -> None:
    answers = [
        await post(stack, "auth/login/", {"username": name, "password": "wrong-and-wrong-again"})
        for name in (ada.username, "nobody-at-all")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["detail"]


async def test_a_refresh_token_that_was_rotated_gets_an_access_token_and_nothing_else(stack: Stack, ada: Player) -> None:
    rotated = await post(stack, "auth/refresh/", {"refresh": ada.account.refresh})
    assert rotated.json().keys() == {"access", "refresh"}
    for _ in range(2):
        again = await post(stack, "auth/refresh/", {"refresh": ada.account.refresh})
        assert again.status_code == 200
        assert again.json().keys() == {"access"}
    ada.account = ada.account.__class__(**{**vars(ada.account), "access": again.json()["access"]})
    assert (await ada.calls("GET", "users/me/")).json()["username"] == ada.username


async def test_a_logout_closes_the_socket_and_ends_every_token_of_that_login(stack: Stack, ada: Player) -> None:
    rotated = (await post(stack, "auth/refresh/", {"refresh": ada.account.refresh})).json()
    assert (await ada.calls("POST", "auth/logout/", json={"refresh": ada.account.refresh})).json() == {}
    assert (await ada.socket.closed).code == 4403
    for token in (ada.account.refresh, rotated["refresh"]):
        refused = await post(stack, "auth/refresh/", {"refresh": token})
        assert (refused.status_code, refused.json()["code"]) == (401, "auth.revoked")
    refused = await ada.calls("GET", "users/me/")
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.revoked")


async def test_nobody_is_logged_out_by_another(stack: Stack, ada: Player, bob: Player) -> None:
    refused = await bob.calls("POST", "auth/logout/", json={"refresh": ada.account.refresh, "everywhere": True})
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.invalid_token")
    await ada.say("session.ping")
    await bob.say("session.ping")


async def test_tokens_of_a_deleted_account_are_a_clean_401(stack: Stack, ada: Player) -> None:
    await ada.leaves()
    stack.manage("shell", "-c", f"from domain.accounts.models import User; User.objects.get(id='{ada.id}').delete()")
    refused = [
        await post(stack, "auth/refresh/", {"refresh": ada.account.refresh}),
        await post(stack, "auth/login/", {"username": ada.username, "password": PASSWORD}),
        await ada.calls("GET", "users/me/"),
    ]
    assert [answer.status_code for answer in refused] == [401, 401, 401]
    assert [answer.json()["code"] for answer in refused] == ["auth.revoked", "auth.invalid_credentials", "auth.invalid_token"]


async def test_without_a_token_and_with_a_bad_one(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=f"{stack.base_url}/api/v1/", trust_env=False) as http:
        without = await http.get("users/me/")
        bad = await http.get("users/me/", headers={"Authorization": "Bearer nonsense"})
    assert (without.status_code, without.json()["code"]) == (401, "auth.required")
    assert (bad.status_code, bad.json()["code"]) == (401, "auth.invalid_token")


async def test_a_changed_profile_reaches_ones_other_device_and_nobody_else(stack: Stack, ada: Player, bob: Player) -> None:
    await ada.befriends(bob)
    device = Player(ada.account, ada.username)
    await device.connects(base_url=stack.web_too.base_url)
    try:
        changed = await ada.say("users.update", {"bio": "Looks up.", "avatar": "heron.png", "preferred_card_style": {"frame": "gold"}})
        told = await device.expect_event("profile.updated")
        assert told.data["user"] == changed["user"]
        assert (changed["user"]["bio"], changed["user"]["avatar"]) == ("Looks up.", "heron.png")
        assert (await ada.calls("PATCH", "users/me/", json={"bio": "Looks down."})).json()["avatar"] == "heron.png"
        await bob.expect_silence("profile.updated")
    finally:
        await device.leaves()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"avatar": "javascript:alert(1)"}, "avatar"),
        ({"avatar": "data:text/html,hello"}, "avatar"),
        ({"avatar": "x" * 201}, "avatar"),
        ({"bio": "x" * 501}, "bio"),
        ({"preferred_card_style": {"deep": "x" * 5000}}, "preferred_card_style"),
        ({"is_staff": True}, "is_staff"),
        ({"friend_code": "AAAAAAAA"}, "friend_code"),
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_a_profile_takes_nothing_harmful_and_nothing_that_is_not_ones_own(ada: Player, change: dict[str, Any], field: str) -> None:
    refused = await ada.expect_refusal("request.invalid", "users.update", change)
    assert list(refused.fields) == [field]
    over_rest = await ada.calls("PATCH", "users/me/", json=change)
    assert over_rest.status_code == 400
    assert over_rest.json()[field]
