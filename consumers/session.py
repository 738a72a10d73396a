"""One socket, one actor: it authenticates, hears what its person is told, and does what is asked, one request after the other. Knows no area."""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar
from uuid import UUID

from channels.consumer import AsyncConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from consumers.receptions import Receptions
from domain import tracing
from domain.accounts import tokens
from domain.accounts.services import LOGINS_ENDED
from domain.accounts.tokens import Bearer
from domain.errors import AuthRequired, DomainError, Invalid, InvalidToken, Malformed, RequestTooLarge, TokenRevoked
from domain.mailbox import queries as mailbox
from domain.mailbox.queries import Standing
from realtime import events, frames, operations
from realtime.authentication import Handshake, read_handshake
from realtime.cursor import Cursor
from realtime.errors import Close, error_object, internal_error
from realtime.frames import Request
from realtime.hub import hub
from realtime.operations import Answer, Caller
from realtime.threads import hop

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

PROTOCOL_VERSION = 1
MALFORMED_PER_MINUTE = 10
EXPIRING_BEFORE_S = 60.0
FILL_AT_ONCE = 200
MOST_HELD_WORDS = 100
SECONDS_PER_MINUTE = 60.0

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
# What a request that concerns this very socket does: gives the JSON of its reply, or None where it answers by itself or not at all.
InSession = Callable[["SessionConsumer", Request], Awaitable[bytes | None]]


class Watcher(Protocol):
    """Something that follows what this person is told for as long as the socket lives."""

    def hear(self, kind: str) -> None: ...
    def close(self) -> None: ...


