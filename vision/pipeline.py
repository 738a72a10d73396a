"""One run of a job, from its photo to its end; may be killed anywhere and run again. Knows Celery only as whoever calls it.

A run holds the job by its attempt number and a lease. Every write asks for both, so that a late result of a run that was given up is refused.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone, translation

from domain import mailbox
from domain.animals import services as animals
from domain.animals.models import Animal
from domain.dex import queries as dex_queries
from domain.dex import services as dex
from domain.dex.fields import EntryFields
from domain.dex.models import DexEntry
from domain.errors import DomainError, ImageUnreadable, Invalid, NoAnimal, VisionUnavailable
from domain.images import services as images
from domain.images.captions import captions
from domain.images.models import ProcessedImage
from domain.images.standard import Conversion as ImageConversion
from domain.images.standard import StandardImage, standardise
from domain.images.transformations import Transformations
from vision import queries
from vision.judgement import Verdict, judge
from vision.models import AnalysisJob, Conversion, Outcome, Stage, Status
from vision.providers.factory import CVServiceFactory
from vision.providers.service import Answer, LastingFailure, PassingFailure, Question

log = logging.getLogger(__name__)

MAX_LOST_RUNS = 3
MANUAL_RETRIES = 5
FRACTIONS = {Stage.QUEUED: 0.0, Stage.CONVERTING: 0.05, Stage.IDENTIFYING: 0.3, Stage.MATCHING: 0.85, Stage.RECORDING: 0.95}


class LostRun(Exception):
    """Somebody else has this job now, or it has ended: this run's results are of no use."""


@dataclass(frozen=True, slots=True)
class Run:
    """A job with the attempt number under which this run may write to it."""

    job: AnalysisJob
    attempt: int
    began: float

    @property
    def held(self) -> Q:
        return Q(id=self.job.id, status=Status.PROCESSING, attempt=self.attempt)


def run(held: Run) -> None:
    """Takes a job that was claimed to its end, or to its next wait; its texts are in its sender's language."""
    job_id = held.job.id
    with translation.override(held.job.language):
        try:
            _work(held)
        except LostRun:
            log.info("Job %s was taken over or ended; attempt %d stops.", job_id, held.attempt)
        except PassingFailure as failure:
            log.warning("Job %s: the provider failed for now: %s", job_id, failure.reason)
            postpone(held, retry_after_s=failure.retry_after_s)
        except LastingFailure as failure:
            log.error("Job %s: the provider failed: %s", job_id, failure.reason)
            fail(held, VisionUnavailable(), retryable=True)
        except FileNotFoundError:
            log.exception("Job %s: its photo is not in storage.", job_id)
            fail(held, ImageUnreadable(), retryable=False)
        except DomainError as error:
            # Another crop may fit, and another look may find an animal; the bytes stay what they are.
            fail(held, error, retryable=isinstance(error, Invalid))


def claim(job_id: UUID) -> Run | None:
    """Takes hold of a job that is due or whose last run was lost; None where it is neither. A job that was lost too often fails here.

    Of several who ask at once one gets it.
    """
    now = timezone.now()
    due = Q(status=Status.PENDING) & (Q(due_at=None) | Q(due_at__lte=now))
    lost = Q(status=Status.PROCESSING, lease_until__lt=now)
    taken = AnalysisJob.objects.filter(due | lost, id=job_id).update(
        status=Status.PROCESSING,
        attempt=F("attempt") + 1,
        lost_runs=F("lost_runs") + 1,
        lease_until=now + timedelta(seconds=settings.VISION_LEASE_SECONDS),
        due_at=None,
        started_at=now,
        updated_at=now,
    )
    if not taken:
        return None
    job = AnalysisJob.objects.select_related("user", "dex_compatible_image").get(id=job_id)
    held = Run(job=job, attempt=job.attempt, began=time.monotonic())
    if job.lost_runs > MAX_LOST_RUNS:
        fail(held, VisionUnavailable(), retryable=True)
        return None
    return held


def give_back(held: Run) -> None:
    """Ends the lease of a run that broke off, so that the next sweep has the job run again."""
    AnalysisJob.objects.filter(held.held).update(lease_until=timezone.now(), updated_at=timezone.now())


