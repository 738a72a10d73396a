"""Which texts can be kept and shown again. Knows no field."""

import re

# PostgreSQL takes no NUL, UTF-8 no half of a surrogate pair, which only JSON's escapes can bring.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether PostgreSQL keeps this text and JSON carries it to every client."""
    return UNSTORABLE.search(text) is None
