"""Runs of a job: taken once, given up, taken over, broken off; whatever happens, one end and nothing left over."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from domain.animals.models import Animal
from domain.dex.fields import EntryFields
from domain.dex.models import DexEntry
from domain.dex.services import record_catch
from domain.errors import NotRetryable
from domain.images.models import ProcessedImage
from domain.images.transformations import Transformations
from domain.mailbox.models import Event
from tests.vision.cast import ENDS, a_heron, files, person, submitted, together, told
from vision import pipeline, queries, services, tasks
from vision.models import AnalysisJob, Outcome, Status
from vision.providers.service import Answer, CVService, LastingFailure, PassingFailure, Question

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "tests.vision.test_pipeline"


class Breaks(CVService):
    """A provider with a mistake in it."""

    method = "breaks"

    def identify(self, question: Question) -> Answer:
        raise ZeroDivisionError("unforeseen")


class Waits(CVService):
    """A provider that is overloaded."""

    method = "waits"

    def identify(self, question: Question) -> Answer:
        raise PassingFailure("overloaded", retry_after_s=500)


class Refuses(CVService):
    """A provider that lets nobody in."""

    method = "refuses"

    def identify(self, question: Question) -> Answer:
        raise LastingFailure("a wrong key", site_wide=True)


@pytest.fixture(autouse=True)
def ground(settings: Any, tmp_path: Path) -> Path:
    """A storage of one's own, one species to find, and the providers above beside the fallback."""
    settings.MEDIA_ROOT = str(tmp_path)
    settings.VISION_PROVIDER = "fallback"
    settings.VISION_PROVIDERS = settings.VISION_PROVIDERS | {each.method: f"{HERE}.{each.__name__}" for each in (Breaks, Waits, Refuses)}
    a_heron()
    return tmp_path


