"""What is taken, what is refused and with which error, before any pixel is decoded."""

from io import BytesIO

import pytest
from PIL import Image, ImageFile

from domain import errors
from domain.images.formats import CONTENT_TYPES, inspect
from tests.images.pictures import card, encoded, png_of_zeros, with_orientation

# Pillow warns of what is refused or passed over here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")


@pytest.fixture
def never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("HEIF", "image/heic"),
    ],
)
@pytest.mark.usefixtures("never_decoded")
def test_each_taken_format_is_told_by_its_bytes(kind: str, content_type: str) -> None:
    seen = inspect(encoded(card(120, 80), kind))
    assert (seen.format, seen.content_type, seen.width_px, seen.height_px, seen.frames) == (kind, content_type, 120, 80, 1)


@pytest.mark.usefixtures("never_decoded")
def test_a_picture_of_two_jpegs_is_an_mpo() -> None:
    source = encoded(card(), "MPO", save_all=True, append_images=[card()])
    seen = inspect(source)
    assert (seen.format, seen.frames) == ("MPO", 2)


def test_an_animation_tells_that_it_has_more_than_one_frame() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    assert inspect(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])).frames == 2


def test_the_orientation_is_told_and_the_size_is_as_stored() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        seen = inspect(with_orientation(card(120, 80), 6, kind))
        assert (seen.orientation, seen.width_px, seen.height_px) == (6, 120, 80), kind


@pytest.mark.parametrize(
    "data",
    [
        b"not a picture at all, only text that somebody sent",
        b"BM is how this letter begins, yet it is not a bitmap",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"8BPS\0\1" + b"\0" * 40,
        b"\0",
    ],
)
def test_what_is_no_taken_picture_is_refused_with_the_list_of_what_is(data: bytes) -> None:
    with pytest.raises(errors.ImageUnsupportedFormat, match=r"JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF"):
        inspect(BytesIO(data))


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "JPEG2000", "DDS", "PCX", "EPS", "PDF", "QOI"])
def test_pictures_that_pillow_could_read_but_nobody_takes_are_refused(kind: str) -> None:
    with pytest.raises(errors.ImageUnsupportedFormat):
        inspect(encoded(card(), kind))


def test_nothing_at_all_is_unreadable() -> None:
    with pytest.raises(errors.ImageUnreadable):
        inspect(BytesIO(b""))


@pytest.mark.parametrize("kind", sorted(set(CONTENT_TYPES) - {"MPO"}))
def test_a_header_that_breaks_off_is_unreadable(kind: str) -> None:
    data = encoded(card(), kind).getvalue()
    for size_bytes in (18, 24):
        with pytest.raises((errors.ImageUnreadable, errors.ImageUnsupportedFormat)):
            inspect(BytesIO(data[:size_bytes]))


@pytest.mark.usefixtures("never_decoded")
def test_a_small_file_with_169_million_pixels_is_refused() -> None:
    source = png_of_zeros(13_000, 13_000, depth=1, colour=0)
    assert len(source.getvalue()) < 200_000
    with pytest.raises(errors.ImageTooManyPixels, match="13000 x 13000"):
        inspect(source)


@pytest.mark.usefixtures("never_decoded")
def test_100_megapixels_in_20_kilobytes_are_refused() -> None:
    source = png_of_zeros(10_000, 10_000, depth=1, colour=0)
    assert len(source.getvalue()) < 20_000
    with pytest.raises(errors.ImageTooManyPixels):
        inspect(source)


@pytest.mark.usefixtures("never_decoded")
def test_more_pixels_than_pillow_itself_would_open_are_refused() -> None:
    with pytest.raises(errors.ImageTooManyPixels):
        inspect(png_of_zeros(60_000, 60_000, depth=1, colour=0))


def test_the_limit_is_the_callers() -> None:
    assert inspect(encoded(card(100, 100)), max_pixels=10_000).width_px == 100
    with pytest.raises(errors.ImageTooManyPixels):
        inspect(encoded(card(100, 101)), max_pixels=10_000)


def test_a_very_long_edge_is_refused_though_the_pixels_are_few() -> None:
    with pytest.raises(errors.ImageTooManyPixels):
        inspect(png_of_zeros(40_000, 2))


def test_a_size_of_nothing_is_unreadable() -> None:
    with pytest.raises(errors.ImageUnreadable):
        inspect(png_of_zeros(0, 10))


def test_damaged_exif_counts_as_none() -> None:
    source = encoded(card(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert inspect(source).orientation == 1
