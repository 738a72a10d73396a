"""Folding and parsing of names, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.taxonomy.names import ScientificName, english_forms, fold, fold_english, parse_scientific


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Grey-Heron ", "grey heron"),
        ("Père David's deer", "pere davids deer"),
        ("Grévy\u2019s Zebra", "grevys zebra"),
        ("Vicuña", "vicuna"),
        ("Polygonia c-album", "polygonia c album"),
        ("Rødhals_stær", "rodhals staer"),
        ("STRASSE straße", "strasse strasse"),
        ("...", ""),
        ("", ""),
    ],
)
def test_folding_leaves_case_accents_and_punctuation_aside(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_folding_does_not_care_about_case(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@given(st.text())
def test_folded_text_has_single_blanks_between_words_only(text: str) -> None:
    assert fold(text).split() == [word for word in fold(text).split(" ") if word]


def test_an_english_name_loses_its_article_and_has_one_grey() -> None:
    assert fold_english("The Gray Heron") == "grey heron"
    assert fold_english("The") == "the"


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("lions", "lion"), ("grey wolves", "grey wolf"), ("canada geese", "canada goose"), ("finches", "finch"), ("butterflies", "butterfly")],
)
def test_a_plural_name_has_its_singular_among_its_forms(plural: str, singular: str) -> None:
    forms = english_forms(plural)
    assert forms[0] == plural
    assert singular in forms


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Panthera leo", ("Panthera", "leo", "")),
        ("panthera leo", ("Panthera", "leo", "")),
        ("PANTHERA LEO", ("Panthera", "leo", "")),
        ("Panthera leo (Linnaeus, 1758)", ("Panthera", "leo", "")),
        ("Panthera leo Linnaeus, 1758", ("Panthera", "leo", "")),
        ("*Panthera leo*", ("Panthera", "leo", "")),
        ("_Panthera leo_ (Linnaeus, 1758)", ("Panthera", "leo", "")),
        ("**Panthera** *leo*", ("Panthera", "leo", "")),
        ("<i>Panthera leo</i>", ("Panthera", "leo", "")),
        ("Panthera_leo", ("Panthera", "leo", "")),
        ("Panthera leo persica (Meyer, 1826)", ("Panthera", "leo", "persica")),
        ("Canis lupus subsp. familiaris", ("Canis", "lupus", "familiaris")),
        ("Canis lupus ssp familiaris L.", ("Canis", "lupus", "familiaris")),
        ("Aedes (Stegomyia) aegypti (Linnaeus, 1762)", ("Aedes", "aegypti", "")),
        ("Otaria byronia de Blainville, 1820", ("Otaria", "byronia", "")),
        ("Polygonia c-album", ("Polygonia", "c-album", "")),
        ("Aglais io", ("Aglais", "io", "")),
        ("Felis (Linnaeus, 1758)", ("Felis", "", "")),
        ("Panthera", ("Panthera", "", "")),
        ("Panthera sp.", ("Panthera", "", "")),
        ("Panthera cf. leo", ("Panthera", "", "")),
        ("Panthéra léo", ("Panthera", "leo", "")),
    ],
)
def test_a_scientific_name_is_taken_apart(text: str, parts: tuple[str, str, str]) -> None:
    assert parse_scientific(text) == ScientificName(*parts)


@pytest.mark.parametrize("text", ["Equus \u00d7 mulus", "Equus x mulus", "Equus \u00d7mulus", "\u00d7Equus mulus"])
def test_a_hybrid_sign_is_noted_and_left_out(text: str) -> None:
    assert parse_scientific(text) == ScientificName("Equus", "mulus", hybrid=True)


@pytest.mark.parametrize("text", ["", "   ", "123", "*", "P. leo", "Panthera leo \u00d7 Panthera tigris", "2024 03 12", "日本"])
def test_what_cannot_be_a_scientific_name_is_none(text: str) -> None:
    assert parse_scientific(text) is None


@given(st.text())
def test_any_text_is_parsed_or_refused_without_an_error(text: str) -> None:
    name = parse_scientific(text)
    assert name is None or name.canonical == fold(name.text)


@given(st.from_regex(r"\A[A-Z][a-z]{2,12} [a-z]{7,12}\Z"))
def test_authorship_changes_no_name(name: str) -> None:
    assert parse_scientific(f"{name} (Linnaeus, 1758)") == parse_scientific(name)
