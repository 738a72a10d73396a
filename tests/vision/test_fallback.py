"""Without a model only what person and photo say counts: one plain species is sure, anything else asks, and nothing is invented."""

from pathlib import Path

import pytest

import domain.taxonomy
from domain.taxonomy.services import load_checklist
from vision.providers.fallback import FallbackService
from vision.providers.service import Answer, Question

SURE = 0.8
STARTER = Path(domain.taxonomy.__file__).parent / "starter"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _checklist(db: None) -> None:
    load_checklist(STARTER)


def answer(hint: str = "", *captions: str) -> Answer:
    return FallbackService().identify(Question(jpeg=b"", hint=hint, captions=captions))


def names(given: Answer) -> list[str]:
    assert given.prediction is not None
    return [candidate.scientific_name for animal in given.prediction.animals for candidate in animal.candidates]


def surest(given: Answer) -> tuple[str, float]:
    assert given.prediction is not None
    assert given.prediction.best is not None
    return given.prediction.best.scientific_name, given.prediction.best.confidence


@pytest.mark.parametrize("hint", ["red fox", "Red Fox", "Vulpes vulpes", "*Vulpes vulpes*", "  vulpes   vulpes ", "a red fox at the pond"])
def test_a_hint_that_names_one_species_is_sure(hint: str) -> None:
    given = answer(hint)
    assert surest(given) == ("Vulpes vulpes", 0.95)
    assert given.method == "fallback"
    assert (given.cost_usd, given.input_tokens) == (None, None)


@pytest.mark.parametrize(
    "caption",
    [
        "2024_red-fox_03.jpg",
        "RedFox.JPG",
        "Vulpes_vulpes.png",
        "vulpes-vulpes(1).jpeg",
        "Vulpes vulpes",
        "Morning at the lake, red fox",
    ],
)
def test_a_file_name_or_keyword_that_names_one_species_is_sure_but_less(caption: str) -> None:
    assert surest(answer("", caption)) == ("Vulpes vulpes", 0.9)


def test_a_synonym_leads_to_the_accepted_name() -> None:
    name, confidence = surest(answer("Felis leo"))
    assert name == "Panthera leo"
    assert confidence >= SURE


def test_the_same_species_said_twice_is_one_candidate() -> None:
    assert names(answer("red fox", "Vulpes vulpes", "red fox.jpg")) == ["Vulpes vulpes"]


@pytest.mark.parametrize("hint", ["lion and red fox", "Panthera leo, Vulpes vulpes"])
def test_several_species_ask_the_person(hint: str) -> None:
    given = answer(hint)
    assert set(names(given)) == {"Panthera leo", "Vulpes vulpes"}
    assert surest(given)[1] < SURE


def test_captions_that_disagree_ask_the_person() -> None:
    given = answer("", "lion", "red fox.jpg")
    assert set(names(given)) == {"Panthera leo", "Vulpes vulpes"}
    assert surest(given)[1] < SURE


def test_the_person_s_word_outweighs_the_photo_s() -> None:
    given = answer("red fox", "lion.jpg")
    assert surest(given) == ("Vulpes vulpes", 0.95)
    assert names(given) == ["Vulpes vulpes", "Panthera leo"]
    assert given.prediction is not None
    assert given.prediction.animals[0].candidates[1].confidence < SURE


@pytest.mark.parametrize("hint", ["Vulpes vulpis", "Vulpes", "red fox and wolf, Panthera leo"])
def test_a_photo_that_contradicts_an_unsure_person_is_not_believed(hint: str) -> None:
    given = answer(hint, "tiger.jpg")
    assert "Panthera tigris" in names(given)
    assert surest(given)[1] < SURE


@pytest.mark.parametrize("hint", ["Vulpes vulpis", "Vulpes", "Canidae"])
def test_a_photo_that_agrees_with_an_unsure_person_is_sure(hint: str) -> None:
    assert surest(answer(hint, "red fox.jpg")) == ("Vulpes vulpes", 0.9)


def test_the_subspecies_outdoes_its_species() -> None:
    given = answer("", "Ursus arctos", "Ursus arctos horribilis")
    assert surest(given) == ("Ursus arctos horribilis", 0.9)


def test_a_typing_mistake_asks_the_person() -> None:
    name, confidence = surest(answer("Vulpes vulpis"))
    assert name == "Vulpes vulpes"
    assert confidence < SURE


def test_a_genus_alone_asks_the_person() -> None:
    given = answer("Vulpes")
    assert surest(given)[1] < SURE


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("", "IMG_20240512_101530.jpg"),
        ("what is this?",),
        ("Jabberwockus magnificus",),
        ("\x00\u202e",),
        ("x" * 5_000,),
        ("", "DSC0001"),
    ],
)
def test_nothing_said_yields_no_name(words: tuple[str, ...]) -> None:
    given = answer(*words)
    assert given.prediction is not None
    assert (given.prediction.subject, names(given), given.text) == ("animal", [], "")


def test_many_captions_cost_a_bounded_number_of_queries(django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(130):  # type: ignore[operator]
        answer("", *(f"caption number {'x' * index}" for index in range(500)))
