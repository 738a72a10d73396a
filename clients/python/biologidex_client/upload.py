"""A photo in binary frames, as section 6 of the protocol writes them: begin or resume, chunks in order, the job at the end."""

import asyncio
import hashlib
import mimetypes
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from .errors import UploadFailed
from .events import Event, until

if TYPE_CHECKING:
    from .connection import Client

OFFSET = struct.Struct(">Q")
STEPS_BACK = 3  # how often one upload follows the server back to the offset that it names

Progress = Callable[[int, int], None]


def chunk_frame(upload_id: UUID, offset: int, content: bytes) -> bytes:
    """16 bytes of id (RFC 4122 order), 8 bytes of offset (unsigned, big-endian), then the file's bytes."""
    return upload_id.bytes + OFFSET.pack(offset) + content


async def load(photo: Path | str | bytes, filename: str | None) -> tuple[bytes, str]:
    """The photo's bytes, and the name to announce it under."""
    if isinstance(photo, bytes):
        return photo, filename or "photo.jpg"
    path = Path(photo)
    return await asyncio.to_thread(path.read_bytes), filename or path.name


async def send_new(
    client: "Client",
    content: bytes,
    name: str,
    wishes: Mapping[str, Any],
    *,
    key: str | None,
    on_progress: Progress | None,
    timeout_s: float,
) -> dict[str, Any]:
    """`capture.begin`, the chunks, the job. A `wishes` entry of None is left out."""
    digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
    data = {
        "filename": name,
        "size": len(content),
        "sha256": digest,
        "content_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        **{wish: value for wish, value in wishes.items() if value is not None},
    }
    transfer = _Transfer(client, content, on_progress)
    with client.watching(transfer.notice):
        answer = await client.request("capture.begin", data, key=key or str(uuid4()))
        return await transfer.run(UUID(answer["upload_id"]), answer["received"], answer["chunk_bytes"], timeout_s)


async def send_missing(
    client: "Client", content: bytes, upload_id: str, *, on_progress: Progress | None, timeout_s: float
) -> dict[str, Any]:
    """`capture.resume`, the chunks that are missing, the job."""
    transfer = _Transfer(client, content, on_progress)
    with client.watching(transfer.notice):
        answer = await client.request("capture.resume", {"upload_id": upload_id})
        return await transfer.run(UUID(upload_id), answer["received"], answer["chunk_bytes"], timeout_s)


class _Transfer:
    """One upload on its way. It watches the events while it sends, because what is wrong with a chunk comes back as one."""

    def __init__(self, client: "Client", content: bytes, on_progress: Progress | None) -> None:
        self._client = client
        self._content = content
        self._on_progress = on_progress
        self._upload_id: UUID | None = None
        self._offset = 0
        self._steps_back = 0
        self._job: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._told = asyncio.Event()

    def notice(self, event: Event) -> None:
        """Take what the event says of this upload; a `capture.queued` counts once every byte is on its way."""
        if event.type == "capture.queued":
            if self._offset >= len(self._content) and not self._job.done():
                self._job.set_result(event.data["job"])
        elif event.data.get("upload_id") != str(self._upload_id):
            return
        elif event.type == "upload.progress" and self._on_progress is not None:
            self._on_progress(event.data["received"], len(self._content))
        elif event.type == "upload.failed":
            self._turn_back(UploadFailed(event.data["error"]))
        self._told.set()

    def _turn_back(self, failed: UploadFailed) -> None:
        if failed.code == "upload.offset" and failed.expected is not None and self._steps_back < STEPS_BACK:
            self._steps_back += 1
            self._offset = failed.expected
        elif not self._job.done():
            self._job.set_exception(failed)

    async def run(self, upload_id: UUID, received: int, chunk_bytes: int, timeout_s: float) -> dict[str, Any]:
        self._upload_id = upload_id
        self._offset = received
        sender = asyncio.create_task(self._send(upload_id, chunk_bytes))
        try:
            return await until(self._job, closed=self._client.closed, awaited="capture.queued", timeout_s=timeout_s)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)  # what broke the sending is told by `closed`

    async def _send(self, upload_id: UUID, chunk_bytes: int) -> None:
        """Send what is missing, rest until the server says something, and send again if it named an earlier offset."""
        while not self._job.done():
            while self._offset < len(self._content) and not self._job.done():
                offset = self._offset
                self._offset = offset + chunk_bytes
                await self._client.send_bytes(chunk_frame(upload_id, offset, self._content[offset : offset + chunk_bytes]))
                await asyncio.sleep(0)  # let the reader hear a refusal between two chunks
            self._told.clear()
            await self._told.wait()
