"""The social app."""

from django.apps import AppConfig


class SocialConfig(AppConfig):
    name = "domain.social"
    label = "social"
