"""Animals for staff, to look at: a change has to tell every open graph, which a service does."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from domain.animals.models import Animal, Sequence


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Animal)
class AnimalAdmin(ReadOnlyAdmin):
    list_display = ("creation_index", "scientific_name", "common_name", "family", "conservation_status", "verified", "created_at")
    list_filter = ("verified", "conservation_status", "kingdom", "class_name")
    search_fields = ("scientific_name", "common_name", "=creation_index", "=id")
    raw_id_fields = ("taxon", "created_by")


@admin.register(Sequence)
class SequenceAdmin(ReadOnlyAdmin):
    list_display = ("name", "last", "updated_at")
