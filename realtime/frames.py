"""The wire's whole grammar: what a frame is, in both directions. Knows no operation and no socket."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeGuard
from uuid import UUID

import orjson

from domain.errors import Malformed

MAX_ID_CHARACTERS = 64
MAX_TYPE_CHARACTERS = 64
MAX_KEY_CHARACTERS = 64
MAX_DEPTH = 32
UPLOAD_HEADER_BYTES = 24
UPLOAD_ID_BYTES = 16
LARGEST_ID = 2**53
KNOWN_KEYS = frozenset({"id", "type", "data", "key"})
# Room for `{"type":"part","id":"...","data":{}}` around what a part carries; JSON writes a control character in 6 bytes.
ENVELOPE_BYTES = 64 + 6 * MAX_ID_CHARACTERS


@dataclass(frozen=True, slots=True)
class Request:
    """A frame that asks: the client's own `id`, the operation's name, its data (not yet checked) and an idempotency key."""

    id: int | str
    type: str
    data: dict[str, object]
    key: str | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A binary frame: bytes of an upload at an offset."""

    upload_id: UUID
    offset: int
    data: bytes


def read_request(text: str) -> Request:
    """Reads a text frame.

    Raises:
        Malformed: it is not JSON, no object, or without a usable id and type.
    """
    try:
        frame = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Malformed from error
    if not isinstance(frame, dict) or not frame.keys() <= KNOWN_KEYS or not _is_shallow(frame):
        raise Malformed
    request_id, name, data, key = frame.get("id"), frame.get("type"), frame.get("data", {}), frame.get("key")
    if not _is_id(request_id) or not isinstance(name, str) or not 0 < len(name) <= MAX_TYPE_CHARACTERS:
        raise Malformed
    if not isinstance(data, dict) or not _is_key(key):
        raise Malformed
    return Request(id=request_id, type=name, data=data, key=key)


def read_chunk(frame: bytes) -> Chunk:
    """Reads a binary frame: 16 bytes upload id, 8 bytes offset (unsigned, big-endian), then the file's bytes.

    Raises:
        Malformed: it is too short to carry a byte.
    """
    if len(frame) <= UPLOAD_HEADER_BYTES:
        raise Malformed
    return Chunk(
        upload_id=uuid.UUID(bytes=frame[:UPLOAD_ID_BYTES]),
        offset=int.from_bytes(frame[UPLOAD_ID_BYTES:UPLOAD_HEADER_BYTES], "big"),
        data=frame[UPLOAD_HEADER_BYTES:],
    )


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(value: object) -> bytes:
    """JSON, UTF-8; knows UUIDs, and datetimes as ISO 8601 in UTC with `Z`."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def reply(request_id: int | str, data: bytes) -> bytes:
    """The reply that closes a request that went well; `data` is JSON."""
    return encode({"type": "reply", "id": request_id, "ok": True, "data": orjson.Fragment(data)})


def refusal(request_id: int | str | None, error: dict[str, object]) -> bytes:
    """The reply that closes a request that was refused."""
    return encode({"type": "reply", "id": request_id, "ok": False, "error": error})


def part(request_id: int | str, data: bytes) -> bytes:
    """A piece of an answer that is too long for one frame."""
    return encode({"type": "part", "id": request_id, "data": orjson.Fragment(data)})


def event(kind: str, data: bytes, *, at: datetime, seq: int | None = None) -> bytes:
    """A frame that tells: durable with its number, passing without."""
    numbered = {} if seq is None else {"seq": seq}
    return encode({"type": kind, **numbered, "at": timestamp(at), "data": orjson.Fragment(data)})


def event_now(kind: str, data: Mapping[str, object]) -> bytes:
    """A passing event of this moment."""
    return event(kind, encode(data), at=datetime.now(UTC))


def parts_of(lists: Mapping[str, Sequence[bytes]], *, max_frame: int) -> Iterator[bytes]:
    """The data of parts that together carry all items of the named lists, each part small enough for a frame of `max_frame` bytes.

    Items are JSON. Every part names every list, so that a client reads all parts alike.
    """
    room = max_frame - ENVELOPE_BYTES - sum(len(name) + 6 for name in lists)
    taken: dict[str, list[bytes]] = {name: [] for name in lists}
    size = 0
    for name, items in lists.items():
        for item in items:
            if size and size + len(item) + 1 > room:
                yield _joined(taken)
                taken, size = {each: [] for each in lists}, 0
            taken[name].append(item)
            size += len(item) + 1
    if size:
        yield _joined(taken)


def _joined(lists: dict[str, list[bytes]]) -> bytes:
    return b"{" + b",".join(b'"%b":[%b]' % (name.encode(), b",".join(items)) for name, items in lists.items()) + b"}"


def _is_id(value: object) -> TypeGuard[int | str]:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < LARGEST_ID
    return isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS


def _is_key(value: object) -> TypeGuard[str | None]:
    return value is None or (isinstance(value, str) and 0 < len(value) <= MAX_KEY_CHARACTERS and value.isprintable())


def _is_shallow(value: object, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, dict):
        return all(_is_shallow(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return all(_is_shallow(item, depth + 1) for item in value)
    return True
