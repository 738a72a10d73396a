"""The eight orientations come out right against a picture that was stored pixel by pixel as Exif describes."""

import itertools
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from domain.images.orientation import EXIF_TURNS, OPERATIONS, UPRIGHT, Turn, clockwise
from domain.images.standard import standardise
from domain.images.transformations import Transformations
from tests.images.pictures import as_stored, card, corners, encoded, heic_turning_itself, with_orientation

TURNS = st.sampled_from(sorted(OPERATIONS, key=str))


def standard(source: BytesIO, **wish: object) -> Image.Image:
    made = standardise(source, transformations=Transformations(**wish))
    return Image.open(BytesIO(made.png))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_every_orientation_is_turned_right_to_the_pixel(kind: str, orientation: int) -> None:
    upright = card(31, 20)
    options = {"lossless": True} if kind == "WEBP" else {}
    image = standard(with_orientation(as_stored(upright, orientation), orientation, kind, **options))
    assert image.size == upright.size
    assert ImageChops.difference(image, upright).getbbox() is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "HEIF"])
def test_every_orientation_is_turned_right_in_lossy_formats(kind: str, orientation: int) -> None:
    upright = card(128, 64)
    image = standard(with_orientation(as_stored(upright, orientation), orientation, kind))
    assert image.size == (128, 64)
    assert corners(image) == ["red", "green", "blue", "yellow"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_switched_off_the_picture_stays_as_it_is_stored(kind: str, orientation: int) -> None:
    stored = as_stored(card(64, 32), orientation)
    image = standard(with_orientation(stored, orientation, kind), exif_rotation=False)
    assert image.size == stored.size
    assert corners(image) == corners(stored)


def test_a_picture_turned_by_the_client_is_not_turned_again() -> None:
    turned = card(64, 32).transpose(Image.Transpose.ROTATE_270)
    assert corners(standard(encoded(turned))) == corners(turned)
    assert corners(standard(with_orientation(turned, 1, "PNG"))) == corners(turned)


@pytest.mark.parametrize(("quarters", "seen"), [(0, "red"), (1, "green"), (2, "blue"), (3, "yellow")])
def test_a_heic_that_turns_itself_is_not_turned_again_by_exif(quarters: int, seen: str) -> None:
    image = standard(heic_turning_itself(card(128, 64), quarters))
    assert image.size == ((64, 128) if quarters % 2 else (128, 64))
    assert corners(image)[0] == seen


def test_an_orientation_in_xmp_alone_turns_nothing() -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"/></x:xmpmeta>'
    assert standard(encoded(card(64, 32), "JPEG", xmp=packet)).size == (64, 32)


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_unknown_orientation_turns_nothing(value: int) -> None:
    assert corners(standard(with_orientation(card(64, 32), value))) == ["red", "green", "blue", "yellow"]


def test_a_turn_of_90_degrees_is_clockwise_and_comes_after_exif() -> None:
    stored = as_stored(card(64, 32), 6)
    image = standard(with_orientation(stored, 6), rotation=90)
    assert corners(image) == ["yellow", "red", "green", "blue"]


@given(TURNS, TURNS)
def test_two_turns_are_one(first: Turn, second: Turn) -> None:
    image = card(6, 4)
    stepwise = second.apply(first.apply(image))
    at_once = first.then(second).apply(image)
    assert stepwise.size == at_once.size == second.size(first.size(image.size))
    assert stepwise.tobytes() == at_once.tobytes()


@given(TURNS)
def test_a_turn_and_its_inverse_are_nothing(turn: Turn) -> None:
    assert turn.then(turn.inverse()) == turn.inverse().then(turn) == UPRIGHT


@given(TURNS, st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_box_goes_where_its_pixels_go(turn: Turn, width_px: int, height_px: int, data: st.DataObject) -> None:
    left, top = data.draw(st.integers(0, width_px - 1)), data.draw(st.integers(0, height_px - 1))
    box = (left, top, data.draw(st.integers(left + 1, width_px)), data.draw(st.integers(top + 1, height_px)))
    image = Image.frombytes("L", (width_px, height_px), bytes(range(width_px * height_px)))
    there = turn.box(box, image.size)
    assert turn.apply(image).crop(there).tobytes() == turn.apply(image.crop(box)).tobytes()
    assert turn.inverse().box(there, turn.size(image.size)) == box


def test_the_eight_values_are_eight_different_turns() -> None:
    assert len(set(EXIF_TURNS.values())) == len(OPERATIONS) == 8
    assert all(one != other for one, other in itertools.pairwise([clockwise(degrees) for degrees in (0, 90, 180, 270)]))
    assert clockwise(360) == UPRIGHT
