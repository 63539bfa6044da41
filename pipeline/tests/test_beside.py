"""Work that nobody waits for keeps out of the way of what somebody waits for."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from pipeline.runtime.beside import NICENESS, beside


async def test_one_thing_at_a_time_in_order() -> None:
    running, most, order = 0, 0, []

    def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(number)
        running -= 1
        return number

    assert await asyncio.gather(*(beside(work, number) for number in range(20))) == list(range(20))
    assert (most, order) == (1, list(range(20)))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is the process's")
async def test_everything_else_comes_first() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    here = niceness()
    assert await beside(niceness) == min(here + NICENESS, 19)
    assert niceness() == here
