"""Idempotency keys for staff, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from realtime.models import IdempotencyKey


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key", "user", "created_at")
    list_select_related = ("user",)
    search_fields = ("=key", "user__username")
    raw_id_fields = ("user",)
