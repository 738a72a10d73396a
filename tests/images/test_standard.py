"""The standard PNG from every kind of upload: right colours, bounded size, nothing beside the pixels; damaged files are refused whole."""

import hashlib
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageCms, PngImagePlugin

from domain import errors
from domain.images.standard import Conversion, StandardImage, standardise
from domain.images.transformations import Crop, Transformations
from tests.images.pictures import RED, card, chunk_kinds, corners, encoded, photo, png_of_zeros, with_orientation

AROUND = ["red", "green", "blue", "yellow"]
PIXELS_ONLY = {b"IHDR", b"IDAT", b"IEND"}


def opened(made: StandardImage) -> Image.Image:
    image = Image.open(BytesIO(made.png))
    assert image.size == (made.png_width_px, made.png_height_px)
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF", "MPO"])
def test_every_taken_format_becomes_a_png_of_pixels_alone(kind: str) -> None:
    made = standardise(encoded(card(), kind, **({"save_all": True, "append_images": [card()]} if kind == "MPO" else {})))
    assert made.original_format == kind
    assert (made.original_width_px, made.original_height_px) == (120, 80)
    assert opened(made).mode == "RGB"
    assert opened(made).size == (120, 80)
    assert corners(opened(made)) == AROUND
    assert chunk_kinds(made.png) == PIXELS_ONLY


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("WEBP", {"lossless": True}),
        ("PNG", {"optimize": True}),
    ],
)
def test_the_ways_of_packing_make_no_difference(kind: str, options: dict[str, object]) -> None:
    assert corners(opened(standardise(encoded(card(), kind, **options)))) == AROUND


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("P", "PNG"),
        ("P", "GIF"),
        ("YCbCr", "JPEG"),
        ("LAB", "TIFF"),
        ("RGBX", "TIFF"),
        ("P", "BMP"),
        ("P", "TIFF"),
    ],
)
def test_every_kind_of_colour_comes_out_right(mode: str, kind: str) -> None:
    source = card()
    if mode == "LAB":
        source = ImageCms.profileToProfile(source, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    else:
        source = source.quantize(8) if mode == "P" else source.convert(mode)
    image = opened(standardise(encoded(source, kind)))
    assert image.mode == "RGB"
    assert corners(image) == AROUND


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_shades(kind: str) -> None:
    shades = Image.new("I;16", (256, 8))
    for x in range(256):
        for y in range(8):
            shades.putpixel((x, y), x * 257)
    image = opened(standardise(encoded(shades, kind)))
    assert [image.getpixel((x, 4)) for x in (0, 1, 100, 255)] == [(0, 0, 0), (1, 1, 1), (100, 100, 100), (255, 255, 255)]


def test_32_bit_and_float_grey_are_stretched_to_what_can_be_seen() -> None:
    for mode, light in (("I", 10_000_000), ("F", 0.25)):
        shades = Image.new(mode, (8, 8))
        shades.paste(light, (4, 0, 8, 8))
        image = opened(standardise(encoded(shades, "TIFF")))
        assert image.getpixel((1, 1)) == (0, 0, 0), mode
        assert image.getpixel((6, 1)) == (255, 255, 255), mode


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_black_and_white_become_rgb(mode: str) -> None:
    source = Image.new(mode, (20, 10), 0)
    source.paste(255, (10, 0, 20, 10))
    image = opened(standardise(encoded(source)))
    assert image.mode == "RGB"
    assert image.getpixel((2, 2)) == (0, 0, 0)
    assert image.getpixel((17, 2)) == (255, 255, 255)


def see_through(mode: str) -> Image.Image:
    source = card().convert("RGBA")
    source.putalpha(Image.new("L", source.size, 255))
    source.paste((0, 0, 0, 0), (40, 30, 80, 50))
    if mode == "P":
        return source.quantize(16)
    return source.convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGBA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "AVIF"), ("RGBA", "TIFF"), ("RGBA", "HEIF"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "GIF")],
)
def test_transparency_is_kept(mode: str, kind: str) -> None:
    image = opened(standardise(encoded(see_through(mode), kind)))
    assert image.mode == "RGBA"
    assert image.getpixel((60, 40))[3] == 0
    assert image.getpixel((5, 5))[3] == 255
    if mode != "LA":
        assert corners(image) == AROUND


def test_a_transparent_colour_of_a_png_becomes_alpha() -> None:
    for mode, colour in (("RGB", RED), ("L", 7)):
        source = Image.new(mode, (8, 8), colour)
        source.paste((1, 2, 3) if mode == "RGB" else 200, (4, 0, 8, 8))
        image = opened(standardise(encoded(source, transparency=colour)))
        assert (image.getpixel((1, 1))[3], image.getpixel((6, 6))[3]) == (0, 255)


