"""Captures that a model answers: what is asked and what not, its failures, cancelling under way, and workers that die."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.journeys.photos import announced, new_photo, send
from tests.players import Player
from tests.stack import ROOT, Stack, running_stack, wait_for
from tests.vision.model_stub import Behaviour, ModelStub, answers, fails, hangs, prediction, says

ENDS = {"capture.identified", "capture.needs_choice", "capture.failed", "capture.cancelled"}
ENTRY = {"catch_date": "2026-05-01", "visibility": "friends"}
HERON = answers(prediction("Ardea cinerea/grey heron"))
LEASE_S = 4


@pytest.fixture(scope="module")
def stub() -> Iterator[ModelStub]:
    with ModelStub(default=HERON) as running:
        yield running


@pytest.fixture(scope="module")
def model_stack(stub: ModelStub) -> Iterator[Stack]:
    """A product whose model is the stub, with quick retries and a beat that sweeps every second."""
    settings = {
        "OPENAI_BASE_URL": stub.url,
        "OPENAI_API_KEY": "test",
        "OPENAI_TIMEOUT_S": "25",
        "VISION_RETRY_BASE_SECONDS": "0.1",
        "VISION_LEASE_SECONDS": str(LEASE_S),
        "VISION_SWEEP_SECONDS": "1",
    }
    with (
        tempfile.TemporaryDirectory(prefix="bdx-model-", ignore_cleanup_errors=True) as folder,
        running_stack(Path(folder), **settings) as running,
    ):
        command = [sys.executable, "-m", "celery", "-A", "biologidex", "beat", "-s", f"{folder}/beat", "-l", "WARNING"]
        with (Path(folder) / "beat.log").open("wb") as log:
            beat = subprocess.Popen(command, cwd=ROOT, env=dict(running.environment), stdout=log, stderr=log, start_new_session=True)
        yield running
        beat.terminate()
        beat.wait(timeout=10)


@pytest_asyncio.fixture
async def eve(model_stack: Stack) -> AsyncIterator[Player]:
    """Somebody on that product."""
    player = await (await Player.arrives(model_stack.base_url, "eve")).connects()
    yield player
    await player.leaves()


async def submit(player: Player, photo: bytes, **wishes: Any) -> str:
    """Sends a photo and does not wait for its end; the job's id."""
    answer = await player.say("capture.begin", announced(photo, **wishes))
    await send(player, answer["upload_id"], photo)
    queued = await player.expect_event("capture.queued")
    return str(queued.data["job"]["id"])


async def asked(stub: ModelStub, calls: int) -> None:
    """Until the model was asked so often."""
    await asyncio.to_thread(wait_for, lambda: len(stub.calls) >= calls, what=f"call {calls} of the model")


async def expect_end(player: Player, job_id: str) -> Any:
    return await player.socket.events.get(
        lambda event: event.type in ENDS and event.data["job"]["id"] == job_id, awaited="the end", timeout_s=30
    )


async def test_the_model_sees_the_picture_once_and_the_same_submission_is_not_asked_nor_paid_again(eve: Player, stub: ModelStub) -> None:
    before = len(stub.calls)
    photo = new_photo()
    first = await eve.catches(photo, entry=ENTRY)
    assert first.type == "capture.identified"
    job = first.data["job"]
    assert (job["cv_method"], job["model_name"], job["input_tokens"], job["output_tokens"]) == ("openai", "gpt-4o", 1_000, 100)
    assert float(job["cost_usd"]) > 0
    second = await eve.catches(photo, entry={**ENTRY, "catch_date": "2026-05-02"})
    assert second.type == "capture.identified"
    assert second.data["job"]["cost_usd"] is None
    assert len(stub.calls) == before + 1
    await eve.catches(photo, hint="another hint")
    await eve.catches(photo, transformations={"rotation": 90})
    assert len(stub.calls) == before + 3


async def test_another_persons_same_photo_is_asked_again(eve: Player, model_stack: Stack, stub: ModelStub) -> None:
    before = len(stub.calls)
    photo = new_photo()
    await eve.catches(photo)
    fay = await (await Player.arrives(model_stack.base_url, "fay")).connects(base_url=model_stack.web_too.base_url)
    await fay.catches(photo)
    await fay.leaves()
    assert len(stub.calls) == before + 2


async def test_what_the_model_is_not_sure_of_needs_a_choice(eve: Player, stub: ModelStub) -> None:
    stub.will(answers(prediction("Ardea cinerea", confidence=0.4)))
    unsure = await eve.catches(new_photo(), entry=ENTRY)
    stub.will(answers(prediction("Ardea cinerea", "Vulpes vulpes")))
    several = await eve.catches(new_photo(), entry=ENTRY)
    stub.will(answers(prediction("Ardea inventa/invented heron")))
    invented = await eve.catches(new_photo(), entry=ENTRY)
    stub.will(answers(prediction("Ardea cinerea", text=True)))
    labelled = await eve.catches(new_photo(), entry=ENTRY)
    assert {end.type for end in (unsure, several, invented, labelled)} == {"capture.needs_choice"}
    assert [candidate["scientific_name"] for candidate in several.data["candidates"]] == ["Ardea cinerea", "Vulpes vulpes"]
    assert (await eve.say("dex.list"))["entries"] == []


