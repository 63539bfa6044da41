"""How much is asked of the vendor at once: what the plan allows, the rest waits its turn."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress

from pipeline import metrics
from pipeline.bounds import ELEVENLABS_OTHERS_S, ELEVENLABS_WAIT_S, ELEVENLABS_WAITING_MAX
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
        """What the plan allows; nothing that the vendor says lets more in."""
        self.inside = 0
        self._maximum: int | None = None
        self._others = 0
        self._others_until = 0.0
        self._waiting: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        self._number = 0
        metrics.track_queue("elevenlabs_waiting", self, lambda gate: len(gate._waiting))

    @property
    def places(self) -> int:
        """How many may be inside now. Others of the account leave us at least one place: what
        is known of them is from a moment ago."""
        places = self.limit if self._maximum is None else min(self.limit, self._maximum)
        if asyncio.get_running_loop().time() < self._others_until:
            return max(min(places, 1), places - self._others)
        return places

    def learn(self, headers: Mapping[str, str], *, asked_with: int = 0) -> None:
        """Take what an answer's headers say of the account; what is no number says nothing.

        ``asked_with`` were inside when the answer was asked for. The vendor counts those too,
        though they may have left since, and they must not be taken for somebody else's.
        """
        maximum = _count(headers, "maximum-concurrent-requests")
        if not maximum:
            return
        self._maximum = maximum
        current = _count(headers, "current-concurrent-requests")
        if current is not None:
            self._others = max(0, current - max(self.inside, asked_with))
            now = asyncio.get_running_loop().time()
            # Answers over sockets say nothing, so it may be long until this is said anew.
            self._others_until = now + ELEVENLABS_OTHERS_S
        self._admit()

    async def enter(self) -> None:
        """Raises EngineError("vendor_busy") when too many wait, or too long."""
        if self.inside < self.places and not self._waiting:
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
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.inside < self.places:
            _, turn = self._waiting.popitem(last=False)
            with suppress(asyncio.InvalidStateError):
                turn.set_result(None)
                self.inside += 1


def _count(headers: Mapping[str, str], name: str) -> int | None:
    try:
        said = headers.get(name, "")
    except LookupError:  # a handshake's headers, where one is there twice
        return None
    return int(said) if re.fullmatch("[0-9]{1,4}", said) else None
