"""Remembers in the cache what is costly to make; without Redis it is made anew. Knows nothing of what it keeps."""

import logging
from collections.abc import Callable
from typing import TypeVar

import redis
from django.core.cache import cache

log = logging.getLogger(__name__)

T = TypeVar("T")


def remembered(key: str, *, ttl_s: int, make: Callable[[], T]) -> T:
    """What `make` gave at most `ttl_s` seconds ago under this key; 0 seconds remember nothing. None is not remembered."""
    if ttl_s <= 0:
        return make()
    try:
        kept: T | None = cache.get(key)
    except redis.RedisError as error:
        log.warning("Nothing is remembered, Redis is away: %s", error.__class__.__name__)
        return make()
    if kept is not None:
        return kept
    made = make()
    try:
        cache.set(key, made, timeout=ttl_s)
    except redis.RedisError as error:
        log.warning("Nothing is remembered, Redis is away: %s", error.__class__.__name__)
    return made


def forget(*keys: str) -> None:
    """Drops what is remembered under these keys; without Redis it goes when its time is over."""
    try:
        cache.delete_many(keys)
    except redis.RedisError as error:
        log.warning("Nothing was forgotten, Redis is away: %s", error.__class__.__name__)
