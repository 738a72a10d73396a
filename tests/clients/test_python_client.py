"""The Python client against a scripted server on a real socket: what it sends, byte for byte, and what it makes of the answers."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from clients.python.biologidex_client import (
    Account,
    Client,
    ConnectionEnded,
    HandshakeRefused,
    RequestFailed,
    TimedOut,
    Unreachable,
    UploadFailed,
)
from clients.python.biologidex_client.upload import chunk_frame

pytestmark = pytest.mark.asyncio

TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.sig-na_ture"
UPLOAD_ID = "00112233-4455-6677-8899-aabbccddeeff"
READY: dict[str, Any] = {
    "protocol": 1,
    "session_id": "5f0c7b6e-0000-4000-8000-000000000001",
    "user": {"id": "5f0c7b6e-0000-4000-8000-000000000002", "username": "ada", "friend_code": "AB12CD34"},
    "epoch": "k3v9",
    "head": 1042,
    "replay": "none",
    "oldest": 900,
}
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        assert connection.request is not None
        self.request = connection.request

    async def tell(self, type_: str, data: dict[str, Any], **envelope: Any) -> None:
        await self.connection.send(json.dumps({"type": type_, "data": data, **envelope}))

    async def ready(self, **changes: Any) -> None:
        await self.tell("session.ready", {**READY, **changes})

    async def hear(self) -> dict[str, Any]:
        text = await self.connection.recv()
        assert isinstance(text, str)
        return json.loads(text)

    async def reply(self, asked: dict[str, Any], data: dict[str, Any]) -> None:
        await self.connection.send(json.dumps({"type": "reply", "id": asked["id"], "ok": True, "data": data}))

    async def refuse(self, asked_id: int | None, code: str, **error: Any) -> None:
        error = {"code": code, "message": "No.", **error}
        await self.connection.send(json.dumps({"type": "reply", "id": asked_id, "ok": False, "error": error}))

    async def until_gone(self) -> None:
        await self.connection.wait_closed()


@asynccontextmanager
async def server(script: Script) -> AsyncIterator[str]:
    """Play `script` for each connection; its failures are the test's."""
    problems: list[BaseException] = []

    async def handle(connection: ServerConnection) -> None:
        try:
            await script(Peer(connection))
        except AssertionError as problem:
            problems.append(problem)

    async with serve(handle, "127.0.0.1", 0, subprotocols=["biologidex.v1"], max_size=None) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    if problems:
        raise problems[0]


def offered(peer: Peer) -> str | None:
    return peer.request.headers.get("Sec-WebSocket-Protocol")


# -- three ways to authenticate


async def test_the_header_carries_the_token() -> None:
    async def script(peer: Peer) -> None:
        assert peer.request.path == "/ws/v1/"
        assert peer.request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert offered(peer) == "biologidex.v1"
        await peer.ready()
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        assert client.ready == READY


async def test_the_subprotocol_carries_the_token_and_no_header_does() -> None:
    async def script(peer: Peer) -> None:
        assert "Authorization" not in peer.request.headers
        assert offered(peer) == f"biologidex.v1, bearer.{TOKEN}"
        await peer.ready()
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN, authenticate="subprotocol") as client:
        assert client.ready["head"] == 1042


async def test_the_first_frame_carries_the_token_and_the_handshake_does_not() -> None:
    async def script(peer: Peer) -> None:
        assert "Authorization" not in peer.request.headers
        assert TOKEN not in (offered(peer) or "")
        asked = await peer.hear()
        assert asked == {"id": 1, "type": "session.authenticate", "data": {"token": TOKEN}}
        await peer.reply(asked, {"token_expires_at": "2026-11-23T13:00:00Z"})
        await peer.ready()
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN, authenticate="first_frame") as client:
        assert client.ready == READY


