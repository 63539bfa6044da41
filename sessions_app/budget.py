"""What one connection and one user may use up. Pure: time is an argument."""

from __future__ import annotations

ENDING_S = 60.0
"""The user is told when so little is left of the day's minutes."""


class TokenBucket:
    """``rate`` a second on average, ``burst`` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Use one up; False when none is left. ``now`` is seconds on a monotonic clock."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class DayBudget:
    """Seconds of source audio that a user may still have dubbed today.

    Counted here as the audio comes, settled with the database now and then: other
    sessions of the same user count against the same day.
    """

    def __init__(self, left_s: float | None) -> None:
        self._left_s = left_s
        self._unsettled_s = 0.0
        self._warned = False

    @property
    def over(self) -> bool:
        return self._left_s is not None and self._unsettled_s >= self._left_s

    def use(self, seconds: float) -> bool:
        """Count audio; True at the one moment at which the user is to be warned."""
        self._unsettled_s += seconds
        if self._left_s is None or self._warned:
            return False
        self._warned = self._left_s - self._unsettled_s <= ENDING_S
        return self._warned

    def to_settle(self) -> float:
        """Seconds that the database does not know of yet."""
        return self._unsettled_s

    def settle(self, seconds: float, left_s: float | None) -> None:
        """The database has counted ``seconds`` and says what is left."""
        self._unsettled_s -= seconds
        self._left_s = left_s
