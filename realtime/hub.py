"""One per process: the local sockets by person, fed from a single channel of the layer, and the clock by which they tick. Knows no animal."""

import asyncio
import logging
import random
import time
from typing import Any, Protocol
from uuid import UUID

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


class Socket(Protocol):
    """What the hub knows of a session. Every method is quick and never waits."""

    user_id: UUID
    sid: UUID

    def hear_letter(self, seq: int, kind: str, frame: bytes | None) -> None: ...
    def hear_word(self, kind: str, data: dict[str, Any], frame: bytes) -> None: ...
    def tick(self, now: float) -> None: ...
    def heartbeat(self, head: int) -> None: ...
    def end_login(self) -> None: ...


class Hub:
    """The switchboard of one process."""

    def __init__(self) -> None:
        self._sockets: dict[UUID, set[Socket]] = {}
        self._channel = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Lock | None = None

    async def join(self, socket: Socket) -> None:
        """From now on this socket hears what its person is told."""
        await self._start()
        sockets = self._sockets.setdefault(socket.user_id, set())
        sockets.add(socket)
        if len(sockets) == 1:
            await get_channel_layer().group_add(user_group(socket.user_id), self._channel)

    async def leave(self, socket: Socket) -> None:
        """The socket is gone."""
        sockets = self._sockets.get(socket.user_id)
        if sockets is None:
            return
        sockets.discard(socket)
        if not sockets:
            del self._sockets[socket.user_id]
            await get_channel_layer().group_discard(user_group(socket.user_id), self._channel)
            if socket.user_id in self._sockets:
                # Somebody joined while the group was being left.
                await get_channel_layer().group_add(user_group(socket.user_id), self._channel)

    def sockets_of(self, user_id: UUID) -> set[Socket]:
        """This person's sockets on this process."""
        return set(self._sockets.get(user_id, ()))

    async def _start(self) -> None:
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if not self._channel:
                self._channel = await get_channel_layer().new_channel("hub")
                for work in (self._receive(), self._beat(), self._tick()):
                    self._tasks.add(asyncio.create_task(work))

    async def _receive(self) -> None:
        layer = get_channel_layer()
        while True:
            message = await layer.receive(self._channel)
            for socket in self.sockets_of(UUID(hex=message["to"])) if "to" in message else ():
                if message["type"] == LETTER:
                    socket.hear_letter(message["seq"], message["kind"], message["frame"])
                elif message["type"] == WORD:
                    socket.hear_word(message["kind"], message["data"], message["frame"])

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.time()
            for sockets in list(self._sockets.values()):
                for socket in list(sockets):
                    socket.tick(now)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.SOCKET_HEARTBEAT_SECONDS * random.uniform(0.95, 1.0))  # noqa: S311  processes must not beat in step
            sockets = [socket for several in self._sockets.values() for socket in several]
            try:
                heads = await hop(mailbox.heads, list(self._sockets))
                revoked = await hop(accounts.revoked_among, list({socket.sid for socket in sockets}))
            except (DatabaseError, DomainError) as error:
                log.warning("A heartbeat could not read PostgreSQL: %s", error.__class__.__name__)
                continue
            for socket in sockets:
                if socket.sid in revoked:
                    socket.end_login()
                else:
                    socket.heartbeat(heads.get(socket.user_id, 0))


hub = Hub()
