"""The console app: its templates and static files."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "consumers.console"
    label = "console"