class Ended(Exception):
    """This session has said goodbye, or its peer is gone."""


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
        self.cursor: Cursor | None = None
        self.expires_at = 0.0
        self.graph: Watcher | None = None
        self.receptions = Receptions(self)
        self._told_expiring = False
        self._held_words: deque[bytes] = deque(maxlen=MOST_HELD_WORDS)
        self._outgoing: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._filling: asyncio.Task[None] | None = None
        self._malformed: deque[float] = deque(maxlen=MALFORMED_PER_MINUTE)
        self._closing = False

    # Life

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI application of one connection."""
        await receive()
        self.handshake = read_handshake(scope)
        if not await _let_in(self.handshake, scope, send):
            return
        self._receive = receive
        writer = asyncio.create_task(self._write_all(send))
        try:
            await self._live()
        except Ended:
            pass
        finally:
            await hub.leave(self)
            if self._filling is not None:
                self._filling.cancel()
            if self.graph is not None:
                self.graph.close()
            self._outgoing.put_nowait(None)
            await writer
            await self.receptions.close()

    async def _live(self) -> None:
        bearer = await (self._by_handshake() if self.handshake.token else self._by_first_frame())
        await self._begin(bearer)
        while True:
            message = await self._next()
            if message.get("text") is not None:
                await self._take_text(message["text"])
            else:
                await self._take_bytes(message["bytes"])

    async def _next(self) -> dict[str, Any]:
        message = await self._receive()
        if message["type"] == "websocket.disconnect" or self._closing:
            raise Ended
        return message

    async def _write_all(self, send: Send) -> None:
        while (message := await self._outgoing.get()) is not None:
            try:
                await send(message)
            except (OSError, RuntimeError):
                # The peer went while this was on its way; the reading side learns it too.
                return

    # Beginning

    async def _by_handshake(self) -> Bearer:
        try:
            return await self.hop(tokens.read_access, self.handshake.token)
        except DomainError as error:
            raise self.close(_close_code(error), error=error) from error

    async def _by_first_frame(self) -> Bearer:
        try:
            async with asyncio.timeout(settings.SOCKET_AUTHENTICATE_SECONDS):
                while True:
                    bearer = await self._try_first_frame()
                    if bearer is not None:
                        return bearer
        except TimeoutError as error:
            raise self.close(Close.AUTHENTICATION_TIMEOUT, reason=_("No token came in time.")) from error

    async def _try_first_frame(self) -> Bearer | None:
        message = await self._next()
        try:
            if message.get("text") is None:
                raise Malformed
            self._bound(message["text"])
            request = frames.read_request(message["text"])
        except Malformed as error:
            self._refuse_malformed(error)
            return None
        if request.type != "session.authenticate":
            self.refuse(request.id, AuthRequired())
            return None
        try:
            bearer = await self.hop(tokens.read_access, self.token_in(request))
        except Invalid as error:
            self.refuse(request.id, error)
            return None
        except DomainError as error:
            self.refuse(request.id, error)
            raise self.close(_close_code(error), error=error) from error
        self.write(frames.reply(request.id, frames.encode({"token_expires_at": frames.timestamp(bearer.expires_at)})))
        return bearer

    async def _begin(self, bearer: Bearer) -> None:
        """`session.ready`, then what happened since the point that the client names, then live."""
        self.user_id, self.sid, self.expires_at = bearer.user.id, bearer.sid, bearer.expires_at.timestamp()
        self.caller = Caller(user=bearer.user, sid=bearer.sid, address=self.handshake.address, language=self.handshake.language)
        if len(hub.sockets_of(self.user_id)) >= settings.SOCKET_CONNECTIONS_PER_USER:
            raise self.close(Close.LIMITED, reason=_("Too many connections of this account."), retry_after=10.0)
        # First listen, then look: what is committed in between is heard, or seen, or both.
        await hub.join(self)
        standing = await self.hop(mailbox.standing, self.user_id)
        resume = self.handshake.resume
        replay, last = "none", standing.head
        if resume is not None:
            known = resume.epoch == standing.epoch and standing.oldest - 1 <= resume.seq <= standing.head
            replay, last = ("complete", resume.seq) if known else ("gap", standing.head)
        self.write(frames.encode({"type": "session.ready", "data": self._ready_data(bearer, standing, replay)}))
        self.cursor = Cursor(last)
        self._write_letters(self.cursor.hear(standing.head))
        self._fill_if_behind()

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
        self._bound(text)
        try:
            request = frames.read_request(text)
        except Malformed as error:
            self._refuse_malformed(error)
            return
        changes = False
        try:
            entry = operations.find(request.type)
            changes = entry.changes
            if changes:
                self.hold()
            await self._answer(request)
        except DomainError as error:
            self.refuse(request.id, error)
        except Ended:
            raise
        except Exception:
            error_id = tracing.new_request_id()
            log.exception("Request %s failed; error %s.", request.type, error_id)
            self.write(frames.refusal(request.id, internal_error(error_id)))
        finally:
            if changes:
                self.release()

    async def _answer(self, request: Request) -> None:
        in_session = self.in_session.get(request.type)
        if in_session is not None:
            data = await in_session(self, request)
            if data is not None:
                self.write(frames.reply(request.id, data))
            return
        answer, replies = await self.hop(_perform, request, self.caller, self.handshake.max_frame)
        observer = self.observers.get(request.type)
        if observer is not None:
            observer(self, answer)
        for frame in replies:
            self.write(frame)

    async def _take_bytes(self, data: bytes) -> None:
        tracing.request_id.set(tracing.new_request_id())
        if len(data) > settings.SOCKET_UPLOAD_CHUNK_BYTES + frames.UPLOAD_HEADER_BYTES:
            raise self.close(Close.TOO_BIG, reason=_("This frame is too large."))
        try:
            chunk = frames.read_chunk(data)
        except Malformed as error:
            self._refuse_malformed(error)
            return
        await self.receptions.take(chunk)

    def token_in(self, request: Request) -> str:
        """The token of a `session.authenticate`.

        Raises:
            Invalid: its data is not `{token}`.
        """
        data = operations.validate(operations.find("session.authenticate"), request.data)
        return str(data.model_dump()["token"])

    def _bound(self, text: str) -> None:
        if len(text) > settings.SOCKET_MAX_REQUEST_BYTES or len(text.encode(errors="replace")) > settings.SOCKET_MAX_REQUEST_BYTES:
            raise self.close(Close.TOO_BIG, error=RequestTooLarge())

    def _refuse_malformed(self, error: Malformed) -> None:
        now = time.monotonic()
        if len(self._malformed) == MALFORMED_PER_MINUTE and now - self._malformed[0] < SECONDS_PER_MINUTE:
            raise self.close(Close.PROTOCOL_BROKEN, error=error)
        self._malformed.append(now)
        self.refuse(None, error)

    # Speaking

    def write(self, frame: bytes | str) -> None:
        """Sends a text frame, after those before it."""
        if not self._closing:
            self._outgoing.put_nowait({"type": "websocket.send", "text": frame if isinstance(frame, str) else frame.decode()})

    def refuse(self, request_id: int | str | None, error: DomainError) -> None:
        """Sends the reply of a request that was refused, in the session's language."""
        with translation.override(self.handshake.language):
            self.write(frames.refusal(request_id, error_object(error)))

    def tell(self, kind: str, data: Mapping[str, object]) -> None:
        """Sends a passing event to this socket alone."""
        self.write(frames.event_now(kind, data))

    def close(self, code: Close, *, reason: str = "", retry_after: float | None = None, error: DomainError | None = None) -> Ended:
        """Says why, and closes; the caller raises what this gives."""
        with translation.override(self.handshake.language):
            said: dict[str, object] = {"code": int(code), "reason": str(error) if error else reason}
        if retry_after is not None:
            said["retry_after"] = retry_after
        self.write(frames.encode({"type": "session.closing", "data": said}))
        if not self._closing:
            self._outgoing.put_nowait({"type": "websocket.close", "code": int(code)})
        self._closing = True
        return Ended()

    # Order

    def hold(self) -> None:
        """What this person is told waits until `release`, so that it comes after the reply."""
        if self.cursor is not None:
            self.cursor.hold()

    def release(self) -> None:
        """Sends what waited."""
        if self.cursor is None:
            return
        self._write_letters(self.cursor.release())
        if not self.cursor.is_held:
            while self._held_words:
                self.write(self._held_words.popleft())
        self._fill_if_behind()

    def _write_letters(self, letters: list[str]) -> None:
        for frame in letters:
            self.write(frame)

    def _fill_if_behind(self) -> None:
        if self.cursor is not None and self.cursor.is_behind and self._filling is None:
            self._filling = asyncio.create_task(self._fill(self.cursor))

    async def _fill(self, cursor: Cursor) -> None:
        """Reads from the mailbox what did not come by itself."""
        cursor.hold()
        try:
            while cursor.last < cursor.head:
                rows = await self.hop(_read_frames, self.user_id, cursor.last)
                if not rows or rows[0][0] != cursor.last + 1:
                    self.close(Close.TOO_SLOW, reason=_("Events were lost meanwhile; come back."))
                    return
                self._write_letters(cursor.read((seq, frame) for seq, _kind, frame in rows))
                for _seq, kind, _frame in rows:
                    self._note(kind)
        except (DomainError, DatabaseError) as error:
            # The next beat tries again.
            log.warning("Session %s could not read its mailbox yet: %s", self.session_id, error.__class__.__name__)
        finally:
            self._filling = None
            self._write_letters(cursor.release())

    def _note(self, kind: str) -> None:
        if self.graph is not None:
            self.graph.hear(kind)

    # What the hub calls

    def hear_letter(self, seq: int, kind: str, frame: bytes | None) -> None:
        """News for this person; without a frame it is read from the mailbox."""
        if self.cursor is None or seq <= self.cursor.last:
            return
        self._write_letters(self.cursor.hear(seq, frame.decode() if frame is not None else None))
        self._note(kind)
        self._fill_if_behind()

    def hear_word(self, kind: str, data: dict[str, Any], frame: bytes) -> None:
        """A passing thing for this person."""
        if kind == LOGINS_ENDED:
            if str(self.sid) in data["sids"]:
                self.end_login()
        elif self.cursor is not None and self.cursor.is_held:
            self._held_words.append(frame)
        elif self.cursor is not None:
            self.write(frame)

    def heartbeat(self, head: int) -> None:
        """The clock's beat, with the number that the mailbox stands at."""
        if self.cursor is None:
            return
        self._write_letters(self.cursor.hear(head))
        self._fill_if_behind()
        self.tell("session.heartbeat", {"head": self.cursor.head})

    def tick(self, now: float) -> None:
        """Looks at the token's time."""
        if self.cursor is None or self._closing:
            return
        if now >= self.expires_at:
            self.close(Close.UNAUTHENTICATED, reason=_("This token has expired."))
        elif now >= self.expires_at - EXPIRING_BEFORE_S and not self._told_expiring:
            self._told_expiring = True
            self.tell("session.expiring", {"expires_at": frames.timestamp(datetime.fromtimestamp(self.expires_at, tz=UTC))})

    def end_login(self) -> None:
        """This login has ended."""
        self.close(Close.LOGGED_OUT, error=TokenRevoked())

    @property
    def head(self) -> int:
        """The highest number heard of."""
        return self.cursor.head if self.cursor is not None else 0

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


