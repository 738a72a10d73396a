"""People's texts are translated: every text of the rooms has a German one, and what is compiled is what is written."""

import ast
import gettext
import re
from io import BytesIO

import pytest

from biologidex.catalogues import mo_of, read_po
from tests.house.source import ROOT, modules

GERMAN = ROOT / "biologidex" / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def texts() -> set[str]:
    """What the rooms hand to gettext."""
    found = set()
    for tree in modules().values():
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"]
        names = {alias.asname or alias.name for node in imported for alias in node.names if alias.name.startswith("gettext")}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                assert isinstance(node.args[0], ast.Constant), f"gettext needs a constant: {ast.unparse(node)}"
                found.add(str(node.args[0].value))
    return found


def test_every_text_has_a_german_one() -> None:
    assert texts() - read_po(GERMAN).keys() == set()


def test_no_german_text_is_left_over() -> None:
    assert read_po(GERMAN).keys() - texts() - {""} == set()


@pytest.mark.parametrize(("text", "german"), read_po(GERMAN).items())
def test_a_translation_has_the_same_places_for_values(text: str, german: str) -> None:
    assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(german)) or not text


def test_what_is_compiled_is_what_is_written() -> None:
    assert GERMAN.with_suffix(".mo").read_bytes() == mo_of(read_po(GERMAN)), "run make manage ARGS=compile_texts"


def test_gettext_reads_what_we_compile() -> None:
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n", "a": "ä", "b\n": "ß\n", 'c"': "„c“"}
    catalogue = gettext.GNUTranslations(BytesIO(mo_of(messages)))
    assert [catalogue.gettext(text) for text in ("a", "b\n", 'c"', "d")] == ["ä", "ß\n", "„c“", "d"]
