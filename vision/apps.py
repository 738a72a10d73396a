"""The vision app: once it is ready, workers hear of the jobs that the mailbox tells of."""

from django.apps import AppConfig


class VisionConfig(AppConfig):
    name = "vision"
    label = "vision"

    def ready(self) -> None:
        from domain import mailbox  # noqa: PLC0415  models of other apps are ready only now
        from vision import queue  # noqa: PLC0415

        mailbox.listen(queue.hear)
