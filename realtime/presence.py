"""Who is here: whoever has a socket on some process listens to their own group, so Redis knows without being told."""

import logging
from collections.abc import Iterable
from uuid import UUID

import redis

from realtime import doorbell

log = logging.getLogger(__name__)


def online(people: Iterable[UUID]) -> set[UUID]:
    """Those of the people who have a socket somewhere; nobody, while Redis is away."""
    wanted = list(people)
    if not wanted:
        return set()
    try:
        return doorbell.listening(wanted)
    except redis.RedisError as error:
        log.warning("Nobody's presence is known, Redis is away: %s", error.__class__.__name__)
        return set()
