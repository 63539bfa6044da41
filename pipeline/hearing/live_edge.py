"""Where a live stream is by now, told by when its parts arrived. Pure: time is an argument."""

from __future__ import annotations

from pipeline.runtime import pressure

AHEAD_MAX_S = 0.25
"""How far the live edge may be thought to be past the newest audio: a client may pause."""
AHEAD_OVERLOADED_S = 10.0
"""The same while the process cannot keep up: then audio has come that was not heard yet."""


class LiveEdge:
    """The offset between a stream's media clock and ours."""

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self.newest_s = 0.0
        """Media time of the newest audio; 0 before the first."""

    def note(self, media_s: float, arrived_at: float) -> None:
        """Audio up to ``media_s`` came at ``arrived_at``, seconds on the caller's clock."""
        self.newest_s = media_s
        offset_s = arrived_at - media_s
        if self._offset_s is None:
            self._offset_s = offset_s
        else:
            # The least delayed chunk tells the true offset; a slow upward drift keeps
            # a client whose clock is slower than ours from being chased for ever. Chunks
            # that we are late to hear tell nothing of the client's clock.
            drift_s = 0.0 if pressure.overloaded() else 0.002
            self._offset_s = min(offset_s, self._offset_s + drift_s)

    def at(self, now: float) -> float:
        """Media time that is being heard at ``now``, at most a little past the newest audio;
        0 before the first."""
        if self._offset_s is None:
            return 0.0
        ahead_max_s = AHEAD_OVERLOADED_S if pressure.overloaded() else AHEAD_MAX_S
        return min(max(now - self._offset_s, self.newest_s), self.newest_s + ahead_max_s)
