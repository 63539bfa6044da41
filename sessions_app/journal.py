"""What one live session writes down: the runs of its session and their lines.

Every call is bounded in time; a database that is away costs the record, not the dubbing.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import Error as DatabaseError

from accounts.orm_thread import in_orm_thread
from pipeline.bounds import JOURNAL_CALL_S as CALL_S
from pipeline.bounds import JOURNAL_FLUSH_S as FLUSH_S
from pipeline.bounds import UNWRITTEN_MAX
from pipeline.events import Ready, Summary
from pipeline.ports import EngineError
from pipeline.record import LineRecord
from sessions_app import services
from sessions_app.budget import DayBudget
from sessions_app.record import LineWriter

log = logging.getLogger(__name__)


class Journal:
    """``budget`` is settled with the database at every write."""

    def __init__(
        self, session_id: uuid.UUID, user_id: int, hold: uuid.UUID, budget: DayBudget
    ) -> None:
        self._session_id = session_id
        self._user_id = user_id
        self._hold = hold
        self._budget = budget
        self._lines = LineWriter(self._save)
        self._lost_before = 0

    def start(self) -> None:
        self._lines.start()

    def line(self, record: LineRecord) -> bool:
        """Take a finished line; False when an older one was lost for it."""
        return self._lines.offer(record)

    def unwritten(self) -> list[LineRecord]:
        """Finished lines that the database does not have yet, at most UNWRITTEN_MAX."""
        return self._lines.waiting()[-UNWRITTEN_MAX:]

    async def flush(self) -> bool:
        """Write what is there; False when that was not possible in time."""
        return await self._lines.flush(timeout_s=FLUSH_S)

    async def abandon(self) -> None:
        """Stop writing; the session goes on elsewhere, with the lines not written here."""
        await self._lines.aclose(timeout_s=0.0)
        await self._settle()

    async def begin(self, ready: Ready) -> bool:
        """A run begins; False when that could not be written. Raises EngineError when
        another client has taken the session over."""
        self._lost_before = self._lines.lost
        return await self._written(
            functools.partial(
                services.begin_run,
                self._session_id,
                hold=self._hold,
                source_language=ready.source_language,
                target_language=ready.target_language,
                preserve_voice=ready.preserve_voice,
                engines=ready.engines,
            )
        )

    async def end(self, summary: Summary | None, *, failed: bool, media_s: float) -> bool:
        """A run is over; False when its record is incomplete."""
        complete = await self._lines.flush(timeout_s=FLUSH_S)
        try:
            written = await self._written(
                functools.partial(
                    services.end_run,
                    self._session_id,
                    hold=self._hold,
                    failed=failed,
                    media_s=summary.media_s if summary else media_s,
                    errors=summary.errors if summary else 1,
                    lost_lines=self._lines.lost - self._lost_before,
                )
            )
        except EngineError:
            written = False
        return complete and written

    async def aclose(self, *, media_s: float) -> None:
        """The client is gone: write what is left and give the session free."""
        await self._lines.aclose(timeout_s=FLUSH_S)
        await self._settle()
        await self._written(
            functools.partial(
                services.release_session,
                self._session_id,
                hold=self._hold,
                media_s=media_s,
                lost_lines=self._lines.lost - self._lost_before,
            )
        )

    async def _save(self, lines: Sequence[LineRecord]) -> None:
        async with asyncio.timeout(CALL_S):
            await in_orm_thread(services.save_lines, self._session_id, lines, hold=self._hold)
        await self._settle()

    async def _settle(self) -> None:
        if not settings.MAX_MINUTES_PER_DAY:
            return
        seconds = self._budget.to_settle()
        try:
            async with asyncio.timeout(CALL_S):
                left_s = await in_orm_thread(services.add_use, self._user_id, seconds)
        except (DatabaseError, TimeoutError):
            return  # counted on here, and settled with the next write
        self._budget.settle(seconds, left_s)

    async def _written(self, write: functools.partial[None]) -> bool:
        try:
            async with asyncio.timeout(CALL_S):
                await in_orm_thread(write)
        except services.HoldLostError:
            raise EngineError(
                "session_lost", "Another connection has taken this session.", recoverable=False
            ) from None
        except (DatabaseError, TimeoutError) as error:
            log.warning(
                "session not written",
                extra={"session": str(self._session_id), "error": type(error).__name__},
            )
            return False
        return True
