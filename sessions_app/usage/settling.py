"""What a live session uses, on its way to the database: every piece once.

What was taken off the meter has a number, and keeps it until its write is known to be
done, also by the process that goes on with the session. A process that dies loses what it
had not taken yet: of LineWriter's longest pause, HEARTBEAT_S + BATCH_WAIT_S, or of as long
as the database was away.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections import deque
from collections.abc import Sequence

import msgspec
from django.db import Error as DatabaseError

from accounts.orm_thread import in_orm_thread
from pipeline.bounds import JOURNAL_CALL_S, JOURNAL_FLUSH_S, USE_MOVE_S, USE_OWED_MAX
from pipeline.guards.usage import Meter
from sessions_app.usage import accounting
from sessions_app.usage import report as usage
from sessions_app.usage.accounting import Account, Delta
from sessions_app.usage.budget import DayBudget, Standing

log = logging.getLogger(__name__)

AGAIN_S = 0.5
NOTHING_LEFT = Standing(0.0, 0.0)


class Owed(msgspec.Struct, frozen=True):
    """A write that may or may not be done, of whichever process began it."""

    account: str
    delta: Delta


class Settling:
    """``owed`` is what another process left of the same session."""

    def __init__(
        self, account: Account, budget: DayBudget, meter: Meter, owed: Sequence[Owed] = ()
    ) -> None:
        self._account = account
        self._budget = budget
        self._meter = meter
        self._owed = deque(owed)
        self._number = 0
        self._moved: set[tuple[str, int]] = set()
        """What the next process has been given to write."""
        self._one_at_a_time = asyncio.Lock()
        self._lose(len(self._owed) - USE_OWED_MAX)

    def owed(self) -> list[Owed]:
        """What another process would have to write, should this one do no more."""
        return list(self._owed)

    async def write(self, *, closes: bool = False, timeout_s: float = JOURNAL_CALL_S) -> bool:
        """Count what was used and reserve anew; ``closes`` gives back what is reserved.

        False when that was not possible in time: it comes with the next write.
        """
        try:
            async with asyncio.timeout(timeout_s), self._one_at_a_time:
                while self._owed:
                    await self._send(self._owed[0], closes=False)
                # Once: sound that comes meanwhile must not keep it going.
                if self._take():
                    await self._send(self._owed[0], closes=closes)
        except (DatabaseError, TimeoutError) as error:
            log.info(
                "use not written",
                extra={"session": str(self._account.session_id), "error": type(error).__name__},
            )
            return False
        return True

    async def leave(self) -> None:
        """Write what can be written at once; all else is then ``owed``, for the next process."""
        if not await self.write(timeout_s=USE_MOVE_S):
            self._take()
        self._moved = {(one.account, one.delta.number) for one in self._owed}

    async def close(self) -> None:
        """The session ends here: write the rest, and give back what is reserved."""
        if not await self.write(closes=True):
            await asyncio.sleep(AGAIN_S)
            await self.write(closes=True, timeout_s=JOURNAL_FLUSH_S)

    def lose(self) -> None:
        """This process will write no more: say what nobody will write."""
        self._take()
        moved = (self._owed.popleft() for _ in range(len(self._owed)))
        self._owed = deque(
            one for one in moved if (one.account, one.delta.number) not in self._moved
        )
        self._lose(len(self._owed))

    def _lose(self, count: int) -> None:
        for _ in range(count):
            delta = self._owed.popleft().delta
            if not delta.heard_s and not delta.used:
                continue
            log.warning(
                "use lost",
                extra={
                    "session": str(self._account.session_id),
                    "heard_s": round(delta.heard_s, 3),
                    "requests": sum(used.requests for used in delta.used),
                },
            )

    def _take(self) -> bool:
        """What came since, as a write of its own; False when there is nothing to write."""
        heard_s, used = self._budget.take(), self._meter.take()
        # With limits every write extends the reservation, and says that the session lives.
        if not used and not accounting.limited():
            self._budget.settle(heard_s, None)
            return False
        self._number += 1
        delta = Delta(self._number, usage.today(), heard_s, used)
        self._owed.append(Owed(str(self._account.id), delta))
        return True

    async def _send(self, owed: Owed, *, closes: bool) -> None:
        """Raises DatabaseError; done again it changes nothing."""
        own = owed.account == str(self._account.id)
        account = self._account if own else self._other(owed.account)
        # What another process reserved is of no use to anybody any more.
        settle = functools.partial(accounting.settle, account, owed.delta, closes=closes or not own)
        standing = await in_orm_thread(settle)
        self._owed.popleft()
        if own:
            closed = NOTHING_LEFT if closes and accounting.limited() else standing
            self._budget.settle(owed.delta.heard_s, closed)

    def _other(self, account: str) -> Account:
        return Account(uuid.UUID(account), self._account.session_id, self._account.user_id)
