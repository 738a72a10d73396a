"""A picture that is kept: the upload, the standard PNG made of it, and how; knows nobody but its owner."""

import hashlib
import uuid

from django.conf import settings
from django.db import models
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy as _

from domain.images.formats import EXTENSIONS
from domain.record import Record

FILE_NAME_CHARACTERS = 255


def _random_name(folder: str, extension: str) -> str:
    """A name that tells nothing and can't be guessed; two letters of it make folders that don't grow without end."""
    name = uuid.uuid4().hex
    return f"{folder}/{name[:2]}/{name}.{extension}"


def original_name(image: "ProcessedImage", filename: str) -> str:
    """Where an upload goes; the person's own file name is never used."""
    return _random_name("images/originals", EXTENSIONS.get(image.original_format, "bin"))


def processed_name(image: "ProcessedImage", filename: str) -> str:
    return _random_name("images/standard", "png")


def thumbnail_name(image: "ProcessedImage", filename: str) -> str:
    return _random_name("images/thumbnails", "jpg")


class ProcessedImage(Record):
    """An upload with what was made of it. Dimensions are {"width", "height"} in pixels, the original's as stored in the file, before
    turning."""

    class SourceType(models.TextChoices):
        VISION_JOB = "vision_job", _("Identification")
        USER_UPLOAD = "user_upload", _("Upload")
        DEX_EDIT = "dex_edit", _("Edit of a dex entry")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="images")
    source_type = models.CharField(max_length=16, choices=SourceType.choices)
    source_id = models.UUIDField()

    original_file = models.FileField(upload_to=original_name, max_length=FILE_NAME_CHARACTERS)
    processed_file = models.FileField(upload_to=processed_name, max_length=FILE_NAME_CHARACTERS, blank=True)
    thumbnail = models.FileField(upload_to=thumbnail_name, max_length=FILE_NAME_CHARACTERS, blank=True)

    original_format = models.CharField(max_length=8)
    original_dimensions = models.JSONField(default=dict)
    processed_dimensions = models.JSONField(default=dict)
    file_size_bytes = models.PositiveBigIntegerField(help_text=_("Size of the original file."))

    transformations = models.JSONField(default=dict, blank=True)
    processing_warnings = models.JSONField(default=list, blank=True)
    processing_errors = models.JSONField(default=list, blank=True)
    exif_data = models.JSONField(default=dict, blank=True)

    version = models.PositiveIntegerField(default=1)
    parent_image = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="later_versions")

    original_checksum = models.CharField(max_length=64)
    processed_checksum = models.CharField(max_length=64, blank=True)
    perceptual_hash = models.CharField(max_length=16, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["source_type", "source_id"], name="images_source"),
            models.Index(fields=["original_checksum"], name="images_original_checksum"),
            models.Index(fields=["processed_checksum"], name="images_processed_checksum"),
            models.Index(fields=["created_at"], name="images_created_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(version__gte=1), name="images_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.source_type} {self.source_id} v{self.version}"

    @staticmethod
    def calculate_checksum(file_field: FieldFile) -> str:
        """SHA-256 in hex of a stored file, read in pieces from its beginning."""
        digest = hashlib.sha256()
        with file_field.storage.open(file_field.name or "", "rb") as stored:
            for part in stored.chunks():
                digest.update(part)
        return digest.hexdigest()
