"""Turns written names of animals into comparable ones; knows no table and no list of species."""

import re
import unicodedata
from dataclasses import dataclass

# Letters that Unicode does not decompose, though people type them without their stroke or ligature.
_UNDECOMPOSED = str.maketrans(
    {
        "\u00f8": "o",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u0142": "l",
        "\u0111": "d",
        "\u00f0": "d",
        "\u00fe": "th",
        "\u0127": "h",
        "\u0131": "i",
    }
)
# Inside a word an apostrophe joins (Darwin's, Père David's); every other mark parts.
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc`\u00b4]")
_PARTING = re.compile(r"[\W_]+")

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|[*`\"\u201c\u201d\u2018\u2019']")
_HYBRID = re.compile(r"(?:^|(?<=\s))[x\u00d7](?=\s)|\u00d7", re.IGNORECASE)
_SUBGENUS = re.compile(r"^\(([^\W\d_]+)\)$")
_GENUS = re.compile(r"^[a-z]{2,}(?:-[a-z]+)?$")
_EPITHET = re.compile(r"^(?=[a-z-]{2,}$)[a-z]+(?:-[a-z]+)*$")
_RANK_MARKS = frozenset({"subsp", "ssp", "subspecies", "var", "f", "forma", "morph", "form", "race"})
# "sp." says that the species is not known, "cf." and "aff." that it is only likened: nothing after them is a fact.
_OPEN_MARKS = frozenset({"sp", "spp", "cf", "aff", "nr", "indet", "species"})
# Lower-case words with which an author's name may begin (de Blainville, von Baer) or that join authors.
_AUTHOR_WORDS = frozenset(
    ["de", "da", "del", "della", "di", "du", "des", "la", "le", "van", "von", "der", "den", "ten", "zu", "ex", "in", "et", "and", "auct"]
)
# Endings of English plurals that are more than an s, and what they stand for.
_PLURALS = (("geese", "goose"), ("mice", "mouse"), ("lice", "louse"), ("ies", "y"), ("ves", "f"), ("es", ""), ("s", ""))


@dataclass(frozen=True, slots=True)
class ScientificName:
    """A name in its parts: the first word with a capital, epithets in lower case, `""` where the name has no such part."""

    genus: str
    specific_epithet: str = ""
    infraspecific_epithet: str = ""
    hybrid: bool = False

    @property
    def text(self) -> str:
        """The parts joined by blanks, without hybrid sign, rank mark or authorship."""
        return " ".join(part for part in (self.genus, self.specific_epithet, self.infraspecific_epithet) if part)

    @property
    def canonical(self) -> str:
        """The folded text, as `Taxon.canonical_name` holds it."""
        return fold(self.text)


def fold(text: str) -> str:
    """Text with case, accents and punctuation aside: lower-case words joined by single blanks; folding twice changes nothing more."""
    return " ".join(_PARTING.sub(" ", _APOSTROPHES.sub("", _plain(text))).split())


def fold_english(name: str) -> str:
    """A folded English name with the leading article dropped and one spelling of grey, as `VernacularName.folded_name` holds it."""
    words = ["grey" if word == "gray" else word for word in fold(name).split()]
    if len(words) > 1 and words[0] in {"a", "an", "the"}:
        words = words[1:]
    return " ".join(words)


def english_forms(folded: str) -> tuple[str, ...]:
    """The folded name itself and what it may be the plural of (`grey wolves` gives `grey wolf`), the most literal first."""
    forms = [folded]
    head, blank, last = folded.rpartition(" ")
    for ending, singular in _PLURALS:
        stem = last.removesuffix(ending)
        if stem != last and len(stem + singular) > 1:
            forms.append(f"{head}{blank}{stem}{singular}")
    return tuple(dict.fromkeys(forms))


def parse_scientific(name: str) -> ScientificName | None:
    """The parts of a scientific name of one, two or three words, or None where the text cannot be one.

    Authorship, rank marks, markdown and HTML italics, a subgenus in brackets and the hybrid sign are tolerated; case is, where
    the whole text is in one. After an open mark (`sp.`, `cf.`) only what stands before it counts. A crossing of two named
    species (`Panthera leo x Panthera tigris`) is no species' name.
    """
    text = _MARKUP.sub(" ", name.replace("_", " "))
    hybrid = _HYBRID.search(text) is not None
    words = _HYBRID.sub(" ", text).split()
    if not words or (hybrid and _is_crossing(text)):
        return None
    if text == text.upper():
        words = [word.lower() for word in words]
    genus = _plain(words[0].rstrip(",.;:"))
    if not _GENUS.match(genus):
        return None
    specific, infraspecific = _epithets(words[1:])
    return ScientificName(genus.capitalize(), specific, infraspecific, hybrid=hybrid)


def _plain(text: str) -> str:
    for _ in range(2):  # case folding may bring accents forth (İ), decomposing may bring capitals forth
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_UNDECOMPOSED)
    return text


def _is_crossing(text: str) -> bool:
    before, after = _HYBRID.split(text, maxsplit=1)[:2]
    return len(before.split()) > 1 and after.strip()[:1].isupper()


def _epithets(words: list[str]) -> tuple[str, str]:
    found: list[str] = []
    rest = list(words)
    if len(rest) > 1 and _SUBGENUS.match(rest[0]):
        rest = rest[1:]
    for word in rest[:6]:
        mark = word.rstrip(".,;:").lower()
        if word[:1].isupper() or mark in _OPEN_MARKS or mark in _AUTHOR_WORDS or len(found) == 2:
            break
        if found and mark in _RANK_MARKS:
            continue
        epithet = _plain(word.rstrip(".,;:"))
        if not _EPITHET.match(epithet):
            break
        found.append(epithet)
        if word[-1:] in ",;:":
            break
    specific, infraspecific = [*found, "", ""][:2]
    return specific, infraspecific
