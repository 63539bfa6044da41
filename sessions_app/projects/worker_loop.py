"""The event loop of a worker's process: engines live on it from one part to the next.

Loading them for every part would cost more than a short part does.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from pipeline.guards.usage import Meter
from pipeline.plan import Engines
from sessions_app import wiring
from sessions_app.caches.redis_client import close_redis
from sessions_app.engines import loaded

Answer = TypeVar("Answer")
_NICENESS = 10
"""Who listens live goes before who waits for a file."""
_LOOK_S = 0.5
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def run(coroutine: Coroutine[Any, Any, Answer], *, check: Callable[[], None]) -> Answer:
    """Run it on the loop and wait; ``check`` is called meanwhile, and may raise to cancel it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _running())
    try:
        while True:
            try:
                return future.result(_LOOK_S)
            except FutureTimeoutError:
                if future.done():
                    raise
                check()
    finally:
        future.cancel()


@asynccontextmanager
async def engines_of(
    user_id: int, meter: Meter, wish: Mapping[str, str] | None = None
) -> AsyncIterator[Engines]:
    """The engines that somebody's files get, behind their guards. Raises EngineError."""
    async with wiring.batch_engines(user_id, meter, wish) as engines:
        yield engines


def close() -> None:
    """Stop the loop with its engines and connections. Idempotent; ``run`` begins anew."""
    global _loop, _thread
    with _lock:
        loop, thread = _loop, _thread
        _loop = _thread = None
    if loop is None or thread is None:
        return
    with suppress(FutureTimeoutError):
        asyncio.run_coroutine_threadsafe(_end(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    if not thread.is_alive():
        loop.close()


async def _end() -> None:
    await loaded.close_engines()
    # Such as what is being put into a cache: it would open a connection behind our back.
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await close_redis()


def _running() -> asyncio.AbstractEventLoop:
    global _loop, _thread
    with _lock:
        # A process that was forked has the parent's variables, but not its threads.
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_serve, args=(_loop,), name="engines", daemon=True)
            _thread.start()
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    # On Linux this is the thread's own, and of the threads and processes that it starts.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    asyncio.set_event_loop(loop)
    loop.run_forever()
