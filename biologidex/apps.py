"""The biologidex app: the commands that start things."""

import logging

from django.apps import AppConfig


class BiologidexConfig(AppConfig):
    name = "biologidex"
    label = "biologidex"

    def ready(self) -> None:
        # Python's own warnings are log lines too, and so JSON.
        logging.captureWarnings(True)
