"""How late the serving event loop is: whoever admits new sessions asks here.

A sampler per loop sleeps a little and sees by how much it overslept. A loop that is stuck
right now cannot run its sampler, so what the sampler is overdue counts too.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque

from pipeline import metrics
from pipeline.bounds import LAGS_KEPT_MAX
from pipeline.runtime import pressure

SAMPLE_S = 0.25
KEPT_S = 5.0
PRESSURE_S = 3.0
"""Over so long the loop's load is averaged."""


class LoopLag:
    """The lags of the last seconds; pure, moments are arguments."""

    def __init__(self, *, now: float) -> None:
        self._sampled_at = now
        self._kept: deque[tuple[float, float]] = deque(maxlen=LAGS_KEPT_MAX)

    def sample(self, now: float) -> float:
        """The sampler woke: keep by how much it overslept, and return that."""
        lag = max(0.0, now - self._sampled_at - SAMPLE_S)
        self._sampled_at = now
        self._kept.append((now, lag))
        while self._kept[0][0] < now - KEPT_S:
            self._kept.popleft()
        return lag

    def recent_s(self, now: float) -> float:
        overdue = max(0.0, now - self._sampled_at - SAMPLE_S)
        # A copy: another thread may ask while the loop's own adds a sample.
        kept = tuple(self._kept)
        return max([overdue, *(lag for at, lag in kept if at >= now - KEPT_S)])


_samplers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
    weakref.WeakKeyDictionary()
)
_lags: dict[int, LoopLag] = {}


def begin_sampling() -> None:
    """Watch the running loop from now on; once is enough, more calls do nothing."""
    loop = asyncio.get_running_loop()
    if loop not in _samplers:
        _samplers[loop] = loop.create_task(_sample(), name="loop lag")


def recent_s() -> float:
    """The longest lag of the last 5 s, in seconds; 0 where no loop is watched.

    Callable from any thread, also while the loop is stuck.
    """
    now = time.monotonic()
    return max((lag.recent_s(now) for lag in tuple(_lags.values())), default=0.0)


async def _sample() -> None:
    lag = LoopLag(now=time.monotonic())
    _lags[id(lag)] = lag
    began = (time.monotonic(), time.thread_time())
    moments = deque([began], maxlen=round(PRESSURE_S / SAMPLE_S) + 1)
    try:
        while True:
            await asyncio.sleep(SAMPLE_S)
            now = time.monotonic()
            metrics.observe_loop_lag(lag.sample(now))
            moments.append((now, time.thread_time()))
            (first_at, first_cpu), (last_at, last_cpu) = moments[0], moments[-1]
            pressure.note(
                busy=(last_cpu - first_cpu) / (last_at - first_at),
                late_s=(last_at - first_at) / (len(moments) - 1) - SAMPLE_S,
            )
    finally:
        del _lags[id(lag)]
        pressure.note(busy=0.0, late_s=0.0)
