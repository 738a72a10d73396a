"""Log lines as JSON objects with the id of the request they belong to; nothing secret reaches them."""

import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from pythonjsonlogger.json import JsonFormatter

from domain.tracing import new_request_id, request_id

HEADER = "X-Request-ID"
MAX_ID_CHARACTERS = 64


class JsonLines(JsonFormatter):
    """`{"time", "level", "logger", "message", "request_id", ...}`, one object a line."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "time", "levelname": "level", "name": "logger"}
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        if current := request_id.get():
            log_data["request_id"] = current


class RequestIdMiddleware:
    """Gives every HTTP request an id, or takes the proxy's, and answers it in `X-Request-ID`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        usable = 0 < len(given) <= MAX_ID_CHARACTERS and given.replace("-", "").isalnum() and given.isascii()
        token = request_id.set(given if usable else new_request_id())
        try:
            response = self._get_response(request)
            response[HEADER] = request_id.get()
            return response
        finally:
            request_id.reset(token)