async def test_without_a_token_it_stays_silent_until_told_to_authenticate() -> None:
    async def script(peer: Peer) -> None:
        first = await peer.hear()
        assert first["type"] == "session.ping"
        await peer.refuse(first["id"], "auth.required")
        asked = await peer.hear()
        await peer.reply(asked, {"token_expires_at": "2026-11-23T13:00:00Z"})
        await peer.ready()
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url) as client:
        with pytest.raises(RequestFailed, match=r"auth\.required"):
            await client.request("session.ping", {})
        assert client.ready == {}
        assert await client.authenticate(TOKEN) == {"token_expires_at": "2026-11-23T13:00:00Z"}
        assert client.ready == READY


async def test_a_token_never_stands_in_the_query_and_the_wishes_do() -> None:
    async def script(peer: Peer) -> None:
        assert peer.request.path == "/ws/v1/?resume=k3v9.1040&max_frame=1048576"
        await peer.ready(replay="complete")
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN, resume="k3v9.1040", max_frame=1048576):
        pass


async def test_a_refused_token_tells_the_close_code_and_the_farewell() -> None:
    farewell = {"code": 4401, "reason": "This token has expired.", "retry_after": 2.5}

    async def script(peer: Peer) -> None:
        await peer.tell("session.closing", farewell)
        await peer.connection.close(4401, "expired")

    async with server(script) as base_url:
        with pytest.raises(ConnectionEnded) as caught:
            await Client(base_url, TOKEN).open()
    closed = caught.value.closed
    assert (closed.code, closed.farewell, closed.retry_after) == (4401, farewell, 2.5)


async def test_a_bad_first_frame_raises_its_error_and_keeps_the_close_code() -> None:
    async def script(peer: Peer) -> None:
        await peer.refuse((await peer.hear())["id"], "auth.invalid_token")
        await peer.tell("session.closing", {"code": 4401, "reason": "bad token"})
        await peer.connection.close(4401)

    async with server(script) as base_url:
        client = Client(base_url, TOKEN, authenticate="first_frame")
        with pytest.raises(RequestFailed, match=r"auth\.invalid_token"):
            await client.open()
        assert client.closed.result().code == 4401


