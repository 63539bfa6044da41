"""The events that there are: an app registers its own when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVERY = "*"
"""What an endpoint asks for that wants every event, also those to come."""


@dataclass(frozen=True, slots=True)
class EventType:
    name: str
    description: str
    example: Mapping[str, Any]
    """Of ``data``."""


EVENT_TYPES: dict[str, EventType] = {}


def register(name: str, description: str, example: Mapping[str, Any]) -> str:
    """Make an event known; raises ValueError when its name stands for another one."""
    made = EventType(name, description, example)
    if EVENT_TYPES.setdefault(name, made) != made:
        raise ValueError(f"two events are named {name}")
    return name


TEST = register(
    "webhook.test",
    "You asked for it, to see whether your receiver works.",
    {"webhook": "0b9a3a52-3b0e-4d8e-9f39-0a6c3a9c1a53"},
)
