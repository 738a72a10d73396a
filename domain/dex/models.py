"""Dex entries: who caught which animal, when, where, and who may see it. Knows nothing of how it was recognised."""

from decimal import Decimal

from django.conf import settings
from django.db import models

from domain.animals.models import Animal
from domain.images.models import ProcessedImage
from domain.record import Record

COORDINATE_DIGITS = 9
COORDINATE_PLACES = 6
MAX_NOTES = 2000
MAX_LOCATION_NAME = 200
MAX_CUSTOMIZATIONS_BYTES = 4096


class Visibility(models.TextChoices):
    """Who may see an entry besides its owner: nobody, friends, everybody."""

    PRIVATE = "private"
    FRIENDS = "friends"
    PUBLIC = "public"


class Precision(models.TextChoices):
    """How exactly friends see the place. Strangers never see it more exactly than approximate."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    HIDDEN = "hidden"


class DexEntry(Record):
    """One catch. Coordinates are degrees WGS 84; `image_checksum` is the SHA-256 (hex) of the picture shown, "" where there is none."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dex_entries")
    animal = models.ForeignKey(Animal, on_delete=models.PROTECT, related_name="dex_entries")
    source_vision_job = models.ForeignKey(
        "vision.AnalysisJob", null=True, blank=True, on_delete=models.SET_NULL, related_name="dex_entries"
    )
    dex_compatible_image = models.ForeignKey(ProcessedImage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    original_image = models.FileField(upload_to="dex/original", max_length=200, blank=True)
    processed_image = models.FileField(upload_to="dex/processed", max_length=200, blank=True)
    image_checksum = models.CharField(max_length=64, blank=True)
    location_lat = models.DecimalField(max_digits=COORDINATE_DIGITS, decimal_places=COORDINATE_PLACES, null=True, blank=True)
    location_lon = models.DecimalField(max_digits=COORDINATE_DIGITS, decimal_places=COORDINATE_PLACES, null=True, blank=True)
    location_name = models.CharField(max_length=MAX_LOCATION_NAME, blank=True)
    location_precision = models.CharField(max_length=11, choices=Precision.choices, default=Precision.APPROXIMATE)
    notes = models.TextField(max_length=MAX_NOTES, blank=True)
    customizations = models.JSONField(default=dict, blank=True)
    catch_date = models.DateField()
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.FRIENDS)
    is_favorite = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "dex entries"
        constraints = [models.UniqueConstraint(fields=["owner", "animal", "catch_date"], name="entry_once_a_day")]
        indexes = [
            models.Index(fields=["owner", "animal"], name="entry_owner_animal_index"),
            models.Index(fields=["owner", "catch_date"], name="entry_owner_date_index"),
            models.Index(fields=["owner", "visibility"], name="entry_owner_visibility_index"),
            models.Index(fields=["animal", "visibility"], name="entry_animal_visibility_index"),
            models.Index(fields=["catch_date"], name="entry_date_index"),
            models.Index(fields=["is_favorite"], name="entry_favorite_index"),
            models.Index(fields=["owner", "created_at", "id"], name="entry_feed_index"),
            models.Index(fields=["owner", "updated_at"], name="entry_sync_index"),
        ]

    def get_location_coords(self) -> tuple[Decimal, Decimal] | None:
        """(latitude, longitude) in degrees, or None where the place is not known."""
        if self.location_lat is None or self.location_lon is None:
            return None
        return self.location_lat, self.location_lon


class Tombstone(Record):
    """An entry that was deleted, so that a sync can say so; `created_at` is when."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    entry_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["owner", "created_at"], name="tombstone_sync_index")]
