"""What can go wrong between a client and the server, each kind with its values; it knows no transport."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Problem(Exception):
    """Anything that this client raises by itself."""


@dataclass(frozen=True)
class Closed:
    """How a connection ended: the close `code` and `reason`, and the data of the server's last `session.closing`, where there was one.

    Codes from 4000 on are the protocol's (section 3); 1006 means that the line broke without a farewell.
    """

    code: int
    reason: str = ""
    farewell: Mapping[str, Any] | None = None

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before coming back, where the server named them."""
        return self.farewell.get("retry_after") if self.farewell else None


class Unreachable(Problem):
    """Nobody answers at this address."""


class HandshakeRefused(Problem):
    """The server answered the handshake with an HTTP `status` instead of a socket (403: foreign Origin, 400: wrong subprotocols)."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"The server refused the WebSocket handshake with HTTP {status}.")


class ConnectionEnded(Problem):
    """The connection is over; `closed` says how."""

    def __init__(self, closed: Closed) -> None:
        self.closed = closed
        super().__init__(f"The connection ended with {closed.code}: {closed.reason or 'no reason given'}.")


class TimedOut(Problem):
    """The awaited thing did not come within its time."""

    def __init__(self, awaited: str, timeout_s: float) -> None:
        self.awaited = awaited
        self.timeout_s = timeout_s
        super().__init__(f"{awaited} did not come within {timeout_s:g} s.")


class RequestFailed(Problem):
    """The server's refusal, the same over socket and REST: `code` is stable, `message` is for people, `facts` is the whole error object."""

    def __init__(self, error: Mapping[str, Any], *, status: int | None = None) -> None:
        self.code = str(error.get("code", "internal"))
        self.message = str(error.get("message", ""))
        self.fields: Mapping[str, list[str]] = error.get("fields") or {}
        self.retry_after: float | None = error.get("retry_after")
        self.facts = error
        self.status = status
        details = "".join(f" {path}: {' '.join(messages)}" for path, messages in self.fields.items())
        super().__init__(f"{self.code}: {self.message}{details}")


class UploadFailed(RequestFailed):
    """The passing `upload.failed`; `expected` is the offset in bytes at which the server would go on, where there is one."""

    @property
    def expected(self) -> int | None:
        return self.facts.get("expected")
