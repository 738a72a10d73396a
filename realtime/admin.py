"""Idempotency keys for staff, to look at."""

from django.contrib import admin

from domain.read_only import ReadOnlyAdmin
from realtime.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key", "user", "created_at")
    list_select_related = ("user",)
    search_fields = ("=key", "user__username")
    raw_id_fields = ("user",)