async def _let_in(handshake: Handshake, scope: dict[str, Any], send: Send) -> bool:
    """Accepts the connection, or answers with HTTP: 403 to a foreign Origin, 400 where our subprotocol is not among those offered."""
    if handshake.origin_allowed and handshake.speaks_ours:
        await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
        return True
    if handshake.origin_allowed and "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 400, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "websocket.http.response.body", "body": b"Offer the subprotocol biologidex.v1, or none."})
    else:
        await send({"type": "websocket.close"})
    return False


def _close_code(error: DomainError) -> Close:
    return Close.LOGGED_OUT if isinstance(error, TokenRevoked) else Close.UNAUTHENTICATED


def _in_language(language: str, work: Callable[[], T]) -> T:
    translation.activate(language)
    return work()


def _perform(request: Request, caller: Caller, max_frame: int) -> tuple[Answer, list[bytes]]:
    """The answer and its frames, each within `max_frame`."""
    answer = operations.perform(request.type, caller, request.data, key=request.key)
    return answer, list(reply_frames(request.id, answer, max_frame=max_frame))


def reply_frames(request_id: int | str, answer: Answer, *, max_frame: int) -> list[bytes]:
    """An answer as frames: one reply where it fits, else parts with its lists before a reply with the rest."""
    whole = answer.model_dump(mode="json")
    if not answer.in_parts:
        frame = frames.reply(request_id, frames.encode(whole))
        if len(frame) <= max_frame:
            return [frame]
    names = answer.in_parts or tuple(name for name, value in whole.items() if isinstance(value, list))
    lists = {name: [frames.encode(item) for item in whole.pop(name)] for name in names}
    parts = [frames.part(request_id, data) for data in frames.parts_of(lists, max_frame=max_frame)]
    if not answer.in_parts:
        whole |= {name: [] for name in names}
    return [*parts, frames.reply(request_id, frames.encode(whole))]


def _read_frames(user_id: UUID, after: int) -> list[tuple[int, str, str]]:
    letters = mailbox.letters(user_id, after=after, limit=FILL_AT_ONCE)
    return [(letter.seq, letter.kind, frame.decode()) for letter, frame in zip(letters, events.render_letters(letters), strict=True)]
