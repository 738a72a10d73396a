"""Uploads in storage: pieces and jobs that several processes bring at once, and what is left when something fails."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pydantic import ValidationError

from domain.accounts.models import User
from domain.dex.fields import EntryFields
from domain.errors import ImageUnsupportedFormat, UploadChecksum, UploadExpired, UploadOffset, UploadTooLarge, UploadUnknown
from domain.images.transformations import Transformations
from tests.vision.cast import begun, files, new_photo, person, together
from vision import services, tasks, uploads
from vision.models import AnalysisJob, Upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def ada() -> User:
    return person()


def whole_but_jobless(ada: User, content: bytes) -> Upload:
    """All bytes are here, and the job is not."""
    upload = begun(ada, content)
    uploads.append(ada, upload.id, offset=0, data=content[:1000])
    name = f"vision/uploads/{upload.id}/rest"
    uploads.default_storage.save(name, uploads.ContentFile(content[1000:]))
    upload = Upload.objects.get(id=upload.id)
    Upload.objects.filter(id=upload.id).update(parts=[*upload.parts, name], received=len(content))
    return Upload.objects.get(id=upload.id)


def test_the_last_byte_makes_the_job_and_takes_the_pieces_away(ada: User, media: Path) -> None:
    content = new_photo()
    upload = begun(ada, content)
    assert uploads.append(ada, upload.id, offset=0, data=content[:500]).job_id is None
    done = uploads.append(ada, upload.id, offset=500, data=content[500:])
    job = AnalysisJob.objects.get()
    assert (done.job_id, done.received, done.parts) == (job.id, len(content), [])
    assert files(media) == [job.image.name]
    assert (media / str(job.image.name)).read_bytes() == content


def test_the_same_piece_twice_at_once_is_stored_once(ada: User, media: Path) -> None:
    content = new_photo()
    upload = begun(ada, content)
    results = together(*[lambda: uploads.append(ada, upload.id, offset=0, data=content[:500])] * 4)
    refused = [result for result in results if isinstance(result, UploadOffset)]
    assert len(refused) == 3
    assert {error.facts["expected"] for error in refused} == {500}
    assert len(files(media)) == 1


def test_two_processes_that_finish_the_same_upload_make_one_job(ada: User, media: Path) -> None:
    content = new_photo()
    upload = whole_but_jobless(ada, content)
    results = together(*[lambda: uploads.finish_if_whole(Upload.objects.select_related("owner").get(id=upload.id))] * 4)
    job = AnalysisJob.objects.get()
    assert [getattr(result, "job_id", result) for result in results] == [job.id] * 4
    assert files(media) == [job.image.name]


def test_pieces_that_storage_lost_make_the_upload_start_again(ada: User, media: Path) -> None:
    content = new_photo()
    upload = whole_but_jobless(ada, content)
    (media / str(upload.parts[0])).unlink()
    with pytest.raises(UploadChecksum):
        uploads.finish_if_whole(upload)
    assert Upload.objects.get().received == 0
    assert files(media) == []


def test_a_job_that_cannot_be_made_leaves_no_photo_and_keeps_the_upload(ada: User, media: Path) -> None:
    content = new_photo()
    upload = whole_but_jobless(ada, content)
    Upload.objects.update(entry_fields={"visibility": "everyone"})
    before = files(media)
    with pytest.raises(ValidationError):
        uploads.finish_if_whole(Upload.objects.get(id=upload.id))
    assert files(media) == before
    assert not AnalysisJob.objects.exists()


def test_what_is_no_photo_takes_the_upload_with_it(ada: User, media: Path) -> None:
    content = b"no picture at all, but long enough to be one" * 30
    upload = begun(ada, content)
    with pytest.raises(ImageUnsupportedFormat):
        uploads.append(ada, upload.id, offset=0, data=content)
    assert not Upload.objects.exists()
    assert files(media) == []


@pytest.mark.parametrize(("offset", "data", "error"), [(1, b"x", UploadOffset), (0, bytes(200_000), UploadTooLarge)])
def test_a_piece_that_does_not_fit_stores_nothing(ada: User, media: Path, offset: int, data: bytes, error: type[Exception]) -> None:
    upload = begun(ada, new_photo())
    with pytest.raises(error):
        uploads.append(ada, upload.id, offset=offset, data=data)
    assert files(media) == []


def test_unfinished_uploads_go_after_a_day_with_their_files(ada: User, media: Path) -> None:
    old, young = new_photo(), new_photo()
    first, second = begun(ada, old), begun(ada, young)
    uploads.append(ada, first.id, offset=0, data=old[:100])
    uploads.append(ada, second.id, offset=0, data=young[:100])
    Upload.objects.filter(id=first.id).update(created_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(UploadExpired):
        uploads.append(ada, first.id, offset=100, data=old[100:])
    tasks.expire_uploads()
    with pytest.raises(UploadUnknown):
        uploads.append(ada, first.id, offset=100, data=old[100:])
    assert [path.split("/")[2] for path in files(media)] == [str(second.id)]


def test_expiry_leaves_an_upload_that_moved_on(ada: User, media: Path) -> None:
    content = new_photo()
    upload = begun(ada, content)
    stale = Upload.objects.get(id=upload.id)
    uploads.append(ada, upload.id, offset=0, data=content[:100])
    uploads.discard(stale)
    assert Upload.objects.get().received == 100
    assert len(files(media)) == 1


@pytest.mark.parametrize("entry", [None, EntryFields(catch_date="2026-05-01")])
def test_the_same_announcement_is_the_same_upload_until_it_is_a_job(ada: User, entry: EntryFields | None) -> None:
    content = new_photo()
    first = begun(ada, content, entry=entry)
    assert begun(ada, content, entry=entry).id == first.id
    assert begun(person("bob"), content, entry=entry).id != first.id
    uploads.append(ada, first.id, offset=0, data=content)
    assert begun(ada, content, entry=entry).id != first.id


@pytest.mark.parametrize("entry", [None, EntryFields(catch_date="2026-05-01")])
def test_the_same_submission_at_once_is_one_job(ada: User, entry: EntryFields | None) -> None:
    content = new_photo()

    def submission(place: int) -> Callable[[], AnalysisJob]:
        return lambda: services.submit_once(
            ada,
            services.Submission(
                image=f"vision/original/{place}.jpg",
                sha256=hashlib.sha256(content).hexdigest(),
                filename="image.jpg",
                transformations=Transformations(),
                entry=entry,
                hint="",
                language="en",
            ),
        )

    results = together(*[submission(place) for place in range(4)])
    assert {getattr(result, "id", result) for result in results} == {AnalysisJob.objects.get().id}
