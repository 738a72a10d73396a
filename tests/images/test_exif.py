"""Camera, moment and place come out of EXIF in plain JSON; damage and nonsense come out as nothing."""

import json
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from domain.images.exif import ExifFacts, read_exif
from tests.images.pictures import card, encoded

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
MAKE, MODEL, DATE_TIME, MAKER_NOTE, ORIGINAL, OFFSET = 0x010F, 0x0110, 0x0132, 0x927C, 0x9003, 0x9011


def facts(
    *, main: dict[int, object] | None = None, detail: dict[int, object] | None = None, place: dict[int, object] | None = None
) -> ExifFacts:
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(0x8769).update(detail or {})
    exif.get_ifd(0x8825).update(place or {})
    return read_exif(Image.open(encoded(card(), "JPEG", exif=exif)))


def test_camera_moment_and_place_are_read() -> None:
    seen = facts(
        main={MAKE: "Canon\0 ", MODEL: "EOS R5"},
        detail={ORIGINAL: "2026:11:23 10:11:12", OFFSET: "+01:00"},
        place={1: "N", 2: (52.0, 31.0, 12.0252), 3: "W", 4: (IFDRational(13), IFDRational(24), IFDRational(3, 2))},
    )
    assert (seen.make, seen.model, seen.taken_at) == ("Canon", "EOS R5", "2026-11-23T10:11:12+01:00")
    assert (seen.gps_lat, seen.gps_lon) == ("52.520007", "-13.400417")


def test_without_an_offset_the_moment_has_none() -> None:
    assert facts(main={DATE_TIME: "2026:11:23 10:11:12"}).taken_at == "2026-11-23T10:11:12"


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026:13:01 00:00:00", "yesterday", ""])
def test_a_moment_that_is_none_is_nothing(text: str) -> None:
    assert facts(detail={ORIGINAL: text}).taken_at is None


@pytest.mark.parametrize("parts", [(95.0, 0.0, 0.0), (1.0, 2.0), (IFDRational(1, 0), 0.0, 0.0)])
def test_a_place_that_is_none_is_nothing(parts: tuple[object, ...]) -> None:
    assert facts(place={1: "N", 2: parts}).gps_lat is None


def test_the_tags_are_json_and_binary_ones_are_left_out() -> None:
    seen = facts(main={MAKE: "x" * 5_000}, detail={MAKER_NOTE: b"\x00\xff" * 100, 0x829A: IFDRational(1, 250), 0x8827: 100})
    assert len(str(seen.raw["Make"])) == 200
    assert "MakerNote" not in seen.raw
    assert (seen.raw["ExposureTime"], seen.raw["ISOSpeedRatings"]) == (0.004, 100)
    assert json.loads(json.dumps(seen.as_json(), allow_nan=False)) == seen.as_json()


def test_a_picture_without_exif_has_no_facts() -> None:
    assert read_exif(Image.open(encoded(card(), "PNG"))) == ExifFacts()


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_for_exif_give_bounded_json(noise: bytes) -> None:
    seen = read_exif(Image.open(BytesIO(encoded(card(4, 4), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + noise).getvalue())))
    assert len(json.dumps(seen.as_json(), allow_nan=False)) < 200_000
