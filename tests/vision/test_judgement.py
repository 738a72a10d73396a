"""What a prediction comes to, with the starter checklist as the truth."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from domain.taxonomy.models import ChecklistEdition, Taxon, VernacularName
from vision.judgement import Verdict, judge
from vision.prediction import Candidate, Prediction, SeenAnimal

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def checklist(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The starter checklist, loaded once for all these tests, which only read it."""
    with django_db_blocker.unblock():
        call_command("load_checklist", verbosity=0)
        yield
        for model in (VernacularName, Taxon, ChecklistEdition):
            model.objects.all().delete()


def seen(*candidates: tuple[str, float], rank: str = "species") -> SeenAnimal:
    return SeenAnimal(
        candidates=tuple(Candidate(scientific_name=name, common_name="", rank=rank, confidence=sure) for name, sure in candidates)
    )


def of(*animals: SeenAnimal, subject: str = "animal", text: bool = False) -> Verdict:
    return judge(Prediction(subject=subject, animals=animals, text_in_picture=text))


def names(verdict: Verdict) -> list[Any]:
    return [candidate["scientific_name"] for candidate in verdict.candidates]


@pytest.mark.parametrize("name", ["Ardea cinerea", "ARDEA CINEREA", "Ardea cinera"])
def test_a_sure_species_of_the_taxonomy_is_the_verdict(name: str) -> None:
    verdict = of(seen((name, 0.97)))
    assert verdict.taxon is not None
    assert (verdict.taxon.scientific_name, verdict.confidence) == ("Ardea cinerea", 0.97)
    assert (names(verdict), verdict.candidates[0]["index"]) == (["Ardea cinerea"], 0)


def test_the_threshold_is_the_setting(settings: Any) -> None:
    settings.VISION_SURE_CONFIDENCE = 0.6
    assert of(seen(("Ardea cinerea", 0.6))).taxon is not None
    assert of(seen(("Ardea cinerea", 0.59))).taxon is None


@pytest.mark.parametrize("name", ["Inventus animalis", "Ardea", "Ardeidae", "Ardea inventa"])
def test_what_is_no_species_of_the_taxonomy_is_never_the_verdict(name: str) -> None:
    verdict = of(seen((name, 1.0)))
    assert (verdict.taxon, verdict.no_animal) == (None, False)
    assert len(verdict.candidates) == 1


def test_a_name_that_the_taxonomy_lacks_stays_a_candidate_under_its_own_name() -> None:
    candidate = of(seen(("Inventus animalis", 0.9))).candidates[0]
    assert candidate["scientific_name"] == candidate["common_name"] == "Inventus animalis"
    assert (candidate["taxon_id"], candidate["animal_id"], candidate["verified"]) == ("", "", False)
    assert all(candidate[rank] == "" for rank in ("kingdom", "phylum", "class", "order", "family", "genus", "species"))


def test_several_animals_are_a_choice_best_first() -> None:
    verdict = of(seen(("Vulpes vulpes", 0.85)), seen(("Ardea cinerea", 0.99)), subject="several_animals")
    assert verdict.taxon is None
    assert names(verdict) == ["Ardea cinerea", "Vulpes vulpes"]
    assert [candidate["index"] for candidate in verdict.candidates] == [0, 1]


def test_writing_in_the_picture_that_names_an_animal_is_not_believed() -> None:
    assert of(seen(("Ardea cinerea", 0.99)), text=True).taxon is None


@pytest.mark.parametrize("subject", ["person", "plant", "object", "nothing"])
def test_what_shows_no_animal_is_no_animal(subject: str) -> None:
    assert of(subject=subject) == Verdict(no_animal=True)


def test_an_animal_that_nobody_can_name_is_a_choice_of_nothing() -> None:
    assert of() == Verdict()


def test_two_names_of_one_species_are_one_candidate_and_there_are_at_most_five() -> None:
    doubled = of(seen(("Ardea cinerea", 0.5), ("Ardea cinera", 0.4)))
    assert names(doubled) == ["Ardea cinerea"]
    many = of(*[seen((f"Inventus {word}", 0.5), (f"Alius {word}", 0.4)) for word in ("primus", "alter", "tertius", "quartus", "quintus")])
    assert len(many.candidates) == 5


def test_no_value_of_a_candidate_is_null() -> None:
    verdict = of(seen(("Ardea cinerea", 0.5)), seen(("Inventus animalis", 0.4)), seen(("Ardea", 0.3)), subject="several_animals")
    assert all(value is not None for candidate in verdict.candidates for value in candidate.values())
