"""The model's JPEG, the thumbnail and the perceptual hash."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from domain.images import renditions
from domain.images.standard import standardise
from tests.images.pictures import card, corners, encoded, photo


@given(st.integers(1, 30_000), st.integers(1, 30_000), st.integers(1, 4_000))
def test_a_fitted_size_is_within_the_edge_and_never_larger(width_px: int, height_px: int, edge_px: int) -> None:
    width, height = renditions.fit((width_px, height_px), edge_px)
    assert 1 <= width <= min(width_px, edge_px)
    assert 1 <= height <= min(height_px, edge_px)
    if max(width_px, height_px) > edge_px:
        assert max(width, height) == edge_px


@pytest.mark.parametrize(("edge_px", "size"), [(1_024, (1_024, 683)), (512, (512, 341)), (9_999, (1_800, 1_200))])
def test_the_models_jpeg_has_the_edge_that_is_asked_for(edge_px: int, size: tuple[int, int]) -> None:
    made = standardise(encoded(card(1_800, 1_200), "JPEG"), model_edge_px=edge_px)
    image = Image.open(BytesIO(made.model_jpeg))
    assert (image.format, image.size) == ("JPEG", size)
    assert corners(image) == ["red", "green", "blue", "yellow"]


def test_the_thumbnail_is_a_small_jpeg() -> None:
    made = standardise(encoded(photo(1_800, 1_200), "JPEG"))
    image = Image.open(BytesIO(made.thumbnail))
    assert (image.format, image.size) == ("JPEG", (256, 171))
    assert len(made.thumbnail) < 40_000


def test_what_is_transparent_is_white_in_a_jpeg() -> None:
    made = standardise(encoded(Image.new("RGBA", (50, 50), (0, 0, 0, 0))))
    for data in (made.model_jpeg, made.thumbnail):
        assert min(low for low, _high in Image.open(BytesIO(data)).getextrema()) > 250


def test_the_same_look_has_nearly_the_same_hash_and_strangers_have_not() -> None:
    scene = photo(900, 600).rotate(30)
    same = [
        standardise(source).perceptual_hash
        for source in (encoded(scene, "JPEG", quality=95), encoded(scene.resize((450, 300)), "JPEG", quality=40))
    ]
    other = standardise(encoded(card(900, 600), "JPEG")).perceptual_hash
    assert len(same[0]) == 16
    assert renditions.hash_distance(*same) <= 6
    assert renditions.hash_distance(same[0], other) > 12
    assert renditions.hash_distance(other, other) == 0
