"""What a client may ask for, what is refused and at which field, and that crops fall where the person drew them."""

import json
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from domain import errors
from domain.images.orientation import EXIF_TURNS
from domain.images.standard import standardise
from domain.images.transformations import Crop, Transformations
from tests.images.pictures import as_stored, card, corners, encoded, with_orientation

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["rotation", "crop", "x", "width"]) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
CROPS = st.builds(Crop, x=st.integers(0, 60), y=st.integers(0, 60), width=st.integers(1, 60), height=st.integers(1, 60))
WISHES = st.builds(
    Transformations,
    rotation=st.integers(-8, 8).map(lambda quarters: quarters * 90),
    flip_horizontal=st.booleans(),
    flip_vertical=st.booleans(),
    crop=st.none() | CROPS,
    exif_rotation=st.booleans(),
)


def refusal(raw: object) -> dict[str, list[str]]:
    with pytest.raises(errors.Invalid) as refused:
        Transformations.parse(raw)
    return refused.value.fields


@pytest.mark.parametrize(
    ("asked", "kept"), [(0, 0), (90, 90), (180, 180), (270, 270), (-90, 270), (-180, 180), (360, 0), (450, 90), (90.0, 90), (-0.0, 0)]
)
def test_rotations_come_down_to_four(asked: float, kept: int) -> None:
    assert Transformations.parse({"rotation": asked}).rotation == kept


@pytest.mark.parametrize("raw", [None, "", {}, "{}"])
def test_no_wish_is_no_transformation(raw: object) -> None:
    assert Transformations.parse(raw) == Transformations()
    assert Transformations.parse(raw).canonical() == "{}"


def test_json_text_is_read_as_multipart_sends_it() -> None:
    wish = Transformations.parse('{"rotation":90,"crop":{"x":0,"y":0,"width":800,"height":600}}')
    assert wish == Transformations(rotation=90, crop=Crop(x=0, y=0, width=800, height=600))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"rotation": 45}, "transformations.rotation"),
        ({"rotation": "90"}, "transformations.rotation"),
        ({"rotation": True}, "transformations.rotation"),
        ({"rotation": 10**30}, "transformations.rotation"),
        ({"rotation": None}, "transformations.rotation"),
        ({"rotate": 90}, "transformations.rotate"),
        ({"crop": {"x": 0, "y": 0, "width": 0, "height": 5}}, "transformations.crop.width"),
        ({"crop": {"x": -1, "y": 0, "width": 5, "height": 5}}, "transformations.crop.x"),
        ({"crop": {"x": 0, "y": 0, "width": 5}}, "transformations.crop.height"),
        ({"crop": {"x": 0, "y": 0.5, "width": 5, "height": 5}}, "transformations.crop.y"),
        ({"crop": {"x": 0, "y": 0, "width": 5, "height": 10**9}}, "transformations.crop.height"),
        ({"crop": {"x": 0, "y": 0, "width": 5, "height": 5, "angle": 3}}, "transformations.crop.angle"),
        ({"crop": [0, 0, 5, 5]}, "transformations.crop"),
        ({"flip_horizontal": "yes"}, "transformations.flip_horizontal"),
        ({"exif_rotation": 0}, "transformations.exif_rotation"),
        ([], "transformations"),
        ("nonsense", "transformations"),
        ("[" * 1_500, "transformations"),
        (" " * 5_000, "transformations"),
        (7, "transformations"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(raw: object, path: str) -> None:
    assert list(refusal(raw)) == [path]


@given(JSON)
def test_any_json_is_read_or_refused(raw: object) -> None:
    try:
        wish = Transformations.parse(raw)
    except errors.Invalid:
        fields = refusal(raw)
        seen = bool(fields) and all(path.startswith("transformations") for path in fields)
    else:
        seen = wish.rotation in {0, 90, 180, 270}
    assert seen


@given(WISHES)
def test_the_canonical_form_reads_back_as_the_same_wish(wish: Transformations) -> None:
    again = Transformations.parse(json.loads(wish.canonical()))
    assert again == wish
    assert again.canonical() == wish.canonical()


def test_the_same_wish_written_differently_has_one_canonical_form() -> None:
    one = Transformations.parse({"crop": {"height": 2, "width": 3, "y": 0, "x": 1}, "rotation": -90})
    other = Transformations.parse('{"rotation": 270.0, "exif_rotation": true, "crop": {"x": 1, "y": 0, "width": 3, "height": 2}}')
    assert one.canonical() == other.canonical() == '{"crop":{"height":2,"width":3,"x":1,"y":0},"rotation":270}'


@given(WISHES, st.sampled_from(sorted(EXIF_TURNS)), st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=300)
def test_a_crop_lies_inside_the_stored_picture_or_is_refused(
    wish: Transformations, orientation: int, width_px: int, height_px: int
) -> None:
    turned_width, turned_height = wish.turn(orientation).size((width_px, height_px))
    fits = wish.crop is None or (wish.crop.x + wish.crop.width <= turned_width and wish.crop.y + wish.crop.height <= turned_height)
    if not fits:
        with pytest.raises(errors.Invalid) as refused:
            wish.box((width_px, height_px), orientation=orientation)
        assert list(refused.value.fields) == ["transformations.crop"]
        return
    left, top, right, bottom = wish.box((width_px, height_px), orientation=orientation)
    assert 0 <= left < right <= width_px
    assert 0 <= top < bottom <= height_px
    wanted = (turned_width, turned_height) if wish.crop is None else (wish.crop.width, wish.crop.height)
    assert wish.turn(orientation).size((right - left, bottom - top)) == wanted


@given(wish=WISHES, orientation=st.sampled_from(sorted(EXIF_TURNS)))
@settings(max_examples=60, deadline=None)
def test_the_picture_is_what_turning_then_flipping_then_cropping_gives(wish: Transformations, orientation: int) -> None:
    scene = card(40, 30)
    stored = as_stored(scene, orientation)
    expected = scene if wish.exif_rotation else stored
    expected = expected.rotate(-wish.rotation, expand=True)
    if wish.flip_horizontal:
        expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if wish.flip_vertical:
        expected = expected.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    source = with_orientation(stored, orientation, "PNG")
    if wish.crop is not None:
        if wish.crop.box[2] > expected.width or wish.crop.box[3] > expected.height:
            with pytest.raises(errors.Invalid):
                standardise(source, transformations=wish)
            return
        expected = expected.crop(wish.crop.box)
    made = Image.open(BytesIO(standardise(source, transformations=wish).png))
    assert made.size == expected.size
    assert ImageChops.difference(made, expected).getbbox() is None


def test_a_crop_of_a_large_jpeg_that_is_shrunk_is_the_same_part() -> None:
    large = card(7_000, 5_200)
    made = standardise(encoded(large, "JPEG"), transformations=Transformations(crop=Crop(x=0, y=0, width=5_400, height=5_200)))
    image = Image.open(BytesIO(made.png))
    assert image.size == (2_560, 2_465)
    # The border between left and right lies at 3500 of the crop's 5400.
    border = next(x for x in range(image.width) if image.getpixel((x, 10))[1] > 120)
    assert abs(border - 3_500 * 2_560 / 5_400) <= 1
    assert corners(image) == ["red", "green", "blue", "yellow"]
