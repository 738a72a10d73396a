"""Daphne with what the protocol needs and it lacks: HTTP answers to a refused handshake, limits on frames, the times of pings."""

from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings

from realtime.frames import UPLOAD_HEADER_BYTES

# A dead peer is found within a minute.
PING_INTERVAL_S = 20
PING_TIMEOUT_S = 30


class Protocol(WebSocketProtocol):
    """Answers `websocket.http.response` (ASGI extension) before the handshake is done."""

    denial_status = 403

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.http.response.start":
            self.denial_status = message["status"]
        elif message["type"] == "websocket.http.response.body":
            self.handshake_deferred.errback(ConnectionDeny(code=self.denial_status, reason=message.get("body", b"").decode()))  # type: ignore[no-untyped-call]
            del self.handshake_deferred
            self.server.protocol_disconnected(self)
        else:
            super().handle_reply(message)


class SocketServer(Server):
    """One Daphne process."""

    def __init__(self, application: Any, *, host: str, port: int) -> None:
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"],
            ready_callable=self._use_our_protocol,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            websocket_max_message_size=frame_limit_bytes(),
            websocket_max_frame_size=frame_limit_bytes(),
            server_name="biologidex",
        )

    def _use_our_protocol(self) -> None:
        self.ws_factory.protocol = Protocol

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Offers the extension by which a handshake is refused with a status of our choice."""
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
        return super().create_application(protocol, scope)


def frame_limit_bytes() -> int:
    """The largest message taken: a request, or a chunk and its header. A larger frame is refused by its length alone, unread, with 1009."""
    return max(int(settings.SOCKET_MAX_REQUEST_BYTES), int(settings.SOCKET_UPLOAD_CHUNK_BYTES) + UPLOAD_HEADER_BYTES)
