"""Photos as people send them, and the frames in which they travel."""

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from clients.python.biologidex_client.upload import chunk_frame
from tests.images.pictures import encoded, photo, with_orientation
from tests.players import Player

CHUNK_BYTES = 32_768
END_OF_IMAGE = b"\xff\xd9"


def new_photo(size_bytes: int = 0) -> bytes:
    """A JPEG that nobody sent before and that says nothing of itself; filled up behind its end to `size_bytes`."""
    content = encoded(photo(160, 120), "JPEG", comment=uuid.uuid4().bytes).getvalue()
    return content + bytes(max(0, size_bytes - len(content)))


def oriented_photo(orientation: int, upright: Any) -> bytes:
    """The upright picture as a camera stores it that writes this EXIF orientation."""
    return with_orientation(upright, orientation, quality=95).getvalue()


def announced(content: bytes, **wishes: Any) -> dict[str, Any]:
    """The data of a `capture.begin`."""
    return {
        "filename": "photo.jpg",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_type": "image/jpeg",
        **wishes,
    }


async def send(player: Player, upload_id: str, content: bytes, *, begin: int = 0, end: int | None = None, chunk: int = CHUNK_BYTES) -> None:
    """The bytes from `begin` up to `end` in chunks."""
    for offset in range(begin, len(content) if end is None else end, chunk):
        await player.socket.send_bytes(chunk_frame(UUID(upload_id), offset, content[offset : min(offset + chunk, end or len(content))]))


def kinds(events: Iterable[Any]) -> list[str]:
    """The kinds of events in order, without heartbeats."""
    return [event.type for event in events if event.type != "session.heartbeat"]
