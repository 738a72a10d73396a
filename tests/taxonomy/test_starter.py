"""The shipped starter checklist is sound in itself; read from its files, without a database."""

from collections import Counter

import pytest

from domain.taxonomy.coldp import Checklist, NameUsage, digest_of, read_checklist
from domain.taxonomy.models import Conservation
from domain.taxonomy.names import fold_english, parse_scientific
from domain.taxonomy.services import STARTER

RANKS = ["kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies"]


@pytest.fixture(scope="module")
def starter() -> Checklist:
    return read_checklist(STARTER)


@pytest.fixture(scope="module")
def accepted(starter: Checklist) -> dict[str, NameUsage]:
    return {usage.id: usage for usage in starter.usages if usage.status == "accepted"}


def classification(usage: NameUsage) -> dict[str, str]:
    return {
        "kingdom": usage.kingdom,
        "phylum": usage.phylum,
        "class": usage.class_name,
        "order": usage.order,
        "family": usage.family,
        "genus": usage.genus,
    }


def test_ids_and_scientific_names_are_unique(starter: Checklist) -> None:
    assert [key for key, count in Counter(usage.id for usage in starter.usages).items() if count > 1] == []
    assert [name for name, count in Counter(usage.scientific_name for usage in starter.usages).items() if count > 1] == []


def test_every_parent_is_an_accepted_row_and_only_the_kingdom_has_none(starter: Checklist, accepted: dict[str, NameUsage]) -> None:
    assert [usage.id for usage in starter.usages if not usage.parent_id] == ["animalia"]
    assert [usage.id for usage in starter.usages if usage.parent_id and usage.parent_id not in accepted] == []


def test_a_parent_stands_exactly_one_rank_higher_in_the_same_classification(accepted: dict[str, NameUsage]) -> None:
    for usage in accepted.values():
        if usage.parent_id:
            parent = accepted[usage.parent_id]
            assert RANKS.index(parent.rank) == RANKS.index(usage.rank) - 1, usage
            shared = {rank: name for rank, name in classification(parent).items() if name}
            assert shared.items() <= classification(usage).items(), usage


def test_every_species_has_the_whole_classification_in_animalia(accepted: dict[str, NameUsage]) -> None:
    species = [usage for usage in accepted.values() if usage.rank in {"species", "subspecies"}]
    assert [usage.scientific_name for usage in species if not all(classification(usage).values())] == []
    assert {usage.kingdom for usage in species} == {"Animalia"}


def test_every_species_name_parses_into_its_own_parts(starter: Checklist) -> None:
    for usage in starter.usages:
        if usage.rank in {"species", "subspecies"}:
            name = parse_scientific(f"{usage.scientific_name} {usage.authorship}")
            assert name is not None, usage
            assert (name.genus, name.specific_epithet, name.infraspecific_epithet) == (
                usage.genus,
                usage.specific_epithet,
                usage.infraspecific_epithet,
            )
            assert name.text == usage.scientific_name


@pytest.mark.parametrize(
    ("rank", "group", "at_least"),
    [
        ("class_name", "Mammalia", 300),
        ("class_name", "Aves", 300),
        ("class_name", "Reptilia", 100),
        ("class_name", "Amphibia", 50),
        ("class_name", "Teleostei", 70),
        ("class_name", "Elasmobranchii", 15),
        ("class_name", "Insecta", 100),
        ("class_name", "Arachnida", 25),
        ("class_name", "Malacostraca", 20),
        ("phylum", "Mollusca", 40),
        ("phylum", "Cnidaria", 15),
        ("phylum", "Echinodermata", 10),
        ("phylum", "Annelida", 5),
        ("kingdom", "Animalia", 1400),
    ],
)
def test_every_group_is_covered(accepted: dict[str, NameUsage], rank: str, group: str, at_least: int) -> None:
    assert sum(usage.rank == "species" and getattr(usage, rank) == group for usage in accepted.values()) >= at_least


def test_every_species_has_an_english_name_and_exactly_one_preferred(starter: Checklist, accepted: dict[str, NameUsage]) -> None:
    assert {name.language for name in starter.vernaculars} == {"en"}
    preferred = Counter(name.taxon_id for name in starter.vernaculars if name.preferred)
    assert set(preferred) <= set(accepted)
    assert [usage.id for usage in accepted.values() if usage.rank in {"species", "subspecies"} and preferred[usage.id] != 1] == []


def test_a_preferred_english_name_belongs_to_one_taxon(starter: Checklist) -> None:
    names = Counter(fold_english(name.name) for name in starter.vernaculars if name.preferred)
    assert [name for name, count in names.items() if count > 1] == []


def test_statuses_are_red_list_categories_of_accepted_species(starter: Checklist, accepted: dict[str, NameUsage]) -> None:
    assert set(starter.conservation.values()) <= set(Conservation.values)
    assert {accepted[key].rank for key in starter.conservation} <= {"species", "subspecies"}
    assert len(starter.conservation) >= 1000


def test_what_is_extinct_by_the_red_list_is_extinct_in_the_list(starter: Checklist, accepted: dict[str, NameUsage]) -> None:
    gone = [key for key, status in starter.conservation.items() if status == "EX"]
    assert "raphus-cucullatus" in gone
    assert all(accepted[key].extinct is True for key in gone)


def test_dozens_of_synonyms_lead_to_their_species(starter: Checklist, accepted: dict[str, NameUsage]) -> None:
    synonyms = {usage.scientific_name: usage.parent_id for usage in starter.usages if usage.status == "synonym"}
    assert len(synonyms) >= 36
    assert accepted[synonyms["Felis leo"]].scientific_name == "Panthera leo"


def test_the_digest_is_the_same_for_the_same_files() -> None:
    assert digest_of(STARTER) == digest_of(STARTER)