async def test_a_name_that_the_taxonomy_lacks_becomes_an_unverified_animal_by_choice_alone(eve: Player, stub: ModelStub) -> None:
    stub.will(answers(prediction("Inventus animalis/invented beast")))
    end = await eve.catches(new_photo(), entry=ENTRY)
    candidate = end.data["candidates"][0]
    assert (candidate["scientific_name"], candidate["animal_id"], candidate["taxon_id"]) == ("Inventus animalis", "", "")
    chosen = await eve.say("capture.choose", {"job_id": end.data["job"]["id"], "index": 0})
    assert (chosen["animal"]["scientific_name"], chosen["animal"]["verified"]) == ("Inventus animalis", False)
    assert (await eve.expect_event("capture.identified")).data["entry"] == chosen["entry"]


async def test_a_picture_without_an_animal_fails_and_may_be_tried_again(eve: Player, stub: ModelStub) -> None:
    stub.will(answers(prediction(subject="plant")))
    end = await eve.catches(new_photo(), entry=ENTRY)
    assert (end.type, end.data["error"]["code"], end.data["retryable"]) == ("capture.failed", "vision.no_animal", True)
    await eve.say("capture.retry", {"job_id": end.data["job"]["id"]})
    again = await expect_end(eve, end.data["job"]["id"])
    assert again.type == "capture.identified"


async def test_an_answer_that_cannot_be_read_needs_a_choice(eve: Player, stub: ModelStub) -> None:
    stub.will(says("I had rather not say."))
    end = await eve.catches(new_photo())
    assert (end.type, end.data["candidates"]) == ("capture.needs_choice", [])


async def test_a_failure_of_the_server_is_waited_out(eve: Player, stub: ModelStub) -> None:
    before = len(stub.calls)
    stub.will(fails(500), fails(503))
    fractions: list[float] = []
    with eve.socket.watching(lambda event: fractions.append(event.data["fraction"]) if event.type == "capture.progress" else None):
        end = await eve.catches(new_photo(), entry=ENTRY)
    assert end.type == "capture.identified"
    assert end.data["job"]["retry_count"] == 2
    assert len(stub.calls) == before + 3
    assert fractions == sorted(fractions)
    await eve.expect_silence(*ENDS)


async def test_after_three_retries_the_job_fails_and_may_be_retried_by_hand(eve: Player, stub: ModelStub) -> None:
    before = len(stub.calls)
    stub.will(*[fails(500)] * 4)
    end = await eve.catches(new_photo(), entry=ENTRY)
    assert (end.type, end.data["error"]["code"], end.data["retryable"]) == ("capture.failed", "vision.unavailable", True)
    assert end.data["job"]["retry_count"] == 3
    assert len(stub.calls) == before + 4
    again = await eve.say("capture.retry", {"job_id": end.data["job"]["id"]})
    assert (again["job"]["retry_count"], again["job"]["error"]) == (0, None)
    assert (await expect_end(eve, end.data["job"]["id"])).type == "capture.identified"


async def test_a_refused_key_fails_at_once_and_says_nothing_of_it(eve: Player, stub: ModelStub) -> None:
    before = len(stub.calls)
    stub.will(fails(401, code="invalid_api_key", message="Incorrect API key provided: test"))
    end = await eve.catches(new_photo(), entry=ENTRY)
    assert (end.type, end.data["error"]["code"], end.data["retryable"]) == ("capture.failed", "vision.unavailable", True)
    assert "key" not in end.data["error"]["message"].lower()
    assert len(stub.calls) == before + 1


async def test_a_job_under_way_can_be_cancelled_and_its_late_result_is_refused(eve: Player, model_stack: Stack, stub: ModelStub) -> None:
    before = len(stub.calls)
    stub.will(Behaviour(content=HERON.content, hang_s=1.0))
    job_id = await submit(eve, new_photo(), entry=ENTRY)
    await asked(stub, before + 1)
    cancelled = await eve.say("capture.cancel", {"job_id": job_id})
    assert (cancelled["job"]["status"], cancelled["job"]["outcome"]) == ("failed", "cancelled")
    event = await eve.expect_event("capture.cancelled")
    assert event.data == {"job": cancelled["job"]}
    await asyncio.to_thread(wait_for, lambda: f"Job {job_id} was taken over or ended" in model_stack.worker.said(), what="the late result")
    await eve.expect_silence(*ENDS)
    assert (await eve.say("capture.get", {"job_id": job_id}))["job"]["outcome"] == "cancelled"
    assert (await eve.say("dex.list"))["entries"] == []
    await eve.expect_refusal("conflict", "capture.cancel", {"job_id": job_id})
    await eve.expect_refusal("vision.not_retryable", "capture.retry", {"job_id": job_id})


async def test_a_job_whose_worker_is_killed_ends_exactly_once(eve: Player, model_stack: Stack, stub: ModelStub) -> None:
    before = len(stub.calls)
    stub.will(hangs(20))
    seen: list[Any] = []
    with eve.socket.watching(seen.append):
        job_id = await submit(eve, new_photo(), entry=ENTRY)
        await asked(stub, before + 1)
        worker = model_stack.worker
        model_stack.processes.remove(worker)
        await asyncio.to_thread(worker.stop, 9)
        await asyncio.to_thread(model_stack.start_worker)
        end = await expect_end(eve, job_id)
        await eve.expect_silence(*ENDS)
    assert end.type == "capture.identified"
    assert sum(event.type in ENDS for event in seen) == 1
    fractions = [event.data["fraction"] for event in seen if event.type == "capture.progress"]
    assert fractions == sorted(fractions)
    assert len((await eve.say("dex.list"))["entries"]) == 1
    pictures = model_stack.sql("SELECT count(*) FROM images_processedimage WHERE source_id = %s", [job_id])
    assert pictures == [(1,)]
