"""Shows kept pictures to staff, to look at and not to change."""

from django.contrib import admin

from domain.images.models import ProcessedImage
from domain.read_only import ReadOnlyAdmin


@admin.register(ProcessedImage)
class ProcessedImageAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "source_type", "original_format", "version", "file_size_bytes", "created_at")
    list_filter = ("source_type", "original_format")
    search_fields = ("=source_id", "=original_checksum", "=processed_checksum", "owner__username")
    list_select_related = ("owner",)
    date_hierarchy = "created_at"
