"""The watch of a serving process: probes every few seconds, and tells faults and their ends."""

from __future__ import annotations

import asyncio
import logging
import weakref
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from dubbing_project.health import report
from sessions_app.processes import faults

log = logging.getLogger(__name__)

SUSPECTED_SECONDS = 1.0
"""Pause between looks while something fails: a fault, and its end, should be told soon."""

# Its own: the loop's shared threads decode audio and may all be busy.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fault watch")
_watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
    weakref.WeakKeyDictionary()
)


def begin_watching() -> None:
    """Watch from the running loop; once is enough, more calls do nothing."""
    loop = asyncio.get_running_loop()
    if loop not in _watches and settings.FAULT_WATCH_SECONDS > 0:
        _watches[loop] = loop.create_task(watch(settings.FAULT_WATCH_SECONDS), name="fault watch")


async def watch(every_s: float) -> None:
    """Until cancelled; a look that fails is logged and the next one comes."""
    loop = asyncio.get_running_loop()
    while True:
        pause_s = min(every_s, SUSPECTED_SECONDS) if faults.present.suspected else every_s
        await asyncio.sleep(pause_s)
        try:
            faults.take_report(await loop.run_in_executor(_thread, report.current))
        except Exception:
            log.exception("the fault watch failed")
