"""Pictures for the tests, made by Pillow: a card whose four corners and centre tell how it lies, in any format, mode and orientation."""

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageDraw

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 40), (30, 40, 220), (230, 220, 30)
# Tags by their numbers, so that the tests don't share the code's names for them.
ORIENTATION = 0x0112


def card(width_px: int = 120, height_px: int = 80) -> Image.Image:
    """Red, green, blue and yellow quarters, clockwise from the upper left."""
    image = Image.new("RGB", (width_px, height_px), RED)
    draw = ImageDraw.Draw(image)
    half_x, half_y = width_px // 2, height_px // 2
    draw.rectangle((half_x, 0, width_px, half_y - 1), GREEN)
    draw.rectangle((half_x, half_y, width_px, height_px), BLUE)
    draw.rectangle((0, half_y, half_x - 1, height_px), YELLOW)
    return image


def photo(width_px: int, height_px: int) -> Image.Image:
    """Something with the detail of a photo: smooth shades with grain."""
    shades = [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L").rotate(90)]
    smooth = Image.merge("RGB", shades).resize((width_px, height_px))
    grain = Image.effect_noise((width_px, height_px), 24).convert("RGB")
    return Image.blend(smooth, grain, 0.2)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> BytesIO:
    out = BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    return out


def with_orientation(image: Image.Image, value: int, kind: str = "JPEG", **options: object) -> BytesIO:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return encoded(image, kind, exif=exif, **options)


def as_stored(upright: Image.Image, orientation: int) -> Image.Image:
    """How a camera that writes `orientation` stores a scene that is upright as given (Exif 2.32: row 0 and column 0 by value)."""
    width_px, height_px = upright.size
    swapped = orientation >= 5
    stored = Image.new(upright.mode, (height_px, width_px) if swapped else upright.size)
    for y in range(height_px):
        for x in range(width_px):
            right, down = width_px - 1 - x, height_px - 1 - y
            place = {
                1: (x, y),
                2: (right, y),
                3: (right, down),
                4: (x, down),
                5: (y, x),
                6: (y, right),
                7: (down, right),
                8: (down, x),
            }[orientation]
            stored.putpixel(place, upright.getpixel((x, y)))
    return stored


def corners(image: Image.Image) -> list[str]:
    """The colours near the four corners, clockwise from the upper left."""
    width_px, height_px = image.size
    x, y = max(width_px // 8, 1), max(height_px // 8, 1)
    rgb = image.convert("RGB")
    return [
        _name(rgb.getpixel(at)) for at in ((x, y), (width_px - 1 - x, y), (width_px - 1 - x, height_px - 1 - y), (x, height_px - 1 - y))
    ]


def _name(colour: tuple[int, ...]) -> str:
    names = {"red": RED, "green": GREEN, "blue": BLUE, "yellow": YELLOW}
    return min(names, key=lambda name: sum((a - b) ** 2 for a, b in zip(colour, names[name], strict=True)))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_zeros(width_px: int, height_px: int, depth: int = 8, colour: int = 2) -> BytesIO:
    """A valid PNG that is small whatever its size: rows of zeros, compressed twice as hard as any photo."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = b"\0" * (1 + (width_px * channels * depth + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height_px)) + packer.flush()
    header = struct.pack(">IIBBBBB", width_px, height_px, depth, colour, 0, 0, 0)
    return BytesIO(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def chunk_kinds(png: bytes) -> set[bytes]:
    kinds, at = set(), 8
    while at < len(png):
        size_bytes = int.from_bytes(png[at : at + 4], "big")
        kinds.add(png[at + 4 : at + 8])
        at += 12 + size_bytes
    return kinds


def heic_turning_itself(image: Image.Image, quarters_counter_clockwise: int) -> BytesIO:
    """A HEIC as phones write it: EXIF orientation 6 beside the file's own rotation property (`irot`), which is what counts.

    The encoder writes no such property, so it is put in: appended to `ipco`, named in `ipma`, and all that lies behind it moves.
    """
    data = with_orientation(image, 6, "HEIF").getvalue()
    irot = struct.pack(">I", 9) + b"irot" + bytes([quarters_counter_clockwise])
    grown = {b"meta": len(irot) + 1, b"iprp": len(irot) + 1, b"ipco": len(irot), b"ipma": 1}
    for kind, more_bytes in grown.items():
        at = data.index(kind) - 4
        data = data[:at] + struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + more_bytes) + data[at + 4 :]
    ipma = data.index(b"ipma") - 4
    # version and flags, one entry, item 1, then the number of associations and one byte for each.
    count_at = ipma + 8 + 4 + 4 + 2
    count = data[count_at]
    entry = bytes([count + 1]) + data[count_at + 1 : count_at + 1 + count] + bytes([0x80 | (count + 1)])
    data = data[:ipma] + irot + data[ipma:count_at] + entry + data[count_at + 1 + count :]
    return BytesIO(_with_moved_extents(data, len(irot) + 1))


def _with_moved_extents(data: bytes, by_bytes: int) -> bytes:
    at = data.index(b"iloc") + 8
    items = int.from_bytes(data[at + 2 : at + 4], "big")
    at += 4
    for _item in range(items):
        # Items of one extent, behind id, reference, base offset and count; the encoder writes 4-byte offsets.
        offset_at = at + 2 + 2 + 4 + 2
        moved = int.from_bytes(data[offset_at : offset_at + 4], "big") + by_bytes
        data = data[:offset_at] + struct.pack(">I", moved) + data[offset_at + 4 :]
        at = offset_at + 8
    return data
