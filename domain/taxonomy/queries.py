"""Finds the taxon that a written name means; knows no animal, no viewer, and never guesses between two that fit equally."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet
from rapidfuzz.distance import DamerauLevenshtein

from domain.errors import NotFound
from domain.taxonomy.models import SPECIES_RANKS, Status, Taxon, VernacularName
from domain.taxonomy.names import ScientificName, english_forms, fold, fold_english, parse_scientific

How = Literal["exact", "synonym", "vernacular", "typo", "higher"]

ANIMALS = "Animalia"
TEXT_LIMIT = 500
MATCHES_LIMIT = 5
SEARCH_LIMIT = 100
_PHRASE_WORDS = 6
_ACCEPTED = frozenset({Status.ACCEPTED.value, Status.PROVISIONALLY_ACCEPTED.value})
_KNOWN = frozenset({*_ACCEPTED, Status.SYNONYM.value})
# A mistake in a shorter word turns it into another word more often than it is one.
_TYPO_LENGTH = 8
_LETTERS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Match:
    """The accepted taxon that a name means, and how it was found.

    `higher` says that the taxon is less than what was named: the genus or family where the species is not known, the species where
    the subspecies is not.
    """

    taxon: Taxon
    how: How


@dataclass(frozen=True, slots=True)
class _Phrase:
    start: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def match(name: str, *, kingdom: str = ANIMALS, language: str = "en") -> Match | None:
    """The taxon of a scientific or common name, extinct ones too; None where nothing fits or several fit equally.

    In this order: the accepted scientific name, a synonym, a common name in `language`, one typing mistake in a species' name
    (Damerau-Levenshtein distance 1), the species of an unknown subspecies or the genus of an unknown species.
    """
    name = name[:TEXT_LIMIT]
    parsed = _parse(name)
    parents = _lead(parsed) if parsed else []
    scientific = _by_canonical([parsed.canonical, *parents] if parsed else [fold(name)], kingdom=kingdom)
    named = _scientific(scientific.get(parsed.canonical, ())) if parsed else None
    if named and named.how != "higher":
        return named
    forms = english_forms(fold_english(name))
    names = _first(_by_vernacular(forms, kingdom=kingdom, language=language), forms)
    if named or names:
        return _better(named, names)
    if parsed and parsed.specific_epithet:
        mistyped = None if parsed.canonical in scientific else _typo(parsed, kingdom=kingdom)
        return mistyped or _first_higher(scientific, parents)
    return None


def match_species(name: str, *, kingdom: str = ANIMALS, language: str = "en") -> Match | None:
    """`match`, but only where the taxon is a species or a subspecies, from which an animal can be made."""
    found = match(name, kingdom=kingdom, language=language)
    return found if found and found.taxon.rank in SPECIES_RANKS else None


def find_in_text(text: str, *, kingdom: str = ANIMALS, language: str = "en") -> list[Match]:
    """The taxa that a file name or a caption names, species before higher ranks, then as they stand in the text; at most 5.

    The longest name wins where names overlap, and what is ambiguous uses up its words. Only the first 500 characters are read.
    """
    words = tuple(fold(word) for word in _LETTERS.findall(_CAMEL.sub(" ", text[:TEXT_LIMIT])))
    phrases = _phrases(tuple(word for word in words if word))
    if not phrases:
        return []
    scientific = _by_canonical({phrase.text for phrase in phrases if len(phrase.words) <= 3}, kingdom=kingdom)
    forms = {phrase.text: english_forms(fold_english(phrase.text)) for phrase in phrases}
    vernacular = _by_vernacular({form for several in forms.values() for form in several}, kingdom=kingdom, language=language)
    found: list[tuple[bool, int, Match]] = []
    taken: set[int] = set()
    for phrase in phrases:
        places = set(range(phrase.start, phrase.start + len(phrase.words)))
        names = _first(vernacular, forms[phrase.text])
        if places & taken or (phrase.text not in scientific and not names):
            continue
        taken |= places
        if hit := _better(_scientific(scientific.get(phrase.text, ())), names):
            found.append((hit.taxon.rank not in SPECIES_RANKS, phrase.start, hit))
    return _distinct(hit for _, _, hit in sorted(found, key=lambda one: one[:2]))[:MATCHES_LIMIT]


def search(q: str, *, rank: str | None = None, limit: int = 20) -> list[Taxon]:
    """Accepted taxa of which a scientific name, a synonym or a common name has words that begin with those of `q`.

    Names that are `q` come first, then names that begin with it, then by name. At most 100; common names are fetched along.
    """
    words = fold_english(q[:TEXT_LIMIT]).split()
    limit = min(limit, SEARCH_LIMIT)
    if not words or limit < 1:
        return []
    wanted = SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw")
    taxa = Taxon.objects.annotate(words=SearchVector("canonical_name", config="simple")).filter(words=wanted, status__in=_KNOWN)
    names = VernacularName.objects.annotate(words=SearchVector("folded_name", config="simple")).filter(words=wanted)
    if rank:
        taxa = taxa.filter(Q(accepted__isnull=True, rank=fold(rank)) | Q(accepted__rank=fold(rank)))
        names = names.filter(taxon__rank=fold(rank))
    best: dict[UUID, tuple[int, str]] = {}
    for name, own, accepted in [
        *taxa.values_list("canonical_name", "id", "accepted_id"),
        *names.filter(taxon__status__in=_ACCEPTED).values_list("folded_name", "taxon_id", "taxon__accepted_id"),
    ]:
        key = accepted or own
        best[key] = min(best.get(key, (9, "")), (_distance(name, " ".join(words)), name))
    order = sorted(best, key=lambda key: (best[key], key))[:limit]
    fetched = Taxon.objects.filter(status__in=_ACCEPTED).prefetch_related("vernacular_names").in_bulk(order)
    return [fetched[key] for key in order if key in fetched]


def get(taxon_id: UUID) -> Taxon:
    """The taxon with this id, whatever its status. Raises NotFound."""
    taxon = Taxon.objects.filter(pk=taxon_id).first()
    if taxon is None:
        raise NotFound
    return taxon


def common_name(taxon: Taxon, *, language: str = "en") -> str:
    """The preferred name in a language, else any in it, else the scientific name; no query where `vernacular_names` is prefetched."""
    return next((name.name for name in taxon.vernacular_names.all() if name.language == language), taxon.scientific_name)


def common_names(taxa: Iterable[Taxon], *, language: str = "en") -> dict[UUID, str]:
    """`common_name` of several taxa by id, in one query."""
    names = {taxon.pk: taxon.scientific_name for taxon in taxa}
    rows = VernacularName.objects.filter(taxon__in=names, language=language).order_by("preferred", "-name", "-id")
    return names | dict(rows.values_list("taxon_id", "name"))


def _by_canonical(names: Collection[str], *, kingdom: str) -> dict[str, list[Taxon]]:
    found: dict[str, list[Taxon]] = {}
    for taxon in _known(kingdom).filter(canonical_name__in=names).order_by("id"):
        found.setdefault(taxon.canonical_name, []).append(taxon)
    return found


def _by_vernacular(names: Collection[str], *, kingdom: str, language: str) -> dict[str, list[Taxon]]:
    rows = VernacularName.objects.filter(folded_name__in=names, language=language, taxon__kingdom=kingdom, taxon__status__in=_ACCEPTED)
    found: dict[str, list[Taxon]] = {}
    for row in rows.select_related("taxon").order_by("id"):
        found.setdefault(row.folded_name, []).append(row.taxon)
    return found


def _known(kingdom: str) -> QuerySet[Taxon]:
    return Taxon.objects.filter(kingdom=kingdom, status__in=_KNOWN).select_related("accepted")


def _parse(name: str) -> ScientificName | None:
    """The name's parts; where a capital hides the epithet (`Panthera Leo`), those of the name in lower case."""
    parsed = parse_scientific(name)
    return parsed if parsed is None or parsed.specific_epithet else parse_scientific(name.lower())


