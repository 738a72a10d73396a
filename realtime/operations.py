"""The table of operations: who may ask what, in which shape, how often; and `perform`, the only way in, for a frame and for an HTTP request.

Areas fill the table from above (`consumers/`); this module knows none of them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property, partial
from typing import Any, ClassVar, get_type_hints
from uuid import UUID

from django.db import OperationalError
from django.utils.translation import gettext as _
from psycopg import errors as postgres
from pydantic import BaseModel, ConfigDict, ValidationError

from domain.accounts.models import User
from domain.errors import AuthRequired, Busy, Invalid, PermissionDenied, UnknownType
from domain.storable import is_storable
from realtime import idempotency, limits
from realtime.idempotency import Refs

MAX_FIELDS_TOLD = 20
DEFAULT_RATE = "600/minute"
# Nothing was done, because somebody else was doing something to the same rows for too long.
OTHERS_IN_THE_WAY = (postgres.LockNotAvailable, postgres.DeadlockDetected, postgres.SerializationFailure)


class Shape(BaseModel):
    """Data on the wire, in either direction. Unknown keys are an error, so that a typing mistake is seen."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True, ser_json_bytes="base64")


class Nothing(Shape):
    """`{}`"""


class Answer(BaseModel):
    """What an operation answers. The fields named in `in_parts` are lists that travel in parts of their own on a socket."""

    in_parts: ClassVar[tuple[str, ...]] = ()


class Empty(Answer):
    """`{}`"""


class Access(Enum):
    """Who may ask."""

    ANYBODY = "anybody"
    PERSON = "person"
    STAFF = "staff"


@dataclass(frozen=True)
class Caller:
    """Who asks: a person (or nobody), their login, the address they come from, their language, and whether this request has an idempotency key."""

    user: User | None = None
    sid: UUID | None = None
    address: str = ""
    language: str = "en"
    has_key: bool = False

    @property
    def person(self) -> User:
        """The person.

        Raises:
            AuthRequired: there is none.
        """
        if self.user is None:
            raise AuthRequired
        return self.user

    @property
    def name_for_limits(self) -> str:
        return f"user:{self.user.id}" if self.user else f"address:{self.address}"


@dataclass(frozen=True)
class Route:
    """An operation's REST door. `path` is below /api/v1/ with names in braces; `envelope` makes the body of the answer (as JSON values).

    `aliases` are data fields' other names in bodies and query strings (today's client's words); `files` are data fields that come as multipart files;
    `headers` names fields of the answer that also go out as headers. `legacy` routes are open only while
    LEGACY_CLIENT is on.
    """

    method: str
    path: str
    status: int = 200
    envelope: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    throttled: bool = True
    legacy: bool = False
    raw_body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One row of the table.

    `handler(caller, data)` answers; where the operation changes something it gives ids instead (`Refs`), and `render(caller, refs)` makes the
    answer of them, now and whenever the same key asks again. `prepare(caller, data)` is a context manager around the transaction (files are stored
    there, and taken away again where nothing came of it); the handler then takes what it gives.
    An operation without a handler lives in the session actor alone.
    """

    name: str
    data: type[Shape]
    answer: type[Answer]
    access: Access
    changes: bool
    rate: str
    routes: tuple[Route, ...]
    handler: Callable[..., Any] | None
    render: Callable[..., Answer] | None
    prepare: Callable[..., AbstractContextManager[Any]] | None
    takes_key: bool
    doc: str

    @cached_property
    def area(self) -> str:
        return self.name.partition(".")[0]


_table: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    access: Access = Access.PERSON,
    rate: str = DEFAULT_RATE,
    routes: Sequence[Route] = (),
    changes: bool = False,
    render: Callable[..., Answer] | None = None,
    prepare: Callable[..., AbstractContextManager[Any]] | None = None,
    takes_key: bool | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Puts a function `(caller, data) -> answer` into the table; the shapes are its annotations'. One that changes something and has no `render` answers `{}`.

    With `prepare` the data's shape is that of `prepare`, and the function takes what `prepare` gives.
    """

    def enter(handler: Callable[..., Any]) -> Callable[..., Any]:
        hints = get_type_hints(handler)
        rendered = render or (_render_nothing if changes else None)
        answers = get_type_hints(rendered)["return"] if rendered else hints["return"]
        declare(
            Operation(
                name=name,
                data=get_type_hints(prepare)["data"] if prepare else hints["data"],
                answer=answers,
                access=access,
                changes=changes,
                rate=rate,
                routes=tuple(routes),
                handler=handler,
                render=rendered,
                prepare=prepare,
                takes_key=changes if takes_key is None else takes_key,
                doc=(handler.__doc__ or "").strip(),
            )
        )
        return handler

    return enter


