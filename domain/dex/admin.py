"""Entries for staff, to look at: a change has to tell the owner and their friends, which a service does."""

from django.contrib import admin

from domain.dex.models import DexEntry, Tombstone
from domain.read_only import ReadOnlyAdmin


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
