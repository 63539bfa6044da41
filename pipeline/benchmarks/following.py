"""Five listeners of one source: one who is followed by four, beside five who each hear it.

Run: ``python -m pipeline.benchmarks.following [--listeners 5] [--seconds 45] [--to es]``
Both runs are on the offline engines, at the pace of real time, one after the other. Prints
what each took of the engines, processor time of everything, and the latencies.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from pipeline.benchmarks.latency import CLEAN_CLIPS, joined, pace
from pipeline.dub import Dub
from pipeline.dubber import Dubber
from pipeline.follower import Follower
from pipeline.guards.guarding import Guards, guarded
from pipeline.guards.usage import Meter, Used
from pipeline.plan import DubbingPlan, Engines
from pipeline.providers.registry import make_engines
from pipeline.providers.settings import EngineSettings
from pipeline.reporting.record import LineRecord
from pipeline.sharing.feeds import Feed, Share
from pipeline.sharing.shared import RunBegan
from pipeline.types import SAMPLE_RATE_HZ, Pcm

RUN = "benchmark"


@dataclass
class Figures:
    cpu_s: float = 0.0
    used: list[Used] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    total_ms: list[float] = field(default_factory=list)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--to", default="es")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    arguments = parser.parse_args()
    clips = [arguments.data / name for name in CLEAN_CLIPS]
    source = joined(clips)[: round(arguments.seconds * SAMPLE_RATE_HZ)]
    plan = DubbingPlan(
        session_id=RUN,
        source_language="en",
        target_language=arguments.to,
        # What is guessed ahead depends on timing, and would blur the count.
        speculate=False,
    )
    print(f"{arguments.listeners} listeners, {len(source) / SAMPLE_RATE_HZ:.0f} s of speech")
    for together in (False, True):
        engines = make_engines(EngineSettings(models=arguments.models))
        try:
            await engines.connect()
            figures = await _dub(engines, plan, source, arguments.listeners, together=together)
        finally:
            await engines.aclose()
        _print("one, followed by the others" if together else "each by itself", figures)


async def _dub(
    engines: Engines, plan: DubbingPlan, source: Pcm, listeners: int, *, together: bool
) -> Figures:
    meter, feed = Meter(), Feed()

    def metered() -> Engines:
        return guarded(engines, [], Guards({}), meter=meter, user="1", tell=lambda _: None)

    share = Share(feed, RUN, engines) if together else None
    heard = [Dubber(plan, metered(), share=share) for _ in range(1 if together else listeners)]
    began = RunBegan(
        run=RUN, source_language="en", target_language=plan.target_language, preserve_voice=True
    )
    followers = [
        Follower(plan, metered(), began, shares_voices=True) for _ in range(listeners - len(heard))
    ]
    runs: Sequence[Dub] = [*heard, *followers]
    for run in runs:
        await run.start()
    for follower in followers:
        feed.subscribe(follower, follower.push, None)
    figures, before_s = Figures(), _cpu_s()
    telling = [asyncio.create_task(_listen(run, figures)) for run in runs]
    await asyncio.gather(*(pace(one, source) for one in heard))
    await asyncio.gather(*telling)
    feed.end(RUN, complete=True)
    figures.cpu_s = _cpu_s() - before_s
    for run in runs:
        await run.aclose()
    figures.used = sorted(meter.take(), key=lambda one: one.leg)
    return figures


async def _listen(run: Dub, figures: Figures) -> None:
    lines = 0
    async for told in run.events():
        if isinstance(told, LineRecord):
            lines += 1
            if told.latencies is not None:
                figures.total_ms.append(told.latencies.total_ms)
    figures.lines.append(lines)


def _cpu_s() -> float:
    """Of this process and everything below it, processes that have ended included."""
    this = psutil.Process()
    times = [one.cpu_times() for one in (this, *this.children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def _print(name: str, figures: Figures) -> None:
    p50, p95 = np.percentile(figures.total_ms, [50, 95])
    print(
        f"\n{name}: {figures.cpu_s:.1f} s of processor, lines {sorted(figures.lines)}, "
        f"total p50 {p50:.0f} p95 {p95:.0f} ms"
    )
    for used in figures.used:
        print(f"  {used.leg:<12}{used.requests:5d} requests {used.amount:9.1f}  {used.engine}")


if __name__ == "__main__":
    began = time.monotonic()
    asyncio.run(main())
    print(f"\n{time.monotonic() - began:.0f} s in all")
