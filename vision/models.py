"""Analysis jobs and the uploads that become them."""

from django.conf import settings
from django.db import models

from domain.animals.models import Animal
from domain.images.models import ProcessedImage
from domain.record import Record

MAX_HINT = 200
MAX_FILENAME = 255


class Status(models.TextChoices):
    """The seed's four words, which clients poll."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Outcome(models.TextChoices):
    """The finer word for how a job ended; "" while it has not."""

    IDENTIFIED = "identified"
    NEEDS_CHOICE = "needs_choice"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(models.TextChoices):
    """Where a running job stands, in this order."""

    QUEUED = "queued"
    CONVERTING = "converting"
    IDENTIFYING = "identifying"
    MATCHING = "matching"
    RECORDING = "recording"


class Conversion(models.TextChoices):
    """How the standard picture came about; unnecessary when the upload already is one."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    UNNECESSARY = "unnecessary"


class AnalysisJob(Record):
    """One photo on its way from pixels to a species.

    `attempt` numbers the runs and never goes back; a run may write only under its number, while it holds the lease (`lease_until`).
    `lost_runs` counts those in a row that began and were not heard of again. `due_at` is when a waiting job may run.
    `detected_animals` are the candidates as the wire shows them. `fingerprint` names bytes, transformations and hint together.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="analysis_jobs")
    image = models.FileField(upload_to="vision/original", max_length=200)
    dex_compatible_image = models.OneToOneField(ProcessedImage, null=True, blank=True, on_delete=models.SET_NULL, related_name="vision_job")
    image_conversion_status = models.CharField(max_length=11, choices=Conversion.choices, default=Conversion.PENDING)
    filename = models.CharField(max_length=MAX_FILENAME, blank=True)
    image_checksum = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    transformations = models.JSONField(default=dict, blank=True)
    entry_fields = models.JSONField(null=True, blank=True)
    hint = models.CharField(max_length=MAX_HINT, blank=True)
    language = models.CharField(max_length=10, default="en")

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    stage = models.CharField(max_length=11, choices=Stage.choices, default=Stage.QUEUED)
    progress = models.FloatField(default=0.0)
    attempt = models.PositiveIntegerField(default=0)
    lost_runs = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    cv_method = models.CharField(max_length=30, blank=True)
    model_name = models.CharField(max_length=100, blank=True)
    detail_level = models.CharField(max_length=10, blank=True)
    raw_response = models.JSONField(null=True, blank=True)
    parsed_prediction = models.TextField(blank=True)
    detected_animals = models.JSONField(default=list, blank=True)
    identified_animal = models.ForeignKey(Animal, null=True, blank=True, on_delete=models.SET_NULL, related_name="analysis_jobs")
    selected_animal_index = models.PositiveSmallIntegerField(null=True, blank=True)
    confidence_score = models.FloatField(null=True, blank=True)

    cost_usd = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    processing_time = models.FloatField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    retryable = models.BooleanField(default=False)
    retry_count = models.PositiveSmallIntegerField(default=0)
    manual_retry_count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["user", "status"], name="job_user_status_index"),
            models.Index(fields=["status", "created_at"], name="job_status_made_index"),
            models.Index(fields=["identified_animal"], name="job_animal_index"),
            models.Index(fields=["created_at"], name="job_made_index"),
            models.Index(fields=["user", "fingerprint", "created_at"], name="job_fingerprint_index"),
            models.Index(fields=["user", "created_at", "id"], name="job_list_index"),
        ]

    @property
    def has_ended(self) -> bool:
        return self.status in (Status.COMPLETED, Status.FAILED)


class Upload(Record):
    """A photo that arrives in pieces. `parts` are the names of the pieces in Django's storage, so that any server process can go on.

    `received` counts bytes from 0; the job exists once it equals `size_bytes` and the checksum agrees.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=MAX_FILENAME, blank=True)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    transformations = models.JSONField(default=dict, blank=True)
    entry_fields = models.JSONField(null=True, blank=True)
    hint = models.CharField(max_length=MAX_HINT, blank=True)
    language = models.CharField(max_length=10, default="en")
    received = models.PositiveBigIntegerField(default=0)
    parts = models.JSONField(default=list, blank=True)
    job = models.OneToOneField(AnalysisJob, null=True, blank=True, on_delete=models.CASCADE, related_name="upload")

    class Meta:
        indexes = [
            models.Index(fields=["owner", "sha256"], name="upload_owner_sha256_index"),
            models.Index(fields=["created_at"], name="upload_made_index"),
        ]
