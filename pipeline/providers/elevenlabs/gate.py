"""How much is asked of the vendor at once: what the plan allows, the rest waits its turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress

from pipeline import metrics
from pipeline.bounds import ELEVENLABS_WAIT_S, ELEVENLABS_WAITING_MAX
from pipeline.providers.elevenlabs.faults import fault

AT_ONCE = {
    "free": (4, 2),
    "starter": (6, 3),
    "creator": (10, 5),
    "pro": (20, 10),
    "scale": (30, 15),
    "business": (30, 15),
    "enterprise": (30, 15),
}
"""Plan → requests at once with (flash and turbo, other) models; enterprises agree on more."""


def allowed(tier: str, model: str) -> int:
    """Requests at once on a plan; an unknown plan is taken for the smallest."""
    # Annual and trial plans have a suffix.
    quick, other = AT_ONCE.get(tier.lower().split("_")[0], AT_ONCE["free"])
    return quick if "flash" in model or "turbo" in model else other


class Gate:
    """First come, first served; ``leave`` once for every ``enter`` that returned."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self._waiting: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        self._number = 0
        metrics.track_queue("elevenlabs_waiting", self, lambda gate: len(gate._waiting))

    async def enter(self) -> None:
        """Raises EngineError("vendor_busy") when too many wait, or too long."""
        if self.inside < self.limit and not self._waiting:
            self.inside += 1
            return
        if len(self._waiting) >= ELEVENLABS_WAITING_MAX:
            raise fault("vendor_busy", "queue full")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number += 1
        number = self._number
        self._waiting[number] = turn
        try:
            async with asyncio.timeout(ELEVENLABS_WAIT_S):
                await turn
        except BaseException as error:
            self._waiting.pop(number, None)
            if turn.done() and not turn.cancelled():
                self.leave()
            if isinstance(error, TimeoutError):
                raise fault("vendor_busy", "waited too long") from error
            raise

    def leave(self) -> None:
        self.inside -= 1
        while self._waiting and self.inside < self.limit:
            _, turn = self._waiting.popitem(last=False)
            with suppress(asyncio.InvalidStateError):
                turn.set_result(None)
                self.inside += 1
