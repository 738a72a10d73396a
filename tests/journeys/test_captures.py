"""From a photo to its end: the events in their order and shape, the entry, choices, retries, and what others may not touch."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.journeys.photos import announced, new_photo, send
from tests.players import Player
from tests.stack import Stack

ENDS = {"capture.identified", "capture.needs_choice", "capture.failed", "capture.cancelled"}
STAGES = ["queued", "converting", "identifying", "matching", "recording"]
ENTRY = {"catch_date": "2026-05-01", "notes": "by the pond", "visibility": "friends"}


async def choice_of(player: Player, **wishes: Any) -> dict[str, Any]:
    """A job that needs a choice, with candidates where a hint names several."""
    end = await player.catches(new_photo(), **wishes)
    assert end.type == "capture.needs_choice"
    return dict(end.data["job"])


async def test_a_capture_is_queued_then_progresses_then_ends_once(ada: Player) -> None:
    seen: list[tuple[str, Any]] = []
    with ada.socket.watching(lambda event: seen.append((event.type, event.data))):
        end = await ada.catches(new_photo(), hint="grey heron", entry=ENTRY)
        await ada.expect_silence(*ENDS)
    kinds = [kind for kind, _ in seen]
    assert end.type == "capture.identified"
    assert kinds.count("capture.queued") == 1
    assert sum(kind in ENDS for kind in kinds) == 1
    progress = [data for kind, data in seen if kind == "capture.progress"]
    assert all(set(data) == {"job_id", "stage", "fraction"} for data in progress)
    assert [data["stage"] for data in progress] == STAGES
    fractions = [data["fraction"] for data in progress]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] <= 1
    assert kinds.index("capture.queued") < kinds.index("capture.progress")
    assert max(place for place, kind in enumerate(kinds) if kind == "capture.progress") < kinds.index("capture.identified")


async def test_an_identified_capture_carries_job_animal_and_entry(ada: Player) -> None:
    end = await ada.catches(new_photo(), hint="grey heron", entry=ENTRY)
    assert end.type == "capture.identified"
    assert end.seq is not None
    assert set(end.data) == {"job", "animal", "entry", "new_entry", "new_species", "new_for_you"}
    job, animal, entry = end.data["job"], end.data["animal"], end.data["entry"]
    assert (job["status"], job["outcome"], job["progress"], job["error"]) == ("completed", "identified", 1.0, None)
    assert animal["scientific_name"] == "Ardea cinerea"
    assert job["identified_animal"] == animal["id"] == entry["animal_id"]
    assert (entry["catch_date"], entry["notes"], entry["source_vision_job"]) == ("2026-05-01", "by the pond", job["id"])
    assert (await ada.calls("GET", f"vision/jobs/{job['id']}/")).json() == job
    assert (await ada.say("capture.get", {"job_id": job["id"]}))["job"] == job
    created = await ada.expect_event("dex.entry_created")
    assert created.data["entry"] == entry


async def test_a_job_without_an_entry_makes_none(ada: Player) -> None:
    end = await ada.catches(new_photo(), hint="grey heron")
    assert end.type == "capture.identified"
    assert (end.data["entry"], end.data["new_for_you"]) == (None, True)
    await ada.expect_silence("dex.entry_created")
    assert (await ada.say("dex.list"))["entries"] == []


async def test_the_same_animal_on_the_same_day_stays_the_entry_that_it_is(ada: Player) -> None:
    first = await ada.catches(new_photo(), hint="grey heron", entry=ENTRY)
    second = await ada.catches(new_photo(), hint="grey heron", entry={**ENTRY, "notes": "another"})
    assert (first.data["new_entry"], first.data["new_for_you"]) == (True, True)
    assert (second.data["new_entry"], second.data["new_for_you"], second.data["new_species"]) == (False, False, False)
    assert second.data["entry"] == first.data["entry"]
    third = await ada.catches(new_photo(), hint="grey heron", entry={**ENTRY, "catch_date": "2026-05-02"})
    assert (third.data["new_entry"], third.data["new_for_you"]) == (True, False)


async def test_a_species_is_new_for_the_first_who_catches_it_and_new_for_each(ada: Player, bob: Player, stack: Stack) -> None:
    caught = {row[0] for row in stack.sql("SELECT scientific_name FROM animals_animal")}
    rows = stack.sql("SELECT scientific_name FROM taxonomy_taxon WHERE rank = 'species' AND status = 'accepted' ORDER BY scientific_name")
    name = next(row[0] for row in rows if row[0] not in caught)
    looked = await ada.catches(new_photo(), hint=name)
    assert (looked.data["new_species"], looked.data["new_for_you"]) == (True, True)
    first = await ada.catches(new_photo(), hint=name, entry=ENTRY)
    assert (first.data["new_species"], first.data["new_for_you"]) == (True, True)
    second = await bob.catches(new_photo(), hint=name, entry=ENTRY)
    assert (second.data["new_species"], second.data["new_for_you"]) == (False, True)


async def test_every_device_of_the_owner_hears_of_a_capture_and_a_friend_only_of_the_entry(ada: Player, bob: Player, stack: Stack) -> None:
    await ada.befriends(bob)
    tablet = await Player(ada.account, ada.username).connects(base_url=stack.web_too.base_url)
    seen: list[str] = []
    with tablet.socket.watching(lambda event: seen.append(event.type)):
        await ada.catches(new_photo(), hint="grey heron", entry=ENTRY)
        await tablet.expect_event("capture.identified")
    captured = [kind for kind in seen if kind.startswith("capture.")]
    assert captured == ["capture.queued", *["capture.progress"] * 5, "capture.identified"]
    await bob.expect_event("feed.entry_added")
    assert not [event for event in bob.socket.events.unread() if event.type.startswith(("capture.", "upload."))]
    await tablet.leaves()


async def test_the_same_photo_again_is_answered_from_before(ada: Player) -> None:
    photo = new_photo()
    first = await ada.catches(photo, hint="grey heron", entry=ENTRY)
    second = await ada.catches(photo, hint="grey heron", entry={**ENTRY, "catch_date": "2026-05-02"})
    assert second.type == "capture.identified"
    assert second.data["job"]["id"] != first.data["job"]["id"]
    assert second.data["animal"]["id"] == first.data["animal"]["id"]
    assert second.data["entry"]["catch_date"] == "2026-05-02"
    assert second.data["job"]["detected_animals"] == first.data["job"]["detected_animals"]


async def test_what_nothing_names_needs_a_choice(ada: Player) -> None:
    end = await ada.catches(new_photo(), entry=ENTRY)
    assert end.type == "capture.needs_choice"
    assert set(end.data) == {"job", "candidates"}
    job = end.data["job"]
    assert (job["status"], job["outcome"], job["identified_animal"], job["animal_details"]) == ("completed", "needs_choice", None, {})
    await ada.expect_silence("dex.entry_created")


async def test_candidates_are_told_best_first_in_the_protocols_shape(ada: Player) -> None:
    end = await ada.catches(new_photo(), hint="red fox, grey heron")
    assert end.type == "capture.needs_choice"
    candidates = end.data["candidates"]
    assert {candidate["scientific_name"] for candidate in candidates} >= {"Vulpes vulpes", "Ardea cinerea"}
    assert [candidate["index"] for candidate in candidates] == list(range(len(candidates)))
    assert 2 <= len(candidates) <= 5
    confidences = [candidate["confidence"] for candidate in candidates]
    assert confidences == sorted(confidences, reverse=True)
    for candidate in candidates:
        assert set(candidate) == {"index", "scientific_name", "common_name", "rank", "confidence", "animal_id", "taxon_id"}
        assert candidate["taxon_id"]
        assert candidate["common_name"]
    for detected in end.data["job"]["detected_animals"]:
        assert all(value is not None for value in detected.values())
        assert detected["verified"] is True
        assert detected["class"] == detected["class_name"] != ""


@pytest.mark.parametrize("by", ["index", "name"])
async def test_a_choice_identifies_the_capture(ada: Player, by: str) -> None:
    job = await choice_of(ada, hint="red fox, grey heron", entry=ENTRY)
    fox = next(each for each in job["detected_animals"] if each["scientific_name"] == "Vulpes vulpes")
    wish = {"index": fox["index"]} if by == "index" else {"scientific_name": "vulpes Vulpes"}
    answer = await ada.say("capture.choose", {"job_id": job["id"], **wish})
    assert set(answer) == {"job", "animal", "entry"}
    assert answer["animal"]["scientific_name"] == "Vulpes vulpes"
    assert answer["job"]["selected_animal_index"] == fox["index"]
    assert answer["entry"]["catch_date"] == "2026-05-01"
    identified = await ada.expect_event("capture.identified")
    assert identified.data["job"] == answer["job"]
    assert identified.data["entry"] == answer["entry"]
    await ada.expect_refusal("conflict", "capture.choose", {"job_id": job["id"], **wish})


async def test_a_name_of_the_taxonomy_may_be_chosen_beside_the_candidates(ada: Player) -> None:
    job = await choice_of(ada)
    answer = await ada.say("capture.choose", {"job_id": job["id"], "scientific_name": "Vulpes vulpes"})
    assert answer["animal"]["verified"] is True
    assert (answer["job"]["selected_animal_index"], answer["entry"]) == (None, None)


@pytest.mark.parametrize("name", ["Inventus animalis", "red fox", "Vulpes", "Ardea cinerea inventa"])
async def test_what_is_no_candidate_and_no_species_of_the_taxonomy_cannot_be_chosen(ada: Player, name: str) -> None:
    job = await choice_of(ada)
    await ada.expect_refusal("vision.no_such_candidate", "capture.choose", {"job_id": job["id"], "scientific_name": name})
    await ada.expect_refusal("vision.no_such_candidate", "capture.choose", {"job_id": job["id"], "index": 7})
    assert (await ada.say("capture.get", {"job_id": job["id"]}))["job"]["outcome"] == "needs_choice"


async def test_a_genus_is_no_catch(ada: Player) -> None:
    job = await choice_of(ada, hint="Vulpes")
    assert job["detected_animals"][0]["rank"] == "genus"
    await ada.expect_refusal("vision.no_such_candidate", "capture.choose", {"job_id": job["id"], "index": 0})


async def test_a_choice_names_one_thing(ada: Player) -> None:
    job = await choice_of(ada)
    await ada.expect_refusal("request.invalid", "capture.choose", {"job_id": job["id"]})
    await ada.expect_refusal("request.invalid", "capture.choose", {"job_id": job["id"], "index": 0, "scientific_name": "Vulpes vulpes"})


async def test_two_choices_at_once_make_one_catch(ada: Player, stack: Stack) -> None:
    job = await choice_of(ada, hint="red fox, grey heron", entry=ENTRY)
    tablet = await Player(ada.account, ada.username).connects(base_url=stack.web_too.base_url)
    asked = [player.say("capture.choose", {"job_id": job["id"], "index": index}) for index, player in enumerate((ada, tablet))]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert [getattr(error, "code", error) for error in refused] == ["conflict"]
    await ada.expect_event("capture.identified")
    await ada.expect_silence("capture.identified")
    assert len((await ada.say("dex.list"))["entries"]) == 1
    await tablet.leaves()


async def test_a_truncated_jpeg_fails_once_decoding_shows_it(ada: Player) -> None:
    photo = new_photo(0)
    end = await ada.catches(photo[: len(photo) // 2], entry=ENTRY)
    assert end.type == "capture.failed"
    assert set(end.data) == {"job", "error", "retryable"}
    assert set(end.data["error"]) == {"code", "message"}
    assert (end.data["error"]["code"], end.data["retryable"]) == ("image.unreadable", False)
    job = end.data["job"]
    assert (job["status"], job["outcome"], job["image_conversion_status"]) == ("failed", "failed", "failed")
    assert job["error_message"] == end.data["error"]["message"]
    assert job["dex_compatible_url"] == ""
    await ada.expect_refusal("vision.not_retryable", "capture.retry", {"job_id": job["id"]})


async def test_a_crop_that_leaves_the_picture_fails_and_another_one_may_be_tried(ada: Player) -> None:
    crop = {"x": 0, "y": 0, "width": 5_000, "height": 10}
    end = await ada.catches(new_photo(), hint="grey heron", entry=ENTRY, transformations={"crop": crop})
    assert end.type == "capture.failed"
    assert (end.data["error"]["code"], end.data["retryable"]) == ("request.invalid", True)
    fractions: list[float] = []
    with ada.socket.watching(lambda event: fractions.append(event.data["fraction"]) if event.type == "capture.progress" else None):
        wish = {"crop": {**crop, "width": 10}}
        again = await ada.say("capture.retry", {"job_id": end.data["job"]["id"], "transformations": wish})
        assert (again["job"]["status"], again["job"]["outcome"]) == ("pending", None)
        queued = await ada.expect_event("capture.queued", where=lambda event: event.seq > end.seq)
        assert queued.data["job"]["transformations"] == wish
        identified = await ada.expect_event("capture.identified")
    assert identified.data["job"]["id"] == end.data["job"]["id"]
    assert fractions == sorted(fractions)
    await ada.expect_refusal("vision.not_retryable", "capture.retry", {"job_id": end.data["job"]["id"]})


async def test_an_ended_job_cannot_be_cancelled(ada: Player) -> None:
    job = await choice_of(ada)
    await ada.expect_refusal("conflict", "capture.cancel", {"job_id": job["id"]})
    await ada.expect_refusal("vision.not_retryable", "capture.retry", {"job_id": job["id"]})


async def test_somebody_elses_job_is_not_found(ada: Player, bob: Player) -> None:
    job = await choice_of(ada)
    for request in ("capture.get", "capture.cancel", "capture.retry"):
        await bob.expect_refusal("not_found", request, {"job_id": job["id"]})
    await bob.expect_refusal("not_found", "capture.choose", {"job_id": job["id"], "index": 0})
    await bob.expect_refusal("not_found", "capture.get", {"job_id": str(uuid.uuid4())})
    assert (await bob.calls("GET", f"vision/jobs/{job['id']}/")).status_code == 404
    assert (await bob.say("capture.list"))["jobs"] == []


async def test_jobs_are_listed_newest_first_by_status_and_page(ada: Player) -> None:
    photo = new_photo()
    made = [await choice_of(ada) for _ in range(3)]
    failed = await ada.catches(photo[: len(photo) // 2])
    everything = await ada.say("capture.list")
    ids = [job["id"] for job in everything["jobs"]]
    assert ids == [failed.data["job"]["id"], *[job["id"] for job in reversed(made)]]
    assert everything["cursor"] is None
    assert [job["id"] for job in (await ada.say("capture.list", {"status": "failed"}))["jobs"]] == ids[:1]
    page = await ada.say("capture.list", {"limit": 3})
    rest = await ada.say("capture.list", {"limit": 3, "cursor": page["cursor"]})
    assert [job["id"] for job in page["jobs"] + rest["jobs"]] == ids
    await ada.expect_refusal("request.invalid", "capture.list", {"status": "lost"})
    await ada.expect_refusal("request.invalid", "capture.list", {"cursor": "nonsense"})


async def test_a_capture_that_ended_while_nobody_was_there_is_replayed(ada: Player, stack: Stack) -> None:
    photo = new_photo()
    answer = await ada.say("capture.begin", announced(photo, hint="grey heron", entry=ENTRY))
    point = ada.socket.resume_point
    await send(ada, answer["upload_id"], photo)
    await ada.expect_event("capture.identified")
    await ada.leaves()
    await ada.connects(base_url=stack.web_too.base_url, resume=point)
    kinds = [(await ada.socket.events.get(lambda event: event.seq is not None, timeout_s=5)).type for _ in range(3)]
    assert sorted(kinds) == ["capture.identified", "capture.queued", "dex.entry_created"]
    assert kinds[0] == "capture.queued"
