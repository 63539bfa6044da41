"""What is said to clients, counted for whoever looks after the server."""

from __future__ import annotations

from pipeline import metrics
from pipeline.events import CueScheduled, Event, Failure, Merged, Skipped


def observe(event: Event) -> None:
    """Count an event on its way to a client; cheap, and most are not counted at all."""
    match event:
        case CueScheduled():
            metrics.observe_line(event.latencies, event.engine)
        case Skipped():
            metrics.count_skip(event.reason)
        case Merged():
            metrics.count_merge()
        case Failure():
            metrics.count_error(event.code)
