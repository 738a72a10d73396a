"""Photos in binary frames: their order, what goes wrong with them, and going on by another door or process."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from clients.python.biologidex_client.upload import chunk_frame
from tests.images.pictures import png_of_zeros
from tests.journeys.photos import CHUNK_BYTES, announced, new_photo, send
from tests.players import Player
from tests.stack import Stack, wait_for

KIB_256 = 256 * 1024


async def begin(player: Player, content: bytes, *, key: str | None = None, **wishes: Any) -> str:
    answer = await player.say("capture.begin", announced(content, **wishes), key=key)
    assert answer == {"upload_id": answer["upload_id"], "received": 0, "chunk_bytes": CHUNK_BYTES}
    return str(answer["upload_id"])


async def expect_failure(player: Player, upload_id: str, code: str) -> dict[str, Any]:
    failed = await player.expect_event("upload.failed", where=lambda event: event.data["upload_id"] == upload_id)
    assert failed.seq is None
    assert set(failed.data) == {"upload_id", "error"}
    assert failed.data["error"]["code"] == code
    return dict(failed.data["error"])


def files_of(stack: Stack, upload_id: str) -> list[Path]:
    folder = Path(stack.environment["MEDIA_ROOT"]) / "vision" / "uploads" / upload_id
    return [path for path in folder.glob("*") if path.is_file()]


def originals(stack: Stack) -> set[str]:
    """Every photo in storage, and every one that a job holds."""
    media = Path(stack.environment["MEDIA_ROOT"])
    return {str(path.relative_to(media)) for path in (media / "vision" / "original").glob("*")}


def nothing_is_left(stack: Stack, upload_id: str) -> bool:
    rows = stack.sql("SELECT count(*) FROM vision_upload WHERE id = %s", [upload_id])
    return rows == [(0,)] and not files_of(stack, upload_id)


@pytest.mark.parametrize("chunk_bytes", [CHUNK_BYTES, 30_001])
async def test_progress_is_told_at_least_once_in_256_kib_and_at_the_end(ada: Player, chunk_bytes: int) -> None:
    content = new_photo(700_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, chunk=chunk_bytes)
    queued = await ada.expect_event("capture.queued")
    told = [event.data["received"] for event in ada.socket.events.unread() if event.type == "upload.progress"]
    assert told[-1] == len(content)
    assert all(after - before <= KIB_256 for before, after in zip([0, *told], told, strict=False))
    assert told == sorted(set(told))
    assert queued.seq is not None
    assert set(queued.data) == {"job"}


async def test_the_last_progress_comes_before_the_job(ada: Player) -> None:
    seen: list[str] = []
    content = new_photo(100_000)
    with ada.socket.watching(lambda event: seen.append(event.type)):
        upload_id = await begin(ada, content)
        await send(ada, upload_id, content)
        await ada.expect_event("capture.needs_choice")
    assert seen.index("upload.progress") < seen.index("capture.queued")


async def test_the_pieces_are_gone_once_the_job_is_there(ada: Player, stack: Stack) -> None:
    content = new_photo(300_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content)
    await ada.expect_event("capture.queued")
    wait_for(lambda: not files_of(stack, upload_id), what="the pieces to go")


async def test_a_chunk_at_a_wrong_offset_fails_once_and_the_upload_goes_on_where_it_stood(ada: Player) -> None:
    content = new_photo(500_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, end=3 * CHUNK_BYTES)
    await send(ada, upload_id, content, begin=5 * CHUNK_BYTES, end=9 * CHUNK_BYTES)
    error = await expect_failure(ada, upload_id, "upload.offset")
    assert error["expected"] == 3 * CHUNK_BYTES
    assert set(error) == {"code", "message", "expected"}
    await ada.expect_silence("upload.failed")
    await send(ada, upload_id, content, begin=3 * CHUNK_BYTES)
    await ada.expect_event("capture.queued")
    await ada.expect_silence("upload.failed")


async def test_a_wrong_chunk_again_after_a_right_one_is_told_again(ada: Player) -> None:
    content = new_photo(300_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, begin=CHUNK_BYTES, end=2 * CHUNK_BYTES)
    await expect_failure(ada, upload_id, "upload.offset")
    await send(ada, upload_id, content, end=CHUNK_BYTES)
    await send(ada, upload_id, content, end=CHUNK_BYTES)
    assert (await expect_failure(ada, upload_id, "upload.offset"))["expected"] == CHUNK_BYTES


async def test_a_wrong_checksum_starts_again_at_0(ada: Player, stack: Stack) -> None:
    content = new_photo(90_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content[:-1] + b"\x01")
    error = await expect_failure(ada, upload_id, "upload.checksum")
    assert error["expected"] == 0
    assert files_of(stack, upload_id) == []
    assert (await ada.say("capture.resume", {"upload_id": upload_id}))["received"] == 0
    await send(ada, upload_id, content)
    await ada.expect_event("capture.queued")


async def test_an_upload_of_nobody_fails_once_and_the_socket_lives(ada: Player) -> None:
    upload_id = str(uuid.uuid4())
    for offset in range(0, 30 * CHUNK_BYTES, CHUNK_BYTES):
        await ada.socket.send_bytes(chunk_frame(uuid.UUID(upload_id), offset, bytes(CHUNK_BYTES)))
    await expect_failure(ada, upload_id, "upload.unknown")
    await ada.expect_silence("upload.failed", "session.closing")
    await ada.expect_refusal("upload.unknown", "capture.resume", {"upload_id": upload_id})


async def test_somebody_elses_upload_is_unknown(ada: Player, bob: Player) -> None:
    content = new_photo(90_000)
    upload_id = await begin(ada, content)
    await send(bob, upload_id, content)
    await expect_failure(bob, upload_id, "upload.unknown")
    await bob.expect_refusal("upload.unknown", "capture.resume", {"upload_id": upload_id})
    patched = await bob.calls("PATCH", f"uploads/{upload_id}/", content=content[:10], headers={"Upload-Offset": "0"})
    assert (patched.status_code, patched.json()["code"]) == (404, "upload.unknown")
    assert (await ada.say("capture.resume", {"upload_id": upload_id}))["received"] == 0


async def test_too_large_a_file_is_refused_before_its_first_byte(ada: Player) -> None:
    most = ada.socket.ready["limits"]["max_upload_bytes"]
    await ada.expect_refusal("upload.too_large", "capture.begin", {**announced(b"x"), "size": most + 1})


async def test_more_bytes_than_announced_are_too_large(ada: Player) -> None:
    content = new_photo(50_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content + bytes(20_000), end=CHUNK_BYTES)
    await ada.socket.send_bytes(chunk_frame(uuid.UUID(upload_id), CHUNK_BYTES, bytes(CHUNK_BYTES)))
    assert (await expect_failure(ada, upload_id, "upload.too_large"))["expected"] == CHUNK_BYTES
    await send(ada, upload_id, content, begin=CHUNK_BYTES)
    await ada.expect_event("capture.queued")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"This is a letter and no picture. " * 40, "image.unsupported_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 20, "image.unsupported_format"),
        (b"\xff\xd8\xff\xe0" + bytes(400), "image.unreadable"),
        (png_of_zeros(10_000, 10_000, 1, 0).getvalue(), "image.too_many_pixels"),
    ],
    ids=["text", "svg", "jpeg of nothing", "100 megapixels"],
)
async def test_what_is_no_photo_fails_at_its_last_byte_and_leaves_nothing(ada: Player, stack: Stack, content: bytes, code: str) -> None:
    assert len(content) < 30_000
    before = originals(stack)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content)
    await expect_failure(ada, upload_id, code)
    await ada.expect_silence("capture.queued")
    assert nothing_is_left(stack, upload_id)
    assert originals(stack) == before
    assert (await ada.say("capture.list"))["jobs"] == []


async def test_a_broken_connection_is_resumed_on_the_other_process(ada: Player, stack: Stack) -> None:
    content = new_photo(900_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, end=12 * CHUNK_BYTES)
    await ada.expect_event("upload.progress", where=lambda event: event.data["received"] >= KIB_256)
    ada.socket.abort()
    await ada.connects(base_url=stack.web_too.base_url)
    answer = await ada.say("capture.resume", {"upload_id": upload_id})
    assert set(answer) == {"upload_id", "received", "chunk_bytes"}
    assert KIB_256 <= answer["received"] <= 12 * CHUNK_BYTES
    await send(ada, upload_id, content, begin=answer["received"])
    await ada.expect_event("capture.queued")
    await ada.expect_silence("upload.failed")


async def test_what_an_earlier_connection_still_stores_does_not_disturb_the_one_that_resumed(ada: Player, stack: Stack) -> None:
    content = new_photo(200_000)
    upload_id = await begin(ada, content)
    later = await Player(ada.account, ada.username).connects(base_url=stack.web_too.base_url)
    assert (await later.say("capture.resume", {"upload_id": upload_id}))["received"] == 0
    await send(ada, upload_id, content, end=3 * CHUNK_BYTES)
    await ada.expect_event("upload.progress", where=lambda event: event.data["received"] == 3 * CHUNK_BYTES)
    await send(later, upload_id, content)
    await later.expect_event("capture.queued")
    await later.expect_silence("upload.failed")
    await later.leaves()


async def test_a_pause_brings_what_was_sent_into_storage(ada: Player) -> None:
    content = new_photo(200_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, end=2 * CHUNK_BYTES)
    await ada.expect_event("upload.progress", where=lambda event: event.data["received"] == 2 * CHUNK_BYTES)
    answer = await ada.calls("GET", f"uploads/{upload_id}/")
    assert answer.json()["received"] == 2 * CHUNK_BYTES


async def test_socket_and_rest_take_turns(ada: Player) -> None:
    content = new_photo(400_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, end=2 * CHUNK_BYTES)
    await ada.expect_event("upload.progress", where=lambda event: event.data["received"] == 2 * CHUNK_BYTES)
    piece = content[2 * CHUNK_BYTES : 200_000]
    offset = {"Upload-Offset": str(2 * CHUNK_BYTES), "Content-Type": "application/offset+octet-stream"}
    patched = await ada.calls("PATCH", f"uploads/{upload_id}/", content=piece, headers=offset)
    assert patched.headers["Upload-Offset"] == str(patched.json()["received"])
    assert (patched.status_code, patched.json()["received"]) == (200, 200_000)
    again = await ada.calls("PATCH", f"uploads/{upload_id}/", content=piece, headers=offset)
    assert (again.status_code, again.json()["code"], again.json()["expected"]) == (409, "upload.offset", 200_000)
    assert (await ada.say("capture.resume", {"upload_id": upload_id}))["received"] == 200_000
    await send(ada, upload_id, content, begin=200_000, end=200_000 + CHUNK_BYTES)
    last = 200_000 + CHUNK_BYTES
    await ada.expect_event("upload.progress", where=lambda event: event.data["received"] == last)
    done = await ada.calls("PATCH", f"uploads/{upload_id}/", content=content[last:], headers={"Upload-Offset": str(last)})
    assert done.json()["received"] == len(content)
    queued = await ada.expect_event("capture.queued")
    assert done.json()["job"]["id"] == queued.data["job"]["id"]


async def test_an_upload_without_an_offset_is_invalid(ada: Player) -> None:
    upload_id = await begin(ada, new_photo())
    refused = await ada.calls("PATCH", f"uploads/{upload_id}/", content=b"abc")
    assert (refused.status_code, refused.json()["code"]) == (400, "request.invalid")


@pytest.mark.parametrize("entry", [None, {"catch_date": "2026-05-01", "notes": "by the pond"}])
async def test_the_same_photo_announced_again_goes_on_where_it_stands(ada: Player, entry: dict[str, Any] | None) -> None:
    content = new_photo(300_000)
    upload_id = await begin(ada, content, **({} if entry is None else {"entry": entry}))
    await send(ada, upload_id, content, end=CHUNK_BYTES)
    await ada.expect_event("upload.progress")
    again = await ada.say("capture.begin", announced(content, **({} if entry is None else {"entry": entry})))
    assert (again["upload_id"], again["received"]) == (upload_id, CHUNK_BYTES)


async def test_a_key_used_again_answers_todays_received_and_at_the_end_the_job(ada: Player) -> None:
    content, key = new_photo(100_000), str(uuid.uuid4())
    upload_id = await begin(ada, content, key=key)
    await send(ada, upload_id, content, end=CHUNK_BYTES)
    await ada.expect_event("upload.progress")
    assert (await ada.say("capture.begin", announced(content), key=key))["received"] == CHUNK_BYTES
    await send(ada, upload_id, content, begin=CHUNK_BYTES)
    queued = await ada.expect_event("capture.queued")
    again = await ada.say("capture.begin", announced(content), key=key)
    assert (again["upload_id"], again["received"]) == (upload_id, len(content))
    assert again["job"]["id"] == queued.data["job"]["id"]
    await ada.expect_silence("capture.queued")
    await ada.expect_refusal("request.key_reused", "capture.begin", announced(content, hint="heron"), key=key)


async def test_a_complete_upload_whose_process_died_becomes_a_job_when_it_is_asked_for(ada: Player, stack: Stack) -> None:
    content = new_photo(60_000)
    upload_id = await begin(ada, content)
    await send(ada, upload_id, content, end=CHUNK_BYTES)
    await ada.expect_event("upload.progress")
    # As if the process had died between the last byte and the job: the last piece is noted, and no more.
    name = f"vision/uploads/{upload_id}/rest"
    (Path(stack.environment["MEDIA_ROOT"]) / name).write_bytes(content[CHUNK_BYTES:])
    stack.sql(
        "UPDATE vision_upload SET received = size_bytes, parts = parts || to_jsonb(%s::text) WHERE id = %s",
        [name, upload_id],
    )
    answer = await ada.say("capture.resume", {"upload_id": upload_id})
    assert answer["received"] == len(content)
    queued = await ada.expect_event("capture.queued")
    assert answer["job"]["id"] == queued.data["job"]["id"]


async def test_twelve_uploads_at_once_all_arrive(ada: Player) -> None:
    photos = [new_photo(5 * CHUNK_BYTES) for _ in range(12)]
    uploads = [(await begin(ada, content), content) for content in photos]
    for offset in range(0, 5 * CHUNK_BYTES, CHUNK_BYTES):
        for upload_id, content in uploads:
            await send(ada, upload_id, content, begin=offset, end=offset + CHUNK_BYTES)
    for _ in uploads:
        await ada.expect_event("capture.queued")
    await ada.expect_silence("upload.failed")


async def test_an_upload_older_than_a_day_has_expired(ada: Player, stack: Stack) -> None:
    content = new_photo(90_000)
    upload_id = await begin(ada, content)
    stack.sql("UPDATE vision_upload SET created_at = created_at - interval '25 hours' WHERE id = %s", [upload_id])
    await ada.expect_refusal("upload.expired", "capture.resume", {"upload_id": upload_id})
    await send(ada, upload_id, content)
    await expect_failure(ada, upload_id, "upload.expired")
    patched = await ada.calls("PATCH", f"uploads/{upload_id}/", content=b"abc", headers={"Upload-Offset": "0"})
    assert patched.status_code == 410


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"size": 0}, "size"),
        ({"hint": "x" * 201}, "hint"),
        ({"colour": "red"}, "colour"),
        ({"transformations": {"rotation": 45}}, "transformations.rotation"),
        ({"entry": {"visibility": "everyone"}}, "entry.visibility"),
        ({"entry": {"catch_date": "2999-01-01"}}, "entry.catch_date"),
        ({"entry": {"notes": "\x00"}}, "entry.notes"),
        ({"entry": {"customizations": {"frame": "\x00"}}}, "entry.customizations.frame"),
    ],
)
async def test_a_wrong_announcement_is_invalid_with_the_fields_path(ada: Player, wish: dict[str, Any], field: str) -> None:
    refused = await ada.expect_refusal("request.invalid", "capture.begin", announced(new_photo(), **wish))
    assert field in refused.fields