def _render_nothing(caller: Caller, refs: Refs) -> Empty:
    return Empty()


def declare(entry: Operation) -> None:
    """Puts a row into the table.

    Raises:
        ValueError: its name is taken.
    """
    if entry.name in _table:
        raise ValueError(f"operation {entry.name} is declared twice")
    _table[entry.name] = entry


def declare_in_session(
    name: str, *, data: type[Shape], answer: type[Answer], doc: str, access: Access = Access.PERSON, rate: str = "", changes: bool = False
) -> None:
    """Puts a row into the table for what only a socket's own session can do."""
    declare(
        Operation(
            name=name,
            data=data,
            answer=answer,
            access=access,
            changes=changes,
            rate=rate,
            routes=(),
            handler=None,
            render=None,
            prepare=None,
            takes_key=False,
            doc=doc,
        )
    )


def table() -> Mapping[str, Operation]:
    """All operations by name."""
    return _table


def find(name: str) -> Operation:
    """The operation of this name.

    Raises:
        UnknownType
    """
    entry = _table.get(name)
    if entry is None:
        raise UnknownType
    return entry


def validate(entry: Operation, raw: Mapping[str, object]) -> Shape:
    """The data in the operation's shape.

    Raises:
        Invalid: with the fields' paths.
    """
    if path := _path_of_unstorable(raw):
        raise Invalid(fields={path: [_("Some characters of this text cannot be stored.")]})
    try:
        return entry.data.model_validate(raw)
    except ValidationError as error:
        raise Invalid(fields=fields_of(error)) from error


def _path_of_unstorable(value: object, path: str = "") -> str:
    """Where a text stands that PostgreSQL or UTF-8 does not take (NUL, half of a surrogate pair); "" where there is none."""
    if isinstance(value, str):
        return "" if is_storable(value) else path
    if isinstance(value, Mapping):
        pairs = [(str(key)[:64], item) for key, item in value.items()]
        if not all(is_storable(key) for key, _item in pairs):
            return path or "data"
    elif isinstance(value, list):
        pairs = [(str(place), item) for place, item in enumerate(value)]
    else:
        return ""
    return next((found for key, item in pairs if (found := _path_of_unstorable(item, f"{path}.{key}" if path else key))), "")


def fields_of(error: ValidationError) -> dict[str, list[str]]:
    """Pydantic's complaints by the path of the field, without the input that caused them."""
    fields: dict[str, list[str]] = {}
    for complaint in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_FIELDS_TOLD]:
        path = ".".join(str(part)[:64] for part in complaint["loc"]) or "data"
        fields.setdefault(path, []).append(complaint["msg"].removeprefix("Value error, "))
    return fields


def permit(entry: Operation, caller: Caller) -> None:
    """Says no to who may not ask, and to who asks too often.

    Raises:
        AuthRequired, PermissionDenied, RateLimited
    """
    if entry.access is not Access.ANYBODY and caller.user is None:
        raise AuthRequired
    if entry.access is Access.STAFF and not caller.person.is_staff:
        raise PermissionDenied
    limits.take(caller.name_for_limits, entry.name, entry.rate)


def perform(name: str, caller: Caller, raw: Mapping[str, object], *, key: str | None = None) -> Answer:
    """Does what is asked, whichever door it came through. Blocks: never in an event loop.

    Raises:
        DomainError: any refusal; `raw` is checked here, after the caller's right to ask.
    """
    try:
        return _performed(name, caller, raw, key=key)
    except OperationalError as error:
        if isinstance(error.__cause__, OTHERS_IN_THE_WAY):
            raise Busy(retry_after=1.0) from error
        raise


def _performed(name: str, caller: Caller, raw: Mapping[str, object], *, key: str | None) -> Answer:
    entry = find(name)
    permit(entry, caller)
    data = validate(entry, raw)
    if entry.handler is None:
        raise UnknownType
    if not entry.changes:
        answer: Answer = entry.handler(caller, data)
        return answer
    with entry.prepare(caller, data) if entry.prepare else nullcontext(data) as ready:
        if key is None or not entry.takes_key or caller.user is None:
            refs = entry.handler(caller, ready)
        else:
            effect: Callable[[], Refs] = partial(entry.handler, replace(caller, has_key=True), ready)
            refs = idempotency.once(caller.user.id, key, idempotency.fingerprint(name, _asked(data)), effect)
    if entry.render is None:
        return Empty()
    return entry.render(caller, refs)


def _asked(data: Shape) -> dict[str, object]:
    """The validated data as plain values; a file stands in it by what `File` shapes serialise to, its SHA-256."""
    return data.model_dump(mode="json", exclude_unset=True)
