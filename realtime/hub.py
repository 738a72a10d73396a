"""One per process: the local sockets by person, fed from a single channel of the layer, and the clock by which they tick. Knows no animal."""

import asyncio
import functools
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import redis
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from domain.accounts import queries as accounts
from domain.errors import DomainError
from domain.mailbox import queries as mailbox
from realtime.doorbell import LETTER, WORD
from realtime.groups import user_group
from realtime.threads import hop

log = logging.getLogger(__name__)

TICK_S = 1.0
PROBE = "hub.probe"
MOST_BETWEEN_FAREWELLS_S = 0.02
# Redis that does not answer for so long is away; it is asked again after the same time.
REDIS_TIMEOUT_S = 2.0

Loop = Callable[[], Coroutine[Any, Any, None]]


class Socket(Protocol):
    """What the hub knows of a session. Every method is quick and never waits."""

    user_id: UUID
    sid: UUID

    def hear_letter(self, seq: int, kind: str, frame: bytes | None) -> None: ...
    def hear_word(self, kind: str, data: dict[str, Any], frame: bytes) -> None: ...
    def tick(self, now: float) -> None: ...
    def heartbeat(self, head: int) -> None: ...
    def end_login(self) -> None: ...
    def end_for_restart(self) -> None: ...


class Hub:
    """The switchboard of one process. Without Redis its sockets live on: the heartbeat brings what was not rung."""

    def __init__(self) -> None:
        self._sockets: dict[UUID, set[Socket]] = {}
        # Whose groups this process hears.
        self._followed: set[UUID] = set()
        self._channel = ""
        self._probed = self._answered = 0
        self._away_until = 0.0
        self._following = asyncio.Lock()
        self._deserted = asyncio.Event()
        self._deserted.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._receiver: asyncio.Task[None] | None = None

    async def join(self, socket: Socket) -> bool:
        """From now on this socket hears what its person is told; False where its person has too many."""
        self._start()
        sockets = self._sockets.setdefault(socket.user_id, set())
        if len(sockets) >= settings.SOCKET_CONNECTIONS_PER_USER:
            return False
        sockets.add(socket)
        self._deserted.clear()
        await self._follow(socket.user_id)
        return True

    async def leave(self, socket: Socket) -> None:
        """The socket is gone."""
        sockets = self._sockets.get(socket.user_id)
        if sockets is None or socket not in sockets:
            return
        sockets.remove(socket)
        if not sockets:
            del self._sockets[socket.user_id]
            if not self._sockets:
                self._deserted.set()
            await self._follow(socket.user_id)

    def sockets_of(self, user_id: UUID) -> set[Socket]:
        """This person's sockets on this process."""
        return set(self._sockets.get(user_id, ()))

    async def drain(self, *, spread_s: float, patience_s: float) -> None:
        """Says goodbye to every socket, spread over a time so that they don't all come back at once, and waits until they are gone."""
        sockets = self._everybody()
        for socket in sockets:
            socket.end_for_restart()
            await asyncio.sleep(min(spread_s / len(sockets), MOST_BETWEEN_FAREWELLS_S))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._deserted.wait(), timeout=patience_s)

    # The layer

    async def _follow(self, user_id: UUID) -> None:
        """Hears this person's group if they have a socket here, else no longer. What fails is done at the next beat."""
        async with self._following:
            if (user_id in self._sockets) == (user_id in self._followed) or time.monotonic() < self._away_until:
                return
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await self._subscribe(user_id)
            except (redis.RedisError, OSError) as error:
                self._away_until = time.monotonic() + REDIS_TIMEOUT_S
                log.warning("Redis is away, news come with the heartbeat: %s", error.__class__.__name__)

    async def _subscribe(self, user_id: UUID) -> None:
        layer = get_channel_layer()
        if not self._channel:
            await self._open_channel()
        # Also before leaving: the layer forgets a group before it tells Redis, which may have failed the last time.
        await layer.group_add(user_group(user_id), self._channel)
        if user_id in self._sockets:
            self._followed.add(user_id)
        else:
            await layer.group_discard(user_group(user_id), self._channel)
            self._followed.discard(user_id)

    async def _probe(self) -> None:
        """Sends this process a message; where the last one never came, subscribes to everything anew.

        A subscriber's connection that broke without a sign is silent like one without news.
        """
        if not self._channel:
            return
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                if self._answered < self._probed:
                    log.warning("News do not come through from Redis; subscribing anew.")
                    await self._reset()
                number = self._probed + 1
                await get_channel_layer().send(self._channel, {"type": PROBE, "number": number})
                self._probed = number
        except (redis.RedisError, OSError) as error:
            log.warning("Redis is away, news come with the heartbeat: %s", error.__class__.__name__)

    async def _reset(self) -> None:
        async with self._following:
            self._channel, self._answered = "", self._probed
            self._followed.clear()
            if self._receiver is not None:
                self._receiver.cancel()
            await get_channel_layer().flush()
            await self._open_channel()

    async def _open_channel(self) -> None:
        self._channel = await get_channel_layer().new_channel("hub")
        self._receiver = self._run(self._receive)

    # Loops

    def _start(self) -> None:
        if not self._tasks:
            self._run(self._beat)
            self._run(self._tick)

    def _run(self, work: Loop) -> "asyncio.Task[None]":
        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._ended, work))
        return task

    def _ended(self, work: Loop, task: "asyncio.Task[None]") -> None:
        """A loop that ends would silence the whole process: it is told, and begins again."""
        self._tasks.discard(task)
        if task.cancelled():
            return
        log.error("The hub's %s ended and begins again.", work.__name__, exc_info=task.exception())
        asyncio.get_running_loop().call_later(TICK_S, self._revive, work)

    def _revive(self, work: Loop) -> None:
        task = self._run(work)
        if work == self._receive:
            self._receiver = task

    async def _receive(self) -> None:
        layer, channel = get_channel_layer(), self._channel
        while True:
            self._hear(await layer.receive(channel))

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == PROBE:
            self._answered = message["number"]
            return
        for socket in self.sockets_of(UUID(hex=message["to"])):
            if message["type"] == LETTER:
                socket.hear_letter(message["seq"], message["kind"], message["frame"])
            elif message["type"] == WORD:
                socket.hear_word(message["kind"], message["data"], message["frame"])

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.time()
            for socket in self._everybody():
                # By the loop, so that what goes wrong with one socket concerns no other.
                asyncio.get_running_loop().call_soon(socket.tick, now)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.SOCKET_HEARTBEAT_SECONDS * random.uniform(0.95, 1.0))  # noqa: S311  processes must not beat in step
            await self._probe()
            for user_id in self._followed ^ self._sockets.keys():
                await self._follow(user_id)
            sockets = self._everybody()
            try:
                heads = await hop(mailbox.heads, list(self._sockets))
                revoked = await hop(accounts.revoked_among, list({socket.sid for socket in sockets}))
            except (DatabaseError, DomainError) as error:
                log.warning("A heartbeat could not read PostgreSQL: %s", error.__class__.__name__)
                heads, revoked = {}, set()
            self._pulse(sockets, heads, revoked)

    def _pulse(self, sockets: Iterable[Socket], heads: dict[UUID, int], revoked: set[UUID]) -> None:
        for socket in sockets:
            if socket.sid in revoked:
                asyncio.get_running_loop().call_soon(socket.end_login)
            else:
                asyncio.get_running_loop().call_soon(socket.heartbeat, heads.get(socket.user_id, 0))

    def _everybody(self) -> list[Socket]:
        return [socket for sockets in self._sockets.values() for socket in sockets]


hub = Hub()
