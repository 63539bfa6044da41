"""Background work of sessions; each task is one service call."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from pipeline.bounds import PART_S
from sessions_app.holding import interrupt_abandoned_sessions

log = logging.getLogger(__name__)


@shared_task(name="sessions.make_example", ignore_result=True)
def make_example() -> None:
    """Dub the front page's example."""
    # Imported late: the worker loads engines only where one is asked for.
    from pipeline.ports import EngineError
    from pipeline.sound.demo_clip import DemoClipError
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


@shared_task(
    bind=True,
    name="projects.work",
    # A process that is killed leaves its part to the next one at once.
    reject_on_worker_lost=True,
    soft_time_limit=PART_S - 30,
    time_limit=PART_S,
)
def work_on_part(self: Any, part_id: int) -> None:
    """Do one part of a job; may come twice, late, or not at all."""
    from sessions_app.projects.running import work

    work(part_id, redelivered=bool(self.request.delivery_info.get("redelivered")))


@shared_task(name="projects.look_after", ignore_result=True)
def look_after_projects() -> None:
    """Take up what was left: parts whose worker is gone, uploads that nothing was made of."""
    from sessions_app.projects.jobs import look_after
    from sessions_app.projects.uploads import forget_old_uploads

    found, gone = look_after(), forget_old_uploads()
    if found or gone:
        log.info("projects looked after", extra={"parts": found, "uploads": gone})
