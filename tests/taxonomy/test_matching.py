"""Loading the starter checklist and finding names in it, on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from domain.errors import Invalid, NotFound
from domain.taxonomy import queries
from domain.taxonomy.models import ChecklistEdition, Status, Taxon, VernacularName
from domain.taxonomy.queries import Match, common_name, common_names, find_in_text, match, match_species, search
from domain.taxonomy.services import STARTER, load_checklist

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The starter list, loaded once for this module; each test's own changes are rolled back."""
    with django_db_blocker.unblock():
        report = load_checklist()
    yield
    if not report.unchanged:
        with django_db_blocker.unblock():
            Taxon.objects.all().delete()
            ChecklistEdition.objects.all().delete()


@pytest.fixture
def starter(loaded: None, db: None) -> None:
    """The starter list stands in the tables."""


@pytest.fixture
def nothing(db: None) -> None:
    """No checklist at all, whatever was loaded before."""
    Taxon.objects.all().delete()
    ChecklistEdition.objects.all().delete()


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "edition"))


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def named(found: Match | None) -> tuple[str, str] | None:
    return (found.taxon.scientific_name, found.how) if found else None


def append_usage(folder: Path, **values: str) -> None:
    path = folder / "NameUsage.tsv"
    columns = path.read_text(encoding="utf-8").splitlines()[0].split("\t")
    with path.open("a", encoding="utf-8") as file:
        file.write("\t".join(values.get(column.removeprefix("col:"), "") for column in columns) + "\n")


def add_species(folder: Path, name: str, **values: str) -> None:
    genus, epithet = name.split()
    known = {"ID": name, "status": "accepted", "scientificName": name, "rank": "species", "kingdom": "Animalia"}
    append_usage(folder, **(known | {"genericName": genus, "specificEpithet": epithet} | values))


# Loading


def test_loading_puts_taxa_with_parents_synonyms_and_statuses(starter: None) -> None:
    lion = Taxon.objects.get(source="starter", canonical_name="panthera leo")
    assert (lion.kingdom, lion.phylum, lion.class_name, lion.order) == ("Animalia", "Chordata", "Mammalia", "Carnivora")
    assert (lion.family, lion.genus, lion.specific_epithet, lion.infraspecific_epithet) == ("Felidae", "Panthera", "leo", "")
    assert (lion.rank, lion.status, lion.conservation_status, lion.extinct) == ("species", "accepted", "VU", False)
    assert lion.parent is not None
    assert lion.parent.scientific_name == "Panthera"
    assert Taxon.objects.get(canonical_name="felis leo").accepted == lion
    assert {name.name for name in lion.vernacular_names.filter(language="en")} == {"Lion", "African lion"}


def test_loading_again_changes_nothing_and_costs_few_queries(starter: None) -> None:
    before = list(Taxon.objects.order_by("id").values())
    with CaptureQueriesContext(
        connection,
    ) as asked:
        report = load_checklist()
    assert report.unchanged
    assert len(asked) <= 6
    assert list(Taxon.objects.order_by("id").values()) == before


def test_a_new_edition_keeps_ids_and_withdraws_what_is_gone(starter: None, edition: Path) -> None:
    ids = dict(Taxon.objects.values_list("source_id", "id"))
    rewrite(edition / "NameUsage.tsv", lambda text: "".join(x for x in text.splitlines(True) if not x.startswith("raphus-cucullatus\t")))
    report = load_checklist(edition)
    assert (report.unchanged, report.withdrawn) == (False, 1)
    assert dict(Taxon.objects.values_list("source_id", "id")) == ids
    assert Taxon.objects.get(source_id="raphus-cucullatus").status == Status.WITHDRAWN
    assert named(match("Raphus cucullatus")) == ("Raphus", "higher")
    assert match("Dodo") is None
    assert not load_checklist().unchanged
    assert named(match("Dodo")) == ("Raphus cucullatus", "vernacular")


def test_two_sources_stand_side_by_side(starter: None, edition: Path) -> None:
    load_checklist(edition, source="other")
    assert Taxon.objects.filter(canonical_name="panthera leo").count() == 2
    assert ChecklistEdition.objects.count() == 2


def test_columns_without_the_prefix_and_a_package_of_names_only_load(nothing: None, edition: Path) -> None:
    (edition / "VernacularName.tsv").unlink()
    (edition / "TaxonProperty.tsv").unlink()
    rewrite(edition / "NameUsage.tsv", lambda text: text.replace("col:", ""))
    assert load_checklist(edition, source="plain").vernacular_names == 0
    assert named(match("Panthera leo")) == ("Panthera leo", "exact")


def test_a_folder_without_names_is_refused_and_leaves_nothing(nothing: None, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"NameUsage\.tsv"):
        load_checklist(tmp_path)
    assert not ChecklistEdition.objects.exists()
    with pytest.raises(CommandError, match=r"NameUsage\.tsv"):
        call_command("load_checklist", str(tmp_path))


