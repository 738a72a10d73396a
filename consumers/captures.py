"""Captures at the door: announcing a photo, sending it in pieces or in one, resuming it. What becomes of it is in jobs.py."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from consumers.jobs import CAPTURE_RATE, JOBS, JobThing, job_answer, job_thing, unwrap_job
from consumers.session import SessionConsumer
from domain.dex.fields import EntryFields
from domain.images.transformations import Transformations
from realtime.events import EventData, passing
from realtime.idempotency import Refs
from realtime.operations import Answer, Caller, Route, Shape, operation
from vision import queries, services, uploads
from vision.models import MAX_FILENAME, MAX_HINT
from vision.services import Submission
from vision.uploads import Announced

# As in tus: a client reads where to go on from the header alone.
OFFSET = {"Upload-Offset": "received"}

Hint = Annotated[str, Field(max_length=MAX_HINT)]
Filename = Annotated[str, Field(max_length=MAX_FILENAME)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Beginning(Answer):
    """Where an upload stands: send bytes from `received` on, at most `chunk_bytes` at a time; `job` once all bytes have come."""

    upload_id: UUID
    received: int
    chunk_bytes: int
    job: JobThing | None = None

    @model_serializer(mode="wrap")
    def _without_no_job(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        shown: dict[str, Any] = handler(self)
        if self.job is None:
            del shown["job"]
        return shown


class Announcement(Shape):
    """A photo that is about to be sent. `sha256` is hex, `size` in bytes."""

    filename: Filename = ""
    size: Annotated[int, Field(ge=1, le=2**40)]
    sha256: Sha256
    content_type: Annotated[str, Field(max_length=100)] = ""
    transformations: Transformations = Field(default_factory=Transformations)
    entry: EntryFields | None = None
    hint: Hint = ""


class ByUpload(Shape):
    """An upload's id."""

    upload_id: UUID


class Photo(BaseModel):
    """A photo that came in one piece; it stands for itself by its SHA-256 wherever requests are compared."""

    model_config = ConfigDict(arbitrary_types_allowed=True, ser_json_bytes="base64")

    name: str
    content: Annotated[bytes, Field(exclude=True)]
    sha256: str = ""

    @model_validator(mode="after")
    def digest(self) -> "Photo":
        self.sha256 = hashlib.sha256(self.content).hexdigest()
        return self


class NewJob(Shape):
    """A photo in one piece (multipart), with what its sender says of it."""

    image: Photo
    transformations: Transformations = Field(default_factory=Transformations)
    entry: EntryFields | None = None
    hint: Hint = ""


class Piece(Shape):
    """Bytes of an upload at an offset."""

    upload_id: UUID
    offset: Annotated[int, Field(ge=0)]
    content: bytes


def _beginning(caller: Caller, refs: Refs) -> Beginning:
    # Its last byte may have come, and whoever took it died before the job was made; then the job is made now.
    upload = uploads.finish_if_whole(queries.upload(caller.person.id, UUID(str(refs["upload_id"]))))
    return Beginning(
        upload_id=upload.id,
        received=upload.received,
        chunk_bytes=settings.SOCKET_UPLOAD_CHUNK_BYTES,
        job=job_thing(upload.job) if upload.job else None,
    )


@operation(
    "capture.begin", changes=True, rate=CAPTURE_RATE, render=_beginning, routes=[Route("POST", "uploads/", status=201, headers=OFFSET)]
)
def begin(caller: Caller, data: Announcement) -> Refs:
    """Announces a photo; binary frames with its bytes follow. The same photo announced again goes on where it stands."""
    announced = Announced(
        filename=data.filename,
        size_bytes=data.size,
        sha256=data.sha256,
        transformations=data.transformations,
        entry=data.entry,
        hint=data.hint,
        language=caller.language,
    )
    return {"upload_id": str(uploads.begin(caller.person, announced).id)}


@operation(
    "capture.resume", changes=True, takes_key=False, render=_beginning, routes=[Route("GET", "uploads/{upload_id}/", headers=OFFSET)]
)
def resume(caller: Caller, data: ByUpload) -> Refs:
    """Where an upload stands, after a broken connection, on whichever server process."""
    return {"upload_id": str(data.upload_id)}


@operation(
    "capture.append",
    changes=True,
    takes_key=False,
    render=_beginning,
    routes=[Route("PATCH", "uploads/{upload_id}/", raw_body="content", throttled=False, headers=OFFSET)],
)
def append(caller: Caller, data: Piece) -> Refs:
    """Goes on with an upload over REST, as binary frames do on a socket; the header Upload-Offset says where, as in tus."""
    uploads.append(caller.person, data.upload_id, offset=data.offset, data=data.content)
    return {"upload_id": str(data.upload_id)}


@contextmanager
def _store(caller: Caller, data: NewJob) -> Iterator[Submission]:
    """The photo in storage for as long as it takes to make its job; it goes again where it became none (a twin, a key used before, a failure)."""
    if len(data.image.content) > settings.MAX_UPLOAD_BYTES:
        raise uploads.too_large()
    image = uploads.keep_original(BytesIO(data.image.content))
    try:
        yield _submission(caller, data, image)
    finally:
        uploads.forget_unused(image)


def _submission(caller: Caller, data: NewJob, image: str) -> Submission:
    return Submission(
        image=image,
        sha256=data.image.sha256,
        filename=data.image.name[:MAX_FILENAME],
        transformations=data.transformations,
        entry=data.entry,
        hint=data.hint,
        language=caller.language,
    )


@operation(
    "capture.submit",
    changes=True,
    rate=CAPTURE_RATE,
    prepare=_store,
    render=job_answer,
    routes=[Route("POST", JOBS, status=201, envelope=unwrap_job, files=("image",))],
)
def submit(caller: Caller, submission: Submission) -> Refs:
    """Submits a photo in one piece, over REST. Without a key the same submission within ten minutes is the same job."""
    make = services.submit if caller.has_key else services.submit_once
    return {"job_id": str(make(caller.person, submission).id)}


def _forget_reception(session: SessionConsumer, answer: Answer) -> None:
    if isinstance(answer, Beginning):
        session.receptions.refresh(answer.upload_id, answer.received)


SessionConsumer.observers |= {"capture.begin": _forget_reception, "capture.resume": _forget_reception}


class UploadProgress(EventData):
    """So many bytes of an upload are safe."""

    upload_id: UUID
    received: int


class UploadFailed(EventData):
    """A chunk of an upload was wrong; go on at `error.expected` where that is given."""

    upload_id: UUID
    error: dict[str, Any]


passing("upload.progress", UploadProgress)
passing("upload.failed", UploadFailed)
