"""One socket, one actor: it authenticates, hears what its person is told, and does what is asked, one request after the other. Knows no area."""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar
from uuid import UUID

from channels.consumer import AsyncConsumer
from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consumers import entrance
from consumers.receptions import Receptions
from consumers.replies import reply_frames
from domain import tracing
from domain.accounts import queries as accounts
from domain.accounts.services import LOGINS_ENDED
from domain.accounts.tokens import Bearer
from domain.errors import DomainError, InvalidToken, Malformed, RateLimited, RequestTooLarge, TokenRevoked
from domain.mailbox import queries as mailbox
from domain.mailbox.queries import Standing
from realtime import events, frames, limits, operations
from realtime.authentication import read_handshake
from realtime.delivery import Delivery, Row
from realtime.errors import Close, error_object, internal_error
from realtime.frames import Request
from realtime.hub import hub
from realtime.operations import Answer, Caller, Operation
from realtime.outbox import Outbox, Send
from realtime.threads import hop

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

PROTOCOL_VERSION = 1
MALFORMED_PER_MINUTE = 10
EXPIRING_BEFORE_S = 60.0
FILL_AT_ONCE = 200
RATE_REFUSALS_PER_MINUTE = 100
FAREWELL_S = 5.0
SECONDS_PER_MINUTE = 60.0

Receive = Callable[[], Awaitable[dict[str, Any]]]
# What a request that concerns this very socket does: gives the JSON of its reply, or None where it answers by itself or not at all.
InSession = Callable[["SessionConsumer", Request], Awaitable[bytes | None]]


class Watcher(Protocol):
    """Something that follows what this person is told for as long as the socket lives."""

    def hear(self, kind: str) -> None: ...
    def close(self) -> None: ...


class Ended(Exception):
    """This session has said goodbye, or its peer is gone."""


class LoginEnded(TokenRevoked):
    """The login of this very socket is over."""