def _scientific(taxa: Sequence[Taxon]) -> Match | None:
    """An accepted name outdoes the same name's use as a synonym; two accepted taxa of one name (homonyms) are nobody."""
    accepted = {taxon.pk: taxon for taxon in taxa if taxon.status in _ACCEPTED}
    meant = accepted or {taxon.accepted.pk: taxon.accepted for taxon in taxa if taxon.accepted}
    if len(meant) != 1:
        return None
    taxon = next(iter(meant.values()))
    if taxon.rank not in SPECIES_RANKS:
        return Match(taxon, "higher")
    return Match(taxon, "exact" if accepted else "synonym")


def _vernacular(taxa: Sequence[Taxon]) -> Match | None:
    """Species outdo higher taxa of the same name, and a species its own subspecies; otherwise there must be only one."""
    species = {taxon.pk: taxon for taxon in taxa if taxon.rank in SPECIES_RANKS}
    meant = species or {taxon.pk: taxon for taxon in taxa}
    meant = {pk: taxon for pk, taxon in meant.items() if taxon.parent_id not in meant}
    if len(meant) != 1:
        return None
    return Match(next(iter(meant.values())), "vernacular" if species else "higher")


def _better(named: Match | None, names: Sequence[Taxon]) -> Match | None:
    """What a name means that may be scientific or common: `Puma` is the species so called sooner than the genus."""
    common = _vernacular(names)
    if named is None or (common and common.how == "vernacular" and named.how == "higher"):
        return common
    return named


