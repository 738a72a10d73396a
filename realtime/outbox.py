"""What waits to be sent on one socket, in order; says whether its peer is too slow. Knows frames only by their size."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

# An answer that is longer goes out at the pace at which its reader takes it.
ROOM_BYTES = 256 * 1024
MOST_EVENT_BYTES = 1024 * 1024
STUCK_S = 20.0

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outbox:
    """A queue with one writer. Replies are bounded by who makes them, who waits for `room`; events are bounded here."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[dict[str, Any], int, bool]] = deque()
        self._waiting_bytes = 0
        self._event_bytes = 0
        self._sending_since: float | None = None
        self._stirred = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._ended = False

    @property
    def is_too_slow(self) -> bool:
        """Whether the peer has let too many events wait, or one frame for too long."""
        since = self._sending_since
        return self._event_bytes > MOST_EVENT_BYTES or (since is not None and time.monotonic() - since > STUCK_S)

    def put(self, text: str, *, is_event: bool = False) -> None:
        """Queues a text frame."""
        self._put({"type": "websocket.send", "text": text}, len(text), is_event=is_event)

    def close(self, code: int, *, farewell: str) -> None:
        """Queues the last frame, which need not wait for room, and the end of the connection."""
        self._put({"type": "websocket.send", "text": farewell, "is_farewell": True}, len(farewell), is_event=False)
        self._put({"type": "websocket.close", "code": code}, 0, is_event=False)

    def clear(self) -> None:
        """Throws away what waits."""
        self._waiting.clear()
        self._waiting_bytes = self._event_bytes = 0
        self._roomy.set()

    def end(self) -> None:
        """Nothing more will come: `write_all` returns once what waits is written."""
        self._ended = True
        self._roomy.set()
        self._stirred.set()

    async def room(self) -> None:
        """Waits until there is little left to send."""
        await self._roomy.wait()

    async def write_all(self, send: Send) -> None:
        """Writes until the end, or until the peer is gone."""
        try:
            while self._waiting or not self._ended:
                if not self._waiting:
                    self._stirred.clear()
                    await self._stirred.wait()
                    continue
                message, size, is_event = self._waiting.popleft()
                self._count(-size, is_event=is_event)
                self._sending_since = time.monotonic()
                await send(message)
                self._sending_since = None
        except (OSError, RuntimeError):
            # The peer went while this was on its way; the reading side learns it too.
            self.end()
            self.clear()
        finally:
            self._sending_since = None

    def _put(self, message: dict[str, Any], size: int, *, is_event: bool) -> None:
        if self._ended:
            return
        self._waiting.append((message, size, is_event))
        self._count(size, is_event=is_event)
        self._stirred.set()

    def _count(self, size: int, *, is_event: bool) -> None:
        self._waiting_bytes += size
        if is_event:
            self._event_bytes += size
        if self._waiting_bytes > ROOM_BYTES and not self._ended:
            self._roomy.clear()
        else:
            self._roomy.set()
