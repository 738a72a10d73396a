"""Cuts a server's reply down to what may be stored: bounded JSON without secrets; knows no API."""

import json
from typing import Any, Final

from pydantic_core import from_json

MAX_RAW_BYTES: Final = 16_384
_MAX_EXCERPT_CHARS: Final = 4_000
# PostgreSQL's jsonb takes no NUL (nor lone surrogates, which the parser refuses).
# Source: https://www.postgresql.org/docs/current/datatype-json.html
_NUL = "\x00"


def storable_reply(body: bytes, *, secret: str = "") -> dict[str, Any]:
    """`body` as a JSON object of at most 16 KiB; what is larger, or none, becomes {"excerpt", "size_bytes"}. `secret` is blotted out."""
    text = body.decode("utf-8", "replace")
    if secret:
        text = text.replace(secret, "[secret]")
    try:
        # jiter refuses deep nesting, which the standard decoder answers with a RecursionError.
        value = _storable(from_json(text, allow_inf_nan=False)) if len(body) <= MAX_RAW_BYTES else None
    except ValueError:
        value = None
    if isinstance(value, dict) and len(json.dumps(value).encode()) <= MAX_RAW_BYTES:
        return value
    # Four bytes at most for each character, so an excerpt always fits.
    return {"excerpt": text[:_MAX_EXCERPT_CHARS].replace(_NUL, ""), "size_bytes": len(body)}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_NUL, "")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {key.replace(_NUL, ""): _storable(each) for key, each in value.items()}
    return value
