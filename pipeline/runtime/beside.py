"""Work beside the live path: heavy, and waited for by nobody.

One thread for the whole process, behind everything else on the machine's processors: twenty
sessions that begin at once learn their voices one after the other, and no clause is later for
it. What runs here must release the interpreter's lock for most of its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

NICENESS = 10


async def beside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What ``work`` gives, once it was its turn. Given up, it is not begun any more."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_executor(), functools.partial(work, *args, **kwargs))


@functools.cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="beside", initializer=_step_back)


def _step_back() -> None:
    # On Linux niceness is the thread's own; elsewhere it would be the process's. It is counted
    # from the process's: the thread that asked first may have stepped back itself.
    if hasattr(os, "sched_getaffinity"):
        with contextlib.suppress(OSError):
            before = os.getpriority(os.PRIO_PROCESS, os.getpid())
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, min(before + NICENESS, 19))