class SessionConsumer(AsyncConsumer):
    """The actor behind one socket. Others reach it by the hub's calls, which are quick and never wait."""

    in_session: ClassVar[dict[str, InSession]] = {}
    # Called with the session and an answer that went well, before the reply is sent.
    observers: ClassVar[dict[str, Callable[["SessionConsumer", Answer], None]]] = {}

    def __init__(self) -> None:
        self.session_id = uuid.uuid4()
        self.user_id: UUID = UUID(int=0)
        self.sid: UUID = UUID(int=0)
        self.caller = Caller()
        self.expires_at = 0.0
        self.graph: Watcher | None = None
        self.receptions = Receptions(self)
        self.delivery = Delivery(self, self._read_mailbox)
        self._outbox = Outbox()
        self._told_expiring = False
        self._malformed: deque[float] = deque(maxlen=MALFORMED_PER_MINUTE)
        self._refused_for_rate: deque[float] = deque(maxlen=RATE_REFUSALS_PER_MINUTE)
        self._login_ended = False
        self._closing = False

    # Life

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI application of one connection."""
        await receive()
        self.handshake = read_handshake(scope)
        if not await entrance.let_in(self.handshake, scope, send):
            return
        self._receive, self._send = receive, send
        self._writer = asyncio.create_task(self._outbox.write_all(send))
        try:
            await self._live()
        except Ended:
            pass
        except Exception:
            log.exception("Session %s failed; error %s.", self.session_id, error_id := tracing.new_request_id())
            self.close(Close.FAILED, reason=_("Something went wrong on our side."), error_id=error_id)
        finally:
            await hub.leave(self)
            self.delivery.end()
            if self.graph is not None:
                self.graph.close()
            self._outbox.end()
            await self.receptions.close()
            await asyncio.wait({self._writer}, timeout=FAREWELL_S)
            self._writer.cancel()

    async def _live(self) -> None:
        await self._begin(await entrance.authenticate(self))
        while True:
            # Who does not read their replies is not heard either.
            await self._outbox.room()
            message = await self.next_message()
            if message.get("text") is not None:
                await self._take_text(message["text"])
            else:
                await self._take_bytes(message["bytes"])

    async def next_message(self) -> dict[str, Any]:
        """What the peer says next.

        Raises:
            Ended
        """
        message = await self._receive()
        if message["type"] == "websocket.disconnect" or self._closing:
            raise Ended
        return message

    # Beginning

    async def _begin(self, bearer: Bearer) -> None:
        """`session.ready`, then what happened since the point that the client names, then live."""
        self.user_id, self.sid, self.expires_at = bearer.user.id, bearer.sid, bearer.expires_at.timestamp()
        self.caller = Caller(user=bearer.user, sid=bearer.sid, address=self.handshake.address, language=self.handshake.language)
        # First listen, then look: what is committed in between is heard, or seen, or both.
        if not await hub.join(self):
            raise self.close(Close.LIMITED, reason=_("Too many connections of this account."), retry_after=10.0)
        standing = await self.hop(mailbox.standing, self.user_id)
        resume = self.handshake.resume
        replay, last = "none", standing.head
        if resume is not None:
            known = resume.epoch == standing.epoch and standing.oldest - 1 <= resume.seq <= standing.head
            replay, last = ("complete", resume.seq) if known else ("gap", standing.head)
        self.write(frames.encode({"type": "session.ready", "data": self._ready_data(bearer, standing, replay)}))
        self.delivery.begin(last=last, head=standing.head)

    def _ready_data(self, bearer: Bearer, standing: Standing, replay: str) -> dict[str, object]:
        user = bearer.user
        return {
            "protocol": PROTOCOL_VERSION,
            "session_id": self.session_id,
            "user": {"id": user.id, "username": user.username, "friend_code": user.friend_code},
            "epoch": standing.epoch,
            "head": standing.head,
            "replay": replay,
            "oldest": standing.oldest,
            "server_time": frames.timestamp(datetime.now(UTC)),
            "token_expires_at": frames.timestamp(bearer.expires_at),
            "heartbeat_seconds": settings.SOCKET_HEARTBEAT_SECONDS,
            "limits": {
                "max_request_bytes": settings.SOCKET_MAX_REQUEST_BYTES,
                "max_upload_bytes": settings.MAX_UPLOAD_BYTES,
                "upload_chunk_bytes": settings.SOCKET_UPLOAD_CHUNK_BYTES,
            },
        }

    # Requests

    async def _take_text(self, text: str) -> None:
        tracing.request_id.set(tracing.new_request_id())
        self.check_size(text)
        try:
            request = frames.read_request(text)
        except Malformed as error:
            self.refuse_malformed(error)
            return
        log.debug("Request %s.", request.type)
        changes = False
        try:
            entry = operations.find(request.type)
            changes = entry.changes
            if changes:
                self.hold()
            await self._answer(entry, request)
        except DomainError as error:
            self.refuse(request.id, error)
            self._close_if_over(error)
        except Ended:
            raise
        except Exception:
            log.exception("Request %s failed; error %s.", request.type, error_id := tracing.new_request_id())
            self.write(frames.refusal(request.id, self._internal(error_id)))
        finally:
            if changes:
                self.release()

    async def _answer(self, entry: Operation, request: Request) -> None:
        in_session = self.in_session.get(request.type)
        if in_session is not None:
            if limits.rate_of(entry.name, entry.rate) is not None:
                await self.hop(operations.permit, entry, self.caller)
            data = await in_session(self, request)
            if data is not None:
                self.write(frames.reply(request.id, data))
            return
        self.caller, answer, replies = await self.hop(_perform, request, self.caller, self.handshake.max_frame)
        observer = self.observers.get(request.type)
        if observer is not None:
            observer(self, answer)
        for frame in replies:
            self.write(frame)

    def _close_if_over(self, error: DomainError) -> None:
        """A login that has ended ends its socket, and so does asking on and on in spite of limits."""
        if isinstance(error, LoginEnded):
            raise self.close(Close.LOGGED_OUT, error=error)
        if isinstance(error, RateLimited) and _is_over(self._refused_for_rate):
            raise self.close(Close.LIMITED, error=error, retry_after=error.retry_after)

    def _internal(self, error_id: str) -> dict[str, object]:
        with translation.override(self.handshake.language):
            return internal_error(error_id)

    async def _take_bytes(self, data: bytes) -> None:
        tracing.request_id.set(tracing.new_request_id())
        if len(data) > settings.SOCKET_UPLOAD_CHUNK_BYTES + frames.UPLOAD_HEADER_BYTES:
            raise self.close(Close.TOO_BIG, reason=_("This frame is too large."))
        try:
            chunk = frames.read_chunk(data)
        except Malformed as error:
            self.refuse_malformed(error)
            return
        log.debug("A chunk of upload %s at %d.", chunk.upload_id, chunk.offset)
        try:
            await self.receptions.take(chunk)
        except Exception:
            log.exception("A chunk failed; error %s.", error_id := tracing.new_request_id())
            self.tell("upload.failed", {"upload_id": chunk.upload_id, "error": self._internal(error_id)})

    def check_size(self, text: str) -> None:
        """Closes where a text frame is larger than a request may be.

        Raises:
            Ended
        """
        if len(text) > settings.SOCKET_MAX_REQUEST_BYTES or len(text.encode(errors="replace")) > settings.SOCKET_MAX_REQUEST_BYTES:
            raise self.close(Close.TOO_BIG, error=RequestTooLarge())

    def refuse_malformed(self, error: Malformed) -> None:
        """Answers a frame that is no request; too many of them end the session.

        Raises:
            Ended
        """
        if _is_over(self._malformed):
            raise self.close(Close.PROTOCOL_BROKEN, error=error)
        self.refuse(None, error)

    # Speaking

    def write(self, frame: bytes | str) -> None:
        """Sends a text frame, after those before it."""
        if not self._closing:
            self._outbox.put(frame if isinstance(frame, str) else frame.decode())

    def push(self, frame: bytes) -> None:
        """Sends a passing event to this socket alone; while a request that changes something runs, after its reply."""
        self.delivery.hear_word(frame.decode())

    def refuse(self, request_id: int | str | None, error: DomainError) -> None:
        """Sends the reply of a request that was refused, in the session's language."""
        with translation.override(self.handshake.language):
            self.write(frames.refusal(request_id, error_object(error)))

    def tell(self, kind: str, data: Mapping[str, object]) -> None:
        """Sends a passing event to this socket alone."""
        self.write(frames.event_now(kind, data))

    def close(
        self,
        code: Close,
        *,
        reason: str | Promise = "",
        retry_after: float | None = None,
        error: DomainError | None = None,
        error_id: str = "",
    ) -> Ended:
        """Says why, and closes; the caller raises what this gives."""
        if self._closing:
            return Ended()
        with translation.override(self.handshake.language):
            said: dict[str, object] = {"code": int(code), "reason": str(error or reason)}
        if retry_after is not None:
            said["retry_after"] = retry_after
        if error_id:
            said["error_id"] = error_id
        self._outbox.close(int(code), farewell=frames.encode({"type": "session.closing", "data": said}).decode())
        self._closing = True
        return Ended()

    # Order

    def hold(self) -> None:
        """What this person is told waits until `release`, so that it comes after the reply."""
        self.delivery.hold()

    def release(self) -> None:
        """Sends what waited."""
        self.delivery.release()
        if self._login_ended:
            self.end_login()

    def write_event(self, frame: str) -> None:
        """Sends an event, unless the peer has let too many of them wait."""
        if self._closing:
            return
        self._outbox.put(frame, is_event=True)
        if self._outbox.is_too_slow:
            self._cut()

    async def write_replay(self, letters: Sequence[str]) -> None:
        """Sends events that were read from the mailbox, at the pace at which the peer takes them."""
        for frame in letters:
            self.write(frame)
        await self._outbox.room()

    def note(self, kind: str) -> None:
        """Something happened to this person, of which the socket has been told."""
        if self.graph is not None:
            self.graph.hear(kind)

    def lost(self) -> None:
        """What the peer has not read is in the mailbox no more."""
        self.close(Close.TOO_SLOW, reason=_("Events were lost meanwhile; come back."))

    async def _read_mailbox(self, after: int) -> list[Row]:
        return await self.hop(_read_frames, self.user_id, after)

    def _cut(self) -> None:
        """Ends a connection whose peer does not read: what waits is thrown away, it is all in the mailbox."""
        self._writer.cancel()
        self._outbox.clear()
        self.close(Close.TOO_SLOW, reason=_("You did not take your events in time; come back."))
        self._writer = asyncio.create_task(self._outbox.write_all(self._send))

    # What the hub calls

    def hear_letter(self, seq: int, kind: str, frame: bytes | None) -> None:
        """News for this person; without a frame it is read from the mailbox."""
        self.delivery.hear(seq, kind, frame.decode() if frame is not None else None)

    def hear_word(self, kind: str, data: dict[str, Any], frame: bytes) -> None:
        """A passing thing for this person."""
        if kind != LOGINS_ENDED:
            self.push(frame)
        elif str(self.sid) in data["sids"]:
            self.end_login()

    def heartbeat(self, head: int) -> None:
        """The clock's beat, with the number that the mailbox stands at."""
        if self.delivery.has_begun:
            self.delivery.hear_head(head)
            self.tell("session.heartbeat", {"head": self.delivery.head})

    def tick(self, now: float) -> None:
        """Looks at the token's time."""
        if self._closing:
            return
        if self._outbox.is_too_slow:
            self._cut()
        elif not self.delivery.has_begun:
            return
        elif now >= self.expires_at:
            self.close(Close.UNAUTHENTICATED, reason=_("This token has expired."))
        elif now >= self.expires_at - EXPIRING_BEFORE_S and not self._told_expiring:
            self._told_expiring = True
            self.tell("session.expiring", {"expires_at": frames.timestamp(datetime.fromtimestamp(self.expires_at, tz=UTC))})

    def end_for_restart(self) -> None:
        """This server process ends."""
        self.close(Close.RESTARTING, reason=_("The server is restarting."))

    def end_login(self) -> None:
        """This login has ended; who ended it by a request gets their reply first."""
        if self.delivery.is_holding:
            self._login_ended = True
        else:
            self.close(Close.LOGGED_OUT, error=TokenRevoked())

    @property
    def head(self) -> int:
        """The highest number heard of."""
        return self.delivery.head

    # Elsewhere

    async def hop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work in the pool, in this session's language."""
        return await hop(_in_language, self.handshake.language, partial(work, *args, **kwargs))

    def extend(self, bearer: Bearer) -> None:
        """Goes on with a fresh token.

        Raises:
            InvalidToken: it is somebody else's.
        """
        if bearer.user.id != self.user_id:
            raise InvalidToken
        self.sid, self.expires_at, self._told_expiring = bearer.sid, bearer.expires_at.timestamp(), False
        self.caller = replace(self.caller, user=bearer.user, sid=bearer.sid)


def _is_over(times: deque[float]) -> bool:
    """Notes that something happened now; whether it has happened more often than `times` holds within a minute."""
    now = time.monotonic()
    over = len(times) == times.maxlen and now - times[0] < SECONDS_PER_MINUTE
    times.append(now)
    return over


def _in_language(language: str, work: Callable[[], T]) -> T:
    translation.activate(language)
    return work()


def _perform(request: Request, caller: Caller, max_frame: int) -> tuple[Caller, Answer, list[bytes]]:
    """The caller as they are now, the answer and its frames, each within `max_frame`."""
    if caller.sid is not None:
        # A socket lives for hours: the account may have changed, the login may have ended.
        try:
            caller = replace(caller, user=accounts.by_login(caller.sid))
        except TokenRevoked as error:
            raise LoginEnded from error
    answer = operations.perform(request.type, caller, request.data, key=request.key)
    return caller, answer, reply_frames(request.id, answer, max_frame=max_frame)


def _read_frames(user_id: UUID, after: int) -> list[Row]:
    letters = mailbox.letters(user_id, after=after, limit=FILL_AT_ONCE)
    return [(letter.seq, letter.kind, frame.decode()) for letter, frame in zip(letters, events.render_letters(letters), strict=True)]
