"""The dex app."""

from django.apps import AppConfig


class DexConfig(AppConfig):
    name = "domain.dex"
    label = "dex"
