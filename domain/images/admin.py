"""Shows kept pictures to staff, to look at and not to change."""

from django.contrib import admin
from django.http import HttpRequest

from domain.images.models import ProcessedImage


@admin.register(ProcessedImage)
class ProcessedImageAdmin(admin.ModelAdmin):
    list_display = ("id", "owner", "source_type", "original_format", "version", "file_size_bytes", "created_at")
    list_filter = ("source_type", "original_format")
    search_fields = ("=source_id", "=original_checksum", "=processed_checksum", "owner__username")
    list_select_related = ("owner",)
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ProcessedImage | None = None) -> bool:
        return False
