"""Shows the loaded checklists to staff; the checklists are changed by loading another edition, never by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from domain.taxonomy.models import ChecklistEdition, Taxon, VernacularName


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Taxon)
class TaxonAdmin(ReadOnlyAdmin):
    list_display = ["scientific_name", "rank", "status", "family", "class_name", "conservation_status", "source"]
    list_filter = ["rank", "status", "conservation_status", "source"]
    search_fields = ["canonical_name__startswith", "source_id"]
    raw_id_fields = ["parent", "accepted"]
    show_full_result_count = False


@admin.register(VernacularName)
class VernacularNameAdmin(ReadOnlyAdmin):
    list_display = ["name", "language", "preferred", "taxon"]
    list_filter = ["language", "preferred"]
    list_select_related = ["taxon"]
    search_fields = ["folded_name__startswith"]
    raw_id_fields = ["taxon"]
    show_full_result_count = False


@admin.register(ChecklistEdition)
class ChecklistEditionAdmin(ReadOnlyAdmin):
    list_display = ["source", "taxa", "vernacular_names", "updated_at"]
