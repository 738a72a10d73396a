"""From what a provider says to what is true enough to record; asks the taxonomy, knows no job.

No answer makes a species by itself: a name counts only where the taxonomy has it.
"""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from domain.animals.models import Animal
from domain.taxonomy import queries as taxonomy
from domain.taxonomy.models import SPECIES_RANKS, Taxon
from vision.prediction import MAX_CANDIDATES, Candidate, Prediction

CREATURES = ("animal", "several_animals")
TRUSTED = ("exact", "synonym", "typo")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a prediction comes to: a sure `taxon` with its confidence (0 to 1), else candidates to choose from (wire form, best first).

    `no_animal` says that there is nothing to choose either.
    """

    candidates: tuple[dict[str, object], ...] = ()
    taxon: Taxon | None = None
    confidence: float | None = None
    no_animal: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    candidate: Candidate
    taxon: Taxon | None
    sure: bool


def judge(prediction: Prediction) -> Verdict:
    """A sure species, candidates, or no animal; a handful of queries."""
    if prediction.subject not in CREATURES:
        return Verdict(no_animal=True)
    firsts = [_seen(animal.candidates[0]) for animal in prediction.animals if animal.candidates]
    rest = [_seen(candidate) for animal in prediction.animals for candidate in animal.candidates[1:]]
    seen = firsts + sorted(rest, key=lambda each: -each.candidate.confidence)
    alone = prediction.subject == "animal" and len(firsts) == 1 and not prediction.text_in_picture
    if alone and firsts[0].sure:
        return Verdict(candidates=_wire(seen), taxon=firsts[0].taxon, confidence=firsts[0].candidate.confidence)
    return Verdict(candidates=_wire(sorted(seen, key=lambda each: -each.candidate.confidence)))


def _seen(candidate: Candidate) -> _Seen:
    match = taxonomy.match(candidate.scientific_name)
    if match is None or match.how == "vernacular":
        return _Seen(candidate=candidate, taxon=None, sure=False)
    is_species = match.taxon.rank in SPECIES_RANKS and match.how in TRUSTED
    return _Seen(candidate=candidate, taxon=match.taxon, sure=is_species and candidate.confidence >= settings.VISION_SURE_CONFIDENCE)


def _wire(seen: list[_Seen]) -> tuple[dict[str, object], ...]:
    """Candidates as clients read them; what is not known is "" and never null. A taxon that two names mean stands once."""
    distinct: dict[str, _Seen] = {}
    for each in seen:
        distinct.setdefault(str(each.taxon.id) if each.taxon else each.candidate.scientific_name, each)
    kept = list(distinct.values())[:MAX_CANDIDATES]
    names = [each.taxon.scientific_name for each in kept if each.taxon]
    animal_ids: dict[str, UUID] = dict(Animal.objects.filter(scientific_name__in=names).values_list("scientific_name", "id"))
    common = taxonomy.common_names([each.taxon for each in kept if each.taxon])
    return tuple(_wire_candidate(index, each, animal_ids, common) for index, each in enumerate(kept))


def _wire_candidate(index: int, seen: _Seen, animal_ids: dict[str, UUID], common: dict[UUID, str]) -> dict[str, object]:
    taxon, candidate = seen.taxon, seen.candidate
    name = taxon.scientific_name if taxon else candidate.scientific_name
    return {
        "index": index,
        "scientific_name": name,
        "common_name": (common[taxon.id] if taxon else candidate.common_name) or name,
        "rank": taxon.rank if taxon else candidate.rank,
        "confidence": round(candidate.confidence, 4),
        "animal_id": str(animal_ids.get(name, "")),
        "taxon_id": str(taxon.id) if taxon else "",
        "kingdom": taxon.kingdom if taxon else "",
        "phylum": taxon.phylum if taxon else "",
        "class": taxon.class_name if taxon else "",
        "class_name": taxon.class_name if taxon else "",
        "order": taxon.order if taxon else "",
        "family": taxon.family if taxon else "",
        "genus": taxon.genus if taxon else "",
        "species": taxon.specific_epithet if taxon else "",
        "verified": taxon is not None,
    }
