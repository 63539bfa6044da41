"""Background work of sessions; each task is one service call."""

from __future__ import annotations

import logging

from celery import shared_task

from sessions_app.services import interrupt_abandoned_sessions

log = logging.getLogger(__name__)


@shared_task(name="sessions.make_example", ignore_result=True)
def make_example() -> None:
    """Dub the front page's example."""
    # Imported late: the worker loads engines only where one is asked for.
    from pipeline.demo_clip import DemoClipError
    from pipeline.ports import EngineError
    from sessions_app import example

    try:
        example.make_example()
    except (DemoClipError, EngineError, TimeoutError) as error:
        log.warning("no example", extra={"error": type(error).__name__})


@shared_task(name="sessions.interrupt_abandoned")
def interrupt_abandoned() -> None:
    """Mark the sessions that a killed server left live."""
    count = interrupt_abandoned_sessions()
    if count:
        log.info("sessions interrupted", extra={"count": count})
