"""Log lines as key=value pairs: when, how grave, which component, what, and the ids given.

Callers pass ids, counts and durations in `extra`; never speech, its text, tokens or names.
The ids of the request, session or task under way come from `pipeline.runtime.log_context`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.runtime import log_context

STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class KeyValueFormatter(logging.Formatter):
    """One record, one line: a traceback is folded into its own quoted field."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, tz=UTC)
        fields: dict[str, Any] = {
            "at": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "component": record.name,
            "event": record.getMessage(),
        }
        ids = log_context.fields()
        fields |= ids
        fields |= {
            name: value
            for name, value in record.__dict__.items()
            if name not in STANDARD_FIELDS and name not in ids and not _says_too_much(name, value)
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _says_too_much(name: str, value: object) -> bool:
    """What libraries add: a request with its query, a task with its arguments and result."""
    return (name == "request" and not isinstance(value, str)) or (
        name == "data" and isinstance(value, dict)
    )


def _quoted(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    plain = text and not any(sign in text for sign in ' "=\\') and text.isprintable()
    return text if plain else json.dumps(text, ensure_ascii=False)


def logging_settings(
    *, debug: bool, audio_debug: bool, level: str, levels: Mapping[str, str]
) -> dict[str, Any]:
    """Django's LOGGING: our components at `level`, libraries at WARNING, everything to stderr.

    `audio_debug` lowers the live path's own components; `levels` wins over all.
    """
    ours = "DEBUG" if debug else level
    components = {
        "dubbing_project": ours,
        "accounts": ours,
        "voices": ours,
        "sessions_app": "DEBUG" if audio_debug else ours,
        "pipeline": "DEBUG" if audio_debug else level,
        "django": "INFO",
        "django.request": "ERROR",
        "daphne": "WARNING",
        "celery": "INFO",
    } | dict(levels)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"key_value": {"()": "dubbing_project.logs.KeyValueFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "key_value"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            # Django's own handlers are taken off, so each line appears once and in one form.
            name: {"level": component_level, "handlers": [], "propagate": True}
            for name, component_level in components.items()
        },
    }
