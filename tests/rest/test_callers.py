"""Who calls, from where and how often: tokens, origins, limits, the client of old, languages."""

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.players import PASSWORD, Player
from tests.rest.doors import http, refused
from tests.stack import Process, Stack

ORIGIN = "https://play.example.org"


@pytest.fixture(scope="module")
def strict(stack: Stack) -> Iterator[Process]:
    """A process with small rates, one trusted proxy, an allowed origin, and the client of old let in."""
    process = stack.start_web(
        "strict",
        THROTTLE_ANON_RATE="6/hour",
        THROTTLE_USER_RATE="5/hour",
        THROTTLE_FRIENDS_LOOKUP_RATE="3/hour",
        NUM_PROXIES="1",
        CORS_ALLOWED_ORIGINS=ORIGIN,
        LEGACY_CLIENT="True",
    )
    yield process
    process.stop()


def somewhere() -> dict[str, str]:
    """The header by which a proxy says that somebody comes from an address of their own."""
    return {"X-Forwarded-For": f"2001:db8::{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}"}


def limited(response: httpx.Response) -> None:
    told = refused(response, 429, "request.rate_limited")
    assert told["retry_after"] > 0
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic dTpw"])
async def test_without_a_token_one_is_told_to_log_in_and_how(stack: Stack, header: str | None) -> None:
    with http(stack.base_url, **({} if header is None else {"Authorization": header})) as door:
        response = door.get("users/me/")
        refused(response, 401, "auth.required")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_that_is_no_good_is_401(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, Authorization="Bearer nonsense") as door:
        response = door.get("users/me/")
        refused(response, 401, "auth.invalid_token")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    with http(stack.base_url, Authorization=f"Bearer {ada.account.access[:-3]}abc") as door:
        refused(door.get("users/me/"), 401, "auth.invalid_token")


async def test_an_old_token_keeps_nobody_from_logging_in(stack: Stack, ada: Player) -> None:
    with http(stack.base_url, Authorization="Bearer old-and-useless") as door:
        pair = door.post("auth/login/", json={"username": ada.username, "password": PASSWORD})
        assert pair.status_code == 200, pair.text
        assert door.post("auth/refresh/", json={"refresh": pair.json()["refresh"]}).status_code == 200


async def test_a_wrong_password_is_401_with_a_text(stack: Stack, ada: Player) -> None:
    with http(stack.base_url) as door:
        refused(door.post("auth/login/", json={"username": ada.username, "password": "wrong"}), 401, "auth.invalid_credentials")


async def test_a_token_in_the_query_string_is_no_token(stack: Stack, ada: Player) -> None:
    with http(stack.base_url) as door:
        refused(door.get("users/me/", params={"token": ada.account.access}), 401, "auth.required")


async def test_callers_without_a_token_are_counted_by_address(strict: Process) -> None:
    with http(strict.base_url, **somewhere()) as door:
        for _ in range(6):
            assert door.get("taxonomy/search/", params={"q": "heron"}).status_code == 200
        limited(door.get("taxonomy/search/", params={"q": "heron"}))
    with http(strict.base_url, **somewhere()) as door:
        assert door.get("taxonomy/search/", params={"q": "heron"}).status_code == 200


async def test_an_address_that_the_caller_claims_is_not_believed(strict: Process) -> None:
    seen = somewhere()["X-Forwarded-For"]
    with http(strict.base_url) as door:
        for number in range(6):
            assert (
                door.get("taxonomy/search/", params={"q": "x"}, headers={"X-Forwarded-For": f"10.0.0.{number}, {seen}"}).status_code == 200
            )
        limited(door.get("taxonomy/search/", params={"q": "x"}, headers={"X-Forwarded-For": f"10.0.0.77, {seen}"}))


async def test_guessing_tokens_is_counted_too(strict: Process) -> None:
    with http(strict.base_url, Authorization="Bearer guessed", **somewhere()) as door:
        for _ in range(6):
            refused(door.get("users/me/"), 401, "auth.invalid_token")
        limited(door.get("users/me/"))


