"""How one gets in: three ways to bring a token, and what becomes of a bad one."""

import asyncio
import time
import uuid

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.conftest import Arrive
from tests.journeys.wire import PROTOCOL, claims_of, dial, host_of, token_for, token_with
from tests.players import Player
from tests.stack import Stack

READY_KEYS = {
    "protocol",
    "session_id",
    "user",
    "epoch",
    "head",
    "replay",
    "oldest",
    "server_time",
    "token_expires_at",
    "heartbeat_seconds",
    "limits",
}


@pytest.fixture
async def dot(stack: Stack) -> Player:
    """Somebody with an account and no socket."""
    return await Player.arrives(stack.base_url, "dot")


async def test_a_token_in_the_header_lets_one_in(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        ready = await line.ready()
        assert ready["user"]["id"] == dot.id
        assert line.subprotocol is None


async def test_a_token_among_the_subprotocols_lets_one_in_and_is_not_answered(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, subprotocols=[PROTOCOL, f"bearer.{dot.account.access}"]) as line:
        assert (await line.ready())["user"]["id"] == dot.id
        assert line.subprotocol == PROTOCOL
        assert line.connection.response is not None
        assert dot.account.access not in str(line.connection.response.headers)


async def test_a_token_in_the_first_frame_is_answered_and_then_one_is_in(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url) as line:
        await line.ask(1, "session.authenticate", {"token": dot.account.access})
        reply = await line.next()
        assert (reply["type"], reply["id"], reply["ok"]) == ("reply", 1, True)
        assert set(reply["data"]) == {"token_expires_at"}
        ready = await line.ready()
        assert ready["token_expires_at"] == reply["data"]["token_expires_at"]


async def test_session_ready_says_exactly_what_the_protocol_names(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        ready = await line.ready()
    assert set(ready) == READY_KEYS
    assert ready["protocol"] == 1
    assert str(uuid.UUID(ready["session_id"])) == ready["session_id"]
    assert ready["user"] == {"id": dot.id, "username": dot.username, "friend_code": ready["user"]["friend_code"]}
    assert len(ready["user"]["friend_code"]) == 8
    assert (ready["head"], ready["oldest"], ready["replay"]) == (0, 1, "none")
    assert ready["server_time"].endswith("Z")
    assert ready["token_expires_at"].endswith("Z")
    assert ready["limits"] == {"max_request_bytes": 65536, "max_upload_bytes": 10485760, "upload_chunk_bytes": 32768}


async def test_a_token_in_the_query_string_is_ignored(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, query=f"?token={dot.account.access}&access_token={dot.account.access}") as line:
        await line.ask(1, "session.ping")
        assert (await line.refused())["code"] == "auth.required"


async def test_before_the_token_other_requests_need_one_and_binary_is_malformed(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, subprotocols=[PROTOCOL]) as line:
        await line.ask("a", "friends.list")
        await line.ask("b", "no.such_thing")
        await line.say(bytes(100))
        await line.say("[]")
        await line.ask("c", "session.authenticate", {"tokne": "x"})
        await line.ask("d", "session.authenticate", {"token": dot.account.access})
        refused = [await line.refused() for _ in range(5)]
        assert [(each["id"], each["code"]) for each in refused] == [
            ("a", "auth.required"),
            ("b", "auth.required"),
            (None, "request.malformed"),
            (None, "request.malformed"),
            ("c", "request.invalid"),
        ]
        assert set(refused[4]["fields"]) == {"token", "tokne"}
        assert (await line.next())["ok"] is True
        await line.ready()


async def test_a_bad_token_on_the_handshake_is_told_and_closed_with_4401(stack: Stack, dot: Player) -> None:
    bad = [
        "nonsense",
        dot.account.refresh,
        dot.account.access[:-4] + "AAAA",
        token_with(stack, dot.account.access, sid=str(uuid.uuid4())),
        token_with(stack, dot.account.access, sid="x"),
        token_with(stack, dot.account.access, user_id=str(uuid.uuid4())),
        token_for(stack, dot.account.access, -5),
    ]
    for token in bad:
        async with dial(stack.base_url, token=token) as line:
            code, farewell = await line.end()
            assert (code, farewell["code"]) == (4401, 4401)
            assert farewell["reason"]
            assert len(line.heard) == 1


async def test_a_bad_token_among_the_subprotocols_is_told_and_closed_with_4401(stack: Stack) -> None:
    async with dial(stack.base_url, subprotocols=[PROTOCOL, "bearer.nonsense"]) as line:
        code, farewell = await line.end()
        assert (code, farewell["code"]) == (4401, 4401)


@pytest.mark.parametrize(("seconds", "code"), [(None, "auth.invalid_token"), (-5, "auth.expired")])
async def test_a_bad_token_in_the_first_frame_is_refused_then_closed_with_4401(
    stack: Stack, dot: Player, seconds: int | None, code: str
) -> None:
    token = "nonsense" if seconds is None else token_for(stack, dot.account.access, seconds)
    async with dial(stack.base_url) as line:
        await line.ask(1, "session.authenticate", {"token": token})
        assert (await line.refused())["code"] == code
        assert (await line.end())[0] == 4401


async def test_a_revoked_login_is_closed_with_4403_on_the_handshake_and_refused_as_revoked(stack: Stack, dot: Player) -> None:
    await dot.account.logout()
    async with dial(stack.base_url, token=dot.account.access) as line:
        code, farewell = await line.end()
        assert (code, farewell["code"]) == (4403, 4403)
    async with dial(stack.base_url) as line:
        await line.ask(1, "session.authenticate", {"token": dot.account.access})
        assert (await line.refused())["code"] == "auth.revoked"
        assert (await line.end())[0] == 4403
    response = await dot.calls("GET", "users/me/")
    assert (response.status_code, response.json()["code"]) == (401, "auth.revoked")


async def test_the_token_of_somebody_who_is_gone_is_closed_with_4401(stack: Stack, dot: Player) -> None:
    stack.manage("shell", "-c", f"from domain.accounts.models import User; User.objects.get(id='{dot.id}').delete()")
    async with dial(stack.base_url, token=dot.account.access) as line:
        code, farewell = await line.end()
        assert (code, farewell["code"]) == (4401, 4401)


async def test_who_brings_no_token_in_time_is_closed_with_4408(stack: Stack) -> None:
    hasty = stack.start_web("hasty", SOCKET_AUTHENTICATE_SECONDS="0.5")
    try:
        async with dial(hasty.base_url, subprotocols=[PROTOCOL]) as line:
            await line.ask(1, "session.ping")
            code, farewell = await line.end()
            assert (code, farewell["code"]) == (4408, 4408)
    finally:
        hasty.stop()


async def test_a_foreign_origin_is_http_403_even_with_a_token(stack: Stack, dot: Player) -> None:
    for origin in ("https://evil.example", "null", "evil", f"http://{host_of(stack.base_url)}.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            async with dial(stack.base_url, token=dot.account.access, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_an_own_origin_is_let_in(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access, origin=stack.base_url) as line:
        await line.ready()


async def test_subprotocols_without_ours_are_http_400(stack: Stack, dot: Player) -> None:
    for offered in (["graphql-ws"], ["biologidex.v2"], [f"bearer.{dot.account.access}"]):
        with pytest.raises(InvalidStatus) as refused:
            async with dial(stack.base_url, token=dot.account.access, subprotocols=offered):
                pass
        assert refused.value.response.status_code == 400


async def test_a_live_session_goes_on_with_a_fresh_token(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=token_for(stack, dot.account.access, 4)) as line:
        await line.ready()
        assert (await line.until("session.expiring"))["data"]["expires_at"].endswith("Z")
        fresh = (await dot.account.renewed()).access
        await line.ask(1, "session.authenticate", {"token": fresh})
        reply = await line.until("reply", id=1)
        assert reply["ok"]
        old_end = claims_of(token_for(stack, fresh, 4))["exp"]
        while time.time() < old_end + 1:
            await line.next(heartbeats=True)
        await line.ask(2, "session.ping")
        assert (await line.until("reply", id=2))["ok"]


async def test_a_live_session_refuses_a_bad_token_and_somebody_elses_and_lives_on(stack: Stack, dot: Player, ada: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        for number, (token, code) in enumerate(
            [
                ("nonsense", "auth.invalid_token"),
                (ada.account.access, "auth.invalid_token"),
                (token_for(stack, dot.account.access, -5), "auth.expired"),
            ]
        ):
            await line.ask(number, "session.authenticate", {"token": token})
            assert (await line.refused())["code"] == code
        await line.ask(9, "users.me")
        assert (await line.until("reply", id=9))["data"]["user"]["id"] == dot.id


async def test_a_token_that_ends_is_told_and_ends_the_session_with_4401(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=token_for(stack, dot.account.access, 2)) as line:
        await line.ready()
        assert (await line.next())["type"] == "session.expiring"
        code, farewell = await line.end()
        assert (code, farewell["code"]) == (4401, 4401)


async def test_logging_out_closes_that_logins_sockets_on_every_process_within_a_second(stack: Stack, dot: Player) -> None:
    other_login = await type(dot.account).login(stack.base_url, dot.username, "herons-and-egrets-42")
    async with (
        dial(stack.web.base_url, token=dot.account.access) as here,
        dial(stack.web_too.base_url, token=dot.account.access) as there,
        dial(stack.web_too.base_url, token=other_login.access) as other,
    ):
        for line in (here, there, other):
            await line.ready()
        started = time.monotonic()
        await dot.account.logout()
        ends = await asyncio.gather(here.end(), there.end())
        assert time.monotonic() - started < 1.0
        assert [(code, farewell["code"]) for code, farewell in ends] == [(4403, 4403), (4403, 4403)]
        await other.ask(1, "session.ping")
        assert (await other.next())["ok"]
        await other_login.logout(everywhere=True)
        assert (await other.end())[0] == 4403


async def test_logging_out_over_the_socket_is_answered_before_it_closes(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        await line.ask(1, "auth.logout", {"refresh": dot.account.refresh})
        reply = await line.next()
        assert (reply["id"], reply["ok"]) == (1, True)
        assert (await line.end())[0] == 4403


async def test_a_login_that_ended_without_a_word_is_refused_at_the_next_request(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        stack.sql("UPDATE accounts_login SET revoked_at = now() WHERE id = %s", [claims_of(dot.account.access)["sid"]])
        await line.ask(1, "friends.list")
        code, farewell = await line.end()
        assert (code, farewell["code"]) == (4403, 4403)
        refusals = [frame["error"]["code"] for frame in line.heard if frame["type"] == "reply"]
        assert refusals in (["auth.revoked"], [])


async def test_a_login_that_ended_without_a_word_is_closed_at_the_next_beat(stack: Stack, dot: Player) -> None:
    async with dial(stack.base_url, token=dot.account.access) as line:
        await line.ready()
        stack.sql("UPDATE accounts_user SET is_active = false WHERE id = %s", [dot.id])
        assert (await line.end())[0] == 4403


async def test_a_ninth_connection_of_one_person_is_told_to_wait(stack: Stack, dot: Player) -> None:
    async def hold(ready: asyncio.Event, done: asyncio.Event) -> None:
        async with dial(stack.base_url, token=dot.account.access) as line:
            await line.ready()
            ready.set()
            await done.wait()

    done, readies = asyncio.Event(), [asyncio.Event() for _ in range(8)]
    holders = [asyncio.create_task(hold(ready, done)) for ready in readies]
    await asyncio.gather(*(asyncio.wait_for(ready.wait(), 10) for ready in readies))
    async with dial(stack.base_url, token=dot.account.access) as ninth:
        code, farewell = await ninth.end()
        assert (code, farewell["code"]) == (4429, 4429)
        assert farewell["retry_after"] > 0
    done.set()
    await asyncio.gather(*holders)
    async with dial(stack.base_url, token=dot.account.access) as again:
        await again.ready()


async def test_two_people_are_each_told_of_themselves(arrive: Arrive) -> None:
    one, two = await arrive("one"), await arrive("two")
    assert one.socket.ready["user"]["username"] == one.username
    assert two.socket.ready["user"]["username"] == two.username


async def test_a_socket_elsewhere_is_http_404(stack: Stack) -> None:
    for path in ("/ws/v2/", "/", "/ws/v1/more/"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws{stack.base_url.removeprefix('http')}{path}", proxy=None):
                pass
        assert refused.value.response.status_code == 404
