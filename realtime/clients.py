"""Blocking connections to Redis that give up soon. Knows no use of them."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def redis_client(url: str, *, timeout_s: float) -> "redis.Redis":
    """With redis-py's own ten tries every commit and every request would wait for seconds while Redis is away."""
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 1))
