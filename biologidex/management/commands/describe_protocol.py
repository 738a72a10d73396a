"""`manage.py describe_protocol`: prints PROTOCOL.md; `make docs` puts it in its place."""

from typing import Any

from django.core.management.base import BaseCommand

from biologidex.protocol_document import document


class Command(BaseCommand):
    help = "Print the protocol's document, made of the tables of operations, events, errors and close codes."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document(), ending="")