def _work(held: Run) -> None:
    reach(held, Stage.CONVERTING)
    with held.job.image.open("rb") as file:
        content = file.read()
    wish = Transformations.parse(held.job.transformations)
    standard = standardise(BytesIO(content), transformations=wish, max_pixels=settings.MAX_IMAGE_PIXELS)
    image = _keep(held, standard)
    reach(held, Stage.IDENTIFYING)
    earlier = None if held.job.manual_retry_count else _earlier(held)
    if earlier is not None:
        reach(held, Stage.RECORDING)
        _record_again(held, image, *earlier)
        return
    answer = _ask(held, content, standard)
    reach(held, Stage.MATCHING)
    # What can't be read, or was refused, is no opinion: the person may retry or say what it is.
    verdict = judge(answer.prediction) if answer.prediction else Verdict()
    reach(held, Stage.RECORDING)
    _record(held, image, answer, verdict)


def _ask(held: Run, content: bytes, standard: StandardImage) -> Answer:
    job = held.job
    said = captions(BytesIO(content), job.filename)
    return CVServiceFactory.create().identify(Question(jpeg=standard.model_jpeg, hint=job.hint, captions=said.words, language=job.language))


def _earlier(held: Run) -> tuple[AnalysisJob, Animal] | None:
    found = queries.identified_before(held.job.user_id, fingerprint=held.job.fingerprint, except_for=held.job.id)
    return (found, found.identified_animal) if found and found.identified_animal else None


def _keep(held: Run, standard: StandardImage) -> ProcessedImage:
    """The standard picture's row and files; a run that finds itself too late takes them away again.

    What earlier runs left goes with it, unless somebody made an entry of it.
    """
    image = images.keep_standard(
        owner=held.job.user,
        source_type=ProcessedImage.SourceType.VISION_JOB,
        source_id=held.job.id,
        original=held.job.image.name or "",
        standard=standard,
    )
    unnecessary = standard.conversion is ImageConversion.UNNECESSARY
    taken = AnalysisJob.objects.filter(held.held).update(
        dex_compatible_image=image, image_conversion_status=Conversion.UNNECESSARY if unnecessary else Conversion.COMPLETED
    )
    if not taken:
        images.forget(image=image, keep_original=True)
        raise LostRun
    earlier = ProcessedImage.objects.filter(source_type=ProcessedImage.SourceType.VISION_JOB, source_id=held.job.id)
    shown = DexEntry.objects.filter(dex_compatible_image__source_id=held.job.id).values("dex_compatible_image_id")
    for left in earlier.exclude(id=image.id).exclude(id__in=shown):
        images.forget(image=left, keep_original=True)
    return image


def reach(held: Run, stage: Stage) -> None:
    """Notes and tells how far the job is; the fraction never falls, whatever was tried before.

    Raises:
        LostRun
    """
    changed = AnalysisJob.objects.filter(held.held).update(
        stage=stage,
        progress=Greatest(F("progress"), FRACTIONS[stage]),
        lease_until=timezone.now() + timedelta(seconds=settings.VISION_LEASE_SECONDS),
    )
    if not changed:
        raise LostRun
    _tell_progress(held, stage)


def _tell_progress(held: Run, stage: Stage) -> None:
    fraction = AnalysisJob.objects.filter(id=held.job.id).values_list("progress", flat=True).first()
    mailbox.tell("capture.progress", to=[held.job.user_id], job_id=str(held.job.id), stage=stage.value, fraction=fraction or 0.0)


def _record(held: Run, image: ProcessedImage, answer: Answer, verdict: Verdict) -> None:
    with mailbox.transaction():
        job = _still_held(held)
        _note_answer(job, held, answer)
        job.dex_compatible_image = image
        job.detected_animals = list(verdict.candidates)
        if verdict.taxon is not None:
            found = animals.animal_of_taxon(verdict.taxon, created_by=job.user)
            job.selected_animal_index = 0
            conclude_identified(job, found, confidence=verdict.confidence)
        elif verdict.no_animal:
            _conclude_failed(job, NoAnimal(), retryable=True)
        else:
            _conclude(job, status=Status.COMPLETED, outcome=Outcome.NEEDS_CHOICE)
            mailbox.post("capture.needs_choice", to=[job.user_id], job_id=str(job.id))


def _record_again(held: Run, image: ProcessedImage, earlier: AnalysisJob, animal: Animal) -> None:
    """The answer that was given, and paid for, before."""
    with mailbox.transaction():
        job = _still_held(held)
        job.dex_compatible_image = image
        job.cv_method, job.model_name, job.detail_level = earlier.cv_method, earlier.model_name, earlier.detail_level
        job.parsed_prediction = earlier.parsed_prediction
        job.detected_animals, job.selected_animal_index = earlier.detected_animals, earlier.selected_animal_index
        job.processing_time = round(time.monotonic() - held.began, 3)
        conclude_identified(job, animals.Found(animal=animal, created=False), confidence=earlier.confidence_score)


