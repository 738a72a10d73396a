"""The cast, speaking the wire's words: an account with a socket that says, expects replies and events, and expects silence."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from clients.python.biologidex_client import Account, Client, RequestFailed, TimedOut
from clients.python.biologidex_client.events import Event

PASSWORD = "herons-and-egrets-42"
SILENCE_S = 0.4


class Player:
    """Somebody with an account and, once connected, a socket."""

    def __init__(self, account: Account, username: str) -> None:
        self.account = account
        self.username = username
        self.client: Client | None = None

    @classmethod
    async def arrives(cls, base_url: str, name: str) -> "Player":
        """Registers under a name of their own."""
        username = f"{name}_{uuid.uuid4().hex[:8]}"
        return cls(await Account.register(base_url, username, f"{username}@example.org", PASSWORD), username)

    @property
    def id(self) -> str:
        return str(self.account.user_id)

    @property
    def socket(self) -> Client:
        assert self.client is not None, f"{self.username} is not connected"
        return self.client

    @property
    def friend_code(self) -> str:
        return str(self.socket.ready["user"]["friend_code"])

    async def connects(self, *, base_url: str | None = None, **options: Any) -> "Player":
        """Opens a socket (on another process with `base_url`)."""
        self.client = Client(base_url or self.account.base_url, self.account.access, **options)
        await self.client.open()
        return self

    async def leaves(self) -> None:
        """Closes the socket, if there is one."""
        if self.client is not None:
            await self.client.close()

    async def say(self, request: str, data: Mapping[str, Any] | None = None, *, key: str | None = None) -> dict[str, Any]:
        """The reply's data.

        Raises:
            RequestFailed
        """
        return await self.socket.request(request, data, key=key)

    async def expect_refusal(
        self, code: str, request: str, data: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> RequestFailed:
        """Says something that must be refused with this code."""
        with pytest.raises(RequestFailed) as refused:
            await self.say(request, data, key=key)
        assert refused.value.code == code, f"{request} was refused with {refused.value.code} instead of {code}: {refused.value}"
        return refused.value

    async def expect_event(self, kind: str, *, where: Callable[[Event], bool] = lambda event: True, timeout_s: float = 10) -> Event:
        """The first unread or coming event of this kind."""
        return await self.socket.expect(kind, where=where, timeout_s=timeout_s)

    async def expect_silence(self, *kinds: str) -> None:
        """Nothing of these kinds (of any but heartbeats, without) comes: a ping later, and a moment after that."""
        await self.say("session.ping")
        deadline = asyncio.get_running_loop().time() + SILENCE_S
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                event = await self.socket.events.get(
                    lambda event: event.type in kinds if kinds else event.type != "session.heartbeat", awaited="silence", timeout_s=left
                )
            except TimedOut:
                return
            raise AssertionError(f"{self.username} heard {event} and should have heard nothing")

    async def befriends(self, other: "Player") -> str:
        """Both are friends afterwards, and have read the news of it; the friendship's id."""
        asked = await self.say("friends.request", {"user_id": other.id})
        friendship_id = str(asked["friendship"]["id"])
        await other.say("friends.respond", {"friendship_id": friendship_id, "action": "accept"})
        for one in (self, other):
            await one.expect_event("friends.accepted", where=lambda event: event.data["friendship"]["id"] == friendship_id)
        return friendship_id

    async def catches(self, photo: bytes, *, filename: str = "photo.jpg", **options: Any) -> Event:
        """Sends a photo; the event with which its job ends."""
        job = await self.socket.upload(photo, filename=filename, **options)
        ends = ("capture.identified", "capture.needs_choice", "capture.failed", "capture.cancelled")
        return await self.socket.events.get(
            lambda event: event.type in ends and event.data["job"]["id"] == job["id"], awaited="the end of a capture", timeout_s=30
        )

    async def calls(self, method: str, path: str, *, base_url: str | None = None, **options: Any) -> httpx.Response:
        """A REST request with this person's token; `path` is below /api/v1/."""
        headers = {"Authorization": f"Bearer {self.account.access}", **options.pop("headers", {})}
        async with httpx.AsyncClient(base_url=(base_url or self.account.base_url) + "/api/v1/", trust_env=False, timeout=20) as http:
            return await http.request(method, path, headers=headers, **options)
