"""The vision app."""

from django.apps import AppConfig


class VisionConfig(AppConfig):
    name = "vision"
    label = "vision"
