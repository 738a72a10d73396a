"""The eight ways in which a picture can lie, and how to get from one to another; knows nothing of files or colours."""

from dataclasses import dataclass

from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from domain.images.heif_boxes import turns_itself

Size = tuple[int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Turn:
    """A quarter turn or mirroring: the matrix ((a, b), (c, d)) takes a stored point, measured from the centre with y down, to where it is
    shown."""

    a: int = 1
    b: int = 0
    c: int = 0
    d: int = 1

    @property
    def swaps(self) -> bool:
        """Whether width becomes height."""
        return self.a == 0

    def then(self, later: "Turn") -> "Turn":
        """This turn followed by `later`."""
        return Turn(
            a=later.a * self.a + later.b * self.c,
            b=later.a * self.b + later.b * self.d,
            c=later.c * self.a + later.d * self.c,
            d=later.c * self.b + later.d * self.d,
        )

    def inverse(self) -> "Turn":
        return Turn(a=self.a, b=self.c, c=self.b, d=self.d)

    def size(self, size: Size) -> Size:
        """The size that a picture of `size` has after this turn."""
        return (size[1], size[0]) if self.swaps else size

    def box(self, box: Box, size: Size) -> Box:
        """Where `box` (left, top, right, bottom) of a picture of `size` lies after this turn."""
        width, height = size
        turned_width, turned_height = self.size(size)
        # Doubled coordinates keep the centre of an odd edge a whole number.
        corners = [(2 * x - width, 2 * y - height) for x, y in (box[:2], box[2:])]
        xs = sorted((self.a * x + self.b * y + turned_width) // 2 for x, y in corners)
        ys = sorted((self.c * x + self.d * y + turned_height) // 2 for x, y in corners)
        return xs[0], ys[0], xs[1], ys[1]

    def apply(self, image: Image.Image) -> Image.Image:
        """The turned picture; the same object where there is nothing to turn."""
        operation = OPERATIONS[self]
        return image if operation is None else image.transpose(operation)


UPRIGHT = Turn()
MIRRORED = Turn(-1, 0, 0, 1)
UPSIDE_DOWN = Turn(1, 0, 0, -1)
QUARTER = Turn(0, -1, 1, 0)

OPERATIONS: dict[Turn, Image.Transpose | None] = {
    UPRIGHT: None,
    MIRRORED: Image.Transpose.FLIP_LEFT_RIGHT,
    UPSIDE_DOWN: Image.Transpose.FLIP_TOP_BOTTOM,
    Turn(-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    QUARTER: Image.Transpose.ROTATE_270,
    Turn(0, 1, -1, 0): Image.Transpose.ROTATE_90,
    Turn(0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    Turn(0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}

# What turns a stored picture right, by the value of tag 0x0112 (Exif 2.32, 4.6.4 A).
EXIF_TURNS: dict[int, Turn] = {
    1: UPRIGHT,
    2: MIRRORED,
    3: Turn(-1, 0, 0, -1),
    4: UPSIDE_DOWN,
    5: Turn(0, 1, 1, 0),
    6: QUARTER,
    7: Turn(0, -1, -1, 0),
    8: Turn(0, 1, -1, 0),
}


def clockwise(degrees: int) -> Turn:
    """The turn by a multiple of 90 degrees."""
    turn = UPRIGHT
    for _quarter in range(degrees // 90 % 4):
        turn = turn.then(QUARTER)
    return turn


@dataclass(frozen=True)
class Stored:
    """A picture as it lies in its file: pixels before turning, and the EXIF orientation that turns it right."""

    width_px: int
    height_px: int
    orientation: int

    @property
    def size(self) -> Size:
        return self.width_px, self.height_px


def stored(picture: ImageFile.ImageFile) -> Stored:
    """Read size and orientation of an opened picture that isn't loaded yet.

    Only EXIF counts, not the copy in XMP: viewers go by EXIF, so that is what the person saw. An absent or unknown value is 1. Raises what
    Pillow raises on damaged EXIF.
    """
    width_px, height_px = picture.size
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        # Pillow tells the turned size of a TIFF, goes by XMP where the tag is missing, and turns when it loads (see `load_as_stored`).
        if picture.tag_v2.get(ExifTags.Base.Orientation) in {5, 6, 7, 8}:
            width_px, height_px = height_px, width_px
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    else:
        value = _exif_orientation(picture)
    orientation = value if isinstance(value, int) and value in EXIF_TURNS else 1
    return Stored(width_px=width_px, height_px=height_px, orientation=orientation)


def _exif_orientation(picture: ImageFile.ImageFile) -> object:
    """The value of the tag, or 1. The HEIF reader sets it to 1 and keeps what it was, though it turns only by the file's own properties."""
    if not picture.info.get("exif"):
        return 1
    exif = Image.Exif()
    exif.load(picture.info["exif"])
    value = exif.get(ExifTags.Base.Orientation, 1)
    if picture.format == "HEIF" and ExifTags.Base.Orientation in exif and not turns_itself(_bytes(picture)):
        value = picture.info.get("original_orientation") or value
    return value


def _bytes(picture: ImageFile.ImageFile) -> bytes:
    if picture.fp is None:
        return b""
    picture.fp.seek(0)
    return picture.fp.read()


def load_as_stored(picture: ImageFile.ImageFile, lies: Stored) -> Image.Image:
    """Decode the whole picture, unturned in every format. Raises what Pillow raises on damaged bytes."""
    picture.load()
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        return EXIF_TURNS[lies.orientation].inverse().apply(picture)
    return picture
