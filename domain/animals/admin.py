"""Animals for staff, to look at: a change has to tell every open graph, which a service does."""

from django.contrib import admin

from domain.animals.models import Animal, Sequence
from domain.read_only import ReadOnlyAdmin


@admin.register(Animal)
class AnimalAdmin(ReadOnlyAdmin):
    list_display = ("creation_index", "scientific_name", "common_name", "family", "conservation_status", "verified", "created_at")
    list_filter = ("verified", "conservation_status", "kingdom", "class_name")
    search_fields = ("scientific_name", "common_name", "=creation_index", "=id")
    raw_id_fields = ("taxon", "created_by")


@admin.register(Sequence)
class SequenceAdmin(ReadOnlyAdmin):
    list_display = ("name", "last", "updated_at")