async def test_people_are_counted_by_account_without_the_polling_of_a_job(strict: Process, ada: Player) -> None:
    with http(strict.base_url, ada) as door:
        for _ in range(5):
            assert door.get("users/me/").status_code == 200
        limited(door.get("users/me/"))
        for _ in range(8):
            refused(door.get(f"vision/jobs/{uuid.uuid4()}/"), 404, "not_found")


async def test_the_limit_of_rest_does_not_count_what_a_socket_asks(strict: Process, ada: Player) -> None:
    await ada.leaves()
    await ada.connects(base_url=strict.base_url)
    for _ in range(8):
        await ada.say("users.me")


async def test_an_operations_limit_is_one_budget_for_both_doors(strict: Process, ada: Player, bob: Player) -> None:
    await ada.leaves()
    await ada.connects(base_url=strict.base_url)
    with http(strict.base_url, ada) as door:
        assert door.post("users/lookup_friend_code/", json={"friend_code": bob.friend_code}).status_code == 200
        await ada.say("friends.lookup", {"friend_code": bob.friend_code})
        assert door.post("users/lookup_friend_code/", json={"friend_code": bob.friend_code}).status_code == 200
        limited(door.post("users/lookup_friend_code/", json={"friend_code": bob.friend_code}))
    error = await ada.expect_refusal("request.rate_limited", "friends.lookup", {"friend_code": bob.friend_code})
    assert error.retry_after is not None
    assert error.retry_after > 0


async def test_only_listed_origins_are_let_in_by_cors(strict: Process) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,idempotency-key"}
    with http(strict.base_url) as door:
        allowed = door.options("users/", headers={"Origin": ORIGIN, **asking})
        assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert {"authorization", "idempotency-key"} <= {name.strip() for name in allowed.headers["Access-Control-Allow-Headers"].split(",")}
        foreign = door.options("users/", headers={"Origin": "https://elsewhere.example.org", **asking})
        assert "Access-Control-Allow-Origin" not in foreign.headers


async def test_a_refusal_reaches_a_listed_origin_too(strict: Process) -> None:
    with http(strict.base_url, Origin=ORIGIN, **somewhere()) as door:
        response = door.get("users/me/")
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "retry-after" in response.headers["Access-Control-Expose-Headers"]


async def test_a_get_that_unfriends_is_closed_unless_the_client_of_old_is_let_in(
    stack: Stack, strict: Process, ada: Player, bob: Player
) -> None:
    await ada.befriends(bob)
    path = f"social/friendships/{bob.id}/unfriend/"
    with http(stack.base_url, ada) as door:
        refused(door.get(path), 405, "request.unknown_type")
        assert door.get("social/friendships/friends/").json()["friends"]
    with http(strict.base_url, ada) as door:
        assert door.get(path).status_code == 200
    await bob.expect_event("friends.removed")


async def test_texts_are_in_the_callers_language_and_codes_in_none(stack: Stack) -> None:
    with http(stack.base_url, **{"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}) as door:
        response = door.get("users/me/")
        assert refused(response, 401, "auth.required")["detail"] == "Melde dich zuerst an."
        assert response.headers["Content-Language"] == "de"
        told = refused(
            door.post("users/", json={"username": "ä ö", "email": "a@example.org", "password": "kurz", "password_confirm": "lang"}),
            400,
            "request.invalid",
        )
        assert told["password_confirm"] == ["Die beiden Passwörter sind verschieden."]
    with http(stack.base_url, **{"Accept-Language": "tlh"}) as door:
        assert refused(door.get("users/me/"), 401, "auth.required")["detail"] == "Log in first."


async def test_a_socket_speaks_its_callers_language(stack: Stack, ada: Player) -> None:
    headers = {"Authorization": f"Bearer {ada.account.access}", "Accept-Language": "de"}
    async with connect(f"{stack.base_url.replace('http', 'ws')}/ws/v1/", additional_headers=headers, proxy=None) as socket:
        assert json.loads(await socket.recv())["type"] == "session.ready"
        await socket.send(json.dumps({"id": 1, "type": "friends.request", "data": {"user_id": ada.id}}))
        error = json.loads(await socket.recv())["error"]
        assert (error["code"], error["message"]) == ("friends.self", "Du kannst nicht dein eigener Freund sein.")
