"""The standard picture of a capture: upright, bare, fetched by a link that authorises itself, and only for who may see it."""

import uuid
from io import BytesIO
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.images.pictures import as_stored, card, chunk_kinds, corners, encoded, photo
from tests.journeys.photos import new_photo, oriented_photo
from tests.players import Player

UPRIGHT = ["red", "green", "blue", "yellow"]
ENTRY = {"catch_date": "2026-05-01", "visibility": "friends"}
# What a PNG may hold that is picture and nothing else (PNG, third edition, section 5.6).
BARE = {b"IHDR", b"IDAT", b"IEND"}


async def fetch(player: Player, url: str, **options: object) -> httpx.Response:
    """The picture as today's client gets it: no login, no redirect, whatever host the link names."""
    async with httpx.AsyncClient(base_url=player.account.base_url, trust_env=False, follow_redirects=False) as http:
        return await http.get(urlsplit(url).path, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_of_any_orientation_stands_upright(ada: Player, orientation: int) -> None:
    upright = card(120, 80)
    end = await ada.catches(oriented_photo(orientation, as_stored(upright, orientation)))
    url = end.data["job"]["dex_compatible_url"]
    assert url.startswith("http")
    fetched = await fetch(ada, url)
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, "image/png")
    assert fetched.headers["cache-control"].startswith("private")
    with Image.open(BytesIO(fetched.content)) as png:
        assert (png.format, png.size, corners(png)) == ("PNG", (120, 80), UPRIGHT)
    assert chunk_kinds(fetched.content) <= BARE


async def test_rotation_and_crop_are_done_after_the_turning(ada: Player) -> None:
    upright = card(120, 80)
    wish = {"rotation": 90, "crop": {"x": 0, "y": 0, "width": 40, "height": 60}}
    end = await ada.catches(oriented_photo(6, as_stored(upright, 6)), transformations=wish)
    fetched = await fetch(ada, end.data["job"]["dex_compatible_url"])
    with Image.open(BytesIO(fetched.content)) as png:
        # Turned clockwise the yellow quarter comes to the upper left, and it alone is kept.
        assert (png.size, set(corners(png))) == ((40, 60), {"yellow"})


async def test_a_large_photo_is_brought_within_2560_pixels_and_a_small_one_stays(ada: Player) -> None:
    large = await ada.catches(encoded(photo(3_000, 1_500), "JPEG").getvalue())
    fetched = await fetch(ada, large.data["job"]["dex_compatible_url"])
    with Image.open(BytesIO(fetched.content)) as png:
        assert png.size == (2_560, 1_280)


async def test_the_link_is_the_same_each_time_and_another_for_each_viewer(ada: Player, bob: Player) -> None:
    await ada.befriends(bob)
    end = await ada.catches(new_photo(), hint="grey heron", entry=ENTRY)
    job = (await ada.say("capture.get", {"job_id": end.data["job"]["id"]}))["job"]
    assert job["dex_compatible_url"] == end.data["job"]["dex_compatible_url"] == end.data["entry"]["dex_compatible_url"]
    added = await bob.expect_event("feed.entry_added")
    bobs = added.data["entry"]["dex_compatible_url"]
    assert bobs != job["dex_compatible_url"]
    assert (await fetch(bob, bobs)).status_code == 200


async def test_a_friend_loses_the_picture_when_the_entry_turns_private_and_the_owner_keeps_it(ada: Player, bob: Player) -> None:
    await ada.befriends(bob)
    end = await ada.catches(new_photo(), hint="grey heron", entry=ENTRY)
    bobs = (await bob.expect_event("feed.entry_added")).data["entry"]["dex_compatible_url"]
    assert (await fetch(bob, bobs)).status_code == 200
    await ada.say("dex.update", {"entry_id": end.data["entry"]["id"], "visibility": "private"})
    lost = await fetch(bob, bobs)
    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")
    assert (await fetch(ada, end.data["entry"]["dex_compatible_url"])).status_code == 200


async def test_a_link_that_is_not_ours_finds_nothing(ada: Player) -> None:
    end = await ada.catches(new_photo())
    url = end.data["job"]["dex_compatible_url"]
    token = url.rpartition("/")[2].removesuffix(".png")
    said, _, signature = token.rpartition(":")
    forged = [
        url.replace(token, f"{said}:{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}"),
        url.replace(token, f"{uuid.uuid4().hex}{said[32:]}:{signature}"),
        url.replace(token, "nonsense"),
        url.replace(token, "a:b:c"),
    ]
    for link in forged:
        refused = await fetch(ada, link)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
