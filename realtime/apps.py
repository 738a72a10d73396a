"""The realtime app: once it is ready, what the mailbox posts is rung out through Redis."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    label = "realtime"

    def ready(self) -> None:
        from domain import mailbox  # noqa: PLC0415  models of other apps are ready only now
        from realtime import doorbell  # noqa: PLC0415

        mailbox.listen(doorbell.ring)
