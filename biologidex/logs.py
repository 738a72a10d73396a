"""Log lines as JSON objects with the id of the request they belong to; nothing secret reaches them."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from pythonjsonlogger.json import JsonFormatter

from domain.tracing import new_request_id, request_id

HEADER = "X-Request-ID"
MAX_ID_CHARACTERS = 64
# What asks every few seconds whether we live would drown everything else.
QUIET_ROUTES = frozenset({"health/", "ready/", "metrics/"})

log = logging.getLogger("biologidex.access")


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
        began = time.perf_counter()
        try:
            response = self._get_response(request)
            response[HEADER] = request_id.get()
            _note(request, response.status_code, duration_s=time.perf_counter() - began)
            return response
        finally:
            request_id.reset(token)


def _note(request: HttpRequest, status: int, *, duration_s: float) -> None:
    """A line for each request. It has the route and not the path, which may carry a picture's signed link; nor the query string."""
    route = request.resolver_match.route if request.resolver_match else ""
    level = logging.DEBUG if route in QUIET_ROUTES else logging.INFO
    log.log(
        level,
        "%s /%s %d",
        request.method,
        route,
        status,
        extra={"method": request.method, "route": route, "status": status, "duration_ms": round(duration_s * 1000, 1)},
    )
