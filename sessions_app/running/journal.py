"""What one live session writes down: the runs of its session, their lines, what it used.

Every call is bounded in time; a database that is away costs the record, not the dubbing.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Literal

from django.db import Error as DatabaseError
from django.utils import timezone

from accounts.orm_thread import in_orm_thread
from pipeline.bounds import INCIDENTS_WAITING_MAX, UNWRITTEN_MAX
from pipeline.bounds import JOURNAL_CALL_S as CALL_S
from pipeline.bounds import JOURNAL_FLUSH_S as FLUSH_S
from pipeline.events import Ready, Summary
from pipeline.ports import EngineError
from pipeline.reporting.record import LineRecord
from sessions_app import holding
from sessions_app.running.record import LineWriter
from sessions_app.usage.settling import Owed, Settling

log = logging.getLogger(__name__)


class Journal:
    """``settling`` goes with every write."""

    def __init__(self, session_id: uuid.UUID, hold: uuid.UUID, settling: Settling) -> None:
        self._session_id = session_id
        self._hold = hold
        self._settling = settling
        self._lines = LineWriter(self._save, then=settling.write)
        self._lost_before = 0
        self._incidents: deque[holding.NewIncident] = deque()

    def start(self) -> None:
        self._lines.start()

    def line(self, record: LineRecord) -> bool:
        """Take a finished line; False when an older one was lost for it."""
        return self._lines.offer(record)

    def note(self, kind: Literal["error", "notice"], code: str) -> None:
        """Note what the listener was told; beyond the bound it is not noted."""
        if len(self._incidents) < INCIDENTS_WAITING_MAX:
            new = holding.NewIncident(uuid.uuid4(), kind, code, timezone.now())
            self._incidents.append(new)

    def unwritten(self) -> list[LineRecord]:
        """Finished lines that the database does not have yet, at most UNWRITTEN_MAX."""
        return self._lines.waiting()[-UNWRITTEN_MAX:]

    def owed(self) -> list[Owed]:
        """Writes of use that are not known to be done."""
        return self._settling.owed()

    def settle_soon(self) -> None:
        """Do not wait for lines: the reservation of the user's day comes to its end."""
        self._lines.soon()

    async def flush(self) -> bool:
        """Write what is there; False when that was not possible in time."""
        return await self._lines.flush(timeout_s=FLUSH_S)

    async def leave(self) -> None:
        """Write what was used, before the session is put down: what could not be written in
        a moment is ``owed`` then, and moves along."""
        await self._settling.leave()

    async def abandon(self) -> None:
        """Stop writing; the session goes on elsewhere, with the lines not written here."""
        await self._lines.aclose(timeout_s=0.0)
        # Also what moved along: it counts once, whoever writes it.
        await self._settling.write(closes=True)
        self._settling.lose()

    async def begin(self, ready: Ready, *, team: int | None = None, title: str = "") -> bool:
        """A run begins; False when that could not be written. Raises EngineError when another
        client has taken the session over, or the team or title is not the user's."""
        self._lost_before = self._lines.lost
        return await self._written(
            functools.partial(
                holding.begin_run,
                self._session_id,
                hold=self._hold,
                source_language=ready.source_language,
                target_language=ready.target_language,
                preserve_voice=ready.preserve_voice,
                engines=ready.engines,
                team=team,
                title=title,
                follows=uuid.UUID(ready.follows) if ready.follows else None,
            )
        )

    async def end(self, summary: Summary | None, *, failed: bool, media_s: float) -> bool:
        """A run is over; False when its record is incomplete."""
        complete = await self._lines.flush(timeout_s=FLUSH_S)
        if complete:
            # Else the database is away, and the summary has waited for it long enough.
            await self._settling.write()
            await self._write_incidents()
        try:
            written = await self._written(
                functools.partial(
                    holding.end_run,
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
        await self._settling.close()
        self._settling.lose()
        await self._write_incidents()
        await self._written(
            functools.partial(
                holding.release_session,
                self._session_id,
                hold=self._hold,
                media_s=media_s,
                lost_lines=self._lines.lost - self._lost_before,
            )
        )

    async def _save(self, lines: Sequence[LineRecord]) -> None:
        incidents = list(self._incidents)
        async with asyncio.timeout(CALL_S):
            await in_orm_thread(
                holding.save_lines,
                self._session_id,
                lines,
                hold=self._hold,
                incidents=incidents,
            )
        for _ in incidents:
            self._incidents.popleft()

    async def _write_incidents(self) -> None:
        """Those that came after the last lines."""
        if incidents := list(self._incidents):
            self._incidents.clear()
            await self._written(
                functools.partial(holding.save_lines, self._session_id, (), incidents=incidents)
            )

    async def _written(self, write: functools.partial[None]) -> bool:
        try:
            async with asyncio.timeout(CALL_S):
                await in_orm_thread(write)
        except holding.HoldLostError:
            raise EngineError(
                "session_lost", "Another connection has taken this session.", recoverable=False
            ) from None
        except holding.TeamUnknownError:
            raise EngineError(
                "team_unknown", "You are in no team with this number.", recoverable=False
            ) from None
        except holding.TitleUnknownError:
            raise EngineError(
                "title_unknown", "You have no title of this id.", recoverable=False
            ) from None
        except (DatabaseError, TimeoutError) as error:
            log.warning(
                "session not written",
                extra={"session": str(self._session_id), "error": type(error).__name__},
            )
            return False
        return True
