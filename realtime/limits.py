"""How often somebody may ask: a token bucket in Redis for each person (or address) and operation, one budget for both doors."""

import functools
import logging
import re
import time
from dataclasses import dataclass

import redis
from django.conf import settings

from domain.errors import RateLimited
from realtime.clients import redis_client

log = logging.getLogger(__name__)

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# The generic cell rate algorithm: one number per bucket, the time at which it will be full again.
# KEYS[1] bucket; ARGV: now, seconds per token, burst in seconds. Answers the seconds to wait as text, "0" for go.
TAKE = """
local now, each, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
if full + each - now > burst then return tostring(full + each - now - burst) end
redis.call('SET', KEYS[1], string.format('%.6f', full + each), 'PX', math.ceil((full + each - now) * 1000) + 1000)
return '0'
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds; that many may also come at once."""

    count: int
    period_s: int

    @classmethod
    def parse(cls, text: str) -> "Rate | None":
        """DRF's form, such as "100/hour"; "" is no limit.

        Raises:
            ValueError: it has not that form.
        """
        if not text.strip():
            return None
        match = re.fullmatch(r"\s*(\d+)\s*/\s*([smhd])[a-z]*\s*", text)
        if match is None:
            raise ValueError(f"{text!r} is no rate; write for example 100/hour")
        return cls(count=int(match[1]), period_s=SECONDS[match[2]])


@functools.cache
def rate_of(operation: str, declared: str) -> Rate | None:
    """The rate of an operation: THROTTLE_<OPERATION>_RATE where that is set, else the declared one."""
    name = f"THROTTLE_{operation.replace('.', '_').upper()}_RATE"
    return Rate.parse(settings.OPERATION_RATES.get(name, declared))


def take(who: str, operation: str, declared: str) -> None:
    """Takes one request out of somebody's bucket.

    Raises:
        RateLimited: with `retry_after` in seconds.
    """
    rate = rate_of(operation, declared)
    if rate is None:
        return
    if rate.count == 0:
        raise RateLimited(retry_after=float(rate.period_s))
    each = rate.period_s / rate.count
    try:
        wait_s = float(_script()(keys=[f"limit:{operation}:{who}"], args=[time.time(), each, rate.period_s]))
    except redis.RedisError as error:
        log.warning("Limits are not kept, Redis is away: %s", error.__class__.__name__)
        return
    if wait_s > 0:
        raise RateLimited(retry_after=max(round(wait_s, 2), 0.01))


@functools.cache
def _script() -> "redis.commands.core.Script":
    return redis_client(settings.CACHE_REDIS_URL, timeout_s=1.0).register_script(TAKE)
