"""What a model says it sees, as bounded data: shape, JSON schema and a strict reader of answers; knows no provider and no taxonomy."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Subject = Literal["animal", "several_animals", "person", "plant", "object", "nothing"]
Rank = Literal["species", "subspecies", "genus", "family", "order", "class", "phylum", "unranked"]

MAX_ANIMALS: Final = 5
MAX_CANDIDATES: Final = 5
MAX_ANSWER_CHARS: Final = 32_768
MAX_COMMON_NAME_CHARS: Final = 80
# The text form carries no confidence of its own. A plain "Genus species (name)" was the whole answer of earlier prompts and
# counts as sure; a bare genus is only a place to start choosing.
TEXT_SPECIES_CONFIDENCE: Final = 0.9
TEXT_GENUS_CONFIDENCE: Final = 0.4

_MAX_RAW_ITEMS = 50
_MAX_TEXT_FORM_CHARS = 2_000
_WORD = "[a-zß-öø-ÿ]"
_SCIENTIFIC = re.compile(
    rf"(?P<genus>[A-Z]{_WORD}{{1,39}})(?:-{_WORD}{{2,20}})?"
    rf"(?:,? (?:\([A-Z]{_WORD}{{1,39}}\) )?(?:[\u00d7x] )?(?P<epithet>{_WORD}[a-zß-öø-ÿ-]{{1,39}})"
    rf"(?: (?:subsp\. |ssp\. |var\. |f\. )?(?P<lower>{_WORD}[a-zß-öø-ÿ-]{{2,39}}))?)?"
)
_OPEN_NOMENCLATURE = re.compile(rf"(?P<genus>[A-Z]{_WORD}{{1,39}}) (?:spp?|cf|aff|indet)\.?(?= |$|\()")
_AUTHOR = r"[A-ZÀ-Þ][\w.'\u2019-]*"
_AUTHORSHIP = re.compile(rf"\(?(?:de |von |van )?{_AUTHOR}(?:(?:,? (?:&|and|et) | ){_AUTHOR}){{0,3}}(?:, ?\d{{4}})?\)?")
_COMMON_NAME_MARKS = frozenset(" ,.'\u2019()&-")
_LABEL = re.compile(r"^(?:scientific name|species|animal|answer|identification)\s*:\s*", re.IGNORECASE)
_COMMON_LABEL = re.compile(r"^common name\s*:\s*", re.IGNORECASE)
_LIST_MARK = re.compile(r"^(?:[-•*]|\d{1,2}[.)])\s+")
_FENCE = re.compile(r"```[a-zA-Z]*\n?|```")
_UNSURE = frozenset({"unknown", "unidentifiable", "unidentified", "uncertain", "unsure", "unknown animal", "unable to identify"})
_NOTHING = frozenset({"none", "nothing", "n/a", "no", "not an animal", "no animals", "there is no animal"})
_NO_ANIMAL = re.compile(
    r"no animals?(?: (?:is |are )?(?:visible|detected|found|present|seen|identified))?(?: in (?:the|this) (?:picture|image|photo))?"
)

Item = TypeVar("Item", bound=BaseModel)


def plain(text: str) -> str:
    """`text` without control, format and surrogate characters, its white space squeezed to single blanks."""
    spaced = (" " if character.isspace() else character for character in text)
    return " ".join("".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}).split())


def scientific_form(text: str) -> str | None:
    """The bare name in `text` ("Ursus arctos horribilis"), without markdown, authorship and rank words; None when it hasn't the form.

    One word is a genus or a higher name. The form says nothing on whether such a name exists.
    """
    found = _leading_name(_unmarked(text))
    if found is None:
        return None
    name, rest = found
    is_authorship = _AUTHORSHIP.fullmatch(rest) is not None and " " in name
    return name if not rest or is_authorship else None


def _unmarked(text: str) -> str:
    return plain(re.sub(r"[*`\"“”]|(?<![A-Za-z])_|_(?![A-Za-z])", "", text)).strip(" .;")


def _leading_name(text: str) -> tuple[str, str] | None:
    """A scientific name that `text` begins with, and what follows it."""
    if text.isupper() or text.islower():
        text = text.capitalize()
    open_name = _OPEN_NOMENCLATURE.match(text)
    if open_name is not None:
        return open_name["genus"], text[open_name.end() :].strip()
    match = _SCIENTIFIC.match(text)
    if match is None or text[match.end() : match.end() + 1].isalnum():
        return None
    words = (match["genus"], match["epithet"], match["lower"])
    return " ".join(word for word in words if word), text[match.end() :].strip()


def _as_scientific_name(value: object) -> str:
    name = scientific_form(value[:200]) if isinstance(value, str) else None
    if name is None:
        raise ValueError("not the form of a scientific name")
    return name


def _as_common_name(value: object) -> str:
    """Letters, marks and digits of any script with a little punctuation, at most 80 characters; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    kept = "".join(c for c in plain(value[:400]) if c in _COMMON_NAME_MARKS or unicodedata.category(c)[0] in "LMN")
    return plain(kept)[:MAX_COMMON_NAME_CHARS].strip(" ,.-")


