"""Animals are numbered in the order of their discovery: no gap, no double, whatever happens at once."""

import pytest
from django.db import transaction

from domain.animals.models import Animal
from domain.animals.services import Found, animal_of_taxon, animal_of_unknown_name
from domain.errors import VisionLimitReached
from domain.taxonomy.models import Taxon
from tests.domain.people import at_once, someone, taxon


def taxa(count: int) -> list[Taxon]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return Taxon.objects.bulk_create([taxon(f"Ardea species{letters[n // 26]}{letters[n % 26]}") for n in range(count)])


@pytest.mark.django_db(transaction=True)
def test_forty_new_animals_at_once_get_the_numbers_one_to_forty() -> None:
    results = at_once([lambda known=known: animal_of_taxon(known, created_by=None) for known in taxa(40)])  # type: ignore[misc]
    assert all(isinstance(result, Found) and result.created for result in results), results
    assert sorted(Animal.objects.values_list("creation_index", flat=True)) == list(range(1, 41))
    assert sorted(result.animal.creation_index for result in results) == list(range(1, 41))


@pytest.mark.django_db(transaction=True)
def test_the_same_animal_found_by_twenty_at_once_is_one_row() -> None:
    known = taxa(1)[0]
    results = at_once([lambda: animal_of_taxon(known, created_by=None)] * 20)
    assert sum(result.created for result in results) == 1
    assert {result.animal.id for result in results} == {Animal.objects.get().id}
    assert Animal.objects.get().creation_index == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_animal_leaves_no_gap() -> None:
    first, lost, second = taxa(3)
    animal_of_taxon(first, created_by=None)
    with transaction.atomic():
        assert animal_of_taxon(lost, created_by=None).animal.creation_index == 2
        transaction.set_rollback(True)
    assert animal_of_taxon(second, created_by=None).animal.creation_index == 2


@pytest.mark.django_db(transaction=True)
def test_numbers_stay_without_gaps_while_some_roll_back() -> None:
    def find(place: int, known: Taxon) -> None:
        with transaction.atomic():
            animal_of_taxon(known, created_by=None)
            transaction.set_rollback(place % 3 == 0)

    at_once([lambda place=place, known=known: find(place, known) for place, known in enumerate(taxa(24))])  # type: ignore[misc]
    assert sorted(Animal.objects.values_list("creation_index", flat=True)) == list(range(1, 17))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "genus", "species"),
    [("Ardea cinerea", "Ardea", "cinerea"), ("Canis lupus familiaris", "Canis", "lupus"), ("Unnameable", "Unnameable", "")],
)
def test_genus_and_species_come_from_the_name(name: str, genus: str, species: str) -> None:
    found = animal_of_unknown_name(name, common_name="", created_by=someone())
    assert (found.animal.genus, found.animal.species, found.animal.common_name) == (genus, species, name)
    assert not found.animal.verified


@pytest.mark.django_db
def test_an_animal_of_the_taxonomy_takes_its_ranks_and_is_verified() -> None:
    known = taxa(1)[0]
    made = animal_of_taxon(known, created_by=None).animal
    assert made.verified
    assert (made.kingdom, made.class_name, made.genus) == ("Animalia", "Aves", "Ardea")
    assert made.species == known.scientific_name.partition(" ")[2]
    assert made.conservation_status == "NE"


@pytest.mark.django_db
def test_the_sixth_unknown_name_of_a_day_is_refused_and_takes_no_number() -> None:
    ada = someone()
    for letter in "abcde":
        assert animal_of_unknown_name(f"Novum nomen{letter}", common_name="", created_by=ada).created
    with pytest.raises(VisionLimitReached):
        animal_of_unknown_name("Novum nomenf", common_name="", created_by=ada)
    assert not animal_of_unknown_name("Novum nomena", common_name="", created_by=ada).created
    assert animal_of_unknown_name("Novum nomenf", common_name="", created_by=someone()).animal.creation_index == 6


@pytest.mark.django_db(transaction=True)
def test_unknown_names_at_once_do_not_pass_the_limit() -> None:
    ada = someone()
    works = [lambda letter=letter: animal_of_unknown_name(f"Novum nomen{letter}", common_name="", created_by=ada) for letter in "abcdefgh"]  # type: ignore[misc]
    results = at_once(works)
    assert sum(isinstance(result, VisionLimitReached) for result in results) == 3
    assert sorted(Animal.objects.values_list("creation_index", flat=True)) == [1, 2, 3, 4, 5]
