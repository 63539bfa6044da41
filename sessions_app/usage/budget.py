"""What one connection and one user may use up. Pure: time is an argument."""

from __future__ import annotations

import msgspec

from pipeline.bounds import QUOTA_GRACE_S, QUOTA_PORTION_S

UNLIMITED_S = 1e9
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


class Standing(msgspec.Struct, frozen=True):
    """How a session stands with its user's day, as the database said."""

    reserved_s: float
    """Source audio that is set aside for this session alone."""
    pool_s: float
    """And what was left that nobody had reserved."""
    spent: bool = False
    """The day's money is used up."""
    ending: bool = False
    """Nearly."""

    def without(self, seconds: float) -> Standing:
        """When so much more was heard."""
        return msgspec.structs.replace(
            self,
            reserved_s=max(0.0, self.reserved_s - seconds),
            pool_s=max(0.0, self.pool_s - max(0.0, seconds - self.reserved_s)),
        )


class DayBudget:
    """Source audio that a session may still dub of its user's day.

    Counted here as the audio comes, against what is reserved in the database and extended
    there in good time. While the database does not answer, dubbing goes on for
    QUOTA_GRACE_S beyond that, but never beyond what was left in all.
    """

    def __init__(self, standing: Standing | None) -> None:
        """None: there is no limit, or it is not known yet."""
        self._standing = standing
        self._new_s = self._taken_s = 0.0
        """Heard and not settled; taken for a write that is not known to be done yet."""
        self._warned = False
        self._asked = False

    @property
    def over(self) -> bool:
        now = self._standing
        if now is None:
            return False
        grace_s = min(QUOTA_GRACE_S, now.pool_s)
        return now.spent or self._unsettled_s >= now.reserved_s + grace_s

    @property
    def spent(self) -> bool:
        """The day's money is used up, whatever is left of its minutes."""
        return self._standing is not None and self._standing.spent

    @property
    def unanswered(self) -> bool:
        """It is over because the database does not answer: there was more to reserve."""
        now = self._standing
        return now is not None and not now.spent and now.pool_s > QUOTA_GRACE_S

    def standing(self) -> Standing | None:
        """For a process that goes on with the session while the database is away."""
        return self._standing and self._standing.without(self._unsettled_s)

    @property
    def _unsettled_s(self) -> float:
        return self._new_s + self._taken_s

    def use(self, seconds: float) -> bool:
        """Count audio; True at the one moment at which the user is to be warned."""
        self._new_s += seconds
        now = self._standing
        if now is None:
            return False
        left_s = now.reserved_s + now.pool_s - self._unsettled_s
        if left_s > 2 * ENDING_S and not now.ending:
            # Other sessions gave back what they had reserved, or a new day has begun.
            self._warned = False
        if self._warned or not (left_s <= ENDING_S or now.ending):
            return False
        self._warned = True
        return True

    def ask_for_more(self) -> bool:
        """True once when the reservation is to be extended sooner than with the next write."""
        now = self._standing
        if now is None or self._asked or not now.pool_s:
            return False
        self._asked = now.reserved_s - self._unsettled_s < QUOTA_PORTION_S / 2
        return self._asked

    def take(self) -> float:
        """Seconds that no write has taken yet."""
        seconds, self._new_s = self._new_s, 0.0
        self._taken_s += seconds
        return seconds

    def settle(self, seconds: float, standing: Standing | None) -> None:
        """The database has counted ``seconds`` taken, and says how the session stands."""
        self._taken_s = max(0.0, self._taken_s - seconds)
        self._standing = standing
        self._asked = False
