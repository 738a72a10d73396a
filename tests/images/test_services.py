"""Pictures are kept as files and one row, or not at all."""

import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError

from domain.images import services
from domain.images.models import ProcessedImage
from domain.images.standard import StandardImage, standardise
from domain.images.transformations import Transformations
from tests.images.pictures import card, encoded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def ada() -> AbstractBaseUser:
    return get_user_model().objects.create_user(username="ada", email="ada@example.org", password="an enormous heron")


@pytest.fixture
def upload() -> bytes:
    return encoded(card(), "JPEG").getvalue()


@pytest.fixture
def made(upload: bytes) -> StandardImage:
    return standardise(BytesIO(upload), transformations=Transformations(rotation=90))


def kept(owner: AbstractBaseUser, original: Any, made: StandardImage, **more: Any) -> ProcessedImage:
    return services.keep_standard(
        owner=owner,
        source_type=ProcessedImage.SourceType.VISION_JOB,
        source_id=uuid.uuid4(),
        original=original,
        standard=made,
        **more,
    )


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_kept_picture_has_its_files_and_facts(ada: AbstractBaseUser, upload: bytes, made: StandardImage) -> None:
    image = ProcessedImage.objects.get(pk=kept(ada, ContentFile(upload, name="me at home.jpg"), made).pk)
    assert image.original_file.read() == upload
    assert image.processed_file.read() == made.png
    assert image.thumbnail.read() == made.thumbnail
    assert image.original_dimensions == {"width": 120, "height": 80}
    assert image.processed_dimensions == {"width": 80, "height": 120}
    assert image.transformations == {"rotation": 90}
    assert image.file_size_bytes == len(upload)
    assert ProcessedImage.calculate_checksum(image.original_file) == image.original_checksum == made.original_checksum
    assert ProcessedImage.calculate_checksum(image.processed_file) == image.processed_checksum == made.checksum


def test_file_names_tell_nothing_of_the_person(ada: AbstractBaseUser, upload: bytes, made: StandardImage) -> None:
    image = kept(ada, ContentFile(upload, name="me at home.jpg"), made)
    names = [image.original_file.name, image.processed_file.name, image.thumbnail.name]
    assert [Path(name).suffix for name in names] == [".jpg", ".png", ".jpg"]
    assert not any("home" in name or "ada" in Path(name).name or str(image.pk) in name for name in names)


def test_an_upload_that_storage_has_is_not_written_again(ada: AbstractBaseUser, upload: bytes, made: StandardImage, media: Path) -> None:
    name = default_storage.save("uploads/abc", ContentFile(upload))
    assert kept(ada, name, made).original_file.name == name
    assert len(files_in(media)) == 3


def test_a_row_that_fails_leaves_no_file_behind(ada: AbstractBaseUser, upload: bytes, made: StandardImage, media: Path) -> None:
    name = default_storage.save("uploads/abc", ContentFile(upload))
    never_saved = ProcessedImage(version=-1)
    for original in (ContentFile(upload), name):
        with pytest.raises(IntegrityError):
            kept(ada, original, made, parent=never_saved)
    assert files_in(media) == [media / name]
    assert not ProcessedImage.objects.exists()


def test_an_edit_is_the_next_version_of_its_parent(ada: AbstractBaseUser, upload: bytes, made: StandardImage) -> None:
    first = kept(ada, ContentFile(upload), made)
    second = kept(ada, first.original_file.name, made, parent=first)
    assert (second.version, second.parent_image_id) == (2, first.pk)


def test_a_forgotten_picture_leaves_nothing_but_what_another_still_uses(
    ada: AbstractBaseUser, upload: bytes, made: StandardImage, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    first = kept(ada, ContentFile(upload), made)
    second = kept(ada, first.original_file.name, made, parent=first)
    with django_capture_on_commit_callbacks(execute=True):
        services.forget(image=first)
    assert len(files_in(media)) == 3
    with django_capture_on_commit_callbacks(execute=True):
        services.forget(image=ProcessedImage.objects.get(pk=second.pk))
    assert files_in(media) == []
