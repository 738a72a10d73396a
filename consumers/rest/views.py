"""The HTTP door over the table of operations: a view for each path, which makes data of the request and a body of the answer. Knows no area."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import URLPattern, path
from django.utils.translation import get_language
from rest_framework.parsers import BaseParser, FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consumers.rest.schema import described
from domain.accounts.tokens import Bearer
from domain.errors import Invalid, UnknownType
from realtime import operations
from realtime.operations import Caller, Operation, Route

OFFSET_HEADER = "Upload-Offset"
KEY_HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 64
# Form fields that carry JSON, because a form's values are only text.
JSON_FIELDS = frozenset({"transformations", "entry", "customizations"})

Row = tuple[Operation, Route]


class RawParser(BaseParser):
    """A body that is bytes of a file."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"content": stream.read()}


class AnyRawParser(RawParser):
    """The same, whatever the client calls it."""

    media_type = "*/*"


class OperationView(APIView):
    """One path; `rows` has an operation for each of its methods."""

    rows: Mapping[str, Row] = {}

    def get_parsers(self) -> list[BaseParser]:
        if any(route.raw_body for _, route in self.rows.values()):
            return [RawParser(), AnyRawParser()]
        return [JSONParser(), MultiPartParser(), FormParser()]

    def get_throttles(self) -> list[Any]:
        row = self.rows.get(self.request.method or "")
        return super().get_throttles() if row is None or row[1].throttled else []

    def answer(self, request: Request, **names: Any) -> Response:
        """Performs the operation of this path and method."""
        entry, route = self.rows[request.method or ""]
        if route.legacy and not settings.LEGACY_CLIENT:
            raise UnknownType
        answer = operations.perform(entry.name, caller_of(request), _data(request, route, names), key=_key(request))
        body = answer.model_dump(mode="json")
        status = route.status(answer) if callable(route.status) else route.status
        return Response(route.envelope(body) if route.envelope else body, status=status)


def caller_of(request: Request) -> Caller:
    """Who is calling."""
    bearer = request.auth if isinstance(request.auth, Bearer) else None
    return Caller(
        user=bearer.user if bearer else None,
        sid=bearer.sid if bearer else None,
        address=_address(request),
        language=get_language() or settings.LANGUAGE_CODE,
    )


def _address(request: Request) -> str:
    """The caller's address; of X-Forwarded-For only what NUM_PROXIES trusted proxies added."""
    proxies = int(settings.REST_FRAMEWORK["NUM_PROXIES"])
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if proxies and forwarded:
        return forwarded[-min(proxies, len(forwarded))]
    return str(request.META.get("REMOTE_ADDR", ""))


def _key(request: Request) -> str | None:
    key = request.headers.get(KEY_HEADER) or None
    if key is not None and len(key) > MAX_KEY_CHARACTERS:
        raise Invalid(fields={KEY_HEADER: [f"at most {MAX_KEY_CHARACTERS} characters"]})
    return key


def _data(request: Request, route: Route, names: Mapping[str, Any]) -> dict[str, Any]:
    """Query string, body and the names in the path as one; the path's win."""
    data: dict[str, Any] = {}
    for name, value in request.query_params.items():
        data[route.aliases.get(name, name)] = value
    if route.raw_body:
        data[route.raw_body] = dict(request.data)["content"]
        data["offset"] = request.headers.get(OFFSET_HEADER, "")
    elif request.method not in ("GET", "DELETE"):
        data |= _body(request, route)
    return data | dict(names)


def _body(request: Request, route: Route) -> dict[str, Any]:
    if not isinstance(request.data, Mapping):
        raise Invalid(fields={"data": ["The body is an object."]})
    is_form = not isinstance(request.data, dict) or bool(request.FILES)
    body: dict[str, Any] = {}
    for name, value in request.data.items():
        field = route.aliases.get(name, name)
        if field in route.files and field in request.FILES:
            file = request.FILES[field]
            body[field] = {"name": file.name or "", "content": file.read()}
        elif is_form and field in JSON_FIELDS and isinstance(value, str):
            body[field] = _json(field, value)
        else:
            body[field] = value
    return body


def _json(field: str, text: str) -> object:
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(fields={field: ["This is not JSON."]}) from error


def urlpatterns() -> list[URLPattern]:
    """A path for every REST door in the table, below /api/v1/."""
    by_path: dict[str, dict[str, Row]] = defaultdict(dict)
    for entry in operations.table().values():
        for route in entry.routes:
            by_path[route.path][route.method] = (entry, route)
    # Fixed paths before those with names in them, so that `friends/` is not taken for an id.
    return [_pattern(route_path, rows) for route_path, rows in sorted(by_path.items(), key=lambda item: ("{" in item[0], item[0]))]


def _pattern(route_path: str, rows: Mapping[str, Row]) -> URLPattern:
    methods = {method.lower(): described(entry, route)(_method()) for method, (entry, route) in rows.items()}
    view: type[APIView] = type("OperationView", (OperationView,), {"rows": rows, **methods})
    pattern = route_path.replace("{", "<uuid:").replace("}", ">")
    return path(pattern, view.as_view(), name=next(iter(rows.values()))[0].name)


def _method() -> Any:
    def method(self: OperationView, request: Request, **names: Any) -> Response:
        return self.answer(request, **names)

    return method
