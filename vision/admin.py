"""Jobs and uploads for staff, to look at, with the model's raw answer."""

from django.contrib import admin

from domain.read_only import ReadOnlyAdmin
from vision.models import AnalysisJob, Upload


@admin.register(AnalysisJob)
class AnalysisJobAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "status", "outcome", "stage", "cv_method", "model_name", "cost_usd", "retry_count", "created_at")
    list_filter = ("status", "outcome", "cv_method", "model_name")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    search_fields = ("=id", "user__username", "=image_checksum", "identified_animal__scientific_name")
    raw_id_fields = ("user", "identified_animal", "dex_compatible_image")


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "filename", "size_bytes", "received", "job", "created_at")
    list_select_related = ("owner", "job")
    search_fields = ("=id", "owner__username", "=sha256")
    raw_id_fields = ("owner", "job")