def test_a_package_that_lacks_a_column_is_refused_whole(starter: None, edition: Path) -> None:
    rewrite(edition / "VernacularName.tsv", lambda text: text.replace("col:language", "col:tongue"))
    with pytest.raises(Invalid, match="language"):
        load_checklist(edition)
    assert VernacularName.objects.filter(name="Lion").exists()


def test_the_command_says_what_it_did(nothing: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_checklist")
    call_command("load_checklist")
    first, second = capsys.readouterr().out.splitlines()
    assert "taxa" in first
    assert "unchanged" in second


# Matching


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Panthera leo", ("Panthera leo", "exact")),
        ("panthera LEO", ("Panthera leo", "exact")),
        ("PANTHERA LEO", ("Panthera leo", "exact")),
        ("Panthera Leo", ("Panthera leo", "exact")),
        ("Panthéra léo (Linnaeus, 1758)", ("Panthera leo", "exact")),
        ("*Panthera leo* Linnaeus", ("Panthera leo", "exact")),
        ("Canis lupus familiaris", ("Canis lupus familiaris", "exact")),
        ("Canis lupus subsp. familiaris", ("Canis lupus familiaris", "exact")),
        ("Raphus cucullatus", ("Raphus cucullatus", "exact")),
        ("Felis leo", ("Panthera leo", "synonym")),
        ("Canis familiaris", ("Canis lupus familiaris", "synonym")),
        ("felis CONCOLOR", ("Puma concolor", "synonym")),
        ("Lion", ("Panthera leo", "vernacular")),
        ("the lions", ("Panthera leo", "vernacular")),
        ("GREY HERON", ("Ardea cinerea", "vernacular")),
        ("gray heron", ("Ardea cinerea", "vernacular")),
        ("grey-heron", ("Ardea cinerea", "vernacular")),
        ("Grevy's zebra", ("Equus grevyi", "vernacular")),
        ("Grévy\u2019s Zebra", ("Equus grevyi", "vernacular")),
        ("adelie penguin", ("Pygoscelis adeliae", "vernacular")),
        ("Canada Geese", ("Branta canadensis", "vernacular")),
        ("Puma", ("Puma concolor", "vernacular")),
        ("Panthera loe", ("Panthera leo", "typo")),
        ("Ardea cinera", ("Ardea cinerea", "typo")),
        ("Ardae cinerea", ("Ardea cinerea", "typo")),
        ("Canis lupus familaris", ("Canis lupus familiaris", "typo")),
        ("Felis concolr", ("Puma concolor", "typo")),
        ("Panthera", ("Panthera", "higher")),
        ("Panthera sp.", ("Panthera", "higher")),
        ("Panthera imaginaria", ("Panthera", "higher")),
        ("Felidae", ("Felidae", "higher")),
        ("Panthera leo fantastica", ("Panthera leo", "higher")),
    ],
)
def test_a_name_finds_its_accepted_taxon(starter: None, name: str, found: tuple[str, str]) -> None:
    assert named(match(name)) == found


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "\x00",
        "%_%",
        "Service not configured",
        "Robin",
        "robins",
        "Xyzzy plugh",
        "Panthera leo x Panthera tigris",
        "Ardeea cinera",
        "unicorn",
        "DSC_0042",
        "x" * 5000,
    ],
)
def test_what_fits_nothing_or_several_finds_nothing(starter: None, name: str) -> None:
    assert match(name) is None


def test_a_mistake_that_fits_two_species_finds_their_genus_only(starter: None, edition: Path) -> None:
    add_species(edition, "Ardea cinerex")
    load_checklist(edition)
    assert named(match("Ardea cinerez")) == ("Ardea", "higher")
    assert named(match("Ardea cinerex")) == ("Ardea cinerex", "exact")


def test_of_two_accepted_taxa_of_one_name_neither_is_taken(starter: None, edition: Path) -> None:
    add_species(edition, "Panthera leo", ID="another-lion")
    load_checklist(edition)
    assert named(match("Panthera leo")) == ("Panthera", "higher")


def test_an_accepted_name_outdoes_the_same_name_as_a_synonym(starter: None, edition: Path) -> None:
    add_species(edition, "Panthera leo", ID="lion-of-others", status="synonym", parentID="panthera-tigris")
    load_checklist(edition)
    assert named(match("Panthera leo")) == ("Panthera leo", "exact")


def test_another_kingdom_and_another_language_are_asked_for_by_name(starter: None, edition: Path) -> None:
    add_species(edition, "Morus alba", kingdom="Plantae")
    with (edition / "VernacularName.tsv").open("a", encoding="utf-8") as file:
        file.write("panthera-leo\tLöwe\tdeu\ttrue\n")
    load_checklist(edition)
    assert named(match("Morus alba")) == ("Morus", "higher")
    assert named(match("Morus alba", kingdom="Plantae")) == ("Morus alba", "exact")
    assert match("Löwe") is None
    assert named(match("löwe", language="de")) == ("Panthera leo", "vernacular")


