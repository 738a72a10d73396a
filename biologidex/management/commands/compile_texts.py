"""`manage.py compile_texts`: writes each catalogue's `.mo` file from its `.po` file, on machines without the gettext tools too."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from biologidex.catalogues import mo_of, read_po


class Command(BaseCommand):
    help = "Compile the translations in biologidex/locale."

    def handle(self, *args: Any, **options: Any) -> None:
        for folder in settings.LOCALE_PATHS:
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/django.po")):
                messages = read_po(source)
                source.with_suffix(".mo").write_bytes(mo_of(messages))
                self.stdout.write(f"{source.parent.parent.name}: {len(messages) - 1} texts")
