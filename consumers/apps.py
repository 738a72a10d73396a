"""The consumers app: fills the tables of operations and events in every process, servers and workers alike."""

from importlib import import_module

from django.apps import AppConfig

AREAS = ("accounts", "animals", "captures", "dex", "feed", "friends", "graph", "jobs", "mailbox", "sessions", "taxonomy")


class ConsumersConfig(AppConfig):
    name = "consumers"
    label = "consumers"

    def ready(self) -> None:
        for area in AREAS:
            import_module(f"consumers.{area}")
