"""Keeps and forgets pictures: files first, then one row, and never a file without a row; decides nothing about who may see them."""

from contextlib import ExitStack
from functools import partial
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import ContentFile, File
from django.db import transaction

from domain.images.models import ProcessedImage
from domain.images.standard import StandardImage


def keep_standard(
    *,
    owner: AbstractBaseUser,
    source_type: ProcessedImage.SourceType,
    source_id: UUID,
    original: "File[bytes] | str",
    standard: StandardImage,
    parent: ProcessedImage | None = None,
) -> ProcessedImage:
    """Store the upload (a file, or the name of one that storage already has), the standard PNG and the thumbnail, and make the row.

    Files written here are removed again if the row can't be made. Call it outside any transaction: files can't be rolled back. With
    `parent` the picture is its next version.
    """
    image = _described(owner=owner, source_type=source_type, source_id=source_id, standard=standard, parent=parent)
    with ExitStack() as undo:
        if isinstance(original, str):
            image.original_file.name = original
        else:
            _write(image, "original_file", original, undo)
        _write(image, "processed_file", ContentFile(standard.png), undo)
        _write(image, "thumbnail", ContentFile(standard.thumbnail), undo)
        with transaction.atomic():
            image.save(force_insert=True)
        undo.pop_all()
    return image


def forget(*, image: ProcessedImage, keep_original: bool = False) -> None:
    """Delete the row, and after the commit its files. An original that another row still uses stays, and one that the caller keeps."""
    with transaction.atomic():
        shared = keep_original or ProcessedImage.objects.filter(original_file=image.original_file.name).exclude(pk=image.pk).exists()
        doomed = [image.processed_file, image.thumbnail] if shared else [image.original_file, image.processed_file, image.thumbnail]
        files = [(stored.storage, stored.name) for stored in doomed if stored.name]
        image.delete()
        for storage, name in files:
            transaction.on_commit(partial(storage.delete, name), robust=True)


def _described(
    *,
    owner: AbstractBaseUser,
    source_type: ProcessedImage.SourceType,
    source_id: UUID,
    standard: StandardImage,
    parent: ProcessedImage | None,
) -> ProcessedImage:
    return ProcessedImage(
        owner_id=owner.pk,
        source_type=source_type,
        source_id=source_id,
        original_format=standard.original_format,
        original_dimensions={"width": standard.original_width_px, "height": standard.original_height_px},
        processed_dimensions={"width": standard.png_width_px, "height": standard.png_height_px},
        file_size_bytes=standard.original_size_bytes,
        transformations=standard.transformations.model_dump(mode="json", exclude_defaults=True),
        processing_warnings=list(standard.warnings),
        processing_errors=[],
        exif_data=standard.exif.as_json(),
        version=parent.version + 1 if parent else 1,
        parent_image=parent,
        original_checksum=standard.original_checksum,
        processed_checksum=standard.checksum,
        perceptual_hash=standard.perceptual_hash,
    )


def _write(image: ProcessedImage, field: str, content: "File[bytes]", undo: ExitStack) -> None:
    """Store one file under a name of its own, and note how to take it back."""
    stored = getattr(image, field)
    content.seek(0)
    stored.save("", content, save=False)
    undo.callback(stored.storage.delete, stored.name)
