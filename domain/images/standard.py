"""Turns any accepted picture into the standard one, in one decode: PNG, model's JPEG, thumbnail, hashes; knows no row, no person and no
storage."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from PIL import Image, ImageFile

from domain import errors
from domain.images import formats, pixels, png_chunks, renditions
from domain.images.exif import ExifFacts, read_exif
from domain.images.orientation import Box, Size, Stored, load_as_stored
from domain.images.transformations import Transformations

STANDARD_EDGE_PX = 2560
READ_BYTES = 1024 * 1024


class Conversion(StrEnum):
    """Whether a new PNG was made or the upload already was one; the words of a job's `image_conversion_status`."""

    COMPLETED = "completed"
    UNNECESSARY = "unnecessary"


class Step(StrEnum):
    """What was done to a picture."""

    EXIF_TURNED = "exif_turned"
    ROTATED = "rotated"
    FLIPPED = "flipped"
    CROPPED = "cropped"
    RESIZED = "resized"
    COLOURS_CONVERTED = "colours_converted"


class Warned(StrEnum):
    """What was lost on the way."""

    FIRST_FRAME_ONLY = "first_frame_only"
    COLOUR_PROFILE_IGNORED = "colour_profile_ignored"


@dataclass(frozen=True)
class StandardImage:
    """A standard picture with what was made of it. Sizes in pixels and bytes; checksums are SHA-256 in hex.

    `png` holds RGB or RGBA pixels, at most 2560 x 2560 and never enlarged, and no metadata; `checksum` is its own, `original_checksum` the
    upload's. `original_width_px` and `original_height_px` are as stored in the upload, before turning. `perceptual_hash` is the dHash of
    `renditions`.
    """

    png: bytes
    png_width_px: int
    png_height_px: int
    checksum: str
    model_jpeg: bytes
    thumbnail: bytes
    perceptual_hash: str
    original_format: str
    original_width_px: int
    original_height_px: int
    original_size_bytes: int
    original_checksum: str
    conversion: Conversion
    transformations: Transformations
    exif: ExifFacts
    steps: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Picture:
    """A picture at its standard size, turned, in RGB or RGBA."""

    image: Image.Image
    stored: Stored
    format: str
    exif: ExifFacts
    steps: tuple[str, ...]
    warnings: tuple[str, ...]


def standardise(
    source: BinaryIO,
    *,
    transformations: Transformations | None = None,
    max_pixels: int = formats.MAX_PIXELS,
    max_edge_px: int = formats.MAX_EDGE_PX,
    model_edge_px: int = renditions.MODEL_EDGE_PX,
) -> StandardImage:
    """Decode the picture in `source` (seekable) once, whole, and make everything of it. Slow and hungry: never in an event loop or a
    transaction.

    Raises errors.ImageUnsupportedFormat, ImageTooManyPixels (both before decoding), ImageUnreadable (also for a file that ends too early),
    and errors.Invalid for a crop that leaves the picture.
    """
    wish = transformations or Transformations()
    original_checksum, original_size_bytes = _digest(source)
    picture = _decode(source, wish, max_pixels=max_pixels, max_edge_px=max_edge_px)
    unchanged = not picture.steps and not picture.warnings and picture.format == "PNG" and png_chunks.is_bare(source)
    png = _whole(source) if unchanged else renditions.png(picture.image)
    return StandardImage(
        png=png,
        png_width_px=picture.image.width,
        png_height_px=picture.image.height,
        checksum=original_checksum if unchanged else hashlib.sha256(png).hexdigest(),
        model_jpeg=renditions.model_jpeg(picture.image, model_edge_px),
        thumbnail=renditions.thumbnail(picture.image),
        perceptual_hash=renditions.perceptual_hash(picture.image),
        original_format=picture.format,
        original_width_px=picture.stored.width_px,
        original_height_px=picture.stored.height_px,
        original_size_bytes=original_size_bytes,
        original_checksum=original_checksum,
        conversion=Conversion.UNNECESSARY if unchanged else Conversion.COMPLETED,
        transformations=wish,
        exif=picture.exif,
        steps=picture.steps,
        warnings=picture.warnings,
    )