def _first(found: Mapping[str, Sequence[Taxon]], forms: Iterable[str]) -> Sequence[Taxon]:
    return next((found[form] for form in forms if form in found), ())


def _typo(name: ScientificName, *, kingdom: str) -> Match | None:
    """The one species whose genus or epithet is a single mistake away, the other part being right."""
    wanted = name.canonical
    if len(wanted) < _TYPO_LENGTH:
        return None
    same_epithets = Q(specific_epithet=name.specific_epithet, infraspecific_epithet=name.infraspecific_epithet)
    candidates = _known(kingdom).filter(Q(canonical_name__startswith=f"{fold(name.genus)} ") | same_epithets, rank__in=SPECIES_RANKS)
    meant: dict[UUID, Taxon] = {}
    for taxon in candidates:
        if DamerauLevenshtein.distance(wanted, taxon.canonical_name, score_cutoff=1) == 1:
            accepted = taxon.accepted or taxon
            meant[accepted.pk] = accepted
    return Match(next(iter(meant.values())), "typo") if len(meant) == 1 else None


def _lead(name: ScientificName) -> list[str]:
    """What stands above a name in the name itself: the species of a subspecies, then the genus."""
    words = name.canonical.split()
    above = [f"{fold(name.genus)} {fold(name.specific_epithet)}"] if name.infraspecific_epithet else []
    return [*above, fold(name.genus)] if len(words) > 1 else []


def _first_higher(scientific: Mapping[str, Sequence[Taxon]], parents: Iterable[str]) -> Match | None:
    for parent in parents:
        if found := _scientific(scientific.get(parent, ())):
            return Match(found.taxon, "higher")
    return None


def _phrases(words: tuple[str, ...]) -> list[_Phrase]:
    """All runs of up to six words, the longest first, then from left to right."""
    return [
        _Phrase(start, words[start : start + length])
        for length in range(min(_PHRASE_WORDS, len(words)), 0, -1)
        for start in range(len(words) - length + 1)
    ]


def _distinct(matches: Iterable[Match]) -> list[Match]:
    return list({found.taxon.pk: found for found in reversed(list(matches))}.values())[::-1]


def _distance(name: str, wanted: str) -> int:
    return 0 if name == wanted else 1 if name.startswith(wanted) else 2
