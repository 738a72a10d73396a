"""How a socket gets in: the handshake's answer, and a token by header, subprotocol or first frame. Knows nothing of what comes after."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from domain.accounts import tokens
from domain.accounts.tokens import Bearer
from domain.errors import AuthRequired, DomainError, Invalid, Malformed, TokenRevoked
from realtime import frames, operations
from realtime.authentication import Handshake
from realtime.errors import Close
from realtime.frames import Request
from realtime.outbox import Send

Receive = Callable[[], Awaitable[dict[str, Any]]]

if TYPE_CHECKING:
    from consumers.session import SessionConsumer


async def let_in(handshake: Handshake, scope: dict[str, Any], send: Send) -> bool:
    """Accepts the connection, or answers with HTTP: 403 to a foreign Origin, 400 where our subprotocol is not among those offered."""
    if handshake.origin_allowed and handshake.speaks_ours:
        await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
        return True
    if handshake.origin_allowed:
        await _deny(400, b"Offer the subprotocol biologidex.v1, or none.", scope, send)
    else:
        await send({"type": "websocket.close"})
    return False


async def answer_nowhere(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application of every path that is not the socket's."""
    await receive()
    await _deny(404, b"The socket is at /ws/v1/.", scope, send)


async def _deny(status: int, text: bytes, scope: dict[str, Any], send: Send) -> None:
    """Answers a handshake with HTTP, where the server can (the ASGI extension websocket.http.response); else with its own 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "websocket.http.response.body", "body": text})


async def authenticate(session: "SessionConsumer") -> Bearer:
    """Whom the socket speaks for, however the token comes.

    Raises:
        Ended: there was none, or none that counts; the peer has been told.
    """
    if not session.handshake.token:
        return await _by_first_frame(session)
    try:
        return await session.hop(tokens.read_access, session.handshake.token)
    except DomainError as error:
        raise session.close(_close_code(error), error=error, retry_after=error.retry_after) from error


def token_in(request: Request) -> str:
    """The token of a `session.authenticate`.

    Raises:
        Invalid: its data is not `{token}`.
    """
    data = operations.validate(operations.find("session.authenticate"), request.data)
    return str(data.model_dump()["token"])


async def _by_first_frame(session: "SessionConsumer") -> Bearer:
    try:
        async with asyncio.timeout(settings.SOCKET_AUTHENTICATE_SECONDS):
            while True:
                bearer = await _try_frame(session)
                if bearer is not None:
                    return bearer
    except TimeoutError as error:
        raise session.close(Close.AUTHENTICATION_TIMEOUT, reason=_("No token came in time.")) from error


async def _try_frame(session: "SessionConsumer") -> Bearer | None:
    message = await session.next_message()
    try:
        if message.get("text") is None:
            raise Malformed
        session.check_size(message["text"])
        request = frames.read_request(message["text"])
    except Malformed as error:
        session.refuse_malformed(error)
        return None
    if request.type != "session.authenticate":
        session.refuse(request.id, AuthRequired())
        return None
    try:
        bearer = await session.hop(tokens.read_access, token_in(request))
    except Invalid as error:
        session.refuse(request.id, error)
        return None
    except DomainError as error:
        session.refuse(request.id, error)
        raise session.close(_close_code(error), error=error, retry_after=error.retry_after) from error
    session.write(frames.reply(request.id, frames.encode({"token_expires_at": frames.timestamp(bearer.expires_at)})))
    return bearer


def _close_code(error: DomainError) -> Close:
    if isinstance(error, TokenRevoked):
        return Close.LOGGED_OUT
    return Close.UNAUTHENTICATED if error.code.startswith("auth.") else Close.FAILED
