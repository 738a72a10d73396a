"""Daphne with what the protocol needs and it lacks: HTTP answers to a refused handshake, limits on frames, a pace for both directions, all close codes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.defer import Deferred

from realtime.authentication import MOST_MAX_FRAME
from realtime.frames import UPLOAD_HEADER_BYTES
from realtime.hub import hub

# A dead peer is found within a minute.
PING_INTERVAL_S = 20
PING_TIMEOUT_S = 30
# Who does not answer a close within this time is cut off.
CLOSE_TIMEOUT_S = 2
# Frames that wait to be dealt with; what a client sends beyond them stays in the network.
MOST_UNREAD_FRAMES = 64
PROTOCOL_KEY = "biologidex.protocol"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Protocol(WebSocketProtocol):
    """One connection. To its transport it is the producer that fills it (twisted.internet.interfaces.IPushProducer)."""

    denial_status = 403

    def onOpen(self) -> None:  # noqa: N802  Autobahn's name
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._reads = True
        # So far the transport has told the HTTP channel that this connection began as, which then stops reading.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().onOpen()

    def pauseProducing(self) -> None:  # noqa: N802
        self._roomy.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._roomy.set()

    def stopProducing(self) -> None:  # noqa: N802
        self._roomy.set()

    async def room(self) -> None:
        """Waits until the transport has room, or the connection is lost."""
        if self.state == self.STATE_OPEN:
            await self._roomy.wait()

    def onMessageFrameBegin(self, length: int) -> None:  # noqa: N802
        super().onMessageFrameBegin(length)
        if self.message_data_total_length > frame_limit_bytes() and not self.failedByMe:
            self._max_message_size_exceeded(self.message_data_total_length, frame_limit_bytes(), "message too large")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        super().onMessage(payload, isBinary)
        if self._reads and self.application_queue.qsize() > MOST_UNREAD_FRAMES:
            self._reads = False
            self.transport.pauseProducing()

    def took_message(self) -> None:
        """The application has taken a message."""
        if self.state == self.STATE_OPEN and not self._reads and self.application_queue.qsize() < MOST_UNREAD_FRAMES // 2:
            self._reads = True
            self.transport.resumeProducing()

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802
        # Autobahn's sendClose knows only 1000 and the codes from 3000 on.
        self.sendCloseFrame(code=1000 if code is None else code)

    def failHandshake(self, reason: str, code: int = 400, *more: Any) -> None:  # noqa: N802
        # Which origins may come is decided by the application; Autobahn refuses only those that are no origin at all.
        super().failHandshake(reason, 403 if "HTTP Origin header invalid" in reason else code, *more)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Also answers `websocket.http.response` (ASGI extension) before the handshake is done."""
        if message["type"] == "websocket.http.response.start":
            self.denial_status = message["status"]
        elif message["type"] == "websocket.http.response.body":
            denial = ConnectionDeny(code=self.denial_status, reason=message.get("body", b"").decode())  # type: ignore[no-untyped-call]
            self.handshake_deferred.errback(denial)
            del self.handshake_deferred
            self.server.protocol_disconnected(self)
        else:
            super().handle_reply(message)


class SocketServer(Server):
    """One Daphne process."""

    def __init__(self, application: Any, *, host: str, port: int) -> None:
        self._ports: list[Any] = []
        super().__init__(
            _paced(application),
            endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"],
            ready_callable=self._use_our_protocol,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            # A socket lives for as long as its token is extended.
            websocket_timeout=-1,
            # Autobahn holds what is sent to it, too; what is received is held to less in Protocol.
            websocket_max_message_size=MOST_MAX_FRAME,
            websocket_max_frame_size=frame_limit_bytes(),
            server_name="biologidex",
        )

    def _use_our_protocol(self) -> None:
        self.ws_factory.protocol = Protocol
        # Otherwise a frame that is too large breaks the connection without a close code.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True, closeHandshakeTimeout=CLOSE_TIMEOUT_S)

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> "Deferred[Any]":
        """Called before the reactor stops (SIGTERM): nobody new comes in, everybody is told, and only then what is left is cut off."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        for port in self._ports:
            port.stopListening()
        await hub.drain(spread_s=settings.SOCKET_DRAIN_SECONDS, patience_s=CLOSE_TIMEOUT_S)
        applications = [details["application_instance"] for details in self.connections.values() if "application_instance" in details]
        for application in applications:
            application.cancel()
        # Their disconnect handlers run: what waits to be stored is stored.
        await asyncio.gather(*applications, return_exceptions=True)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Offers the extension by which a handshake is refused with a status of our choice."""
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
            scope[PROTOCOL_KEY] = protocol
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Lets who sends on a socket wait until there is room; a farewell does not wait."""
        if message["type"] == "websocket.send" and not message.get("is_farewell"):
            await protocol.room()
        await super().handle_reply(protocol, message)


def _paced(application: Any) -> Any:
    """The application, which tells each connection when it has taken a message from it."""

    async def paced(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        protocol: Protocol | None = scope.pop(PROTOCOL_KEY, None)
        if protocol is None:
            await application(scope, receive, send)
            return

        async def take() -> dict[str, Any]:
            message = await receive()
            protocol.took_message()
            return message

        await application(scope, take, send)

    return paced


def frame_limit_bytes() -> int:
    """The largest message taken: a request, or a chunk and its header. A larger frame is refused by its length alone, unread, with 1009."""
    return max(int(settings.SOCKET_MAX_REQUEST_BYTES), int(settings.SOCKET_UPLOAD_CHUNK_BYTES) + UPLOAD_HEADER_BYTES)
