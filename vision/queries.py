"""Reads of jobs and uploads, always for their owner: others' are not found."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from domain.errors import NotFound, UploadExpired, UploadUnknown
from vision.models import AnalysisJob, Outcome, Status, Upload

UPLOAD_LIFETIME = timedelta(hours=24)
# A client that repeats a request by itself does so within seconds; a person who sends a photo again means it.
SAME_SUBMISSION = timedelta(minutes=10)


def job(user_id: UUID, job_id: UUID) -> AnalysisJob:
    """One job of this person's.

    Raises:
        NotFound
    """
    found = complete(AnalysisJob.objects.filter(user_id=user_id, id=job_id)).first()
    if found is None:
        raise NotFound
    return found


def jobs_by_id(job_ids: Iterable[UUID]) -> dict[UUID, AnalysisJob]:
    """Jobs by id, without asking who looks: for renderers, whose letters only go to the owner."""
    return {found.id: found for found in complete(AnalysisJob.objects.filter(id__in=list(job_ids)))}


def jobs(user_id: UUID, *, status: str | None, before: tuple[datetime, UUID] | None, limit: int) -> list[AnalysisJob]:
    """A person's jobs, newest first."""
    rows = complete(AnalysisJob.objects.filter(user_id=user_id))
    if status is not None:
        rows = rows.filter(status=status)
    if before is not None:
        at, job_id = before
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=job_id))
    return list(rows.order_by("-created_at", "-id")[:limit])


def complete(rows: QuerySet[AnalysisJob]) -> QuerySet[AnalysisJob]:
    """With all that a job's shape on the wire shows, and without the model's raw answer."""
    return rows.select_related("user", "identified_animal", "dex_compatible_image").defer("raw_response")


def same_submission(user_id: UUID, *, fingerprint: str, entry_fields: dict[str, object] | None) -> AnalysisJob | None:
    """The job that the same submission made in the last minutes, unless it was cancelled."""
    since = timezone.now() - SAME_SUBMISSION
    rows = AnalysisJob.objects.filter(with_entry(entry_fields), user_id=user_id, fingerprint=fingerprint, created_at__gte=since)
    return complete(rows).exclude(outcome=Outcome.CANCELLED).order_by("-created_at").first()


def with_entry(entry_fields: dict[str, object] | None) -> Q:
    """Rows whose submission carried this entry; none is NULL, which is not equal to JSON's null."""
    return Q(entry_fields__isnull=True) if entry_fields is None else Q(entry_fields=entry_fields)


def identified_before(user_id: UUID, *, fingerprint: str, except_for: UUID) -> AnalysisJob | None:
    """This person's newest job of the same bytes, transformations and hint that named an animal."""
    rows = AnalysisJob.objects.filter(user_id=user_id, fingerprint=fingerprint, outcome=Outcome.IDENTIFIED, identified_animal__isnull=False)
    return rows.exclude(id=except_for).select_related("identified_animal").order_by("-created_at").first()


def due_jobs(*, queued_before: datetime, limit: int) -> list[UUID]:
    """Jobs that somebody should run: waiting ones whose time has come, and running ones whose lease ran out."""
    now = timezone.now()
    waiting = Q(status=Status.PENDING) & (Q(due_at__lte=now) | Q(due_at=None, updated_at__lt=queued_before))
    lost = Q(status=Status.PROCESSING, lease_until__lt=now)
    return list(AnalysisJob.objects.filter(waiting | lost).order_by("created_at").values_list("id", flat=True)[:limit])


def upload(user_id: UUID, upload_id: UUID) -> Upload:
    """One upload of this person's that is still alive.

    Raises:
        UploadUnknown, UploadExpired
    """
    found = Upload.objects.select_related("owner").filter(owner_id=user_id, id=upload_id).first()
    if found is None:
        raise UploadUnknown
    if found.job_id is None and found.created_at < timezone.now() - UPLOAD_LIFETIME:
        raise UploadExpired
    return found
