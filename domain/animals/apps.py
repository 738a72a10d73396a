"""The animals app."""

from django.apps import AppConfig


class AnimalsConfig(AppConfig):
    name = "domain.animals"
    label = "animals"