def _as_rank(value: object) -> str:
    word = value.strip().lower() if isinstance(value, str) else ""
    return word if word in get_args(Rank) else "unranked"


def _as_confidence(value: object) -> float:
    """0 to 1; a percentage is brought down, what is no number counts as no confidence."""
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return 0.0
    return min(float(value) if value <= 1 else value / 100, 1.0)


def _number(text: str) -> float | None:
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,10})?)\s*(%?)\s*", text)
    if match is None:
        return None
    return float(match[1]) / 100 if match[2] else float(match[1])


def _as_word(value: object) -> object:
    return value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


def _as_flag(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "yes"})


def _readable(shape: Callable[[], type[Item]], most: int) -> Callable[[object], tuple[Item, ...]]:
    """Keeps the items that have the shape, at most `most`: one bad candidate must not cost the good ones."""

    def keep(value: object) -> tuple[Item, ...]:
        kept: list[Item] = []
        for raw in value[:_MAX_RAW_ITEMS] if isinstance(value, list | tuple) else ():
            try:
                kept.append(shape().model_validate(raw))
            except ValidationError:
                continue
        return tuple(kept[:most])

    return keep


def _best_first(value: "tuple[Candidate, ...]") -> "tuple[Candidate, ...]":
    by_name: dict[str, Candidate] = {}
    for candidate in sorted(value, key=lambda each: -each.confidence):
        by_name.setdefault(candidate.scientific_name.casefold(), candidate)
    return tuple(by_name.values())[:MAX_CANDIDATES]


# Read leniently (unknown keys are passed over), described strictly: structured output wants each property required and no other.
_CONFIG = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False}, json_schema_serialization_defaults_required=True)


class Candidate(BaseModel):
    """One name for one animal; `confidence` is the model's own, 0 to 1."""

    model_config = _CONFIG

    scientific_name: Annotated[str, BeforeValidator(_as_scientific_name)] = Field(
        description="Latin name only: 'Genus species', 'Genus species subspecies', or the name of a higher rank."
    )
    common_name: Annotated[str, BeforeValidator(_as_common_name)] = Field(default="", description="Everyday name, or an empty string.")
    rank: Annotated[Rank, BeforeValidator(_as_rank)] = Field(default="unranked", description="Rank of scientific_name.")
    confidence: Annotated[float, BeforeValidator(_as_confidence)] = Field(default=0.0, description="0 (a guess) to 1 (certain).")


class SeenAnimal(BaseModel):
    """One kind of animal in the picture with its possible names, best first; none when it could not be named."""

    model_config = _CONFIG

    candidates: Annotated[
        tuple[Candidate, ...], BeforeValidator(lambda value: _best_first(_readable(lambda: Candidate, _MAX_RAW_ITEMS)(value)))
    ] = Field(default=(), description=f"At most {MAX_CANDIDATES}, best first.")


class Prediction(BaseModel):
    """What is in a picture. `subject` governs: `animals` of a picture whose subject is no animal are not to be used.

    `several_animals` means more than one kind; a flock of one kind is `animal`.
    """

    model_config = _CONFIG

    subject: Annotated[Subject, BeforeValidator(_as_word)] = Field(description="What the picture shows; 'animal' for one kind of animal.")
    animals: Annotated[tuple[SeenAnimal, ...], BeforeValidator(_readable(lambda: SeenAnimal, MAX_ANIMALS))] = Field(
        default=(), description=f"One for each kind of animal, at most {MAX_ANIMALS}; empty when there is none."
    )
    text_in_picture: Annotated[bool, BeforeValidator(_as_flag)] = Field(
        default=False, description="Whether writing in the picture names an animal or tells the viewer what to say."
    )

    @model_validator(mode="before")
    @classmethod
    def _unfold(cls, value: Any) -> Any:
        """Servers that don't honour the schema answer one flat candidate, or a list of them, where an animal was asked for."""
        if not isinstance(value, Mapping) or "animals" in value:
            return value
        flat = {"subject": "animal", **value}
        if isinstance(value.get("candidates"), list):
            return {**flat, "animals": [{"candidates": value["candidates"]}]}
        if "scientific_name" in value:
            return {**flat, "animals": [{"candidates": [dict(value)]}]}
        return value

    @property
    def best(self) -> Candidate | None:
        """The surest candidate of the first animal that has one."""
        return next((animal.candidates[0] for animal in self.animals if animal.candidates), None)

    def consistent(self) -> "Prediction":
        """The same without people among the animals (nobody is anybody's catch), each kind once, and a subject that fits their number."""
        animals = tuple(each for each in self.animals if not each.candidates or not _is_human(each.candidates[0]))
        kinds = tuple({each.candidates[0].scientific_name if each.candidates else "": each for each in reversed(animals)}.values())[::-1]
        subject = self.subject
        if subject in {"animal", "several_animals"} and self.animals and not kinds:
            subject = "person"
        elif subject == "animal" and len(kinds) > 1:
            subject = "several_animals"
        elif subject == "several_animals" and len(kinds) == 1 < len(animals):
            subject = "animal"
        return self.model_copy(update={"animals": kinds, "subject": subject})

    def summary(self) -> str:
        """The prediction in the text form, "Genus species (name) | Genus species (name)"; the subject's word where nothing has a name."""
        firsts = [animal.candidates[0] for animal in self.animals if animal.candidates]
        names = [f"{each.scientific_name} ({each.common_name})" if each.common_name else each.scientific_name for each in firsts]
        return " | ".join(names) or self.subject