def test_match_species_leaves_higher_ranks_out(starter: None) -> None:
    assert match_species("Felidae") is None
    assert named(match_species("Panthera leo fantastica")) == ("Panthera leo", "higher")
    assert named(match_species("lion")) == ("Panthera leo", "vernacular")


@pytest.mark.parametrize("name", ["Panthera leo", "Felis leo", "lion", "Panthera loe", "Panthera imaginaria", "nothing at all"])
def test_a_match_costs_at_most_three_queries(starter: None, name: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        match(name)
    assert len(asked) <= 3


# Texts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024_grey-heron_03.jpg", ["Ardea cinerea"]),
        ("Ardea cinerea at the pond", ["Ardea cinerea"]),
        ("GreyHeron03.JPG", ["Ardea cinerea"]),
        ("IMG_2024-05-01_panthera_leo.jpeg", ["Panthera leo"]),
        ("Felis leo, Serengeti", ["Panthera leo"]),
        ("two lions and a plains zebra", ["Panthera leo", "Equus quagga"]),
        ("Black-and-white ruffed lemur (Varecia variegata)", ["Varecia variegata"]),
        ("Canis lupus familiaris.png", ["Canis lupus familiaris"]),
        ("sea lion: California sea lion", ["Panthera leo", "Zalophus californianus"]),
        ("a robin", []),
        ("IMG_0042.JPG", []),
        ("", []),
        ("\x00\ud800", []),
    ],
)
def test_names_are_found_inside_a_text(starter: None, text: str, found: list[str]) -> None:
    assert [hit.taxon.scientific_name for hit in find_in_text(text)] == found


def test_a_longer_name_hides_the_shorter_ones_inside_it(starter: None) -> None:
    assert [hit.taxon.scientific_name for hit in find_in_text("a tiger shark")] == ["Galeocerdo cuvier"]


def test_species_stand_before_higher_ranks(starter: None) -> None:
    assert [(hit.taxon.scientific_name, hit.how) for hit in find_in_text("Felidae: Panthera leo")] == [
        ("Panthera leo", "exact"),
        ("Felidae", "higher"),
    ]


def test_at_most_five_are_found_in_the_first_five_hundred_characters(starter: None) -> None:
    assert len(find_in_text("lion tiger leopard jaguar cheetah serval caracal puma")) == queries.MATCHES_LIMIT
    assert find_in_text("." * 500 + " lion") == []


def test_a_text_costs_two_queries_however_many_names_it_has(starter: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        find_in_text("lion tiger leopard jaguar cheetah serval caracal puma")
    assert len(asked) == 2


# Searching


def test_search_finds_by_the_beginning_of_any_word(starter: None) -> None:
    assert "Ardea cinerea" in [taxon.scientific_name for taxon in search("her", limit=100)]
    assert [taxon.scientific_name for taxon in search("ardea cin")] == ["Ardea cinerea"]
    assert search("Grey Her")[0].scientific_name == "Ardea cinerea"
    assert search("felis leo")[0].scientific_name == "Panthera leo"


def test_search_puts_the_name_itself_first(starter: None) -> None:
    assert search("lion")[0].scientific_name == "Panthera leo"
    assert search("Panthera")[0].rank == "genus"


def test_search_keeps_to_a_rank_and_a_limit(starter: None) -> None:
    assert [taxon.scientific_name for taxon in search("panthera", rank="genus")] == ["Panthera"]
    assert {taxon.rank for taxon in search("p", rank="species", limit=7)} == {"species"}
    assert len(search("p", limit=7)) == 7
    assert search("p", limit=0) == []


@pytest.mark.parametrize("q", ["", "  ", "&|!():*'\\", "\x00", "%", "zzzzzz"])
def test_search_survives_any_text(starter: None, q: str) -> None:
    assert search(q) == []


def test_a_search_costs_four_queries_with_all_common_names(starter: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        names = [common_name(taxon) for taxon in search("pan", limit=50)]
    assert len(names) > 5
    assert len(asked) == 4


def test_a_common_name_is_the_preferred_english_one_or_the_scientific_name(starter: None) -> None:
    lion, genus = Taxon.objects.get(canonical_name="panthera leo"), Taxon.objects.get(canonical_name="panthera")
    assert common_name(lion) == "Lion"
    assert common_name(genus) == "Panthera"
    assert common_names([lion, genus]) == {lion.pk: "Lion", genus.pk: "Panthera"}


def test_a_taxon_is_got_by_its_id_or_not_found(starter: None) -> None:
    lion = Taxon.objects.get(canonical_name="panthera leo")
    assert queries.get(lion.pk) == lion
    with pytest.raises(NotFound):
        queries.get(uuid4())
