"""A small asyncio client for the BiologiDex realtime protocol, version 1; it knows the wire and nothing of animals."""

from .connection import Client
from .errors import Closed, ConnectionEnded, HandshakeRefused, Problem, RequestFailed, TimedOut, Unreachable, UploadFailed
from .events import Event
from .rest import Account

__all__ = [
    "Account",
    "Client",
    "Closed",
    "ConnectionEnded",
    "Event",
    "HandshakeRefused",
    "Problem",
    "RequestFailed",
    "TimedOut",
    "Unreachable",
    "UploadFailed",
]
