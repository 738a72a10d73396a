"""Catalogues of texts: reads a `.po` file, writes the `.mo` file that gettext loads. Plain messages only: no plurals, no contexts.

The formats are GNU gettext's (manual, sections "The Format of PO Files" and "The Format of GNU MO Files").
"""

import ast
import struct
from pathlib import Path

MAGIC = 0x950412DE
HEADER_BYTES = 28
ENTRY_BYTES = 8


def read_po(path: Path) -> dict[str, str]:
    """Translations by text; the header stands under the empty text, and what is not translated yet is left out.

    Raises:
        ValueError: with the line that is not understood.
    """
    messages: dict[str, str] = {}
    parts: dict[str, str] = {}
    word = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if not line.startswith('"'):
            word, _, line = line.partition(" ")
            if word not in ("msgid", "msgstr"):
                raise ValueError(f"{path.name}, line {number}: {word} is not understood")
            if word == "msgid":
                _keep(messages, parts)
                parts = {}
        parts[word] = parts.get(word, "") + str(ast.literal_eval(line))
    _keep(messages, parts)
    return messages


def mo_of(messages: dict[str, str]) -> bytes:
    """The bytes of a `.mo` file: texts in order, little-endian, without a hash table (which is optional)."""
    texts = sorted(messages)
    originals = [text.encode() for text in texts]
    translations = [messages[text].encode() for text in texts]
    tables = HEADER_BYTES, HEADER_BYTES + ENTRY_BYTES * len(texts)
    place = HEADER_BYTES + 2 * ENTRY_BYTES * len(texts)
    index = b""
    for each in (*originals, *translations):
        index += struct.pack("<II", len(each), place)
        place += len(each) + 1
    header = struct.pack("<7I", MAGIC, 0, len(texts), *tables, 0, 0)
    return header + index + b"".join(each + b"\0" for each in (*originals, *translations))


def _keep(messages: dict[str, str], parts: dict[str, str]) -> None:
    if parts.get("msgstr"):
        messages[parts["msgid"]] = parts["msgstr"]
