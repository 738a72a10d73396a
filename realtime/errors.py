"""From an error of the domain to the wire: its object, its HTTP status, and the codes with which sockets close. The one map."""

from collections.abc import Mapping
from enum import IntEnum

from django.utils.translation import gettext as _

from domain.errors import DomainError

# Protocol, section 3. A code that is not here takes the status of its area, below.
STATUS_BY_CODE: Mapping[str, int] = {
    "request.malformed": 400,
    "request.unknown_type": 404,
    "request.invalid": 400,
    "request.too_large": 413,
    "request.rate_limited": 429,
    "request.key_reused": 422,
    "request.busy": 503,
    "permission.denied": 403,
    "not_found": 404,
    "conflict": 409,
    "internal": 500,
    "upload.unknown": 404,
    "upload.offset": 409,
    "upload.too_large": 413,
    "upload.checksum": 400,
    "upload.expired": 410,
    "vision.limit_reached": 429,
    "vision.no_animal": 400,
    "vision.unavailable": 409,
    "vision.not_retryable": 409,
    "vision.no_such_candidate": 400,
}
STATUS_BY_AREA: Mapping[str, int] = {"auth": 401, "friends": 409, "image": 400}


class Close(IntEnum):
    """Why the server closes a socket (protocol, section 3; those below 4000 by RFC 6455)."""

    TOO_BIG = 1009
    FAILED = 1011
    RESTARTING = 1012
    PROTOCOL_BROKEN = 4400
    UNAUTHENTICATED = 4401
    LOGGED_OUT = 4403
    AUTHENTICATION_TIMEOUT = 4408
    LIMITED = 4429
    TOO_SLOW = 4508


def status_of(code: str) -> int:
    """The HTTP status of an error code."""
    return STATUS_BY_CODE.get(code) or STATUS_BY_AREA[code.partition(".")[0]]


def error_object(error: DomainError) -> dict[str, object]:
    """`{code, message, fields?, retry_after?, ...facts}` in the language that is active."""
    shown: dict[str, object] = {"code": error.code, "message": str(error)}
    if error.fields:
        shown["fields"] = error.fields
    if error.retry_after is not None:
        shown["retry_after"] = error.retry_after
    return shown | error.facts


def internal_error(error_id: str) -> dict[str, object]:
    """What a caller learns of an unforeseen error: an id that is in the log, and nothing of the cause."""
    return {"code": "internal", "message": _("Something went wrong on our side."), "error_id": error_id}
