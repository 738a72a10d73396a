"""Brings decoded pixels of any kind to plain RGB or RGBA at a wanted size, with little memory; knows nothing of files or people."""

import math
from io import BytesIO

from PIL import Image, ImageCms

from domain.images.orientation import Box, Size

Part = tuple[float, float, float, float]

BAND_PX = 4_000_000
MAX_PROFILE_BYTES = 4 * 1024 * 1024
SIXTEEN_BIT_STEP = 1 / 256
SIXTEEN_BIT_MAX = 65_535

PROFILE_ERRORS = (OSError, ValueError, TypeError, ImageCms.PyCMSError)
# The colour space that a profile must have to fit the pixels (ICC.1:2022, data colour space signatures).
PROFILE_SPACES = {"L": "GRAY", "LA": "GRAY", "RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK"}


def shrink(image: Image.Image, part: Part, size: Size) -> Image.Image:
    """The `part` of the picture at `size` (never larger than the part), in mode L, LA, RGB, RGBA or CMYK.

    Where it gets smaller by two or more, whole pixels are averaged first, band by band, so that converting a large picture never takes a
    second copy of it.
    """
    levels = _levels(image)
    left, top, right, bottom = part
    box = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
    factor = max(min(int((right - left) / size[0]), int((bottom - top) / size[1])), 1)
    cropped = image if factor > 1 or box == (0, 0, *image.size) else image.crop(box)
    reduced = _reduce_in_bands(image, box, factor, levels) if factor > 1 else plain(cropped, levels)
    exact = ((left - box[0]) / factor, (top - box[1]) / factor, (right - box[0]) / factor, (bottom - box[1]) / factor)
    if reduced.size == size and exact == (0.0, 0.0, float(size[0]), float(size[1])):
        return reduced
    return reduced.resize(size, Image.Resampling.LANCZOS, box=exact)


def _reduce_in_bands(image: Image.Image, box: Box, factor: int, levels: tuple[float, float] | None) -> Image.Image:
    left, top, right, bottom = box
    rows = max(BAND_PX // (right - left) // factor, 1) * factor
    whole: Image.Image | None = None
    for upper in range(top, bottom, rows):
        band = plain(image.crop((left, upper, right, min(upper + rows, bottom))), levels).reduce(factor)
        if whole is None:
            whole = Image.new(band.mode, (band.width, -(-(bottom - top) // factor)))
        whole.paste(band, (0, (upper - top) // factor))
    if whole is None:
        raise ValueError("an empty box")
    return whole


def _levels(image: Image.Image) -> tuple[float, float] | None:
    """Scale and offset that bring grey values of more than 8 bits to 0..255; None where there is nothing to scale.

    Integers within 16 bits are taken for 16-bit grey. Anything else has no agreed white, so the darkest value becomes 0 and the lightest
    255.
    """
    if image.mode.startswith("I;16"):
        return SIXTEEN_BIT_STEP, 0.0
    if image.mode not in {"I", "F"}:
        return None
    low, high = image.getextrema()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    if image.mode == "I" and low >= 0 and high <= SIXTEEN_BIT_MAX:
        return SIXTEEN_BIT_STEP, 0.0
    span = high - low
    if not 0 < span < float("inf"):
        return 0.0, 0.0
    return 255 / span, -low * 255 / span


def plain(image: Image.Image, levels: tuple[float, float] | None = None) -> Image.Image:
    """The same picture in mode L, LA, RGB, RGBA or CMYK: no palette, no more than 8 bits, transparency as alpha."""
    if levels is not None:
        scale, offset = levels
        # Pillow scales only native 16-bit, "I" and "F"; the other byte orders go through "I".
        wide = image if image.mode in {"I;16", "I", "F"} else image.convert("I")
        return wide.point(lambda value: value * scale + offset).convert("L")
    see_through = "transparency" in image.info
    match image.mode:
        case "RGB" | "P" | "PA" if see_through or image.mode == "PA":
            return image.convert("RGBA")
        case "1" | "L" if see_through:
            return image.convert("LA")
        case "1":
            return image.convert("L")
        case "La":
            return image.convert("LA")
        case "RGBa":
            return image.convert("RGBA")
        case "LAB":
            return _from_lab(image)
        case "L" | "LA" | "RGB" | "RGBA" | "CMYK":
            return image
        case _:
            return image.convert("RGB")


def _from_lab(image: Image.Image) -> Image.Image:
    turned = ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB")
    if turned is None:
        raise ValueError("no conversion from Lab")
    return turned


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """The picture as RGB or RGBA in sRGB, and what was done: "" (nothing to do), "converted" or "ignored" (a profile that is broken or
    doesn't fit)."""
    done = ""
    if profile:
        converted = _by_profile(image, profile)
        done = "ignored" if converted is None else "" if converted is image else "converted"
        image = converted or image
    image = image if image.mode in {"RGB", "RGBA"} else image.convert("RGBA" if image.mode == "LA" else "RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    return image, done


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert by an embedded ICC profile; the same object if it is sRGB already, None if it can't be used."""
    if len(profile) > MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != PROFILE_SPACES[image.mode]:
            return None
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        # LittleCMS has no grey with alpha: the grey is converted and the alpha put back.
        alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
        colours = image.convert({"LA": "L", "RGBA": "RGB"}[image.mode]) if alpha else image
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except PROFILE_ERRORS:
        return None
    if converted is not None and alpha is not None:
        converted.putalpha(alpha)
    return converted
