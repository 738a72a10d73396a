"""Writes PROTOCOL.md: the prose beside this file, and a section for each row of the tables of operations, events, errors and close codes."""

import inspect
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from django.utils import translation

from biologidex.protocol_shapes import Shapes
from consumers.receptions import TOLD_EVERY_BYTES
from consumers.session import MALFORMED_PER_MINUTE, PROTOCOL_VERSION
from domain.accounts.services import LOGINS_ENDED
from domain.dex.geoprivacy import SENSITIVE
from domain.errors import DomainError
from domain.images.formats import MAX_PIXELS, TAKEN
from graph import build
from realtime import events, frames, operations
from realtime.authentication import LEAST_MAX_FRAME, MOST_MAX_FRAME
from realtime.errors import Close, status_of
from realtime.events import WITHHELD, Event
from realtime.operations import Access, Operation, Route
from vision.models import Outcome, Stage, Status

PROSE = Path(__file__).with_name("protocol_prose.md")
# Told between processes only.
UNSPOKEN = frozenset({LOGINS_ENDED})

ASKERS = {Access.ANYBODY: "anybody", Access.PERSON: "a person who is logged in", Access.STAFF: "staff"}
CLOSES: Mapping[Close, tuple[str, str]] = {
    Close.TOO_BIG: ("a frame is larger than `max_request_bytes` (binary: than a chunk and its header)", "send smaller frames"),
    Close.FAILED: (
        "something went wrong on the server's side; `session.closing` has an `error_id`",
        "come back after a growing pause, with `?resume=`",
    ),
    Close.RESTARTING: ("the server is restarting", "come back after 0 to 5 s, at random, with `?resume=`"),
    Close.PROTOCOL_BROKEN: ("too many malformed frames", "not come back: it is a mistake of the client's"),
    Close.UNAUTHENTICATED: ("no token, a bad one, or one that expired", "refresh the token, then come back"),
    Close.LOGGED_OUT: ("this login has ended: logged out, or the account was disabled", "ask the person to log in"),
    Close.AUTHENTICATION_TIMEOUT: ("no token came in time", "come back and authenticate"),
    Close.LIMITED: (
        "too many connections of one person (`SOCKET_CONNECTIONS_PER_USER`, default 8), or requests that go on and on beyond their rate",
        "wait `retry_after` seconds, then come back",
    ),
    Close.TOO_SLOW: ("events were not taken in time", "come back with `?resume=`; nothing is lost"),
}
PLAIN = {str: "string", int: "integer", bool: "true or false"}


def document() -> str:
    """The whole page, in English whatever language is active."""
    with translation.override("en"):
        shapes = _shapes()
        parts = {
            "graph": _graph(),
            "operations": _operations(shapes),
            "events": _events(shapes),
            "errors": _errors(),
            "closes": _closes(),
            **_numbers(),
        }
        # Last, because the other tables say which shapes are referred to.
        parts["shapes"] = shapes.shared()
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], PROSE.read_text())


def error_codes() -> dict[str, type[DomainError]]:
    """Every code that an error can have, with the domain's class for it."""
    known: list[type[DomainError]] = [DomainError, *_descendants(DomainError)]
    return {error.code: error for error in known if error.__module__ == DomainError.__module__}


def spoken_events() -> dict[str, Event]:
    """The events that clients hear, by name."""
    return {name: event for name, event in sorted(events.table().items()) if name not in UNSPOKEN}


