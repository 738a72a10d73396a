"""How often somebody may call over HTTP at all, besides each operation's own limit: the seed's THROTTLE_ANON_RATE and THROTTLE_USER_RATE."""

from rest_framework.throttling import AnonRateThrottle, UserRateThrottle


class AddressThrottle(AnonRateThrottle):
    """For callers without a token, by address."""


class PersonThrottle(UserRateThrottle):
    """For people, by account."""

    def allow_request(self, request, view):  # type: ignore[no-untyped-def]
        """People only: whoever has no token is counted by address."""
        return True if not request.user else super().allow_request(request, view)