def expire_lease(job: AnalysisJob) -> None:
    AnalysisJob.objects.filter(id=job.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_two_workers_that_get_the_same_job_at_once_make_one_end(ground: Path) -> None:
    ada = person()
    job = submitted(ada)
    assert together(*[lambda: tasks.identify(str(job.id))] * 4) == [None] * 4
    assert told(ada, *ENDS, "dex.entry_created") == ["dex.entry_created", "capture.identified"]
    assert DexEntry.objects.count() == ProcessedImage.objects.count() == 1
    assert AnalysisJob.objects.get().attempt == 1


def test_a_job_that_ended_is_not_run_again() -> None:
    ada = person()
    job = submitted(ada)
    tasks.identify(str(job.id))
    tasks.identify(str(job.id))
    assert told(ada, *ENDS) == ["capture.identified"]


def test_a_run_that_was_given_up_writes_nothing_and_leaves_no_file(ground: Path) -> None:
    ada = person()
    job = submitted(ada)
    late = pipeline.claim(job.id)
    assert late is not None
    expire_lease(job)
    tasks.identify(str(job.id))
    kept = files(ground)
    pipeline.run(late)
    assert told(ada, *ENDS) == ["capture.identified"]
    assert ProcessedImage.objects.count() == 1
    assert files(ground) == kept


def test_a_late_failure_of_a_run_that_was_given_up_is_refused() -> None:
    ada = person()
    job = submitted(ada)
    late = pipeline.claim(job.id)
    assert late is not None
    expire_lease(job)
    tasks.identify(str(job.id))
    pipeline.postpone(late, retry_after_s=None)
    pipeline.give_back(late)
    pipeline.fail(late, NotRetryable(), retryable=False)
    assert AnalysisJob.objects.get().outcome == Outcome.IDENTIFIED
    assert told(ada, *ENDS) == ["capture.identified"]


def test_a_cancelled_run_records_nothing(ground: Path) -> None:
    ada = person()
    job = submitted(ada)
    held = pipeline.claim(job.id)
    assert held is not None
    services.cancel(ada, job.id)
    pipeline.run(held)
    assert told(ada, *ENDS) == ["capture.cancelled"]
    assert (DexEntry.objects.count(), Animal.objects.count(), ProcessedImage.objects.count()) == (0, 0, 0)
    assert len(files(ground)) == 1


def test_a_cancellation_and_an_end_at_once_are_one_end() -> None:
    ada = person()
    for _ in range(5):
        job = submitted(ada)
        together(lambda job=job: tasks.identify(str(job.id)), lambda job=job: services.cancel(ada, job.id))
    assert len(told(ada, *ENDS)) == 5


def test_a_job_that_is_lost_three_times_fails() -> None:
    ada = person()
    job = submitted(ada)
    for _ in range(3):
        assert pipeline.claim(job.id) is not None
        assert queries.due_jobs(queued_before=timezone.now(), limit=10) == []
        expire_lease(job)
        assert queries.due_jobs(queued_before=timezone.now(), limit=10) == [job.id]
    assert pipeline.claim(job.id) is None
    failed = AnalysisJob.objects.get()
    assert (failed.status, failed.error_code, failed.retryable) == (Status.FAILED, "vision.unavailable", True)
    assert told(ada, *ENDS) == ["capture.failed"]


def test_what_breaks_off_unforeseen_is_due_at_once_and_fails_after_three_times(settings: Any) -> None:
    settings.VISION_PROVIDER = "breaks"
    ada = person()
    job = submitted(ada)
    for _ in range(3):
        tasks.identify(str(job.id))
        assert queries.due_jobs(queued_before=timezone.now(), limit=10) == [job.id]
    tasks.identify(str(job.id))
    assert told(ada, *ENDS) == ["capture.failed"]
    assert "unforeseen" not in AnalysisJob.objects.get().error_message
    assert ProcessedImage.objects.count() == 1


def test_an_overloaded_provider_is_waited_for_as_long_as_it_asks(settings: Any) -> None:
    settings.VISION_PROVIDER = "waits"
    job = submitted(person())
    tasks.identify(str(job.id))
    waiting = AnalysisJob.objects.get()
    assert (waiting.status, waiting.retry_count, waiting.lost_runs) == (Status.PENDING, 1, 0)
    assert waiting.due_at is not None
    assert waiting.due_at > timezone.now() + timedelta(seconds=450)
    assert queries.due_jobs(queued_before=timezone.now(), limit=10) == []
    assert pipeline.claim(job.id) is None
    AnalysisJob.objects.update(due_at=timezone.now())
    assert queries.due_jobs(queued_before=timezone.now(), limit=10) == [job.id]


def test_a_job_may_be_cancelled_while_it_waits(settings: Any) -> None:
    settings.VISION_PROVIDER = "waits"
    ada = person()
    job = submitted(ada)
    tasks.identify(str(job.id))
    services.cancel(ada, job.id)
    AnalysisJob.objects.update(due_at=timezone.now())
    assert pipeline.claim(job.id) is None
    assert told(ada, *ENDS) == ["capture.cancelled"]


def test_a_photo_that_is_gone_from_storage_is_unreadable(ground: Path) -> None:
    ada = person()
    job = submitted(ada)
    (ground / str(job.image.name)).unlink()
    tasks.identify(str(job.id))
    failed = AnalysisJob.objects.get()
    assert (failed.error_code, failed.retryable, failed.image_conversion_status) == ("image.unreadable", False, "failed")


def test_a_retry_replaces_the_picture_and_its_files(settings: Any, ground: Path) -> None:
    settings.VISION_PROVIDER = "refuses"
    ada = person()
    job = submitted(ada)
    tasks.identify(str(job.id))
    first = ProcessedImage.objects.get()
    settings.VISION_PROVIDER = "fallback"
    services.retry(ada, job.id, transformations=Transformations(rotation=90))
    tasks.identify(str(job.id))
    second = ProcessedImage.objects.get()
    assert second.id != first.id
    assert second.processed_dimensions == {"width": 80, "height": 120}
    assert files(ground) == sorted([str(job.image.name), str(second.processed_file.name), str(second.thumbnail.name)])
    assert DexEntry.objects.get().dex_compatible_image_id == second.id


def test_a_retry_keeps_the_picture_that_an_entry_shows(settings: Any, ground: Path) -> None:
    settings.VISION_PROVIDER = "refuses"
    ada = person()
    job = submitted(ada, entry=None)
    tasks.identify(str(job.id))
    shown = ProcessedImage.objects.get()
    fox = Animal.objects.create(scientific_name="Vulpes vulpes", common_name="red fox", creation_index=1)
    record_catch(ada, fox, EntryFields(catch_date="2026-05-01"), job_id=job.id, image=shown)
    settings.VISION_PROVIDER = "fallback"
    services.retry(ada, job.id)
    tasks.identify(str(job.id))
    assert DexEntry.objects.get().dex_compatible_image_id == shown.id
    assert ProcessedImage.objects.count() == 2
    assert str(shown.processed_file.name) in files(ground)


def test_a_job_is_retried_by_hand_five_times_at_most(settings: Any) -> None:
    settings.VISION_PROVIDER = "refuses"
    ada = person()
    job = submitted(ada)
    tasks.identify(str(job.id))
    for _ in range(pipeline.MANUAL_RETRIES):
        services.retry(ada, job.id)
        tasks.identify(str(job.id))
    assert AnalysisJob.objects.get().retryable is False
    with pytest.raises(NotRetryable):
        services.retry(ada, job.id)


def test_an_entry_for_tomorrow_is_recorded_however_late_the_job_ends() -> None:
    ada = person()
    tomorrow = timezone.now().date() + timedelta(days=1)
    job = submitted(ada, entry=EntryFields(catch_date=tomorrow, location_lat="52.520008", location_lon="13.404954"))
    tasks.identify(str(job.id))
    entry = DexEntry.objects.get()
    assert (entry.catch_date, str(entry.location_lat)) == (tomorrow, "52.520008")


def test_two_who_catch_a_known_species_first_at_once_are_one_discoverer() -> None:
    Animal.objects.create(scientific_name="Ardea cinerea", common_name="grey heron", creation_index=1)
    jobs = [submitted(person(name)) for name in ("ada", "bob", "cyd")]
    together(*[lambda job=job: tasks.identify(str(job.id)) for job in jobs])
    told_so = Event.objects.filter(kind="capture.identified").values_list("refs__new_species", flat=True)
    assert sorted(told_so) == [False, False, True]
