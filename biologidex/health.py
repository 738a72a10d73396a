"""Says whether this server lives, is ready, and what each thing that it stands on does."""

import time
import uuid
from collections.abc import Callable

import redis
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

CELERY_TIMEOUT_S = 1.0
REDIS_TIMEOUT_S = 2.0


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_cache() -> None:
    key = f"health:{uuid.uuid4().hex}"
    cache.set(key, 1, timeout=10)
    if cache.get(key) != 1:
        raise OSError("the cache does not give back what was put into it")


def _check_redis() -> None:
    with redis.Redis.from_url(
        settings.CHANNELS_REDIS_URL, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
    ) as client:
        client.ping()


def _check_celery() -> None:
    if not current_app.control.ping(timeout=CELERY_TIMEOUT_S):
        raise OSError("no worker answers")


def _check_storage() -> None:
    name = default_storage.save(f"health/{uuid.uuid4().hex}", ContentFile(b"healthy"))
    try:
        with default_storage.open(name) as file:
            if file.read() != b"healthy":
                raise OSError("the storage does not give back what was put into it")
    finally:
        default_storage.delete(name)


READY_CHECKS: dict[str, Callable[[], None]] = {"database": _check_database, "cache": _check_cache}
ALL_CHECKS = {"database": _check_database, "redis": _check_redis, "celery": _check_celery, "storage": _check_storage}


def _run(check: Callable[[], None]) -> dict[str, object]:
    began = time.perf_counter()
    try:
        check()
        status = "healthy"
    except (DatabaseError, redis.RedisError, OperationalError, OSError):
        status = "unhealthy"
    return {"status": status, "response_time_ms": round((time.perf_counter() - began) * 1000, 1)}


def _answer(checks: dict[str, Callable[[], None]]) -> JsonResponse:
    results = {name: _run(check) for name, check in checks.items()}
    healthy = all(result["status"] == "healthy" for result in results.values())
    return JsonResponse({"status": "healthy" if healthy else "unhealthy", "checks": results}, status=200 if healthy else 503)


@csrf_exempt
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """GET /health/: the process answers; touches nothing."""
    return JsonResponse({"status": "healthy"})


@csrf_exempt
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """GET /ready/: database and cache answer; 503 where one does not."""
    return _answer(READY_CHECKS)


@csrf_exempt
@never_cache
@require_safe
def comprehensive(request: HttpRequest) -> JsonResponse:
    """GET /api/v1/health/: database, Redis, Celery and storage, each with status and response time in milliseconds."""
    return _answer(ALL_CHECKS)
