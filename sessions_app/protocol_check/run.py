"""The steps in order, and what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from websockets.exceptions import WebSocketException

from pipeline.sound.demo_clip import DemoClipError
from pipeline.sound.media import MediaError
from sessions_app.protocol_check import (
    steps_access,
    steps_dubbing,
    steps_messages,
    steps_return,
)
from sessions_app.protocol_check.probe import StepFailedError
from sessions_app.protocol_check.subject import NotCheckedError, Subject

Step = Callable[[Subject], Awaitable[None]]

STEPS: tuple[Step, ...] = (
    *steps_access.STEPS,
    *steps_dubbing.STEPS,
    *steps_messages.STEPS,
    *steps_return.STEPS,
)
STEP_S = 180.0
"""Longer takes no step; each of its waits is bounded more closely."""


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    how: Literal["ok", "failed", "not checked"]
    expected: str = ""
    came: str = ""
    """What came instead; why a step was not checked."""


async def check(subject: Subject) -> AsyncIterator[Outcome]:
    """Every step's outcome as it is done. A failed step does not keep others from running."""
    for step in STEPS:
        name = getattr(step, "__name__", str(step)).replace("_", " ")
        try:
            async with asyncio.timeout(STEP_S):
                await step(subject)
            yield Outcome(name, "ok")
        except NotCheckedError as why:
            yield Outcome(name, "not checked", came=str(why))
        except StepFailedError as failed:
            yield Outcome(name, "failed", failed.expected, failed.came)
        except TimeoutError:
            yield Outcome(name, "failed", f"an end within {STEP_S:.0f} s", "none")
        except (OSError, WebSocketException, DemoClipError, MediaError, LookupError) as error:
            came = f"{type(error).__name__}: {error}"
            yield Outcome(name, "failed", "messages as the protocol says", came)
