"""Loads a checklist in ColDP form from a folder, the shipped starter list where none is named; knows only the taxonomy's service."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from domain.errors import Invalid
from domain.taxonomy.services import STARTER, load_checklist


class Command(BaseCommand):
    help = "Loads a checklist in ColDP form (NameUsage.tsv, VernacularName.tsv, TaxonProperty.tsv) into the taxonomy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, default=STARTER, help="the package's folder (default: the starter checklist)")
        parser.add_argument("--source", default="starter", help="the name under which the taxa stand")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = load_checklist(options["path"], source=options["source"])
        except Invalid as error:
            raise CommandError(str(error)) from error
        if report.unchanged:
            self.stdout.write(f"{report.source}: unchanged, {report.taxa} taxa and {report.vernacular_names} names")
        else:
            self.stdout.write(f"{report.source}: {report.taxa} taxa and {report.vernacular_names} names, {report.withdrawn} withdrawn")
