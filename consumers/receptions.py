"""Photos that are coming in over one socket: chunks are joined to larger pieces before they are stored. Knows its session and nothing of sockets."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from domain.accounts.models import User
from domain.errors import DomainError, UploadOffset, UploadTooLarge
from realtime.errors import error_object
from realtime.frames import Chunk
from vision import queries, uploads
from vision.models import Upload

# A piece of this size costs one file and one row's update; what is not stored yet is what a broken connection costs.
PIECE_BYTES = 256 * 1024
MOST_AT_ONCE = 8


class Session(Protocol):
    """What a reception needs of its session."""

    def tell(self, kind: str, data: dict[str, object]) -> None: ...


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


if TYPE_CHECKING:
    from consumers.session import SessionConsumer


class Receptions:
    """All uploads that one socket is sending."""

    def __init__(self, session: "SessionConsumer") -> None:
        self._session = session
        self._open: dict[UUID, Reception] = {}

    async def take(self, chunk: Chunk) -> None:
        """Takes a chunk in. What is wrong with it is told once, as `upload.failed`; what follows is dropped until one fits."""
        reception = self._open.get(chunk.upload_id)
        try:
            if reception is None:
                reception = await self._look_up(chunk.upload_id)
            if chunk.offset != reception.expected:
                raise UploadOffset(expected=reception.expected)
            if chunk.offset + len(chunk.data) > reception.size:
                raise UploadTooLarge(expected=reception.expected)
            reception.failed = False
            reception.piece += chunk.data
            if len(reception.piece) >= PIECE_BYTES or reception.expected == reception.size:
                await self._store(chunk.upload_id, reception)
        except DomainError as error:
            self._fail(chunk.upload_id, reception, error)

    def refresh(self, upload_id: UUID) -> None:
        """The client asked where this upload stands: the next chunk is measured by what is stored."""
        self._open.pop(upload_id, None)

    async def close(self) -> None:
        """Stores what waits, so that a client which comes back need not send it again."""
        for upload_id, reception in list(self._open.items()):
            if reception.piece and not reception.failed and reception.expected < reception.size:
                try:
                    await self._session.hop(_append, self._session.caller.person, upload_id, reception.received, bytes(reception.piece))
                except DomainError:
                    continue

    async def _look_up(self, upload_id: UUID) -> Reception:
        upload: Upload = await self._session.hop(queries.upload, self._session.user_id, upload_id)
        while len(self._open) >= MOST_AT_ONCE:
            self._open.pop(next(iter(self._open)))
        self._open[upload_id] = Reception(size=upload.size_bytes, received=upload.received)
        return self._open[upload_id]

    async def _store(self, upload_id: UUID, reception: Reception) -> None:
        data, reception.piece = bytes(reception.piece), bytearray()
        self._session.hold()
        try:
            upload: Upload = await self._session.hop(_append, self._session.caller.person, upload_id, reception.received, data)
            reception.received = upload.received
            self._session.tell("upload.progress", {"upload_id": upload_id, "received": upload.received})
            if upload.job_id is not None:
                self._open.pop(upload_id, None)
        finally:
            self._session.release()

    def _fail(self, upload_id: UUID, reception: Reception | None, error: DomainError) -> None:
        if reception is None:
            reception = self._open[upload_id] = Reception(size=0, received=0)
        if reception.failed:
            return
        expected = error.facts.get("expected")
        if isinstance(expected, int) and not isinstance(error, UploadTooLarge):
            reception.received, reception.piece = expected, bytearray()
        reception.failed = True
        self._session.tell("upload.failed", {"upload_id": upload_id, "error": error_object(error)})


def _append(user: User, upload_id: UUID, offset: int, data: bytes) -> Upload:
    return uploads.append(user, upload_id, offset=offset, data=data)
