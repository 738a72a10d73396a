"""What a session says of itself: authenticate, ping, ack, and the frames that the clock sends."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from consumers.entrance import token_in
from consumers.session import SessionConsumer
from consumers.wire import Moment
from domain.accounts import tokens
from realtime import frames, operations
from realtime.events import EventData, passing
from realtime.frames import Request
from realtime.operations import Access, Answer, Empty, Nothing, Shape


class AccessToken(Shape):
    """An access token."""

    token: Annotated[str, Field(max_length=4096)]


class AuthenticateAnswer(Answer):
    """Until when the token lasts."""

    token_expires_at: Moment


class Ack(Shape):
    """The number of the last event that a client has dealt with."""

    seq: Annotated[int, Field(ge=0)]


class PingAnswer(Answer):
    """The server's time, and the highest number of your mailbox."""

    server_time: Moment
    head: int


class Heartbeat(EventData):
    """Every `heartbeat_seconds`: the highest number of your mailbox."""

    head: int


class Expiring(EventData):
    """Your token ends in a minute; authenticate with a fresh one to go on."""

    expires_at: Moment


class Closing(EventData):
    """The last frame before the server closes the connection: the close code and why."""

    code: int
    reason: str
    retry_after: float | None = None


operations.declare_in_session(
    "session.authenticate",
    data=AccessToken,
    answer=AuthenticateAnswer,
    access=Access.ANYBODY,
    doc="Authenticates, or extends a session with a fresh token of the same person.",
)
operations.declare_in_session("session.ping", data=Nothing, answer=PingAnswer, doc="Asks whether the server is there.")
operations.declare_in_session("session.ack", data=Ack, answer=Empty, doc="Says how far a client has got; there is no reply.")
passing("session.heartbeat", Heartbeat)
passing("session.expiring", Expiring)
passing("session.closing", Closing)


async def _authenticate(session: SessionConsumer, request: Request) -> bytes:
    bearer = await session.hop(tokens.read_access, token_in(request))
    session.extend(bearer)
    return frames.encode({"token_expires_at": frames.timestamp(bearer.expires_at)})


async def _ping(session: SessionConsumer, request: Request) -> bytes:
    operations.validate(operations.find(request.type), request.data)
    return frames.encode({"server_time": frames.timestamp(datetime.now(UTC)), "head": session.head})


async def _ack(session: SessionConsumer, request: Request) -> None:
    operations.validate(operations.find(request.type), request.data)


SessionConsumer.in_session |= {"session.authenticate": _authenticate, "session.ping": _ping, "session.ack": _ack}