def _note_answer(job: AnalysisJob, held: Run, answer: Answer) -> None:
    job.cv_method, job.model_name, job.detail_level = answer.method, answer.model_name, answer.detail_level
    job.raw_response, job.parsed_prediction = answer.raw_response, answer.text
    job.input_tokens, job.output_tokens, job.cost_usd = answer.input_tokens, answer.output_tokens, answer.cost_usd
    job.processing_time = round(time.monotonic() - held.began, 3)


def conclude_identified(job: AnalysisJob, found: animals.Found, *, confidence: float | None) -> DexEntry | None:
    """Ends a job with an animal and, where its sender asked for one, a dex entry; inside the caller's transaction."""
    recorded = None
    new_species = found.created or _is_uncaught(found.animal)
    if job.entry_fields is not None:
        fields = EntryFields.model_validate(job.entry_fields)
        recorded = dex.record_catch(job.user, found.animal, fields, job_id=job.id, image=job.dex_compatible_image)
    job.identified_animal = found.animal
    # The candidate that it was names the animal from now on, though nobody had found it when the candidates were written.
    job.detected_animals = [
        {**candidate, "animal_id": str(found.animal.id)} if candidate["index"] == job.selected_animal_index else candidate
        for candidate in job.detected_animals
    ]
    job.confidence_score = confidence
    _conclude(job, status=Status.COMPLETED, outcome=Outcome.IDENTIFIED)
    mailbox.post(
        "capture.identified",
        to=[job.user_id],
        job_id=str(job.id),
        animal_id=str(found.animal.id),
        entry_id=str(recorded.entry.id) if recorded else None,
        new_entry=recorded.new_entry if recorded else None,
        new_species=new_species,
        new_for_you=recorded.new_for_owner if recorded else not dex_queries.has_caught(job.user_id, found.animal.id),
    )
    return recorded.entry if recorded else None


def _is_uncaught(animal: Animal) -> bool:
    """Whether nobody has caught this animal that was known by name; of two who are the first at once one is."""
    caught = DexEntry.objects.filter(animal=animal)
    if caught.exists():
        return False
    Animal.objects.select_for_update(no_key=True).get(id=animal.id)
    return not caught.exists()


def postpone(held: Run, *, retry_after_s: float | None) -> None:
    """Lets a job wait for its next try; after the last one it fails."""
    tries = held.job.retry_count
    if tries >= len(settings.VISION_RETRY_WAITS_S):
        fail(held, VisionUnavailable(), retryable=True)
        return
    wait_s = max(settings.VISION_RETRY_WAITS_S[tries], retry_after_s or 0.0)
    AnalysisJob.objects.filter(held.held).update(
        status=Status.PENDING,
        stage=Stage.QUEUED,
        retry_count=F("retry_count") + 1,
        lost_runs=0,
        due_at=timezone.now() + timedelta(seconds=wait_s),
        lease_until=None,
        updated_at=timezone.now(),
    )
    _tell_progress(held, Stage.QUEUED)


def fail(held: Run, error: DomainError, *, retryable: bool) -> None:
    """Ends a job with an error, once."""
    with mailbox.transaction():
        try:
            job = _still_held(held)
        except LostRun:
            return
        job.processing_time = round(time.monotonic() - held.began, 3)
        if job.image_conversion_status == Conversion.PENDING:
            job.image_conversion_status = Conversion.FAILED
        _conclude_failed(job, error, retryable=retryable)


def _conclude_failed(job: AnalysisJob, error: DomainError, *, retryable: bool) -> None:
    job.error_code, job.error_message = error.code, str(error)
    job.retryable = retryable and job.manual_retry_count < MANUAL_RETRIES
    _conclude(job, status=Status.FAILED, outcome=Outcome.FAILED)
    mailbox.post("capture.failed", to=[job.user_id], job_id=str(job.id))


def _conclude(job: AnalysisJob, *, status: Status, outcome: Outcome) -> None:
    job.status, job.outcome = status, outcome
    job.lease_until = job.due_at = None
    job.completed_at = timezone.now()
    if status == Status.COMPLETED:
        job.progress = 1.0
    job.save()


def _still_held(held: Run) -> AnalysisJob:
    job = AnalysisJob.objects.select_for_update(of=("self",)).select_related("user").filter(held.held).first()
    if job is None:
        raise LostRun
    return job
