"""The ORM off the live path: threads of its own, never Django's thread-sensitive one.

Django runs all ``sync_to_async`` calls of a process on one thread; a slow query of any
page would hold up every session's record there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import OperationalError, close_old_connections, connections

from pipeline import metrics
from pipeline.bounds import ORM_CALLS_MAX as WAITING_MAX
from pipeline.bounds import ORM_CLOSE_S, ORM_THREADS

P = ParamSpec("P")
T = TypeVar("T")

_executor: ThreadPoolExecutor | None = None


class _Calls:
    """Those under way or waiting for a thread: a database that hangs must not gather more."""

    count = 0


_calls = _Calls()
metrics.track_queue("orm_calls", _calls, lambda calls: calls.count)


async def in_orm_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the ORM; its connection is kept for the next call.

    Raises OperationalError when too many calls wait already.
    """
    global _executor
    if _calls.count >= WAITING_MAX:
        raise OperationalError("too many calls wait for the database")
    if _executor is None:
        _executor = ThreadPoolExecutor(ORM_THREADS, thread_name_prefix="record")

    def call() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    _calls.count += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_executor, call)
    finally:
        _calls.count -= 1


def close_orm_threads() -> None:
    """Wait for what is running and close the threads' connections."""
    global _executor
    if _executor is None:
        return
    executor, _executor = _executor, None
    # The barrier keeps one thread from closing twice while another keeps its connection.
    barrier = threading.Barrier(ORM_THREADS)

    def close() -> None:
        barrier.wait(timeout=ORM_CLOSE_S)
        connections.close_all()

    for _ in range(ORM_THREADS):
        executor.submit(close)
    executor.shutdown(wait=True)
