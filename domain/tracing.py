"""The id of the request that is being served, carried through threads, tasks and log lines; knows nothing of who reads it."""

import uuid
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")


def new_request_id() -> str:
    """32 hex digits, random."""
    return uuid.uuid4().hex
