"""What is made of a standard picture: its PNG, the model's JPEG, the thumbnail and a perceptual hash; knows nothing of where it came
from."""

from io import BytesIO

from PIL import Image

PNG_COMPRESS_LEVEL = 1
MODEL_EDGE_PX = 1024
MODEL_QUALITY = 90
THUMBNAIL_EDGE_PX = 256
THUMBNAIL_QUALITY = 82
HASH_SIZE = (9, 8)
WHITE = (255, 255, 255)


def fit(size: tuple[int, int], edge_px: int) -> tuple[int, int]:
    """The largest size of the same shape within `edge_px` squared; never larger than `size`, never below 1 pixel."""
    width_px, height_px = size
    longest = max(size)
    if longest <= edge_px:
        return size
    return max(round(width_px * edge_px / longest), 1), max(round(height_px * edge_px / longest), 1)


def bare(image: Image.Image) -> Image.Image:
    """The same pixels without anything beside them: Pillow writes an ICC profile or a comment that it finds in `info`."""
    if not image.info:
        return image
    clean = image.copy()
    clean.info = {}
    return clean


def png(image: Image.Image) -> bytes:
    """A PNG of RGB or RGBA pixels and nothing else. Level 1 costs a fifth of the default's time for a few per cent more bytes."""
    out = BytesIO()
    bare(image).save(out, "PNG", compress_level=PNG_COMPRESS_LEVEL)
    return out.getvalue()


def model_jpeg(image: Image.Image, edge_px: int = MODEL_EDGE_PX) -> bytes:
    """A JPEG for a model to look at, at most `edge_px` along an edge; transparency becomes white."""
    return _jpeg(smaller(image, edge_px), MODEL_QUALITY)


def thumbnail(image: Image.Image, edge_px: int = THUMBNAIL_EDGE_PX) -> bytes:
    """A small JPEG for lists; transparency becomes white."""
    return _jpeg(smaller(image, edge_px), THUMBNAIL_QUALITY)


def smaller(image: Image.Image, edge_px: int) -> Image.Image:
    """The picture within `edge_px` along both edges; the same object where it is."""
    size = fit(image.size, edge_px)
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def perceptual_hash(image: Image.Image) -> str:
    """64-bit difference hash as 16 hex digits: each bit says whether a pixel of the 9 x 8 grey picture is darker than its right
    neighbour."""
    grey = on_white(smaller(image, 64)).convert("L").resize(HASH_SIZE, Image.Resampling.BOX).tobytes()
    columns = HASH_SIZE[0]
    bits = 0
    for row in range(HASH_SIZE[1]):
        for column in range(columns - 1):
            at = row * columns + column
            bits = bits << 1 | (grey[at] < grey[at + 1])
    return f"{bits:016x}"


def hash_distance(one: str, other: str) -> int:
    """How many of the 64 bits differ: 0 for the same look, about 32 for strangers."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def on_white(image: Image.Image) -> Image.Image:
    """The picture as RGB, transparent parts white."""
    if image.mode != "RGBA":
        return image if image.mode == "RGB" else image.convert("RGB")
    ground = Image.new("RGB", image.size, WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    bare(on_white(image)).save(out, "JPEG", quality=quality)
    return out.getvalue()
