"""One socket: authenticates, matches replies to requests, collects parts and events, remembers how far it has read."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

from .errors import Closed, ConnectionEnded, HandshakeRefused, RequestFailed, Unreachable
from .events import Event, Inbox, Wanted, anything, until
from .rest import is_loopback
from .upload import Progress, load, send_missing, send_new

PROTOCOL = Subprotocol("biologidex.v1")
FRAME_MOST = 2 * 1024 * 1024  # above the largest frame that a client may ask for (max_frame 1048576)
FAREWELL_S = 3.0

Data = dict[str, Any]
Watcher = Callable[[Event], None]


@dataclass
class _Pending:
    reply: asyncio.Future[Data]
    parts: list[Data] = field(default_factory=list)


class Client:
    """A connection to `/ws/v1/`, made inside a running event loop and used as `async with Client(...) as client`.

    Without a `token` it opens and says nothing; `authenticate` does the rest. `resume` is a `resume_point` of an earlier connection.
    `max_frame` is in bytes. `trace` is called with every frame as it arrives, decoded.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        resume: str | None = None,
        authenticate: Literal["header", "subprotocol", "first_frame"] = "header",
        max_frame: int | None = None,
        origin: str | None = None,
        timeout_s: float = 10.0,
        trace: Callable[[Any], None] | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._resume = resume
        self._way = authenticate
        self._max_frame = max_frame
        self._origin = origin
        self._timeout_s = timeout_s
        self._trace = trace
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[int, _Pending] = {}
        self._watchers: list[Watcher] = []
        self._farewell: Data | None = None
        self._next_id = 1
        self._unclaimed: asyncio.Queue[Any] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Data] = loop.create_future()
        self.closed: asyncio.Future[Closed] = loop.create_future()
        self.events = Inbox(self.closed)
        self.epoch: str | None = None
        self.last_seq = 0

    # -- opening and closing

    async def __aenter__(self) -> "Client":
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect and, with a token, authenticate. Raises Unreachable, HandshakeRefused, ConnectionEnded, RequestFailed, TimedOut."""
        try:
            self._connection = await self._connect()
        except InvalidStatus as refused:
            raise HandshakeRefused(refused.response.status_code) from refused
        except (OSError, TimeoutError, InvalidHandshake) as problem:
            raise Unreachable(f"{self._base_url} does not answer: {problem}") from problem
        self._reader = asyncio.create_task(self._read(self._connection))
        if self._token is None:
            return
        try:
            if self._way == "first_frame":
                await self.authenticate(self._token)
            else:
                await self._until_ready()
        except BaseException as problem:
            if isinstance(problem, RequestFailed):  # the server says its own farewell after it: let `closed` hold that one
                await asyncio.wait({self.closed}, timeout=FAREWELL_S)
            await self.close()
            raise

    async def _connect(self) -> ClientConnection:
        query = {"resume": self._resume, "max_frame": self._max_frame}
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        bearer = self._token if self._way == "subprotocol" else None
        header = self._token if self._way == "header" else None
        return await connect(
            "ws" + self._base_url.removeprefix("http") + "/ws/v1/" + (f"?{asked}" if asked else ""),
            subprotocols=[PROTOCOL, Subprotocol(f"bearer.{bearer}")] if bearer else [PROTOCOL],
            additional_headers={"Authorization": f"Bearer {header}"} if header else None,
            origin=Origin(self._origin) if self._origin else None,
            compression=None,
            max_size=FRAME_MOST,
            open_timeout=self._timeout_s,
            close_timeout=FAREWELL_S,
            proxy=None if is_loopback(self._base_url) else True,
        )

    async def authenticate(self, token: str) -> Data:
        """`session.authenticate`: the first frame of a connection without a token, or a fresh token on a live one."""
        answer = await self.request("session.authenticate", {"token": token})
        await self._until_ready()
        return answer

    async def _until_ready(self) -> None:
        await until(asyncio.shield(self._ready), closed=self.closed, awaited="session.ready", timeout_s=self._timeout_s)

    async def close(self) -> None:
        """Say goodbye and wait for the end."""
        if self._connection is not None and self._reader is not None:
            await self._connection.close()
            await asyncio.wait({self._reader})

    def abort(self) -> None:
        """Let the line break without a farewell, as a lost network does."""
        if self._connection is not None:
            self._connection.transport.abort()

    # -- what the server said of this session

    @property
    def ready(self) -> Data:
        """The data of `session.ready`; empty before it came."""
        return self._ready.result() if self._ready.done() else {}

    @property
    def resume_point(self) -> str:
        """`<epoch>.<seq>`, for the `resume` of the next connection."""
        return f"{self.epoch}.{self.last_seq}"

    # -- requests

    async def request(self, name: str, data: Mapping[str, Any] | None = None, *, key: str | None = None, timeout_s: float = 10) -> Data:
        """Ask, and wait for the reply's data. `key` makes a repetition harmless. Raises RequestFailed, ConnectionEnded, TimedOut."""
        _, closing = await self.request_parts(name, data, key=key, timeout_s=timeout_s)
        return closing

    async def request_parts(
        self, name: str, data: Mapping[str, Any] | None = None, *, key: str | None = None, timeout_s: float = 10
    ) -> tuple[list[Data], Data]:
        """Ask for something that answers in parts: the parts' data in order, and the closing reply's."""
        number, self._next_id = self._next_id, self._next_id + 1
        pending = self._pending[number] = _Pending(asyncio.get_running_loop().create_future())
        frame: Data = {"id": number, "type": name, "data": dict(data or {})}
        if key is not None:
            frame["key"] = key
        try:
            await self.send_text(json.dumps(frame))
            closing = await until(pending.reply, closed=self.closed, awaited=f"The reply to {name}", timeout_s=timeout_s)
        finally:
            del self._pending[number]
        return pending.parts, closing

    # -- events

    async def expect(self, type_: str, *, timeout_s: float = 10, where: Wanted = anything) -> Event:
        """Take the first unread or coming event of this type for which `where` holds. Raises ConnectionEnded, TimedOut."""
        return await self.events.get(lambda event: event.type == type_ and where(event), awaited=type_, timeout_s=timeout_s)

    @contextlib.contextmanager
    def watching(self, watcher: Watcher) -> Iterator[None]:
        """Show each event to `watcher` as it comes, without taking it from the inbox."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    # -- captures

    async def upload(
        self,
        photo: Path | str | bytes,
        *,
        filename: str | None = None,
        entry: Mapping[str, Any] | None = None,
        hint: str | None = None,
        transformations: Mapping[str, Any] | None = None,
        key: str | None = None,
        on_progress: Progress | None = None,
        timeout_s: float = 60,
    ) -> Data:
        """Send a photo and return the job that was made of it; the `capture.queued` that told of it stays among the events.

        `on_progress` gets the bytes received so far and the size. `timeout_s` bounds the whole. Raises UploadFailed beside the usual.
        """
        content, name = await load(photo, filename)
        wishes = {"entry": entry, "hint": hint, "transformations": transformations}
        return await send_new(self, content, name, wishes, key=key, on_progress=on_progress, timeout_s=timeout_s)

    async def resume_upload(
        self, upload_id: str, photo: Path | str | bytes, *, on_progress: Progress | None = None, timeout_s: float = 60
    ) -> Data:
        """Go on with an upload that another connection began, from where the server has it."""
        content, _ = await load(photo, None)
        return await send_missing(self, content, upload_id, on_progress=on_progress, timeout_s=timeout_s)

    # -- frames as they are

    async def send_text(self, text: str) -> None:
        """Send any text frame. Raises ConnectionEnded."""
        await self._send(text)

    async def send_bytes(self, content: bytes) -> None:
        """Send any binary frame. Raises ConnectionEnded."""
        await self._send(content)

    async def recv_frame(self, *, timeout_s: float = 10) -> Any:
        """The next frame that is no event and answers no request of this object, such as the reply to a malformed frame."""
        frame = asyncio.ensure_future(self._unclaimed.get())
        return await until(frame, closed=self.closed, awaited="A frame", timeout_s=timeout_s)

    async def _send(self, content: str | bytes) -> None:
        if self._connection is None:
            raise ConnectionEnded(Closed(1006, "never opened"))
        try:
            await self._connection.send(content)
        except ConnectionClosed:
            raise ConnectionEnded(await asyncio.shield(self.closed)) from None

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                frame = json.loads(text)
                if self._trace is not None:
                    self._trace(frame)
                self._sort(frame)
        except ConnectionClosed:
            pass  # a close without or with an unusual code; told below like any other
        finally:
            await connection.close()
            self.closed.set_result(Closed(connection.close_code or 1006, connection.close_reason or "", self._farewell))

    def _sort(self, frame: Data) -> None:
        match frame.get("type"):
            case "reply" | "part":
                self._answer(frame)
            case "session.ready":
                self._begin(frame["data"])
            case "session.closing":
                self._farewell = frame["data"]
            case _:
                self._push(Event(frame["type"], frame.get("data", {}), frame.get("seq"), frame.get("at")))

    def _answer(self, frame: Data) -> None:
        number = frame.get("id")
        pending = self._pending.get(number) if isinstance(number, int) else None
        if pending is None or pending.reply.done():
            self._unclaimed.put_nowait(frame)
        elif frame["type"] == "part":
            pending.parts.append(frame["data"])
        elif frame["ok"]:
            pending.reply.set_result(frame["data"])
        else:
            pending.reply.set_exception(RequestFailed(frame["error"]))

    def _begin(self, data: Data) -> None:
        self.epoch = data["epoch"]
        asked = self._resume.rpartition(".")[2] if self._resume and data["replay"] == "complete" else None
        self.last_seq = int(asked) if asked else data["head"]
        self._ready.set_result(data)

    def _push(self, event: Event) -> None:
        if event.seq is not None:
            self.last_seq = event.seq
        for watcher in list(self._watchers):
            watcher(event)
        self.events.put(event)
