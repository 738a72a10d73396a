"""The tables of operations, events and errors: what each row must have, and that the code posts nothing that no table knows."""

import ast
import inspect
import re

import pytest

from consumers.session import SessionConsumer
from domain import errors
from domain.errors import DomainError
from realtime import events, operations
from realtime.errors import error_object, status_of
from realtime.limits import Rate
from realtime.operations import Operation
from tests.house.source import calls, modules, strings_of

# Protocol, section 4, "By name".
DURABLE = {
    "capture.queued",
    "capture.identified",
    "capture.needs_choice",
    "capture.failed",
    "capture.cancelled",
    "dex.entry_created",
    "dex.entry_updated",
    "dex.entry_deleted",
    "feed.entry_added",
    "feed.entry_changed",
    "feed.entry_removed",
    "feed.reacted",
    "friends.requested",
    "friends.accepted",
    "friends.rejected",
    "friends.removed",
    "profile.updated",
    "badge.awarded",
    "graph.changed",
}
PASSING = {"capture.progress", "upload.progress", "upload.failed", "graph.delta", "presence.changed"}
# What the protocol names and this version doesn't tell yet; a name that is built must leave this list.
LATER = {"feed.reacted", "badge.awarded", "presence.changed"}
# In the table, and without a cause so far: nothing re-classifies, merges or removes an animal, or ends an account.
CAUSELESS = {"graph.changed"}
# Between processes only; never written to a socket.
INWARD = {"session.logins_ended"}

# Protocol, section 3: at least these, with these statuses.
STATUSES = {
    "request.malformed": 400,
    "request.unknown_type": 404,
    "request.invalid": 400,
    "request.too_large": 413,
    "request.rate_limited": 429,
    "request.key_reused": 422,
    "request.busy": 503,
    "auth.required": 401,
    "auth.invalid_token": 401,
    "auth.expired": 401,
    "auth.revoked": 401,
    "permission.denied": 403,
    "not_found": 404,
    "conflict": 409,
    "internal": 500,
    "friends.self": 409,
    "friends.already_friends": 409,
    "friends.already_requested": 409,
    "upload.unknown": 404,
    "upload.offset": 409,
    "upload.too_large": 413,
    "upload.checksum": 400,
    "upload.expired": 410,
    "vision.limit_reached": 429,
    "image.unreadable": 400,
    "image.too_many_pixels": 400,
    "image.unsupported_format": 400,
    "vision.no_animal": 400,
    "vision.unavailable": 409,
    "vision.not_retryable": 409,
    "vision.no_such_candidate": 400,
}

OPERATIONS = list(operations.table().values())
ERRORS = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, DomainError)]


@pytest.mark.parametrize("entry", OPERATIONS, ids=lambda entry: entry.name)
def test_an_operation_is_whole(entry: Operation) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", entry.name)
    assert entry.doc
    assert entry.data.model_config["extra"] == "forbid"
    if entry.handler is None:
        assert entry.name in SessionConsumer.in_session
        assert not entry.routes
    else:
        assert Rate.parse(entry.rate) is not None
        assert entry.routes
        assert entry.render is not None or not entry.changes


def test_no_path_and_method_has_two_operations() -> None:
    doors = [(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for entry in OPERATIONS for route in entry.routes]
    assert len(doors) == len(set(doors))


def test_paths_end_with_a_slash_and_begin_without() -> None:
    assert all(re.fullmatch(r"[a-z](?:[a-z0-9_-]|\{\w+\}|/)*/", route.path) for entry in OPERATIONS for route in entry.routes)


def test_reading_over_http_changes_nothing_but_for_the_client_of_old() -> None:
    # Asking where an upload stands also ends what somebody else left half-done, which is the same however often it is asked.
    allowed = {"capture.resume"}
    changing = {
        entry.name for entry in OPERATIONS for route in entry.routes if route.method == "GET" and entry.changes and not route.legacy
    }
    assert changing <= allowed


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_has_a_code_a_text_and_a_status(error: type[DomainError]) -> None:
    shown = error_object(error())
    assert re.fullmatch(r"[a-z]+(?:\.[a-z_]+)?|not_found", str(shown["code"]))
    assert shown["message"]
    assert 400 <= status_of(error.code) < 600


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(("code", "status"), STATUSES.items())
def test_the_protocols_codes_exist_with_their_statuses(code: str, status: int) -> None:
    assert code in {error.code for error in ERRORS}
    assert status_of(code) == status


def test_every_event_of_the_protocol_is_in_the_table_or_on_the_list_of_later_ones() -> None:
    table = events.table()
    assert {name for name in DURABLE - LATER if name not in table or table[name].render is None} == set()
    assert {name for name in PASSING - LATER if name not in table or table[name].render is not None} == set()
    assert {name for name in LATER if name in table} == set()


def test_the_table_of_events_has_no_name_that_the_protocol_lacks() -> None:
    assert {name for name in events.table() if not name.startswith("session.")} <= DURABLE | PASSING | {events.WITHHELD}


def test_every_event_has_a_text() -> None:
    assert [name for name, event in events.table().items() if not event.doc] == []


def posted() -> dict[str, set[str]]:
    """Names that the rooms post or tell, by the name of the function that does."""
    found: dict[str, set[str]] = {}
    for tree in modules().values():
        for name, call in calls(tree):
            if name in ("mailbox.post", "mailbox.tell") and call.args:
                found.setdefault(name, set()).update(_kinds(call.args[0], tree))
    return found


def _kinds(node: ast.expr, tree: ast.Module) -> set[str]:
    """The event names that an argument can be; a parameter is what its function is called with in the same module."""
    texts = strings_of(node, tree)
    if texts or not isinstance(node, ast.Name):
        return texts
    found: set[str] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and node.id in (names := [argument.arg for argument in function.args.args]):
            place = names.index(node.id)
            for name, call in calls(tree):
                if name == function.name and len(call.args) > place:
                    found |= strings_of(call.args[place], tree)
    return found


def test_everything_that_is_posted_is_a_durable_event_of_the_table() -> None:
    names = posted()["mailbox.post"]
    assert len(names) > 10
    assert {name for name in names if name not in events.table() or events.table()[name].render is None} == set()


def test_everything_that_is_told_is_a_passing_event_of_the_table() -> None:
    names = posted()["mailbox.tell"]
    assert names
    assert {name for name in names if name not in events.table() or events.table()[name].render is not None} == set()


def test_every_durable_event_of_the_table_is_posted_somewhere() -> None:
    durable = {name for name, event in events.table().items() if event.render is not None}
    assert durable - posted()["mailbox.post"] - {events.WITHHELD} == CAUSELESS


def test_what_stays_between_processes_is_none_of_the_protocols_names() -> None:
    assert not INWARD & (DURABLE | PASSING)
    assert set(events.table()) >= INWARD
