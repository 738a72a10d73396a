"""Whether a HEIF file turns its picture itself; reads boxes (ISO/IEC 14496-12 and 23008-12) and decodes nothing."""

from collections.abc import Iterator

MAX_BOXES = 2_000
TURNS = frozenset({b"irot", b"imir"})
# Where the properties of items lie, and how many bytes of each box come before its children.
PATH = ((b"meta", 12), (b"iprp", 8), (b"ipco", 8))


def turns_itself(data: bytes) -> bool:
    """True if the file has rotation or mirroring properties, which a decoder has applied already.

    EXIF orientation only informs then (MIAF, ISO/IEC 23000-22), and turning by it would turn twice. Some programs write EXIF orientation
    alone.
    """
    ranges = [(0, len(data))]
    for wanted, before in PATH:
        ranges = [(at + before, end) for start, stop in ranges for kind, at, end in _boxes(data, start, stop) if kind == wanted]
    return any(kind in TURNS for start, stop in ranges for kind, _at, _end in _boxes(data, start, stop))


def _boxes(data: bytes, at: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning and end of each box in a range; ends at the first one that doesn't fit."""
    for _count in range(MAX_BOXES):
        if at + 8 > stop:
            return
        size_bytes = int.from_bytes(data[at : at + 4], "big")
        if size_bytes == 1:
            size_bytes = int.from_bytes(data[at + 8 : at + 16], "big")
        end = stop if size_bytes == 0 else at + size_bytes
        if (size_bytes not in {0, 1} and size_bytes < 8) or end > stop:
            return
        yield data[at + 4 : at + 8], at, end
        at = end
