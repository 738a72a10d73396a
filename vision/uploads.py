"""Photos that arrive in pieces: begun, continued, finished, expired. Knows no socket; any process can go on with any upload."""

import hashlib
import logging
import tempfile
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from domain import mailbox
from domain.accounts.models import User
from domain.dex.fields import EntryFields
from domain.errors import DomainError, UploadChecksum, UploadOffset, UploadTooLarge
from domain.images import formats
from domain.images.transformations import Transformations
from vision import queries, services
from vision.models import AnalysisJob, Upload

log = logging.getLogger(__name__)

PARTS_FOLDER = "vision/uploads"
ORIGINALS_FOLDER = "vision/original"
SPOOL_BYTES = 4 * 1024 * 1024
EXPIRED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sender says of a photo before its first byte."""

    filename: str
    size_bytes: int
    sha256: str
    transformations: Transformations
    entry: EntryFields | None
    hint: str
    language: str


def begin(user: User, announced: Announced) -> Upload:
    """An upload for this photo; the same one again where it was announced before and has not become a job.

    Raises:
        UploadTooLarge
    """
    if announced.size_bytes > settings.MAX_UPLOAD_BYTES:
        raise too_large()
    wish = announced.transformations.model_dump(mode="json", exclude_defaults=True)
    entry_fields = None if announced.entry is None else announced.entry.model_dump(mode="json")
    alike = Upload.objects.filter(owner=user, sha256=announced.sha256, size_bytes=announced.size_bytes, job=None)
    alike = alike.filter(queries.with_entry(entry_fields), created_at__gte=timezone.now() - queries.UPLOAD_LIFETIME)
    alike = alike.filter(transformations=wish, hint=announced.hint, filename=announced.filename)
    found = alike.order_by("-created_at").first()
    if found is not None:
        return found
    return Upload.objects.create(
        owner=user,
        filename=announced.filename,
        size_bytes=announced.size_bytes,
        sha256=announced.sha256,
        transformations=wish,
        entry_fields=entry_fields,
        hint=announced.hint,
        language=announced.language,
    )


def append(user: User, upload_id: UUID, *, offset: int, data: bytes) -> Upload:
    """Adds bytes at `offset`; with the last one the job is made, or the upload fails.

    Raises:
        UploadUnknown, UploadExpired
        UploadOffset: with `expected`. UploadTooLarge: beyond the announced size.
        UploadChecksum: all bytes are here and are not the announced ones; the upload starts again at 0.
        ImageUnsupportedFormat, ImageUnreadable, ImageTooManyPixels: this is no photo for us; the upload is gone.
    """
    upload = queries.upload(user.id, upload_id)
    if upload.job_id is not None or offset != upload.received:
        raise UploadOffset(expected=upload.received)
    if offset + len(data) > upload.size_bytes:
        raise UploadTooLarge(expected=upload.received)
    if data:
        _add_part(upload, data)
    return finish_if_whole(upload)


def finish_if_whole(upload: Upload) -> Upload:
    """Makes the job of an upload whose bytes are all here; harmless where another process does the same.

    Raises:
        UploadChecksum, ImageUnsupportedFormat, ImageUnreadable, ImageTooManyPixels
        UploadUnknown: another process found that this is no photo for us.
    """
    if upload.job_id is not None or upload.received < upload.size_bytes:
        return upload
    parts = list(upload.parts)
    name = _put_together(upload)
    if name is not None:
        try:
            _make_job(upload, name)
        finally:
            forget_unused(name)
        _delete_files(parts)
    return queries.upload(upload.owner_id, upload.id)


def _put_together(upload: Upload) -> str | None:
    """The name of the whole file in storage; None where another process took the pieces away meanwhile, because it was quicker."""
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spooled:
        whole = cast("BinaryIO", spooled)
        try:
            digest = _assemble(upload, whole)
        except FileNotFoundError:
            if queries.upload(upload.owner_id, upload.id).parts != upload.parts:
                return None
            log.warning("Upload %s lost pieces in storage; it starts again.", upload.id)
            digest = ""
        if digest != upload.sha256:
            _start_again(upload)
            raise UploadChecksum(expected=0)
        try:
            return keep_original(whole)
        except DomainError:
            discard(upload)
            raise


def keep_original(whole: BinaryIO) -> str:
    """Puts a photo into storage, once its header says that it is one; the name of the file there.

    Raises:
        ImageUnsupportedFormat, ImageUnreadable, ImageTooManyPixels
    """
    inspected = formats.inspect(whole, max_pixels=settings.MAX_IMAGE_PIXELS)
    whole.seek(0)
    return default_storage.save(f"{ORIGINALS_FOLDER}/{uuid.uuid4().hex}.{formats.EXTENSIONS[inspected.format]}", File(whole))


def forget_unused(name: str) -> None:
    """Takes an original away again where no job was made of it."""
    if not AnalysisJob.objects.filter(image=name).exists():
        _delete_files([name])


def discard(upload: Upload) -> None:
    """Takes an upload and its pieces away, unless it has become a job or moved on."""
    gone, _ = Upload.objects.filter(id=upload.id, job=None, parts=upload.parts).delete()
    if gone:
        _delete_files(upload.parts)


def expire() -> None:
    """Takes away what was begun and not finished within a day."""
    old = Upload.objects.filter(job=None, created_at__lt=timezone.now() - queries.UPLOAD_LIFETIME)
    for upload in old.order_by("created_at")[:EXPIRED_AT_ONCE]:
        discard(upload)


def too_large() -> UploadTooLarge:
    return UploadTooLarge(max_upload_bytes=settings.MAX_UPLOAD_BYTES)


def _add_part(upload: Upload, data: bytes) -> None:
    """The file first, then the row by compare-and-set: of two that bring the same piece, one loses and takes its file away."""
    name = default_storage.save(f"{PARTS_FOLDER}/{upload.id}/{upload.received:012d}-{uuid.uuid4().hex}", ContentFile(data))
    parts = [*upload.parts, name]
    received = upload.received + len(data)
    taken = Upload.objects.filter(id=upload.id, job=None, received=upload.received, parts=upload.parts).update(
        parts=parts, received=received, updated_at=timezone.now()
    )
    if not taken:
        default_storage.delete(name)
        raise UploadOffset(expected=queries.upload(upload.owner_id, upload.id).received)
    upload.parts, upload.received = parts, received


def _assemble(upload: Upload, whole: BinaryIO) -> str:
    digest = hashlib.sha256()
    for name in upload.parts:
        with default_storage.open(name, "rb") as part:
            content = part.read()
        digest.update(content)
        whole.write(content)
    return digest.hexdigest()


def _start_again(upload: Upload) -> None:
    parts = list(upload.parts)
    if Upload.objects.filter(id=upload.id, job=None, parts=parts).update(parts=[], received=0, updated_at=timezone.now()):
        _delete_files(parts)


def _make_job(upload: Upload, name: str) -> None:
    with mailbox.transaction():
        locked = Upload.objects.select_for_update(of=("self",)).select_related("owner").filter(id=upload.id).first()
        if locked is None or locked.job_id is not None:
            return
        entry = None if locked.entry_fields is None else EntryFields.model_validate(locked.entry_fields)
        submission = services.Submission(
            image=name,
            sha256=locked.sha256,
            filename=locked.filename,
            transformations=Transformations.parse(locked.transformations),
            entry=entry,
            hint=locked.hint,
            language=locked.language,
        )
        locked.job = services.submit(locked.owner, submission)
        locked.parts = []
        locked.save(update_fields=["job", "parts", "updated_at"])


def _delete_files(names: list[str]) -> None:
    for name in names:
        # A folder's last file may be taken by two at once.
        with suppress(FileNotFoundError):
            default_storage.delete(name)