def test_alpha_that_hides_nothing_is_dropped() -> None:
    assert opened(standardise(encoded(card().convert("RGBA"), "TIFF"))).mode == "RGB"


def test_only_the_first_frame_of_an_animation_counts_and_it_is_said() -> None:
    frames = [card(), Image.new("RGB", (120, 80), "black")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        made = standardise(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert corners(opened(made)) == AROUND, kind
        assert made.warnings == ("first_frame_only",), kind


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((2_560, 2_560), (2_560, 2_560)),
        ((2_561, 100), (2_560, 100)),
        ((100, 6_000), (43, 2_560)),
        ((5_120, 2_560), (2_560, 1_280)),
        ((9_000, 1), (2_560, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_larger_pictures_shrink_to_2560_and_keep_their_shape(kind: str, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert opened(standardise(encoded(Image.new("RGB", size, RED), kind))).size == wanted


def test_small_pictures_are_never_enlarged() -> None:
    for size in ((1, 1), (3, 2), (2_559, 10)):
        assert opened(standardise(encoded(Image.new("RGB", size, RED), "JPEG"))).size == size


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGB", "JPEG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("I;16", "PNG")]
)
def test_shrinking_far_keeps_each_part_where_it_was(mode: str, kind: str) -> None:
    large = card(6_000, 5_000)
    source = {"P": lambda: large.quantize(8), "I;16": lambda: large.convert("L").convert("I").point(lambda v: v * 257).convert("I;16")}
    made = standardise(encoded(source[mode]() if mode in source else large.convert(mode), kind))
    image = opened(made)
    assert image.size == (2_560, 2_133)
    expected = (large.convert("L") if mode in {"L", "I;16"} else large).convert("RGB").resize(image.size)
    difference = ImageChops.difference(image.convert("RGB"), expected).resize((256, 213), Image.Resampling.BOX)
    assert max(high for _low, high in difference.getextrema()) < 60
    assert "resized" in made.steps


def test_nothing_of_the_metadata_is_left() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x010E] = "SecretMaker", "SecretPlace"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    beside = {"exif": exif, "icc_profile": profile, "xmp": b"<x>SecretTag</x>", "comment": b"SecretComment", "dpi": (300, 300)}
    for kind in ("JPEG", "WEBP", "AVIF", "TIFF"):
        made = standardise(
            encoded(card(), kind, **{name: value for name, value in beside.items() if kind != "TIFF" or name in {"exif", "icc_profile"}})
        )
        assert chunk_kinds(made.png) == PIXELS_ONLY, kind
        for made_bytes in (made.png, made.model_jpeg, made.thumbnail):
            assert b"Secret" not in made_bytes, kind
            assert Image.open(BytesIO(made_bytes)).getexif() == {}, kind
            assert "icc_profile" not in Image.open(BytesIO(made_bytes)).info, kind


def test_texts_of_a_png_are_not_left() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "SecretComment")
    made = standardise(encoded(card(), pnginfo=texts))
    assert made.conversion is Conversion.COMPLETED
    assert chunk_kinds(made.png) == PIXELS_ONLY


def test_a_profile_that_does_not_fit_is_passed_over_and_it_is_said() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert standardise(encoded(card(), "JPEG", icc_profile=lab)).warnings == ("colour_profile_ignored",)
    assert standardise(encoded(card(), "JPEG", icc_profile=b"no profile at all")).warnings == ("colour_profile_ignored",)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = standardise(encoded(card(), "JPEG", icc_profile=srgb))
    assert made.warnings == ()
    assert corners(opened(made)) == AROUND


def swapped_profile() -> bytes:
    """A monitor profile whose red is sRGB's green and the reverse, under a name of its own."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    return profile.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("RGB", "WEBP"), ("RGB", "HEIF")]
)
def test_colours_are_converted_to_srgb_by_the_embedded_profile(mode: str, kind: str) -> None:
    source = see_through("RGBA") if mode == "RGBA" else card().quantize(8) if mode == "P" else card()
    made = standardise(encoded(source, kind, icc_profile=swapped_profile()))
    assert made.steps == ("colours_converted",)
    assert corners(opened(made)) == ["green", "red", "blue", "yellow"]
    assert opened(made).mode == ("RGBA" if mode == "RGBA" else "RGB")
    assert chunk_kinds(made.png) == PIXELS_ONLY


def test_a_standard_png_stays_as_it_is_to_the_byte() -> None:
    for mode in ("RGB", "RGBA"):
        source = see_through("RGBA").convert(mode)
        data = encoded(source, compress_level=9).getvalue()
        made = standardise(BytesIO(data))
        assert made.conversion is Conversion.UNNECESSARY
        assert made.png == data
        assert made.checksum == made.original_checksum == hashlib.sha256(data).hexdigest()


def test_what_is_nearly_a_standard_png_is_converted() -> None:
    bare = encoded(card()).getvalue()
    nearly = {
        "bytes behind its end": (bare + b"hidden", {}),
        "an orientation": (with_orientation(card(), 1, "PNG").getvalue(), {}),
        "a palette": (encoded(card().quantize(8)).getvalue(), {}),
        "too large": (encoded(card(2_600, 10)).getvalue(), {}),
        "a turn": (bare, {"rotation": 90}),
        "a crop": (bare, {"crop": Crop(x=1, y=0, width=10, height=10)}),
        "16 bits": (png_of_zeros(8, 8, depth=16).getvalue(), {}),
    }
    for what, (data, wish) in nearly.items():
        made = standardise(BytesIO(data), transformations=Transformations(**wish))
        assert made.conversion is Conversion.COMPLETED, what
        assert chunk_kinds(made.png) == PIXELS_ONLY, what
        assert b"hidden" not in made.png


def test_a_standard_image_converted_again_is_unchanged() -> None:
    first = standardise(encoded(photo(700, 500), "JPEG"))
    assert standardise(BytesIO(first.png)).conversion is Conversion.UNNECESSARY


def test_checksums_and_sizes_are_those_of_the_bytes() -> None:
    data = encoded(card(), "JPEG").getvalue()
    made = standardise(BytesIO(data))
    assert made.original_checksum == hashlib.sha256(data).hexdigest()
    assert made.original_size_bytes == len(data)
    assert made.checksum == hashlib.sha256(made.png).hexdigest()


def test_the_same_upload_gives_the_same_png() -> None:
    data = encoded(photo(300, 200), "JPEG").getvalue()
    assert standardise(BytesIO(data)).checksum == standardise(BytesIO(data)).checksum


def test_the_steps_tell_what_was_done() -> None:
    wish = Transformations(rotation=90, flip_vertical=True, crop=Crop(x=0, y=0, width=10, height=10))
    assert standardise(with_orientation(card(), 6), transformations=wish).steps == ("exif_turned", "rotated", "flipped", "cropped")
    assert standardise(encoded(card(), "JPEG")).steps == ()
    whole = Transformations(crop=Crop(x=0, y=0, width=120, height=80))
    assert standardise(encoded(card(), "JPEG"), transformations=whole).steps == ()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_a_file_that_ends_too_early_is_unreadable(kind: str, kept: float) -> None:
    data = encoded(photo(400, 300), kind).getvalue()
    with pytest.raises(errors.ImageUnreadable):
        standardise(BytesIO(data[: int(len(data) * kept)]))


def test_a_large_jpeg_that_ends_too_early_is_unreadable_though_it_is_decoded_small() -> None:
    data = encoded(photo(6_000, 4_000), "JPEG").getvalue()
    with pytest.raises(errors.ImageUnreadable):
        standardise(BytesIO(data[: len(data) * 9 // 10]))


def test_a_png_with_spoilt_pixels_is_unreadable() -> None:
    data = encoded(photo(400, 300)).getvalue()
    for tenth in range(1, 10):
        at = len(data) * tenth // 10
        with pytest.raises(errors.ImageUnreadable):
            standardise(BytesIO(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]))
    with pytest.raises(errors.ImageUnreadable):
        standardise(BytesIO(data[:-1]))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_limits_hold_here_too() -> None:
    with pytest.raises(errors.ImageTooManyPixels):
        standardise(png_of_zeros(13_000, 13_000, depth=1, colour=0))
    with pytest.raises(errors.ImageTooManyPixels):
        standardise(encoded(card(11, 10)), max_pixels=100)
    with pytest.raises(errors.ImageUnsupportedFormat):
        standardise(BytesIO(b"words"))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF"])
def test_damage_anywhere_is_refused_or_survived_and_never_anything_else(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a heron"
    data = encoded(card(40, 30), kind, exif=exif).getvalue() if kind not in {"GIF", "BMP"} else encoded(card(40, 30), kind).getvalue()
    for at in range(0, min(len(data), 400)):
        for value in (0x00, 0xFF):
            damaged = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                standardise(BytesIO(damaged), max_pixels=100_000)
            except (errors.ImageUnreadable, errors.ImageUnsupportedFormat, errors.ImageTooManyPixels):
                continue
