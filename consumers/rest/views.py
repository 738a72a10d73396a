"""The HTTP door over the table of operations: a view for each path, which makes data of the request and a body of the answer. Knows no area."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import URLPattern, path
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consumers.rest.parsers import AnyRawParser, ObjectParser, RawParser, read_json
from consumers.rest.schema import described
from consumers.rest.throttling import address_of
from domain.accounts.tokens import Bearer
from domain.errors import DomainError, Invalid, Malformed, RequestTooLarge, UnknownType, UploadTooLarge
from realtime import operations
from realtime.operations import Access, Caller, Operation, Route

OFFSET_HEADER = "Upload-Offset"
KEY_HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 64
# Form fields that carry JSON, because a form's values are only text.
JSON_FIELDS = frozenset({"transformations", "entry", "customizations"})

Row = tuple[Operation, Route]


class OperationView(APIView):
    """One path; `rows` has an operation for each of its methods."""

    rows: Mapping[str, Row] = {}

    @property
    def row(self) -> Row | None:
        """The operation of this request's method; HEAD is GET without a body."""
        # Nobody is asking while the OpenAPI document is written.
        method = getattr(getattr(self, "request", None), "method", None) or ""
        return self.rows.get("GET" if method == "HEAD" else method)

    def get_parsers(self) -> list[BaseParser]:
        if self.row is not None and self.row[1].raw_body:
            return [RawParser(), AnyRawParser()]
        return [ObjectParser(), MultiPartParser(), FormParser()]

    def get_authenticators(self) -> list[BaseAuthentication]:
        """None for who registers, logs in or refreshes: they may still carry an old token, and it says nothing."""
        row = self.row
        if row is not None and row[0].access is Access.ANYBODY and row[1].method == "POST":
            return []
        return super().get_authenticators()

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self.row is None or self.row[1].throttled else []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses a body by its announced length before any of it is read.

        Raises:
            RequestTooLarge, UploadTooLarge
        """
        super().initial(request, *args, **kwargs)
        length = request.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            takes_file = self.row is not None and bool(self.row[1].files or self.row[1].raw_body)
            raise (
                UploadTooLarge(max_bytes=settings.MAX_UPLOAD_BYTES)
                if takes_file
                else RequestTooLarge(max_bytes=settings.SOCKET_MAX_REQUEST_BYTES)
            )

    def perform_authentication(self, request: Request) -> None:
        """Who comes with a token that is no good is counted like somebody without one, or guessing would cost nothing."""
        try:
            super().perform_authentication(request)
        except DomainError:
            request.user = None  # type: ignore[assignment]  # as UNAUTHENTICATED_USER says
            request.auth = None
            self.check_throttles(request)
            raise

    def answer(self, request: Request, **names: Any) -> Response:
        """Performs the operation of this path and method."""
        if self.row is None:
            raise UnknownType
        entry, route = self.row
        if route.legacy and not settings.LEGACY_CLIENT:
            raise MethodNotAllowed(request.method or "")
        answer = operations.perform(entry.name, caller_of(request), _data(request, route, names), key=_key(request))
        body = answer.model_dump(mode="json")
        headers = {name: str(body[field]) for name, field in route.headers.items()}
        return Response(route.envelope(body) if route.envelope else body, status=route.status, headers=headers)


def caller_of(request: Request) -> Caller:
    """Who is calling."""
    bearer = request.auth if isinstance(request.auth, Bearer) else None
    return Caller(
        user=bearer.user if bearer else None,
        sid=bearer.sid if bearer else None,
        address=address_of(request),
        language=get_language() or settings.LANGUAGE_CODE,
    )


def _key(request: Request) -> str | None:
    key = request.headers.get(KEY_HEADER) or None
    if key is not None and len(key) > MAX_KEY_CHARACTERS:
        raise Invalid(fields={KEY_HEADER: [_("At most %(count)d characters.") % {"count": MAX_KEY_CHARACTERS}]})
    return key


def _data(request: Request, route: Route, names: Mapping[str, Any]) -> dict[str, Any]:
    """Query string, body and the names in the path as one; the path's win."""
    data: dict[str, Any] = {}
    for name, value in request.query_params.items():
        data[route.aliases.get(name, name)] = value
    if route.raw_body:
        data[route.raw_body] = dict(request.data)["content"]
        data["offset"] = request.headers.get(OFFSET_HEADER, "")
    elif route.method not in ("GET", "DELETE"):
        data |= _body(request, route)
    return data | dict(names)


def _body(request: Request, route: Route) -> dict[str, Any]:
    given: Mapping[str, Any] = request.data  # type: ignore[assignment]  # a QueryDict, or what ObjectParser gives
    # A form's values are text; QueryDict is a dict too.
    is_form = isinstance(given, QueryDict)
    body: dict[str, Any] = {}
    for name, value in given.items():
        field = route.aliases.get(name, name)
        if field in route.files and field in request.FILES:
            file = request.FILES[field]
            if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
                raise UploadTooLarge(max_bytes=settings.MAX_UPLOAD_BYTES)
            body[field] = {"name": file.name or "", "content": file.read()}
        elif is_form and field in JSON_FIELDS and isinstance(value, str):
            body[field] = _json(field, value)
        else:
            body[field] = value
    return body


def _json(field: str, text: str) -> object:
    if len(text) > settings.SOCKET_MAX_REQUEST_BYTES:
        raise RequestTooLarge(max_bytes=settings.SOCKET_MAX_REQUEST_BYTES)
    try:
        return read_json(text)
    except Malformed as error:
        raise Invalid(fields={field: [_("This is not JSON.")]}) from error


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
