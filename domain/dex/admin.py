"""Entries for staff, to look at: a change has to tell the owner and their friends, which a service does."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from domain.dex.models import DexEntry, Tombstone


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DexEntry)
class DexEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "animal", "catch_date", "visibility", "is_favorite", "created_at")
    list_filter = ("visibility", "is_favorite")
    list_select_related = ("owner", "animal")
    date_hierarchy = "catch_date"
    search_fields = ("=id", "owner__username", "animal__scientific_name", "animal__common_name")
    raw_id_fields = ("owner", "animal", "source_vision_job", "dex_compatible_image")


@admin.register(Tombstone)
class TombstoneAdmin(ReadOnlyAdmin):
    list_display = ("entry_id", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("=entry_id", "owner__username")
    raw_id_fields = ("owner",)
