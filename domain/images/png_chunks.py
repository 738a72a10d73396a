"""The chunks of a PNG file, and whether it holds pixels alone; decodes nothing (PNG, third edition, sections 5 and 11)."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000
READ_BYTES = 256 * 1024
MAX_TEXT_BYTES = 256 * 1024
BARE = frozenset({b"IHDR", b"IDAT", b"IEND"})
RGB, RGBA = 2, 6


@dataclass(frozen=True)
class Chunk:
    kind: bytes
    offset: int
    size_bytes: int


def chunks(source: BinaryIO) -> Iterator[Chunk]:
    """The chunks in order, up to IEND, to damage, or to 100,000 of them. `offset` is where a chunk's data begins."""
    source.seek(0)
    if source.read(8) != SIGNATURE:
        return
    at = 8
    for _count in range(MAX_CHUNKS):
        source.seek(at)
        head = source.read(8)
        if len(head) < 8:
            return
        size_bytes = int.from_bytes(head[:4], "big")
        yield Chunk(kind=head[4:], offset=at + 8, size_bytes=size_bytes)
        at += 12 + size_bytes
        if head[4:] == b"IEND":
            return


def is_whole(source: BinaryIO) -> bool:
    """Whether the file reaches its IEND and every critical chunk has the checksum it names; the pixel decoder itself doesn't look at all
    of them."""
    last = b""
    for chunk in chunks(source):
        last = chunk.kind
        # Bit 5 of a kind's first byte is set where a decoder may pass the chunk over (section 5.4).
        if chunk.kind[:1].isupper() and not _is_sound(source, chunk):
            return False
    return last == b"IEND"


def _is_sound(source: BinaryIO, chunk: Chunk) -> bool:
    source.seek(chunk.offset)
    checksum = zlib.crc32(chunk.kind)
    left = chunk.size_bytes
    while left and (part := source.read(min(left, READ_BYTES))):
        checksum = zlib.crc32(part, checksum)
        left -= len(part)
    return not left and source.read(4) == checksum.to_bytes(4, "big")


def is_bare(source: BinaryIO) -> bool:
    """Whether this PNG holds 8-bit RGB or RGBA pixels, not interlaced, and nothing beside or behind them."""
    end = 0
    kinds: list[bytes] = []
    header = b""
    for chunk in chunks(source):
        if chunk.kind not in BARE:
            return False
        if chunk.kind == b"IHDR" and not kinds:
            source.seek(chunk.offset)
            header = source.read(13)
        kinds.append(chunk.kind)
        end = chunk.offset + chunk.size_bytes + 4
    if not kinds or kinds[-1] != b"IEND" or len(header) != 13:
        return False
    depth, colour, interlace = header[8], header[9], header[12]
    return depth == 8 and colour in {RGB, RGBA} and interlace == 0 and source.seek(0, 2) == end


def texts(source: BinaryIO) -> Iterator[tuple[str, str]]:
    """Keyword and text of each tEXt, zTXt and iTXt chunk, wherever it stands; what is damaged or too long is passed over."""
    for chunk in chunks(source):
        if chunk.kind in {b"tEXt", b"zTXt", b"iTXt"} and chunk.size_bytes <= MAX_TEXT_BYTES:
            source.seek(chunk.offset)
            text = _text(chunk.kind, source.read(chunk.size_bytes))
            if text is not None:
                yield text


def _text(kind: bytes, data: bytes) -> tuple[str, str] | None:
    keyword, found, rest = data.partition(b"\0")
    if not found:
        return None
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        return name, rest.decode("latin-1")
    if kind == b"zTXt":
        body = _inflate(rest[1:])
        return None if body is None else (name, body.decode("latin-1"))
    compressed, rest = rest[:1] == b"\1", rest[2:]
    parts = rest.split(b"\0", 2)
    if len(parts) < 3:
        return None
    inflated = _inflate(parts[2]) if compressed else parts[2]
    return None if inflated is None else (name, inflated.decode("utf-8", "replace"))


def _inflate(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, MAX_TEXT_BYTES)
    except zlib.error:
        return None
