"""The mailbox app."""

from django.apps import AppConfig


class MailboxConfig(AppConfig):
    name = "domain.mailbox"
    label = "mailbox"
