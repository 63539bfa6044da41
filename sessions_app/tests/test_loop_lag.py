"""The lag of the serving loop, as admission and the health page read it."""

from __future__ import annotations

import asyncio
import threading
import time

from pipeline import metrics
from sessions_app.processes import loop_lag
from sessions_app.processes.loop_lag import KEPT_S, SAMPLE_S, LoopLag


def test_the_longest_of_the_last_seconds_is_kept_and_then_forgotten() -> None:
    lag = LoopLag(now=0)
    now = SAMPLE_S + 0.4
    lag.sample(now)
    lag.sample(now + SAMPLE_S)
    assert abs(lag.recent_s(now + SAMPLE_S) - 0.4) < 1e-9
    for step in range(1, 30):
        lag.sample(now + step * SAMPLE_S)
    assert lag.recent_s(now + 29 * SAMPLE_S) < 1e-9 < KEPT_S


def test_a_loop_that_is_stuck_now_is_late_already() -> None:
    assert LoopLag(now=0).recent_s(SAMPLE_S + 2) == 2


async def test_a_blocked_loop_is_seen_from_outside_and_afterwards() -> None:
    loop_lag.begin_sampling()
    loop_lag.begin_sampling()
    await asyncio.sleep(0.05)
    observed = metrics.REGISTRY.get_sample_value("dubbing_event_loop_lag_seconds_count") or 0
    seen: list[float] = []
    asker = threading.Timer(0.8, lambda: seen.append(loop_lag.recent_s()))
    asker.start()
    time.sleep(1.0)  # noqa: ASYNC251 - the very thing to be noticed
    await asyncio.sleep(0.3)
    asker.join()
    assert seen[0] >= 0.4
    assert loop_lag.recent_s() >= 0.6
    after = metrics.REGISTRY.get_sample_value("dubbing_event_loop_lag_seconds_count") or 0
    assert after > observed


def test_a_loop_that_ended_says_nothing_any_more() -> None:
    async def brief() -> None:
        loop_lag.begin_sampling()
        await asyncio.sleep(0.01)

    asyncio.run(brief())
    assert loop_lag.recent_s() == 0