async def test_a_refused_handshake_tells_its_status() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        assert request.headers["Origin"] == "https://elsewhere.example"
        return Response(HTTPStatus.FORBIDDEN, "Forbidden", Headers(), b"")

    async def never(connection: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(HandshakeRefused) as caught:
            await Client(f"http://127.0.0.1:{port}", TOKEN, origin="https://elsewhere.example").open()
    assert caught.value.status == 403


async def test_nobody_listening_is_unreachable() -> None:
    async with server(lambda peer: peer.until_gone()) as base_url:
        pass
    with pytest.raises(Unreachable):
        await Client(base_url, TOKEN).open()
    with pytest.raises(Unreachable):
        await Account.login(base_url, "ada", "secret")


# -- requests, replies, parts, errors


async def test_replies_find_their_requests_in_any_order() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        first, second = await peer.hear(), await peer.hear()
        await peer.reply(second, {"for": second["type"]})
        await peer.reply(first, {"for": first["type"]})
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        answers = await asyncio.gather(client.request("friends.list"), client.request("feed.list", {"limit": 3}))
    assert answers == [{"for": "friends.list"}, {"for": "feed.list"}]


async def test_a_request_is_one_frame_with_its_key() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        asked = await peer.hear()
        assert asked == {"id": 1, "type": "friends.request", "data": {"friend_code": "AB12CD34"}, "key": "once"}
        await peer.reply(asked, {})
        assert "key" not in await peer.hear()
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        await client.request("friends.request", {"friend_code": "AB12CD34"}, key="once")
        with pytest.raises(TimedOut, match=r"reply to session\.ping"):
            await client.request("session.ping", timeout_s=0.05)


async def test_parts_come_in_order_with_events_between_them() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        asked = await peer.hear()
        await peer.tell("part", {"nodes": [1]}, id=asked["id"])
        await peer.tell("feed.entry_added", {"entry": {}}, seq=1043, at="2026-11-23T12:00:03.120Z")
        await peer.tell("part", {"nodes": [2]}, id=asked["id"])
        await peer.reply(asked, {"version": 1042})
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        parts, closing = await client.request_parts("graph.open", {})
        event = await client.expect("feed.entry_added")
    assert (parts, closing) == ([{"nodes": [1]}, {"nodes": [2]}], {"version": 1042})
    assert (event.seq, event.at) == (1043, "2026-11-23T12:00:03.120Z")


async def test_a_refusal_carries_everything_that_the_server_said() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        asked = await peer.hear()
        await peer.refuse(asked["id"], "request.invalid", fields={"limit": ["Too large."]}, retry_after=2.5)
        await peer.reply(await peer.hear(), {"still": "here"})
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        with pytest.raises(RequestFailed) as caught:
            await client.request("feed.list", {"limit": 10**6})
        assert await client.request("feed.list") == {"still": "here"}
    error = caught.value
    assert (error.code, error.message, error.fields, error.retry_after) == ("request.invalid", "No.", {"limit": ["Too large."]}, 2.5)


async def test_frames_as_they_are_go_out_and_their_replies_come_back() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        assert await peer.connection.recv() == "[1]"
        await peer.refuse(None, "request.malformed")
        assert await peer.connection.recv() == b"\x00"
        await peer.refuse(None, "request.malformed")
        await peer.until_gone()

    seen: list[Any] = []
    async with server(script) as base_url, Client(base_url, TOKEN, trace=seen.append) as client:
        await client.send_text("[1]")
        assert (await client.recv_frame())["error"]["code"] == "request.malformed"
        await client.send_bytes(b"\x00")
        assert (await client.recv_frame())["id"] is None
    assert [frame["type"] for frame in seen] == ["session.ready", "reply", "reply"]


# -- events


async def test_waiting_for_one_event_leaves_the_others() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.tell("capture.progress", {"fraction": 0.5})
        for seq, name in ((1043, "bob"), (1044, "cyd")):
            await peer.tell("friends.requested", {"from": name}, seq=seq)
        await peer.connection.close(1012)

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        cyd = await client.expect("friends.requested", where=lambda event: event.data["from"] == "cyd")
        rest = [event.type async for event in client.events]
        assert cyd.seq == 1044
        assert rest == ["capture.progress", "friends.requested"]
        assert client.closed.result().code == 1012


async def test_two_waits_for_the_same_type_get_one_event_each() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.hear()
        for seq in (1043, 1044):
            await peer.tell("badge.awarded", {}, seq=seq)
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        waits = [asyncio.create_task(client.expect("badge.awarded")) for _ in range(2)]
        await client.send_text("{}")
        assert [event.seq for event in await asyncio.gather(*waits)] == [1043, 1044]


async def test_an_event_that_does_not_come_is_named() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        with pytest.raises(TimedOut, match=r"feed\.entry_added did not come within 0\.05 s"):
            await client.expect("feed.entry_added", timeout_s=0.05)


async def test_the_end_of_the_connection_ends_every_wait_at_once() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.hear()
        await peer.tell("session.closing", {"code": 4403, "reason": "logged out"})
        await peer.connection.close(4403, "logged out")

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        waits = [client.expect("never", timeout_s=30), client.request("users.me", timeout_s=30), client.recv_frame(timeout_s=30)]
        results = await asyncio.wait_for(asyncio.gather(*waits, return_exceptions=True), 5)
        assert [type(result) for result in results] == [ConnectionEnded] * 3
        with pytest.raises(ConnectionEnded) as caught:
            await client.request("users.me")
    assert (caught.value.closed.code, caught.value.closed.reason) == (4403, "logged out")


async def test_a_broken_line_is_1006_and_the_resume_point_is_the_last_durable_event() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.hear()
        await peer.tell("dex.entry_created", {"entry": {}}, seq=1043)
        await peer.tell("capture.progress", {})
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        assert client.resume_point == "k3v9.1042"
        await client.send_text("{}")
        await client.expect("capture.progress")
        client.abort()
        assert (await client.closed).code == 1006
        assert client.resume_point == "k3v9.1043"


@pytest.mark.parametrize(("replay", "point"), [("complete", "k3v9.1040"), ("gap", "k3v9.1042")])
async def test_the_resume_point_starts_where_the_replay_starts(replay: str, point: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.ready(replay=replay)
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN, resume="k3v9.1040") as client:
        assert client.resume_point == point


# -- uploads


@given(
    upload_id=st.uuids(),
    offset=st.integers(min_value=0, max_value=2**64 - 1),
    content=st.binary(max_size=64),
)
async def test_a_chunk_is_its_id_its_offset_and_its_bytes(upload_id: UUID, offset: int, content: bytes) -> None:
    frame = chunk_frame(upload_id, offset, content)
    assert UUID(bytes=frame[:16]) == upload_id
    assert int.from_bytes(frame[16:24], "big") == offset
    assert frame[24:] == content


async def test_an_upload_is_announced_and_sent_byte_for_byte() -> None:
    photo = bytes(range(256)) * 4
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.ready()
        asked = await peer.hear()
        assert UUID(asked["key"])
        assert (asked["type"], asked["data"]) == (
            "capture.begin",
            {
                "filename": "heron.jpg",
                "size": 1024,
                "sha256": hashlib.sha256(photo).hexdigest(),
                "content_type": "image/jpeg",
                "entry": {"visibility": "friends"},
                "hint": "grey heron",
            },
        )
        await peer.reply(asked, {"upload_id": UPLOAD_ID, "received": 0, "chunk_bytes": 400})
        for received in (400, 800, 1024):
            frame = await peer.connection.recv()
            assert isinstance(frame, bytes)
            heard.append(frame)
            await peer.tell("upload.progress", {"upload_id": UPLOAD_ID, "received": received})
        await peer.tell("capture.queued", {"job": {"id": "the-job"}}, seq=1043)
        await peer.until_gone()

    progress: list[tuple[int, int]] = []
    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        job = await client.upload(
            photo,
            filename="heron.jpg",
            entry={"visibility": "friends"},
            hint="grey heron",
            on_progress=lambda received, size: progress.append((received, size)),
        )
        queued = await client.expect("capture.queued")
    id_bytes = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert heard == [
        id_bytes + bytes.fromhex("0000000000000000") + photo[:400],
        id_bytes + bytes.fromhex("0000000000000190") + photo[400:800],
        id_bytes + bytes.fromhex("0000000000000320") + photo[800:],
    ]
    assert progress == [(400, 1024), (800, 1024), (1024, 1024)]
    assert (job, queued.seq) == ({"id": "the-job"}, 1043)


async def test_an_upload_goes_back_to_the_offset_that_the_server_names() -> None:
    photo = bytes(1000)
    heard: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.reply(await peer.hear(), {"upload_id": UPLOAD_ID, "received": 0, "chunk_bytes": 500})
        for number in range(3):
            frame = await peer.connection.recv()
            assert isinstance(frame, bytes)
            heard.append(int.from_bytes(frame[16:24], "big"))
            if number == 1:
                error = {"code": "upload.offset", "message": "Elsewhere.", "expected": 500}
                await peer.tell("upload.failed", {"upload_id": UPLOAD_ID, "error": error})
        await peer.tell("capture.queued", {"job": {"id": "the-job"}}, seq=1043)
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        assert await client.upload(photo) == {"id": "the-job"}
    assert heard == [0, 500, 500]


async def test_a_refused_upload_raises_its_code() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.reply(await peer.hear(), {"upload_id": UPLOAD_ID, "received": 0, "chunk_bytes": 500})
        await peer.connection.recv()
        error = {"code": "upload.checksum", "message": "Another file.", "expected": 0}
        await peer.tell("upload.failed", {"upload_id": UPLOAD_ID, "error": error})
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        with pytest.raises(UploadFailed) as caught:
            await client.upload(b"picture")
    assert (caught.value.code, caught.value.expected) == ("upload.checksum", 0)


async def test_a_resumed_upload_sends_only_what_is_missing() -> None:
    photo = bytes(range(200))

    async def script(peer: Peer) -> None:
        await peer.ready()
        asked = await peer.hear()
        assert (asked["type"], asked["data"]) == ("capture.resume", {"upload_id": UPLOAD_ID})
        await peer.reply(asked, {"received": 150, "chunk_bytes": 100})
        assert await peer.connection.recv() == UUID(UPLOAD_ID).bytes + (150).to_bytes(8, "big") + photo[150:]
        await peer.tell("capture.queued", {"job": {"id": "the-job"}}, seq=1043)
        await peer.until_gone()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        assert await client.resume_upload(UPLOAD_ID, photo) == {"id": "the-job"}


async def test_a_line_that_breaks_within_an_upload_ends_it() -> None:
    async def script(peer: Peer) -> None:
        await peer.ready()
        await peer.reply(await peer.hear(), {"upload_id": UPLOAD_ID, "received": 0, "chunk_bytes": 10})
        await peer.connection.recv()
        peer.connection.transport.abort()

    async with server(script) as base_url, Client(base_url, TOKEN) as client:
        with pytest.raises(ConnectionEnded):
            await client.upload(bytes(100_000), timeout_s=30)


# -- REST


@asynccontextmanager
async def http_server(answers: list[tuple[str, str, int, dict[str, Any]]]) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Answer one expected `(method, path, status, body)` after the other; yields the address and the bodies that came."""
    bodies: list[dict[str, Any]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line.partition(":")[2] for line in head.lower().splitlines() if line.startswith("content-length:")]
        bodies.append(json.loads(await reader.readexactly(int(lengths[0]))) if lengths else {})
        method, path, status, body = answers.pop(0)
        right = head.startswith(f"{method} {path} HTTP/1.1")
        text = json.dumps(body if right else {"detail": f"Not expected: {head}", "code": "conflict"}).encode()
        writer.write(f"HTTP/1.1 {status if right else 409} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", bodies


LOGGED_IN = {"access": "a1", "refresh": "r1", "user": {"id": "u1", "username": "ada"}}


async def test_registering_makes_the_account_and_logs_in() -> None:
    answers = [("POST", "/api/v1/users/", 201, {"id": "u1"}), ("POST", "/api/v1/auth/login/", 200, LOGGED_IN)]
    async with http_server(answers) as (base_url, bodies):
        account = await Account.register(base_url, "ada", "ada@example.org", "a long one")
    assert account == Account(base_url, "u1", "ada", "a1", "r1")
    assert bodies == [
        {"username": "ada", "email": "ada@example.org", "password": "a long one", "password_confirm": "a long one"},
        {"username": "ada", "password": "a long one"},
    ]


async def test_a_renewed_login_keeps_its_refresh_token_where_none_comes() -> None:
    async with http_server([("POST", "/api/v1/auth/refresh/", 200, {"access": "a2"})]) as (base_url, _):
        account = await Account(base_url, "u1", "ada", "a1", "r1").renewed()
    assert (account.access, account.refresh) == ("a2", "r1")


async def test_a_refusal_over_rest_is_the_same_as_over_the_socket() -> None:
    refusal = {"detail": "Not valid.", "code": "request.invalid", "username": ["Taken."], "retry_after": 3}
    async with http_server([("POST", "/api/v1/auth/login/", 400, refusal)]) as (base_url, _):
        with pytest.raises(RequestFailed) as caught:
            await Account.login(base_url, "ada", "x")
    error = caught.value
    assert (error.code, error.status, error.retry_after) == ("request.invalid", 400, 3)
    assert (error.message, error.fields) == ("Not valid.", {"username": ["Taken."]})
