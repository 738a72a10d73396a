"""The biologidex app: the commands that start things."""

from django.apps import AppConfig


class BiologidexConfig(AppConfig):
    name = "biologidex"
    label = "biologidex"
