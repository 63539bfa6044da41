"""A process of load-test clients: ``python -m sessions_app.load.clients``.

Reads its plan, one line of JSON, from standard input, writes reports to standard output,
and leaves when its input closes: however the load test ends, no client stays behind.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from pathlib import Path

from sessions_app.load.messages import Beat, ClientsPlan, Report, encoder, plan_decoder
from sessions_app.load.session import LoadSession
from sessions_app.load.source import Source, speech, tones

BEAT_S = 1.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    plan = plan_decoder.decode(sys.stdin.buffer.readline())
    source = tones() if plan.clip is None else speech(Path(plan.clip))
    # Everything so far stays: a collection should not look at it again.
    gc.collect()
    gc.freeze()
    asyncio.run(_run(plan, source))


async def _run(plan: ClientsPlan, source: Source) -> None:
    reports: list[Report] = []
    sessions = [LoadSession(plan, own, source, reports.append) for own in plan.sessions]
    work = asyncio.gather(*(session.run() for session in sessions))
    loop = asyncio.get_running_loop()
    threading.Thread(target=_await_end, args=(loop, work), daemon=True).start()
    beating = asyncio.create_task(_beat(sessions, reports))
    try:
        await work
    except asyncio.CancelledError:
        pass  # whoever started us is gone, or wants us to stop
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        _tell(reports)


def _await_end(loop: asyncio.AbstractEventLoop, work: asyncio.Future[list[None]]) -> None:
    # Past the buffer: a thread that waits within it would bar the interpreter's way out.
    while os.read(0, 64):
        pass
    loop.call_soon_threadsafe(work.cancel)


async def _beat(sessions: list[LoadSession], reports: list[Report]) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        reports.append(
            Beat(
                at_s=time.monotonic(),
                process=os.getpid(),
                dubbing=sum(session.sending for session in sessions),
                unacknowledged=max((session.unacknowledged for session in sessions), default=0),
                late_ms=max((session.late_s for session in sessions), default=0.0) * 1000,
                cpu_s=time.process_time(),
                rss_mb=_rss_mb(),
            )
        )
        for session in sessions:
            session.late_s, session.unacknowledged = 0.0, 0
        _tell(reports)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE_BYTES / 1e6


def _tell(reports: list[Report]) -> None:
    try:
        sys.stdout.buffer.write(b"".join(encoder.encode(report) + b"\n" for report in reports))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        pass  # our input closes too, which ends us
    reports.clear()


if __name__ == "__main__":
    main()
