"""How often somebody may call over HTTP at all, besides each operation's own limit: the seed's THROTTLE_ANON_RATE and THROTTLE_USER_RATE."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from realtime import limits


def address_of(request: Request) -> str:
    """The caller's address; of X-Forwarded-For only what NUM_PROXIES trusted proxies added."""
    return str(BaseThrottle().get_ident(request) or "")


class AddressThrottle(BaseThrottle):
    """For callers without a token, or with one that is no good, by address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Always true: who asks too often gets the domain's refusal, which knows how long to wait.

        Raises:
            RateLimited
        """
        if not request.user:
            limits.take(f"address:{address_of(request)}", "anon", _rate("anon"))
        return True


class PersonThrottle(BaseThrottle):
    """For people, by account."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """As above.

        Raises:
            RateLimited
        """
        if request.user:
            limits.take(f"user:{request.user.pk}", "user", _rate("user"))
        return True


def _rate(scope: str) -> str:
    return settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"][scope] or ""
