"""JSON out: the same encoder as on the socket; a body is always an object."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from realtime.frames import encode


class WireRenderer(BaseRenderer):
    """`application/json`, UTF-8."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> bytes:
        return b"" if data is None else encode(data)
