"""The Celery app: `celery -A biologidex worker`, `celery -A biologidex beat`. A request's id goes along with the tasks that it causes."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biologidex.settings.development")

from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

from domain.tracing import new_request_id, request_id

HEADER = "request_id"

app = Celery("biologidex")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["realtime"], related_name="idempotency")


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Celery would put its own handlers in place of ours."""


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: Any) -> None:
    headers[HEADER] = request_id.get() or new_request_id()


@task_prerun.connect
def take_request_id(task: Any, **_: Any) -> None:
    request_id.set(getattr(task.request, HEADER, None) or new_request_id())


@task_postrun.connect
def drop_request_id(**_: Any) -> None:
    request_id.set("")
