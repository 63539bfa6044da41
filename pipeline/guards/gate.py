"""A vendor's places, shared out fairly among users.

Whoever waits is served in turn by user, not by time of coming: one user with many sessions
does not keep the others waiting. (Fair queuing: Nagle, RFC 970.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline import metrics
from pipeline.bounds import GATE_WAITING_MAX
from pipeline.ports import EngineError


class FairGate:
    """At most ``limit`` at once, at most ``waiting_max`` waiting. Belongs to one event loop."""

    def __init__(self, limit: int, *, waiting_max: int = GATE_WAITING_MAX) -> None:
        self._limit = self._ceiling = max(1, limit)
        self._waiting_max = waiting_max
        self._inside = 0
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        """User → who waits, oldest first; users in the order of their turns."""
        metrics.track_queue("gate_waiting", self, lambda gate: gate.waiting)

    @property
    def inside(self) -> int:
        return self._inside

    @property
    def waiting(self) -> int:
        return sum(map(len, tuple(self._queues.values())))

    @property
    def limit(self) -> int:
        return self._limit

    def learn(self, limit: int | None) -> None:
        """The vendor says how many it serves at once; never beyond the installation's own."""
        self._limit = max(1, min(limit, self._ceiling)) if limit else self._ceiling
        self._admit()

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """Inside, the caller has a place. Raises EngineError("vendor_busy") when too many
        wait."""
        if self._inside < self._limit and not self._queues:
            self._inside += 1
        else:
            await self._wait(user)
        try:
            yield
        finally:
            self._inside -= 1
            self._admit()

    async def _wait(self, user: str) -> None:
        if self.waiting >= self._waiting_max:
            raise EngineError("vendor_busy", "Too many lines wait for this engine; try again.")
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(user, deque(maxlen=self._waiting_max)).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                # Admitted and cancelled in the same moment: the place goes on.
                self._inside -= 1
                self._admit()
            else:
                self._leave(user, place)
            raise

    def _leave(self, user: str, place: asyncio.Future[None]) -> None:
        queue = self._queues.get(user)
        if queue is not None and place in queue:
            queue.remove(place)
            if not queue:
                del self._queues[user]

    def _admit(self) -> None:
        while self._inside < self._limit and self._queues:
            user = next(iter(self._queues))
            queue = self._queues.pop(user)
            place = queue.popleft()
            if queue:
                # Behind all others: the next turn of this user comes after theirs.
                self._queues[user] = queue
            if not place.done():
                self._inside += 1
                place.set_result(None)