def _descendants(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _descendants(child)


def _numbers() -> dict[str, str]:
    return {
        "LEAST_MAX_FRAME": str(LEAST_MAX_FRAME),
        "MOST_MAX_FRAME": str(MOST_MAX_FRAME),
        "PROTOCOL_VERSION": str(PROTOCOL_VERSION),
        "MAX_ID_CHARACTERS": str(frames.MAX_ID_CHARACTERS),
        "MAX_KEY_CHARACTERS": str(frames.MAX_KEY_CHARACTERS),
        "MAX_DEPTH": str(frames.MAX_DEPTH),
        "MALFORMED_PER_MINUTE": str(MALFORMED_PER_MINUTE),
        "UPLOAD_ID_BYTES": str(frames.UPLOAD_ID_BYTES),
        "TOLD_EVERY_KIB": str(TOLD_EVERY_BYTES // 1024),
        "TAKEN": TAKEN,
        "MAX_PIXELS": f"{MAX_PIXELS:,}",
        "STAGES": _choices(Stage.values),
        "STATUSES": _choices(Status.values),
        "OUTCOMES": _choices(Outcome.values),
        "SENSITIVE": ", ".join(sorted(SENSITIVE)),
    }


def _choices(words: list[Any]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _shapes() -> Shapes:
    asked = [entry.data for entry in operations.table().values()]
    told = [entry.answer for entry in operations.table().values()] + [event.shape for event in events.table().values()]
    return Shapes(asked=asked, told=told)


# Operations


def _operations(shapes: Shapes) -> str:
    rows = sorted(operations.table().values(), key=lambda entry: entry.name)
    sections = []
    for area, entries in groupby(rows, key=lambda entry: entry.area):
        sections.append(f"### Area `{area}`")
        sections += [_operation(entry, shapes) for entry in entries]
    return "\n\n".join(sections)


def _operation(entry: Operation, shapes: Shapes) -> str:
    facts = [f"Asked by {ASKERS[entry.access]}", f"rate {_rate(entry)}", _effect(entry)]
    parts = [
        f"#### `{entry.name}`",
        _one_line(entry.doc),
        f"{'; '.join(facts)}.",
        f"Data: {_said(entry.data)}".rstrip(),
        shapes.table(entry.data, "validation"),
        f"Answer: {_said(entry.answer)}".rstrip(),
        shapes.table(entry.answer, "serialization"),
        *([_in_parts(entry)] if entry.answer.in_parts else []),
        _routes(entry, shapes),
    ]
    return "\n\n".join(part for part in parts if part)


def _in_parts(entry: Operation) -> str:
    return f"On a socket {_choices(list(entry.answer.in_parts))} always come in parts."


def _rate(entry: Operation) -> str:
    setting = f"`THROTTLE_{entry.name.replace('.', '_').upper()}_RATE`"
    return f"{entry.rate} ({setting})" if entry.rate else f"not limited ({setting})"


def _effect(entry: Operation) -> str:
    if not entry.changes:
        return "changes nothing"
    return "changes something and takes a key" if entry.takes_key else "changes something and takes no key"


def _routes(entry: Operation, shapes: Shapes) -> str:
    if not entry.routes:
        return "On a socket only."
    return "\n".join(["REST:", "", *(f"- {_route(route, entry, shapes)}" for route in entry.routes)])


def _route(route: Route, entry: Operation, shapes: Shapes) -> str:
    status = str(route.status)
    notes = [f"answers {status}"]
    if route.envelope is not None:
        notes.append(_envelope(route, shapes.names(entry.answer, "serialization")))
    notes += [f"`{alias}` stands for `{field}`" for alias, field in route.aliases.items()]
    if route.files:
        notes.append(f"multipart, with the file in {_choices(list(route.files))}")
    if route.raw_body:
        notes.append(f"the body is the bytes of `{route.raw_body}`, the header `Upload-Offset` is `offset`")
    if not route.throttled:
        notes.append("not counted among REST's requests as a whole")
    if route.legacy:
        notes.append("only where `LEGACY_CLIENT` is on")
    return f"`{route.method} /api/v1/{route.path}` {'; '.join(notes)}"


def _envelope(route: Route, fields: list[str]) -> str:
    """What an envelope makes of an answer, found by letting it wrap one whose fields are marked."""
    marked: dict[str, Any] = {field: {f"<{field}>": field} for field in fields}
    try:
        body = route.envelope(marked) if route.envelope is not None else marked
    except (KeyError, TypeError, AttributeError, ValueError):
        return "in an envelope of its own"
    alone = [field for field in fields if body == marked[field]]
    if alone:
        return f"the body is the `{alone[0]}` itself"
    return "keys that are null are left out" if body == marked else f"the body has {_choices(list(body))}"


# Events


def _events(shapes: Shapes) -> str:
    listed = ["| event | | |", "|---|---|---|"]
    for name, event in spoken_events().items():
        listed.append(f"| [`{name}`](#{_anchor(name)}) | {'durable' if event.render else 'passing'} | {_one_line(event.doc)} |")
    listed.append(f"| `{WITHHELD}` | durable | Stands in the place of an event that may no longer be told; its data is `{{}}`. |")
    return "\n\n".join(["\n".join(listed), *(_event(name, event, shapes) for name, event in spoken_events().items())])


def _event(name: str, event: Event, shapes: Shapes) -> str:
    kind = "Durable" if event.render else "Passing"
    omitting = " Keys that are null are left out." if event.shape.omits_null else ""
    return f"### `{name}`\n\n{kind}. {_one_line(event.doc)}{omitting}\n\n{shapes.table(event.shape, 'serialization')}"


def _anchor(name: str) -> str:
    """As GitHub makes anchors of headings."""
    return name.replace(".", "")


# Errors


def _errors() -> str:
    rows = ["| code | HTTP | message in English | |", "|---|---|---|---|"]
    for code, error in sorted(error_codes().items()):
        said = _one_line(inspect.cleandoc(error.__dict__.get("__doc__") or "")) if error is not DomainError else "with `error_id`"
        rows.append(f"| `{code}` | {status_of(code)} | {error.message} | {said} |")
    return "\n".join(rows)


def _closes() -> str:
    rows = ["| code | why | the client should |", "|---|---|---|"]
    rows += [f"| {int(close)} | {CLOSES[close][0]} | {CLOSES[close][1]} |" for close in Close]
    return "\n".join(rows)


# The graph, whose things are typed dictionaries


def _graph() -> str:
    meanings = _bullets(build.stats.__doc__ or "") | _bullets(build.metadata.__doc__ or "")
    sections = [
        ("A node", build.Node, {}),
        ("Its `taxonomy`", build.Taxonomy, {}),
        ("Its `discoverer` (all four keys, or `{}`)", build.Discoverer, {}),
        ("An edge", build.Edge, {}),
        ("`stats`", build.Stats, meanings),
        ("`taxonomic_diversity`", build.Diversity, {}),
        ("`metadata`", build.Metadata, meanings),
    ]
    told = [f"{f'{title}: {_typed(kind)}'.strip()}\n\n{_typed_table(kind, meaning)}" for title, kind, meaning in sections]
    return "\n\n".join([*told, f"Of a node, {_one_line(build.node.__doc__ or '').partition('. ')[2]}"])


def _typed(kind: Any) -> str:
    said = kind.__doc__ or ""
    return "" if said.startswith("dict()") else _one_line(said)


def _typed_table(kind: Any, meanings: Mapping[str, str]) -> str:
    hints = get_type_hints(kind)
    if not meanings:
        rows = [f"| `{name}` | {_type_name(hint)} |" for name, hint in hints.items()]
        return "\n".join(["| field | type |", "|---|---|", *rows])
    rows = [f"| `{name}` | {_type_name(hint)} | {meanings[name]} |" for name, hint in hints.items()]
    return "\n".join(["| field | type | |", "|---|---|---|", *rows])


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return _choices(list(get_args(hint)))
    return PLAIN.get(hint, "object")


def _bullets(text: str) -> dict[str, str]:
    """`- `name`: meaning` lines of a docstring, and the one-line form "`name` (type): meaning"."""
    found = re.findall(r"^\s*(?:- )?`(\w+)`(?: \(\w+\))?: (.+)$", text, flags=re.MULTILINE)
    return {name: meaning.rstrip(".") for name, meaning in found}


def _said(shape: type) -> str:
    said = _one_line(inspect.cleandoc(shape.__dict__.get("__doc__") or ""))
    return "" if said.startswith("`{") else said


def _one_line(text: str) -> str:
    return " ".join(text.split())
