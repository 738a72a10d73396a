"""The bounded pool of threads in which everything runs that may wait: PostgreSQL, files, Pillow. Knows nothing of what runs there."""

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections, connections
from django.utils import translation

from domain.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.REQUEST_THREADS, thread_name_prefix="request")


async def hop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs blocking work in the pool, with the caller's context variables and a database connection of its own.

    Raises:
        Busy: all threads were taken for REQUEST_QUEUE_SECONDS, and the work was not begun.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    future = _pool().submit(context.run, _cleanly, functools.partial(work, *args, **kwargs))
    overdue = loop.call_later(settings.REQUEST_QUEUE_SECONDS, future.cancel)
    try:
        return await asyncio.wrap_future(future, loop=loop)
    except asyncio.CancelledError:
        if future.cancelled() and not _is_being_cancelled():
            raise Busy(retry_after=1.0) from None
        raise
    finally:
        overdue.cancel()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _cleanly(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        translation.deactivate()
        if settings.DATABASE_POOL_SIZE:
            # Gives the connection back to psycopg's pool.
            connections.close_all()
