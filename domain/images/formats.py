"""Tells what kind of picture some bytes are and how large, by header alone; knows no file name and decodes no pixel."""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext as _
from PIL import Image, ImageFile
from pillow_heif import register_heif_opener

from domain import errors
from domain.images.orientation import Stored, stored

MAX_PIXELS = 50_000_000
MAX_EDGE_PX = 30_000
TAKEN = "JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF, MPO"
SNIFF_BYTES = 64

# What Pillow's readers raise on hostile or damaged bytes. A memory error is one of them: a header can ask for any amount.
PICTURE_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

CONTENT_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
}
EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "mpo",
    "PNG": "png",
    "WEBP": "webp",
    "AVIF": "avif",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "HEIF": "heic",
}

AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
# BITMAPCOREHEADER up to BITMAPV5HEADER: without this check every text that begins with "BM" would be a broken bitmap.
BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
PREFIXES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)

Image.init()
# An embedded thumbnail must never stand in for the picture itself.
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@dataclass(frozen=True)
class Inspected:
    """What a picture's header says.

    `format` is Pillow's word (HEIC is "HEIF"); sizes are in pixels as stored, before any turning; `orientation` is the EXIF value 1 to 8
    that turns it right; `frames` is 1, or at least 2 where there are several (counting them all would mean reading them all).
    """

    format: str
    content_type: str
    width_px: int
    height_px: int
    frames: int
    orientation: int


def inspect(source: BinaryIO, *, max_pixels: int = MAX_PIXELS, max_edge_px: int = MAX_EDGE_PX) -> Inspected:
    """Read the header of the picture in `source` (seekable; left at no particular place).

    Raises errors.ImageUnsupportedFormat, ImageUnreadable or ImageTooManyPixels, all before any pixel is decoded.
    """
    picture = open_picture(source, max_pixels=max_pixels, max_edge_px=max_edge_px)
    seen = read_stored(picture)
    name = picture.format or ""
    return Inspected(
        format=name,
        content_type=CONTENT_TYPES[name],
        width_px=seen.width_px,
        height_px=seen.height_px,
        frames=2 if has_several_frames(picture) else 1,
        orientation=seen.orientation,
    )


def open_picture(source: BinaryIO, *, max_pixels: int = MAX_PIXELS, max_edge_px: int = MAX_EDGE_PX) -> ImageFile.ImageFile:
    """Open `source` with the one reader that its first bytes name; pixels are not decoded yet.

    Raises errors.ImageUnsupportedFormat, ImageUnreadable, ImageTooManyPixels.
    """
    name = sniff(source)
    try:
        picture = Image.open(source, formats=[name])
        width_px, height_px = picture.size
    except BOMBS:
        raise errors.ImageTooManyPixels(max_pixels=max_pixels) from None
    except PICTURE_ERRORS:
        raise errors.ImageUnreadable from None
    if picture.format not in CONTENT_TYPES:
        raise unsupported()
    if min(width_px, height_px) < 1:
        raise errors.ImageUnreadable
    if width_px * height_px > max_pixels or max(width_px, height_px) > max_edge_px:
        raise too_many_pixels(width_px, height_px, max_pixels=max_pixels, max_edge_px=max_edge_px)
    return picture


def sniff(source: BinaryIO) -> str:
    """The name of the reader for these bytes, from the first 64 of them. Raises errors.ImageUnsupportedFormat, ImageUnreadable (no byte at
    all)."""
    source.seek(0)
    head = source.read(SNIFF_BYTES)
    source.seek(0)
    if not head:
        raise errors.ImageUnreadable
    for prefix, name in PREFIXES:
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADER_BYTES:
        return "BMP"
    raise unsupported()


def _sniff_brands(head: bytes) -> str:
    """AVIF or HEIF by the `ftyp` box (ISO/IEC 14496-12): the major brand decides, mif1 and msf1 leave it to the compatible ones."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {head[at : at + 4] for at in range(16, end - 3, 4)}
    if major in AVIF_BRANDS or (major in {b"mif1", b"msf1"} and brands & AVIF_BRANDS):
        return "AVIF"
    if major in HEIF_BRANDS:
        return "HEIF"
    raise unsupported()


def read_stored(picture: ImageFile.ImageFile) -> Stored:
    """How the opened, not yet loaded picture lies in its file; damaged EXIF counts as none."""
    try:
        return stored(picture)
    except PICTURE_ERRORS:
        return Stored(width_px=picture.width, height_px=picture.height, orientation=1)


def has_several_frames(picture: ImageFile.ImageFile) -> bool:
    """Whether there is more than the first frame, which is the only one that is used."""
    try:
        return bool(getattr(picture, "is_animated", False))
    except PICTURE_ERRORS:
        return False


def unsupported() -> errors.ImageUnsupportedFormat:
    return errors.ImageUnsupportedFormat(_("This kind of picture is not supported. Supported are: %(formats)s.") % {"formats": TAKEN})


def too_many_pixels(width_px: int, height_px: int, *, max_pixels: int, max_edge_px: int) -> errors.ImageTooManyPixels:
    text = _("This picture has %(width)s x %(height)s pixels; at most %(pixels)s, and %(edge)s along an edge, are taken.") % {
        "width": width_px,
        "height": height_px,
        "pixels": max_pixels,
        "edge": max_edge_px,
    }
    return errors.ImageTooManyPixels(text, max_pixels=max_pixels)
