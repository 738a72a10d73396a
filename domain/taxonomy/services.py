"""Puts a checklist into the tables, whole or not at all; knows no animal and no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.db import transaction

from domain.taxonomy.coldp import Checklist, NameUsage, digest_of, read_checklist
from domain.taxonomy.models import ChecklistEdition, Status, Taxon, VernacularName
from domain.taxonomy.names import fold, fold_english, parse_scientific

STARTER = Path(__file__).resolve().parent / "starter"
_ACCEPTED = frozenset({Status.ACCEPTED.value, Status.PROVISIONALLY_ACCEPTED.value})
_BATCH_ROWS = 2000
_TAXON_FIELDS = (
    "parent",
    "accepted",
    "status",
    "rank",
    "scientific_name",
    "authorship",
    "canonical_name",
    "kingdom",
    "phylum",
    "class_name",
    "order",
    "family",
    "genus",
    "specific_epithet",
    "infraspecific_epithet",
    "extinct",
    "conservation_status",
    "updated_at",
)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did: rows in the checklist, taxa it withdrew, and whether the tables had this edition already."""

    source: str
    digest: str
    taxa: int
    vernacular_names: int
    withdrawn: int
    unchanged: bool


def load_checklist(folder: Path = STARTER, *, source: str = "starter") -> LoadReport:
    """Makes the tables say what the ColDP folder says, for this source; other sources' rows stay.

    A folder whose files are those of the last load changes nothing. Taxa keep their ids from edition to edition; those that an edition
    no longer has are marked withdrawn, because animals may point to them. Two loads at the same time follow one another.
    Raises Invalid (domain.errors) where the folder is not a readable package.
    """
    digest = digest_of(folder)
    with transaction.atomic():
        edition, _ = ChecklistEdition.objects.get_or_create(source=source)
        edition = ChecklistEdition.objects.select_for_update().get(pk=edition.pk)
        if edition.digest == digest:
            return LoadReport(source, digest, edition.taxa, edition.vernacular_names, withdrawn=0, unchanged=True)
        checklist = read_checklist(folder)
        ids, withdrawn = _store_taxa(checklist, source=source)
        edition.vernacular_names = _store_vernaculars(checklist, ids, source=source)
        edition.taxa = len(checklist.usages)
        edition.digest = digest
        edition.save()
    return LoadReport(source, digest, edition.taxa, edition.vernacular_names, withdrawn=withdrawn, unchanged=False)


def _store_taxa(checklist: Checklist, *, source: str) -> tuple[dict[str, UUID], int]:
    known = dict(Taxon.objects.filter(source=source).values_list("source_id", "id"))
    ids = {usage.id: known.get(usage.id) or uuid4() for usage in checklist.usages}
    Taxon.objects.bulk_create(
        [_taxon(usage, ids, source=source, conservation=checklist.conservation.get(usage.id, "")) for usage in checklist.usages],
        batch_size=_BATCH_ROWS,
        update_conflicts=True,
        unique_fields=["source", "source_id"],
        update_fields=_TAXON_FIELDS,
    )
    gone = [pk for source_id, pk in known.items() if source_id not in ids]
    withdrawn = Taxon.objects.filter(pk__in=gone).exclude(status=Status.WITHDRAWN).update(status=Status.WITHDRAWN)
    return ids, withdrawn


def _taxon(usage: NameUsage, ids: Mapping[str, UUID], *, source: str, conservation: str) -> Taxon:
    above = ids.get(usage.parent_id)
    accepted = usage.status in _ACCEPTED
    name = parse_scientific(usage.scientific_name)
    return Taxon(
        id=ids[usage.id],
        source=source,
        source_id=usage.id,
        parent_id=above if accepted else None,
        accepted_id=None if accepted else above,
        status=usage.status,
        rank=usage.rank,
        scientific_name=usage.scientific_name,
        authorship=usage.authorship,
        canonical_name=name.canonical if name else fold(usage.scientific_name),
        kingdom=usage.kingdom,
        phylum=usage.phylum,
        class_name=usage.class_name,
        order=usage.order,
        family=usage.family,
        genus=usage.genus,
        specific_epithet=usage.specific_epithet,
        infraspecific_epithet=usage.infraspecific_epithet,
        extinct=usage.extinct,
        conservation_status=conservation,
    )


def _store_vernaculars(checklist: Checklist, ids: Mapping[str, UUID], *, source: str) -> int:
    VernacularName.objects.filter(taxon__source=source).delete()
    rows: dict[tuple[UUID, str, str], VernacularName] = {}
    for vernacular in sorted(checklist.vernaculars, key=lambda one: not one.preferred):
        taxon_id, folded = ids.get(vernacular.taxon_id), fold_english(vernacular.name)
        if taxon_id is None or not folded:
            continue
        rows.setdefault(
            (taxon_id, vernacular.language, folded),
            VernacularName(
                taxon_id=taxon_id,
                name=vernacular.name,
                folded_name=folded,
                language=vernacular.language,
                preferred=vernacular.preferred,
            ),
        )
    return len(VernacularName.objects.bulk_create(rows.values(), batch_size=_BATCH_ROWS))
