"""What a handshake says: token, subprotocol, origin, language, and what the URL asks for. Reads a scope, touches no socket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import validate_host
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

SUBPROTOCOL = "biologidex.v1"
BEARER_SUBPROTOCOL = "bearer."
# Below 65,535, Godot's WebSocketPeer.inbound_buffer_size: a larger frame is lost there without a word.
LEAST_MAX_FRAME = 60_000
MOST_MAX_FRAME = 1_048_576
MAX_TOKEN_CHARACTERS = 4096
MAX_QUERY_BYTES = 8192
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Up to where a client has read, and in which life of the mailboxes."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client brought. `token` is "" where it will come by first frame."""

    token: str
    subprotocol: str | None
    speaks_ours: bool
    origin_allowed: bool
    resume: ResumePoint | None
    max_frame: int
    language: str
    address: str


def read_handshake(scope: Mapping[str, Any]) -> Handshake:
    """Reads an ASGI websocket scope. A token in the query string is ignored: it would stand in access logs."""
    headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
    offered: Sequence[str] = scope.get("subprotocols") or []
    query = parse_qs(scope.get("query_string", b"")[:MAX_QUERY_BYTES].decode("latin1"))
    client = scope.get("client") or ("", 0)
    return Handshake(
        token=_token(headers, offered),
        subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None,
        speaks_ours=not offered or SUBPROTOCOL in offered,
        origin_allowed=_origin_allowed(headers.get("origin"), headers.get("host", "")),
        resume=read_resume(query.get("resume", [""])[0]),
        max_frame=_max_frame(query.get("max_frame", [""])[0]),
        language=read_language(headers.get("accept-language", "")),
        address=str(client[0]),
    )


def read_resume(text: str) -> ResumePoint | None:
    """`<epoch>.<seq>`; anything else is nobody's point and counts as another life."""
    if not text:
        return None
    epoch, _, seq = text.rpartition(".")
    return ResumePoint(epoch=epoch, seq=int(seq)) if seq.isascii() and seq.isdigit() and len(seq) < 17 else ResumePoint(epoch="", seq=0)


def read_language(accepted: str) -> str:
    """The first language of an Accept-Language header (RFC 9110, 12.5.4) that there is, else the default."""
    for language, _ in parse_accept_lang_header(accepted[:200]):
        try:
            return get_supported_language_variant(language)
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)


def _token(headers: Mapping[str, str], offered: Sequence[str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()[:MAX_TOKEN_CHARACTERS]
    bearers = [each.removeprefix(BEARER_SUBPROTOCOL) for each in offered if each.startswith(BEARER_SUBPROTOCOL)]
    return bearers[0][:MAX_TOKEN_CHARACTERS] if bearers else ""


def _origin_allowed(origin: str | None, host: str) -> bool:
    """No Origin comes from no browser. A browser's must be listed, or be this very server under one of its names."""
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
        name = parts.hostname or ""
    except ValueError:
        return False
    return parts.netloc.lower() == host.lower() and validate_host(name, settings.ALLOWED_HOSTS or list(LOCAL_HOSTS))


def _max_frame(text: str) -> int:
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else LEAST_MAX_FRAME
    return min(max(wanted, LEAST_MAX_FRAME), MOST_MAX_FRAME)
