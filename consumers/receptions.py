"""Photos that are coming in over one socket: chunks are joined to larger pieces before they are stored. Knows its session and nothing of sockets."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.utils import translation

from domain.accounts.models import User
from domain.errors import Busy, DomainError, UploadOffset, UploadTooLarge
from realtime.errors import error_object
from realtime.frames import Chunk
from vision import queries, uploads
from vision.models import Upload

if TYPE_CHECKING:
    from consumers.session import SessionConsumer

# Progress is told at least once in so many bytes; a piece costs one file and one row's update.
TOLD_EVERY_BYTES = 256 * 1024
MOST_AT_ONCE = 8
# A sender that pauses may go on through another door; what it sent is stored by then.
PAUSE_S = 0.1


@dataclass(slots=True)
class Reception:
    """One upload as this socket sees it: stored up to `received`, `piece` waits to be stored; `failed` until a chunk comes at the right place."""

    size: int
    received: int
    piece: bytearray = field(default_factory=bytearray)
    failed: bool = False

    @property
    def expected(self) -> int:
        return self.received + len(self.piece)

    @property
    def is_full(self) -> bool:
        """Whether the piece must be stored now: the file ends, or another chunk might pass the distance in which progress is told."""
        return self.expected == self.size or len(self.piece) + settings.SOCKET_UPLOAD_CHUNK_BYTES > TOLD_EVERY_BYTES


class Receptions:
    """All uploads that one socket is sending."""

    def __init__(self, session: "SessionConsumer") -> None:
        self._session = session
        self._open: dict[UUID, Reception] = {}
        self._promised: dict[UUID, int] = {}
        self._lock = asyncio.Lock()
        self._pause: asyncio.TimerHandle | None = None
        self._storing: set[asyncio.Task[None]] = set()

    async def take(self, chunk: Chunk) -> None:
        """Takes a chunk in. What is wrong with it is told once, as `upload.failed`; what follows is dropped until one fits."""
        async with self._lock:
            try:
                await self._take(chunk)
            except DomainError as error:
                self._fail(chunk.upload_id, error)
        self._await_pause()

    def refresh(self, upload_id: UUID, received: int) -> None:
        """The client asked where this upload stands and was told `received`: its next chunk is measured by that."""
        self._open.pop(upload_id, None)
        self._promised[upload_id] = received
        while len(self._promised) > MOST_AT_ONCE:
            self._promised.pop(next(iter(self._promised)))

    async def close(self) -> None:
        """Stores what waits, so that a client which comes back need not send it again."""
        if self._pause is not None:
            self._pause.cancel()
        await self._store_pieces()

    async def _take(self, chunk: Chunk) -> None:
        reception = self._open.get(chunk.upload_id) or await self._look_up(chunk.upload_id)
        if chunk.offset != reception.expected:
            raise UploadOffset(expected=reception.expected)
        if reception.expected + len(chunk.data) > reception.size:
            raise UploadTooLarge(expected=reception.expected)
        reception.failed = False
        reception.piece += chunk.data
        if reception.is_full:
            await self._store(chunk.upload_id, reception)

    async def _look_up(self, upload_id: UUID) -> Reception:
        upload: Upload = await self._session.hop(queries.upload, self._session.user_id, upload_id)
        received = self._promised.pop(upload_id, upload.received)
        reception = Reception(size=upload.size_bytes, received=received)
        await self._make_room()
        self._open[upload_id] = reception
        return reception

    async def _make_room(self) -> None:
        while len(self._open) >= MOST_AT_ONCE:
            oldest = next(iter(self._open))
            await self._try_store(oldest, self._open[oldest])
            self._open.pop(oldest, None)

    async def _store(self, upload_id: UUID, reception: Reception) -> None:
        """Stores the piece and tells how far the upload is. Events wait meanwhile, so that the last progress comes before the job.

        Raises:
            DomainError: nothing was stored; the reception stands where the upload stands.
        """
        data, reception.piece = bytes(reception.piece), bytearray()
        self._session.hold()
        try:
            upload = await self._append(upload_id, reception, data)
            reception.received = upload.received
            self._session.tell("upload.progress", {"upload_id": upload_id, "received": upload.received})
            if upload.job_id is not None:
                self._open.pop(upload_id, None)
        finally:
            self._session.release()

    async def _append(self, upload_id: UUID, reception: Reception, data: bytes) -> Upload:
        """Adds the piece. An earlier connection's last piece may have come in between: what it brought is left out of this one."""
        begin = reception.received
        try:
            try:
                return await self._session.hop(_append, self._session.caller.person, upload_id, begin, data)
            except UploadOffset as error:
                stored = error.facts["expected"]
                if not isinstance(stored, int) or not begin < stored <= begin + len(data):
                    raise
                return await self._session.hop(_append, self._session.caller.person, upload_id, stored, data[stored - begin :])
        except DomainError as error:
            if isinstance(error, Busy):
                error.facts["expected"] = begin
            expected = error.facts.get("expected")
            if isinstance(expected, int):
                reception.received = expected
            raise

    async def _store_pieces(self) -> None:
        async with self._lock:
            for upload_id, reception in list(self._open.items()):
                await self._try_store(upload_id, reception)

    async def _try_store(self, upload_id: UUID, reception: Reception) -> None:
        if not reception.piece:
            return
        try:
            await self._store(upload_id, reception)
        except DomainError as error:
            self._fail(upload_id, error)

    def _await_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        waiting = any(reception.piece for reception in self._open.values())
        self._pause = asyncio.get_running_loop().call_later(PAUSE_S, self._begin_storing) if waiting else None

    def _begin_storing(self) -> None:
        task = asyncio.create_task(self._store_pieces())
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    def _fail(self, upload_id: UUID, error: DomainError) -> None:
        reception = self._open.get(upload_id)
        if reception is None:
            # Of an upload that nobody knows, the next chunks are dropped as silently.
            while len(self._open) >= MOST_AT_ONCE and (idle := self._idle()) is not None:
                self._open.pop(idle)
            reception = self._open[upload_id] = Reception(size=0, received=0)
        if not reception.failed:
            reception.failed = True
            with translation.override(self._session.handshake.language):
                self._session.tell("upload.failed", {"upload_id": upload_id, "error": error_object(error)})

    def _idle(self) -> UUID | None:
        return next((upload_id for upload_id, reception in self._open.items() if not reception.piece), None)


def _append(user: User, upload_id: UUID, offset: int, data: bytes) -> Upload:
    return uploads.append(user, upload_id, offset=offset, data=data)