def _decode(source: BinaryIO, wish: Transformations, *, max_pixels: int, max_edge_px: int) -> _Picture:
    opened = formats.open_picture(source, max_pixels=max_pixels, max_edge_px=max_edge_px)
    name = opened.format or ""
    lies = formats.read_stored(opened)
    facts = read_exif(opened)
    several = formats.has_several_frames(opened)
    profile = opened.info.get("icc_profile")
    box = wish.box(lies.size, orientation=lies.orientation)
    size = renditions.fit((box[2] - box[0], box[3] - box[1]), STANDARD_EDGE_PX)
    if name == "PNG" and not png_chunks.is_whole(source):
        raise errors.ImageUnreadable
    try:
        raw, drawn = _load(opened, lies, box, size)
        small = pixels.shrink(raw, drawn, size)
        # Turned after shrinking, because turning fewer pixels is cheaper.
        image, colours = pixels.to_srgb(wish.turn(lies.orientation).apply(small), profile if isinstance(profile, bytes) else None)
    except formats.BOMBS:
        raise errors.ImageTooManyPixels(max_pixels=max_pixels) from None
    except formats.PICTURE_ERRORS:
        raise errors.ImageUnreadable from None
    return _Picture(
        image=renditions.bare(image),
        stored=lies,
        format=name,
        exif=facts,
        steps=_steps(wish, lies, resized=size != (box[2] - box[0], box[3] - box[1]), converted=colours == "converted"),
        warnings=_warnings(several=several, profile_ignored=colours == "ignored"),
    )


def _load(opened: ImageFile.ImageFile, lies: Stored, box: Box, size: Size) -> tuple[Image.Image, pixels.Part]:
    """Decode all of the file, and give the box in the decoded picture's pixels; a JPEG is decoded at 1/1 to 1/8 of its size, whichever
    suffices."""
    if opened.format not in {"JPEG", "MPO"}:
        raw = load_as_stored(opened, lies)
        if raw.size != lies.size:
            raise ValueError("the header told another size")
        return raw, box
    scale = min((box[2] - box[0]) // size[0], (box[3] - box[1]) // size[1], 8)
    drafted = opened.draft(None, (max(lies.width_px // scale, 1), max(lies.height_px // scale, 1))) if scale > 1 else None
    opened.load()
    ratio = drafted[1][2] / lies.width_px if drafted else 1.0
    left, top, right, bottom = (edge * ratio for edge in box)
    return opened, (left, top, min(right, opened.width), min(bottom, opened.height))


def _steps(wish: Transformations, lies: Stored, *, resized: bool, converted: bool) -> tuple[str, ...]:
    done = {
        Step.EXIF_TURNED: wish.exif_rotation and lies.orientation != 1,
        Step.ROTATED: wish.rotation != 0,
        Step.FLIPPED: wish.flip_horizontal or wish.flip_vertical,
        Step.CROPPED: wish.crop is not None
        and (wish.crop.x, wish.crop.y, *wish.crop.box[2:]) != (0, 0, *wish.turn(lies.orientation).size(lies.size)),
        Step.RESIZED: resized,
        Step.COLOURS_CONVERTED: converted,
    }
    return tuple(step.value for step, was_done in done.items() if was_done)


def _warnings(*, several: bool, profile_ignored: bool) -> tuple[str, ...]:
    seen = {Warned.FIRST_FRAME_ONLY: several, Warned.COLOUR_PROFILE_IGNORED: profile_ignored}
    return tuple(warning.value for warning, was_seen in seen.items() if was_seen)


def _digest(source: BinaryIO) -> tuple[str, int]:
    """SHA-256 in hex and size in bytes of everything in `source`."""
    source.seek(0)
    digest = hashlib.sha256()
    size_bytes = 0
    while part := source.read(READ_BYTES):
        digest.update(part)
        size_bytes += len(part)
    return digest.hexdigest(), size_bytes


def _whole(source: BinaryIO) -> bytes:
    source.seek(0)
    return source.read()
