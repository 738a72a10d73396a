"""Shows the loaded checklists to staff; the checklists are changed by loading another edition, never by hand."""

from django.contrib import admin

from domain.read_only import ReadOnlyAdmin
from domain.taxonomy.models import ChecklistEdition, Taxon, VernacularName


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
