"""What changes animals: a species is found for the first time."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from domain.accounts.models import User
from domain.animals.models import Animal, ConservationStatus, Sequence
from domain.errors import VisionLimitReached
from domain.taxonomy import queries as taxonomy
from domain.taxonomy.models import Taxon
from domain.taxonomy.names import parse_scientific

SEQUENCE = "creation_index"
UNVERIFIED_A_DAY = 5


@dataclass(frozen=True, slots=True)
class Found:
    """An animal, and whether it was made just now."""

    animal: Animal
    created: bool


def animal_of_taxon(taxon: Taxon, *, created_by: User | None) -> Found:
    """The animal of an accepted species or subspecies; made, verified, where nobody had found it before."""
    return _find_or_make(
        Animal(
            scientific_name=taxon.scientific_name,
            common_name=taxonomy.common_name(taxon),
            taxon=taxon,
            kingdom=taxon.kingdom,
            phylum=taxon.phylum,
            class_name=taxon.class_name,
            order=taxon.order,
            family=taxon.family,
            genus=taxon.genus,
            conservation_status=taxon.conservation_status or ConservationStatus.NOT_EVALUATED,
            created_by=created_by,
            verified=True,
        )
    )


def animal_of_unknown_name(scientific_name: str, *, common_name: str, created_by: User) -> Found:
    """The unverified animal of a name that the taxonomy lacks, made by a person's choice.

    Raises:
        VisionLimitReached: this person made UNVERIFIED_A_DAY of them in the last 24 hours.
    """
    animal = Animal(scientific_name=scientific_name, common_name=common_name or scientific_name, created_by=created_by, verified=False)
    with transaction.atomic():
        found = _find_or_make(animal)
        # Counted under the sequence's lock, which whoever made one holds; the refusal takes the new one back.
        since = timezone.now() - timedelta(days=1)
        mine = Animal.objects.filter(created_by=created_by, verified=False, created_at__gte=since)
        if found.created and mine.count() > UNVERIFIED_A_DAY:
            raise VisionLimitReached
    return found


def _find_or_make(animal: Animal) -> Found:
    found = Animal.objects.filter(scientific_name=animal.scientific_name).first()
    if found is not None:
        return Found(animal=found, created=False)
    with transaction.atomic():
        # The lock comes before the second look: whoever waited here finds what the other one made.
        sequence = _locked_sequence()
        found = Animal.objects.filter(scientific_name=animal.scientific_name).first()
        if found is not None:
            return Found(animal=found, created=False)
        sequence.last += 1
        sequence.save(update_fields=["last", "updated_at"])
        animal.creation_index = sequence.last
        _name_parts(animal)
        animal.save(force_insert=True)
    return Found(animal=animal, created=True)


def _locked_sequence() -> Sequence:
    Sequence.objects.bulk_create([Sequence(name=SEQUENCE)], ignore_conflicts=True)
    return Sequence.objects.select_for_update().get(name=SEQUENCE)


def _name_parts(animal: Animal) -> None:
    """Genus and species from the name, where they are not given."""
    parsed = parse_scientific(animal.scientific_name)
    if parsed is not None:
        animal.genus = animal.genus or parsed.genus
        animal.species = animal.species or parsed.specific_epithet
