"""What people do to jobs: submit, choose, retry, cancel. What the worker does to them is in pipeline.py."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from domain import mailbox
from domain.accounts.models import User
from domain.accounts.services import stand_in_line
from domain.animals import services as animals
from domain.dex.fields import EntryFields
from domain.dex.models import DexEntry
from domain.errors import Conflict, NoSuchCandidate, NotFound, NotRetryable
from domain.images.transformations import Transformations
from domain.taxonomy import queries as taxonomy
from domain.taxonomy.names import parse_scientific
from vision import queries
from vision.fingerprint import fingerprint
from vision.judgement import TRUSTED
from vision.models import AnalysisJob, Conversion, Outcome, Stage, Status
from vision.pipeline import conclude_identified


@dataclass(frozen=True, slots=True)
class Submission:
    """A photo in storage and what its sender says of it; `image` is its name there, `sha256` in hex."""

    image: str
    sha256: str
    filename: str
    transformations: Transformations
    entry: EntryFields | None
    hint: str
    language: str

    @property
    def entry_fields(self) -> dict[str, object] | None:
        return None if self.entry is None else self.entry.model_dump(mode="json")

    @property
    def fingerprint(self) -> str:
        return fingerprint(sha256=self.sha256, transformations=self.transformations, hint=self.hint)


def submit(user: User, submission: Submission) -> AnalysisJob:
    """Makes the job of a photo and tells its owner. A worker hears of it by the same news, once all that is committed."""
    with mailbox.transaction():
        job = AnalysisJob.objects.create(
            user=user,
            image=submission.image,
            image_checksum=submission.sha256,
            filename=submission.filename,
            fingerprint=submission.fingerprint,
            transformations=submission.transformations.model_dump(mode="json", exclude_defaults=True),
            entry_fields=submission.entry_fields,
            hint=submission.hint,
            language=submission.language,
        )
        _tell_queued(job)
    return job


def submit_once(user: User, submission: Submission) -> AnalysisJob:
    """The same for a client that may ask again because it heard nothing: the same submission within ten minutes is the same job."""
    with mailbox.transaction():
        # Submissions of one person stand in line here, so that of two at once the second finds the first.
        stand_in_line(user.id)
        same = queries.same_submission(user.id, fingerprint=submission.fingerprint, entry_fields=submission.entry_fields)
        return same or submit(user, submission)


def choose(
    user: User, job_id: UUID, *, index: int | None = None, scientific_name: str | None = None
) -> tuple[AnalysisJob, DexEntry | None]:
    """Settles a job that needs a choice: one of its candidates by index, or a name.

    Raises:
        NotFound: no such job of theirs. Conflict: it needs no choice (any more).
        NoSuchCandidate: neither a candidate nor a species of the taxonomy.
        VisionLimitReached: too many animals that the taxonomy lacks were made today.
    """
    with mailbox.transaction():
        job = _locked(user, job_id)
        if job.outcome != Outcome.NEEDS_CHOICE:
            raise Conflict
        chosen = _candidate(job, index=index, scientific_name=scientific_name)
        found = _animal(user, chosen, scientific_name)
        job.selected_animal_index = None if chosen is None else int(str(chosen["index"]))
        entry = conclude_identified(job, found, confidence=None if chosen is None else float(str(chosen["confidence"])))
    return job, entry


def _candidate(job: AnalysisJob, *, index: int | None, scientific_name: str | None) -> dict[str, object] | None:
    for candidate in job.detected_animals:
        if candidate["index"] == index or (scientific_name and candidate["scientific_name"].casefold() == scientific_name.casefold()):
            return dict(candidate)
    if index is not None:
        raise NoSuchCandidate
    return None


def _animal(user: User, chosen: dict[str, object] | None, scientific_name: str | None) -> animals.Found:
    name = str(chosen["scientific_name"]) if chosen else scientific_name or ""
    match = taxonomy.match_species(name)
    if match is not None and match.how in TRUSTED:
        return animals.animal_of_taxon(match.taxon, created_by=user)
    parsed = parse_scientific(name)
    if chosen is None or parsed is None or not parsed.specific_epithet:
        # A genus or a family is something to start from, and nobody catches one.
        raise NoSuchCandidate(_("This is no species; choose another candidate, or give a species' scientific name."))
    return animals.animal_of_unknown_name(name, common_name=str(chosen["common_name"]), created_by=user)


def retry(user: User, job_id: UUID, *, transformations: Transformations | None = None) -> AnalysisJob:
    """Runs a failed job again, with other transformations where they are given; the model is asked anew.

    Raises:
        NotFound. NotRetryable: it has not failed, was cancelled, was retried too often, or would fail the same way.
    """
    with mailbox.transaction():
        job = _locked(user, job_id)
        if job.outcome != Outcome.FAILED or not job.retryable:
            raise NotRetryable
        if transformations is not None:
            job.transformations = transformations.model_dump(mode="json", exclude_defaults=True)
            job.fingerprint = fingerprint(sha256=job.image_checksum, transformations=transformations, hint=job.hint)
        job.status, job.outcome, job.stage = Status.PENDING, "", Stage.QUEUED
        job.image_conversion_status = Conversion.PENDING
        job.error_code = job.error_message = ""
        job.retryable = False
        job.retry_count = job.lost_runs = 0
        job.manual_retry_count += 1
        job.due_at = job.completed_at = None
        job.save()
        _tell_queued(job)
    return job


def cancel(user: User, job_id: UUID) -> AnalysisJob:
    """Stops a job that has not ended; a run that is under way finds out when it wants to write.

    Raises:
        NotFound. Conflict: it has ended.
    """
    with mailbox.transaction():
        job = _locked(user, job_id)
        if job.has_ended:
            raise Conflict
        job.status, job.outcome = Status.FAILED, Outcome.CANCELLED
        job.error_code, job.error_message = "cancelled", _("This was cancelled.")
        job.lease_until = job.due_at = None
        job.completed_at = timezone.now()
        job.save()
        mailbox.post("capture.cancelled", to=[user.id], job_id=str(job.id))
    return job


def _tell_queued(job: AnalysisJob) -> None:
    mailbox.post("capture.queued", to=[job.user_id], job_id=str(job.id))
    mailbox.tell("capture.progress", to=[job.user_id], job_id=str(job.id), stage=Stage.QUEUED.value, fraction=job.progress)


def _locked(user: User, job_id: UUID) -> AnalysisJob:
    job = AnalysisJob.objects.select_for_update(of=("self",)).select_related("user").filter(id=job_id, user=user).first()
    if job is None:
        raise NotFound
    return job
