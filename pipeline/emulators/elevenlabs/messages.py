"""What a client of the sockets says, checked. All of these raise RefusalError."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipeline.emulators.elevenlabs import errors

_PATIENCE_S = 20.0
_PATIENCE_LONGEST_S = 180.0


def read_patience(value: str | None) -> float:
    """Raises RefusalError for an ``inactivity_timeout`` outside 1 to 180."""
    if value is None:
        return _PATIENCE_S
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _PATIENCE_LONGEST_S:
        raise errors.bad_message("inactivity_timeout must be between 1 and 180 seconds.")
    return seconds


def read_message(data: str) -> Mapping[str, object]:
    try:
        message = json.loads(data)
    except ValueError:
        raise errors.bad_message("A message is no JSON.") from None
    if not isinstance(message, dict):
        raise errors.bad_message("A message is no object.")
    return message


def read_text(message: Mapping[str, object]) -> str | None:
    text = message.get("text")
    if text is not None and not isinstance(text, str):
        raise errors.bad_message("text must be a string.")
    return text


def read_schedule(message: Mapping[str, object]) -> tuple[float, ...]:
    config = message.get("generation_config")
    schedule = config.get("chunk_length_schedule") if isinstance(config, dict) else None
    if schedule is None:
        return ()
    if not isinstance(schedule, list) or not all(
        isinstance(length, int | float) and 50 <= length <= 500 for length in schedule
    ):
        raise errors.bad_message("chunk_length_schedule must hold numbers from 50 to 500.")
    return tuple(schedule)
