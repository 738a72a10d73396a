"""Reads a folder in the Catalogue of Life's data package format (ColDP, tab separated) into plain shapes; knows no table.

Columns may carry the prefix `col:`, as the Catalogue's own exports do. Fields are neither quoted nor escaped.
https://github.com/CatalogueOfLife/coldp
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from domain.errors import Invalid

NAME_USAGE = "NameUsage.tsv"
VERNACULAR_NAME = "VernacularName.tsv"
TAXON_PROPERTY = "TaxonProperty.tsv"
IUCN_STATUS = "IUCN status"
_REQUIRED = {
    NAME_USAGE: frozenset({"ID", "parentID", "status", "scientificName", "rank"}),
    VERNACULAR_NAME: frozenset({"taxonID", "name", "language"}),
    TAXON_PROPERTY: frozenset({"taxonID", "property", "value"}),
}
# ISO 639-2 and 639-3 codes of which the short form is the one used here.
_LANGUAGES = {"eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es"}
_TRUTH = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


@dataclass(frozen=True, slots=True)
class NameUsage:
    """A row of NameUsage; `parent_id` of a synonym is the usage that is accepted in its place."""

    id: str
    parent_id: str
    status: str
    scientific_name: str
    authorship: str
    rank: str
    kingdom: str
    phylum: str
    class_name: str
    order: str
    family: str
    genus: str
    specific_epithet: str
    infraspecific_epithet: str
    extinct: bool | None


@dataclass(frozen=True, slots=True)
class Vernacular:
    """A row of VernacularName, its language shortened to ISO 639-1 where that is known."""

    taxon_id: str
    name: str
    language: str
    preferred: bool


@dataclass(frozen=True, slots=True)
class Checklist:
    """A whole package; `conservation` maps a usage's id to its IUCN category."""

    usages: tuple[NameUsage, ...]
    vernaculars: tuple[Vernacular, ...]
    conservation: Mapping[str, str]


def read_checklist(folder: Path) -> Checklist:
    """The package in a folder; VernacularName and TaxonProperty may be missing.

    Raises Invalid where the folder has no NameUsage, a file is not UTF-8, or a needed column is missing.
    """
    if not (folder / NAME_USAGE).is_file():
        raise Invalid(_("%(folder)s has no %(file)s.") % {"folder": folder, "file": NAME_USAGE})
    return Checklist(
        usages=tuple(_usage(row) for row in _rows(folder / NAME_USAGE)),
        vernaculars=tuple(_vernacular(row) for row in _rows(folder / VERNACULAR_NAME)),
        conservation={row["taxonID"]: row["value"] for row in _rows(folder / TAXON_PROPERTY) if row["property"] == IUCN_STATUS},
    )


def digest_of(folder: Path) -> str:
    """SHA-256, in hexadecimal, over the files that are read; the same for the same contents."""
    digest = hashlib.sha256()
    for name in (NAME_USAGE, VERNACULAR_NAME, TAXON_PROPERTY):
        path = folder / name
        contents = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name} {len(contents)}\n".encode())
        digest.update(contents)
    return digest.hexdigest()


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            columns = [column.removeprefix("col:") for column in next(reader, [])]
            missing = _REQUIRED[path.name] - set(columns)
            if missing:
                raise Invalid(_("%(file)s lacks the columns %(columns)s.") % {"file": path.name, "columns": ", ".join(sorted(missing))})
            for values in reader:
                yield dict(zip(columns, (value.strip() for value in values), strict=False))
    except UnicodeDecodeError as error:
        raise Invalid(_("%(file)s is not UTF-8 at byte %(at)d.") % {"file": path.name, "at": error.start}) from error


def _usage(row: Mapping[str, str]) -> NameUsage:
    return NameUsage(
        id=row["ID"],
        parent_id=row["parentID"],
        status=row["status"].lower(),
        scientific_name=row["scientificName"],
        authorship=row.get("authorship", ""),
        rank=row["rank"].lower(),
        kingdom=row.get("kingdom", ""),
        phylum=row.get("phylum", ""),
        class_name=row.get("class", ""),
        order=row.get("order", ""),
        family=row.get("family", ""),
        genus=row.get("genericName", "") or row.get("genus", ""),
        specific_epithet=row.get("specificEpithet", ""),
        infraspecific_epithet=row.get("infraspecificEpithet", ""),
        extinct=_TRUTH.get(row.get("extinct", "").lower()),
    )


def _vernacular(row: Mapping[str, str]) -> Vernacular:
    language = row["language"].lower()
    return Vernacular(
        taxon_id=row["taxonID"],
        name=row["name"],
        language=_LANGUAGES.get(language, language),
        preferred=_TRUTH.get(row.get("preferred", "").lower()) is True,
    )
