"""Bodies in: JSON objects and bytes of a file, each read only as far as it may be long. Knows no operation."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from domain.errors import Invalid, Malformed, RequestTooLarge

# As deep as a socket's frame may be.
MAX_DEPTH = 32


class ObjectParser(BaseParser):
    """`application/json`: an object, at most as long as a socket's request."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        value = read_json(_read(stream, settings.SOCKET_MAX_REQUEST_BYTES))
        if not isinstance(value, dict):
            raise Invalid(fields={"data": [_("The body is an object.")]})
        return value


class RawParser(BaseParser):
    """A body that is bytes of a file."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"content": _read(stream, settings.MAX_UPLOAD_BYTES)}


class AnyRawParser(RawParser):
    """The same, whatever the client calls it."""

    media_type = "*/*"


def read_json(text: bytes | str) -> object:
    """A JSON value; an empty text is an empty object.

    Raises:
        Malformed: it is not JSON, or nested too deeply.
    """
    if not text.strip():
        return {}
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Malformed(_("The body is not JSON.")) from error
    if not _is_shallow(value):
        raise Malformed(_("The body is nested too deeply."))
    return value


def _read(stream: Any, most_bytes: int) -> bytes:
    content = bytes(stream.read(most_bytes + 1))
    if len(content) > most_bytes:
        raise RequestTooLarge(max_bytes=most_bytes)
    return content


def _is_shallow(value: object, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return False
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_is_shallow(child, depth + 1) for child in children)
