"""Registers the room of names and classifications with Django; knows nothing beside its own label."""

from django.apps import AppConfig


class TaxonomyConfig(AppConfig):
    name = "domain.taxonomy"
    label = "taxonomy"
