"""A socket frame by frame, for tests of the wire itself, where a Player would know too much."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.stack import Stack

PROTOCOL = "biologidex.v1"
PATIENCE_S = 10.0

Frame = dict[str, Any]


class Line:
    """One connection, and everything that came over it, heartbeats left out."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[Frame] = []
        self.sizes: list[int] = []

    @property
    def subprotocol(self) -> str | None:
        return self.connection.subprotocol

    async def say(self, frame: object) -> None:
        """Sends an object as JSON, a text or bytes as they are."""
        await self.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def ask(self, number: int | str, name: str, data: Frame | None = None, **more: Any) -> None:
        await self.say({"id": number, "type": name, "data": data or {}, **more})

    async def next(self, *, heartbeats: bool = False) -> Frame:
        """The next frame."""
        while True:
            text = await asyncio.wait_for(self.connection.recv(), PATIENCE_S)
            assert isinstance(text, str)
            self.sizes.append(len(text.encode()))
            frame: Frame = json.loads(text)
            self.heard.append(frame)
            if heartbeats or frame["type"] != "session.heartbeat":
                return frame

    async def until(self, kind: str, **facts: Any) -> Frame:
        """The next frame of this type, with these values under its names; others are passed over."""
        while True:
            frame = await self.next(heartbeats=True)
            if frame["type"] == kind and all(frame.get(name) == value for name, value in facts.items()):
                return frame

    async def ready(self) -> Frame:
        """The data of `session.ready`, which comes first."""
        frame = await self.next()
        assert frame["type"] == "session.ready", frame
        return dict(frame["data"])

    async def end(self) -> tuple[int | None, Frame]:
        """The close code and the last frame's data, which is a farewell; {} where there was none."""
        farewell: Frame = {}
        try:
            while True:
                frame = await self.next()
                farewell = frame["data"] if frame["type"] == "session.closing" else {}
        except ConnectionClosed:
            return self.connection.close_code, farewell

    async def refused(self) -> Frame:
        """The error of the next frame, which is a refusal."""
        frame = await self.next()
        assert frame["type"] == "reply", frame
        assert frame["ok"] is False, frame
        return {**frame["error"], "id": frame["id"]}


@asynccontextmanager
async def dial(
    base_url: str,
    *,
    token: str | None = None,
    subprotocols: Sequence[str] = (),
    origin: str | None = None,
    query: str = "",
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Line]:
    """A connection; `token` goes in the header."""
    given = dict(headers or {})
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    async with connect(
        f"ws{base_url.removeprefix('http')}/ws/v1/{query}",
        subprotocols=[Subprotocol(each) for each in subprotocols] or None,
        additional_headers=given,
        origin=Origin(origin) if origin is not None else None,
        compression=None,
        max_size=2**21,
        proxy=None,
        close_timeout=3,
    ) as connection:
        yield Line(connection)


def token_with(stack: Stack, access: str, **claims: Any) -> str:
    """The same token with other claims, signed by the server's key."""
    key = _signing_key(stack)
    decoded = jwt.decode(access, key, algorithms=["HS256"], options={"verify_exp": False})
    return jwt.encode({**decoded, **claims}, key, algorithm="HS256")


def token_for(stack: Stack, access: str, seconds: float) -> str:
    """The same token, with this long to live."""
    return token_with(stack, access, exp=int(time.time() + seconds))


def claims_of(access: str) -> Frame:
    body = access.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def _signing_key(stack: Stack) -> str:
    return stack.environment["SECRET_KEY"]


def host_of(base_url: str) -> str:
    return urlsplit(base_url).netloc