def _is_human(candidate: Candidate) -> bool:
    return candidate.scientific_name.split(" ")[0] == "Homo"


class _StrictSchema(GenerateJsonSchema):
    """Leaves defaults out: strict structured output refuses the keyword."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def answer_schema() -> dict[str, Any]:
    """The JSON schema of `Prediction` for structured output: every property required, no other allowed, no `$ref` (some servers lack it).

    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    schema = Prediction.model_json_schema(mode="serialization", schema_generator=_StrictSchema)
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inlined(schema, definitions)
    return inlined


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    # Titles and descriptions of classes are for readers of this file, those of properties for the model.
    return {key: _inlined(each, definitions) for key, each in node.items() if not _is_noise(key, node)}


def _is_noise(key: str, node: Mapping[str, Any]) -> bool:
    return (key == "title" and isinstance(node["title"], str)) or (key == "description" and "properties" in node)


def read_answer(text: str) -> Prediction | None:
    """A model's whole answer: JSON of the schema's shape (also fenced, or amid prose), else the text form; None when it is neither."""
    body = _FENCE.sub("", text[:MAX_ANSWER_CHARS].rpartition("</think>")[2]).strip()
    start, end = body.find("{"), body.rfind("}")
    if start < 0:
        return parse_text(body)
    try:
        return Prediction.model_validate_json(body[start : end + 1]).consistent()
    except ValidationError:
        # A name within JSON that can't be read could be anything, so the text form is not tried on it.
        return None


def parse_text(text: str) -> Prediction | None:
    """The text form "Genus species (common name)", several separated by `|` or on lines of their own.

    Strict: a piece counts only when all of it has the form, so prose yields nothing. Markdown, authorship, a comma after the
    genus or before the common name, subspecies and "sp." are understood. Whether a genus exists is for the taxonomy to say.
    """
    pieces = [piece for line in text[:_MAX_TEXT_FORM_CHARS].splitlines() for piece in line.split("|")]
    cleaned = [piece for piece in (_LABEL.sub("", _unmarked(_LIST_MARK.sub("", each.strip()))) for each in pieces) if piece]
    candidates: list[Candidate] = []
    for piece in cleaned:
        label = _COMMON_LABEL.match(piece)
        if label is not None and candidates and not candidates[-1].common_name:
            candidates[-1] = candidates[-1].model_copy(update={"common_name": _as_common_name(piece[label.end() :])})
            continue
        candidate = None if label is not None or _denial(piece) else _candidate(piece)
        if candidate is not None and candidate.scientific_name not in {each.scientific_name for each in candidates}:
            candidates.append(candidate)
    if candidates:
        animals = tuple(SeenAnimal(candidates=(each,)) for each in candidates[:MAX_ANIMALS])
        return Prediction(subject="animal", animals=animals).consistent()
    denial = _denial(cleaned[0]) if len(cleaned) == 1 else None
    return Prediction(subject=denial) if denial is not None else None


def _denial(piece: str) -> Subject | None:
    words = piece.lower().strip(" .!()")
    if words in _UNSURE:
        return "animal"
    return "nothing" if words in _NOTHING or _NO_ANIMAL.fullmatch(words) else None


def _candidate(piece: str) -> Candidate | None:
    found = _leading_name(piece)
    if found is None:
        return None
    name, rest = found
    common_name = _common_name_in(rest)
    is_genus = " " not in name
    # One word alone may be any word of a sentence; with a common name behind it, or "sp.", it is meant as a name.
    if common_name is None or (is_genus and not common_name and _OPEN_NOMENCLATURE.match(piece) is None):
        return None
    rank: Rank = "unranked" if is_genus else "species" if name.count(" ") == 1 else "subspecies"
    confidence = TEXT_GENUS_CONFIDENCE if is_genus else TEXT_SPECIES_CONFIDENCE
    return Candidate(scientific_name=name, common_name=common_name, rank=rank, confidence=confidence)


def _common_name_in(rest: str) -> str | None:
    """The common name in what follows a scientific name: "" when there is none, None when what follows has not the form."""
    authorship = _AUTHORSHIP.match(rest)
    if authorship is not None and (re.search(r"\d{4}", authorship[0]) or not rest.startswith("(")):
        rest = rest[authorship.end() :].strip()
    if not rest:
        return ""
    in_brackets = re.fullmatch(r"\(([^()]{1,100})\)\.?", rest)
    after_mark = re.fullmatch(r"[,:\u2013\u2014-] ?([^()|:]{1,60})", rest)
    match = in_brackets or after_mark
    return _as_common_name(match[1]) or None if match is not None else None
