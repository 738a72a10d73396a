"""Captures over REST: the same job and the same events as over the socket, by multipart, also as today's client writes it."""

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.images.pictures import encoded, photo, png_of_zeros
from tests.journeys.photos import new_photo
from tests.players import Player
from tests.stack import Stack

ENTRY = {"catch_date": "2026-05-01", "visibility": "friends"}
BOUNDARY = "BiologiDexFormBoundary"


async def post(player: Player, content: bytes, *, key: str | None = None, name: str = "image.jpg", **fields: Any) -> httpx.Response:
    form = {field: value if isinstance(value, str) else json.dumps(value) for field, value in fields.items()}
    headers = {"Idempotency-Key": key} if key else {}
    return await player.calls("POST", "vision/jobs/", files={"image": (name, content, "image/jpeg")}, data=form, headers=headers)


def originals(stack: Stack) -> set[str]:
    media = Path(stack.environment["MEDIA_ROOT"])
    return {str(path.relative_to(media)) for path in (media / "vision" / "original").glob("*")}


def nothing_is_left(stack: Stack, before: set[str]) -> bool:
    """Every photo that came into storage since then is a job's."""
    kept = {row[0] for row in stack.sql("SELECT image FROM vision_analysisjob")}
    return originals(stack) - before <= kept


async def test_multipart_makes_the_same_job_and_the_same_events(ada: Player) -> None:
    seen: list[str] = []
    with ada.socket.watching(lambda event: seen.append(event.type)):
        made = await post(ada, new_photo(), hint="grey heron", entry=ENTRY, transformations={"rotation": 90})
        assert made.status_code == 201
        job = made.json()
        assert (job["status"], job["transformations"], job["filename"]) == ("pending", {"rotation": 90}, "image.jpg")
        end = await ada.expect_event("capture.identified")
    assert end.data["job"]["id"] == job["id"]
    assert end.data["entry"]["catch_date"] == "2026-05-01"
    captured = [kind for kind in seen if kind.startswith("capture.")]
    assert captured == ["capture.queued", *["capture.progress"] * 5, "capture.identified"]


async def test_a_body_that_begins_with_a_line_break_and_calls_a_png_a_jpeg_is_read(ada: Player) -> None:
    png = encoded(photo(60, 40)).getvalue()
    body = (
        f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="image.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
        + png
        + f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="transformations"\r\n\r\n{{}}\r\n--{BOUNDARY}--\r\n'.encode()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    made = await ada.calls("POST", "vision/jobs/", content=body, headers=headers)
    assert made.status_code == 201
    end = await ada.expect_event("capture.needs_choice")
    assert end.data["job"]["id"] == made.json()["id"]
    polled = (await ada.calls("GET", f"vision/jobs/{made.json()['id']}/")).json()
    assert (polled["status"], polled["progress"], polled["identified_animal"]) == ("completed", 1.0, None)
    assert polled["image_conversion_status"] == "unnecessary"


@pytest.mark.parametrize("entry", [None, ENTRY])
async def test_the_same_submission_without_a_key_is_the_same_job(ada: Player, stack: Stack, entry: dict[str, str] | None) -> None:
    before = originals(stack)
    content = new_photo()
    fields = {} if entry is None else {"entry": entry}
    first = await post(ada, content, **fields)
    second = await post(ada, content, **fields)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    await ada.expect_event("capture.queued")
    await ada.expect_silence("capture.queued")
    other = await post(ada, content, hint="a hint", **fields)
    assert other.json()["id"] != first.json()["id"]
    assert nothing_is_left(stack, before)


async def test_the_same_submission_twice_at_once_is_one_job(ada: Player, stack: Stack) -> None:
    before = originals(stack)
    content = new_photo(500_000)
    asked = [
        ada.calls("POST", "vision/jobs/", files={"image": ("image.jpg", content)}, base_url=web.base_url)
        for web in (stack.web, stack.web_too) * 3
    ]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert nothing_is_left(stack, before)


async def test_a_key_used_again_gives_the_job_and_leaves_no_second_photo(ada: Player, stack: Stack) -> None:
    before = originals(stack)
    content, key = new_photo(), str(uuid.uuid4())
    answers = [await post(ada, content, key=key) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    reused = await post(ada, new_photo(), key=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "request.key_reused")
    assert len(originals(stack) - before) == 1


async def test_another_key_makes_another_job_of_the_same_submission(ada: Player) -> None:
    content = new_photo()
    first, second = [await post(ada, content, key=str(uuid.uuid4()), entry=ENTRY) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not a picture at all", "image.unsupported_format"),
        (b"", "image.unreadable"),
        (b"\xff\xd8\xff\xe0" + bytes(400), "image.unreadable"),
        (png_of_zeros(10_000, 10_000, 1, 0).getvalue(), "image.too_many_pixels"),
    ],
    ids=["text", "nothing", "jpeg of nothing", "100 megapixels"],
)
async def test_what_is_no_photo_is_refused_and_leaves_nothing(ada: Player, stack: Stack, content: bytes, code: str) -> None:
    before = originals(stack)
    refused = await post(ada, content)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert refused.json()["detail"]
    assert originals(stack) == before
    assert (await ada.say("capture.list"))["jobs"] == []


async def test_too_large_a_photo_is_refused(ada: Player, stack: Stack) -> None:
    before = originals(stack)
    refused = await post(ada, new_photo(ada.socket.ready["limits"]["max_upload_bytes"] + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "upload.too_large")
    assert originals(stack) == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"transformations": "no json"}, "transformations"),
        ({"entry": {"visibility": "everyone"}}, "entry.visibility"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_wrong_fields_are_told_by_their_path(ada: Player, fields: dict[str, Any], field: str) -> None:
    refused = await post(ada, new_photo(), **fields)
    assert (refused.status_code, refused.json()["code"]) == (400, "request.invalid")
    assert isinstance(refused.json()[field], list)


async def test_a_submission_without_a_photo_is_invalid(ada: Player) -> None:
    refused = await ada.calls("POST", "vision/jobs/", data={"hint": "grey heron"})
    assert (refused.status_code, refused.json()["code"]) == (400, "request.invalid")


async def test_todays_client_chooses_by_animal_index_and_gets_the_job(ada: Player) -> None:
    made = await post(ada, new_photo(), hint="red fox, grey heron")
    end = await ada.expect_event("capture.needs_choice")
    path = f"vision/jobs/{made.json()['id']}/select_animal/"
    chosen = await ada.calls("POST", path, json={"animal_index": 1})
    assert chosen.status_code == 200
    assert chosen.json()["animal_details"]["scientific_name"] == end.data["candidates"][1]["scientific_name"]
    assert chosen.json()["selected_animal_index"] == 1
    again = await ada.calls("POST", path, json={"animal_index": 1})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_nobody_submits_without_a_login(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.base_url, trust_env=False) as http:
        refused = await http.post("/api/v1/vision/jobs/", files={"image": ("image.jpg", new_photo())})
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")
