"""A log line's form."""

from __future__ import annotations

import logging
import sys

from dubbing_project.logs import KeyValueFormatter


def record(message: str, **extra: object) -> logging.LogRecord:
    return logging.getLogger("pipeline.test").makeRecord(
        "pipeline.test", logging.INFO, "file", 1, message, (), None, extra=extra
    )


def test_a_line_carries_its_ids_and_durations() -> None:
    line = KeyValueFormatter().format(record("line committed", session="s-1", total_ms=412.5))
    assert 'level=info component=pipeline.test event="line committed"' in line
    assert "session=s-1 total_ms=412.5" in line


def test_a_traceback_stays_on_its_line() -> None:
    failed = record("failed")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        failed.exc_info = sys.exc_info()
    line = KeyValueFormatter().format(failed)
    assert "\n" not in line
    assert "ValueError" in line
