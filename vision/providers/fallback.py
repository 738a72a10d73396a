"""Identification without a model: what the person and the photo already say, matched against the taxonomy; sees no pixel, never invents."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.taxonomy import queries
from domain.taxonomy.queries import Match
from vision.prediction import MAX_CANDIDATES, Candidate, Prediction, Rank, SeenAnimal, plain, scientific_form
from vision.providers.service import Answer, CVService, Question

HINT_CONFIDENCE: Final = 0.95
CAPTION_CONFIDENCE: Final = 0.9
# Below any sensible VISION_SURE_CONFIDENCE: these ask the person.
SEVERAL_CONFIDENCE: Final = 0.5
TYPO_CONFIDENCE: Final = 0.6
HIGHER_CONFIDENCE: Final = 0.3

MAX_SOURCES: Final = 12
MAX_SOURCE_CHARS: Final = 300

_EXTENSION = re.compile(r"\.(?:jpe?g|png|webp|avif|hei[cf]|gif|bmp|tiff?|mpo)$", re.IGNORECASE)
_LIST = re.compile(r"[,;|/&+]")
_RANKS: Final[dict[str, Rank]] = {
    "species": "species",
    "subspecies": "subspecies",
    "genus": "genus",
    "family": "family",
    "order": "order",
    "class": "class",
    "phylum": "phylum",
}


@dataclass(frozen=True)
class _Found:
    match: Match
    confidence: float

    @property
    def is_sure(self) -> bool:
        return self.confidence > TYPO_CONFIDENCE

    @property
    def name(self) -> str:
        return str(self.match.taxon.scientific_name)


class FallbackService(CVService):
    """The provider for a site without a model.

    The hint comes first: where it names one species, what the captions name can only add candidates. What isn't one plain species
    ends in candidates to choose from, or in none.
    """

    method = "fallback"

    def identify(self, question: Question) -> Answer:
        """An answer from hint and captions alone; free, and without network."""
        languages = tuple(dict.fromkeys((question.language, "en")))
        said = _found_in([question.hint], HINT_CONFIDENCE, languages)
        captioned = _found_in(question.captions, CAPTION_CONFIDENCE, languages)
        best_first = _ranked(said, captioned)
        candidates = tuple(_candidate(each, question.language) for each in best_first[:MAX_CANDIDATES])
        prediction = Prediction(subject="animal", animals=(SeenAnimal(candidates=candidates),) if candidates else ())
        return Answer(prediction=prediction, method=self.method, model_name="", text=prediction.summary() if candidates else "")


def _found_in(sources: Iterable[str], confidence: float, languages: Sequence[str]) -> list[_Found]:
    """The taxa named in `sources`, each once, best first."""
    by_taxon: dict[object, _Found] = {}
    for text in _texts(sources):
        for match in _matches(text, languages):
            if scientific_form(str(match.taxon.scientific_name)) is None:
                continue
            found = _Found(match=match, confidence=_confidence(match, confidence))
            known = by_taxon.get(match.taxon.pk)
            if known is None or known.confidence < found.confidence:
                by_taxon[match.taxon.pk] = found
    return sorted(by_taxon.values(), key=lambda each: -each.confidence)


def _matches(text: str, languages: Sequence[str]) -> list[Match]:
    """The taxon that the whole text names, else those named within it; in the first of the languages that knows any."""
    for language in languages:
        whole = queries.match(text, language=language)
        # "Panthera leo, Vulpes vulpes" would pass for a lion named by a Mr Vulpes.
        if whole is not None and whole.how != "higher" and _LIST.search(text) is None:
            return [whole]
        within = queries.find_in_text(text, language=language)
        if within or whole is not None:
            return [*within, *([whole] if whole is not None else [])]
    return []


def _texts(sources: Iterable[str]) -> Iterator[str]:
    """Each source as words: white space squeezed, a file name's ending and joints taken off; no doubles, at most 12."""
    seen: dict[str, None] = {}
    for source in sources:
        text = plain(source[:MAX_SOURCE_CHARS])
        stem = _EXTENSION.sub("", text)
        if stem != text or " " not in stem:
            stem = plain(re.sub(r"[_+%\d()\[\]-]+", " ", stem))
        if stem:
            seen.setdefault(stem)
    yield from list(seen)[:MAX_SOURCES]


def _confidence(match: Match, sure: float) -> float:
    if match.how == "higher" or match.taxon.rank not in {"species", "subspecies"}:
        return HIGHER_CONFIDENCE
    return TYPO_CONFIDENCE if match.how == "typo" else sure


def _ranked(said: list[_Found], captioned: list[_Found]) -> list[_Found]:
    """Both lists as one, best first. Captions count fully only where they agree with what the person says, or the person says nothing."""
    said, captioned = _one_or_unsure(said), _one_or_unsure(captioned)
    if said:
        captioned = [each if any(_includes(wider, each) for wider in said) else _lowered(each) for each in captioned]
    if _is_several(said):
        captioned = [_lowered(each) for each in captioned]
    best: dict[str, _Found] = {}
    for each in sorted(said + captioned, key=lambda each: -each.confidence):
        best.setdefault(each.name, each)
    return list(best.values())


def _is_several(said: list[_Found]) -> bool:
    return sum(each.confidence == SEVERAL_CONFIDENCE for each in said) > 1


def _includes(wider: _Found, finer: _Found) -> bool:
    """Whether what one text names is, or holds, what the other names: "heron" holds the grey heron."""
    taxon = finer.match.taxon
    return _is_about(wider, finer) or wider.name in {finer.name, taxon.genus, taxon.family, taxon.order, taxon.class_name, taxon.phylum}


def _one_or_unsure(found: list[_Found]) -> list[_Found]:
    sure = [each for each in found if each.is_sure]
    # "Ursus arctos horribilis" names its species too; that is one animal, the finer.
    finest = [each for each in sure if not any(other is not each and _is_about(each, other) for other in sure)]
    if len(finest) > 1:
        return [_lowered(each) for each in found]
    return [each for each in found if each in finest or not each.is_sure] if finest else found


def _is_about(wider: _Found, finer: _Found) -> bool:
    return finer.name.startswith(f"{wider.name} ")


def _lowered(found: _Found) -> _Found:
    return _Found(match=found.match, confidence=min(found.confidence, SEVERAL_CONFIDENCE))


def _candidate(found: _Found, language: str) -> Candidate:
    taxon = found.match.taxon
    return Candidate(
        scientific_name=found.name,
        common_name=queries.common_name(taxon, language=language),
        rank=_RANKS.get(taxon.rank, "unranked"),
        confidence=found.confidence,
    )
