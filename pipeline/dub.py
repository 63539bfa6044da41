"""The half of a run that every listener has of their own: committed lines → cues, told.

``Turns`` has the lines spoken, each in a task of its own, a few at once, and says what
becomes of those that wait; ``Speaking`` releases them strictly in source order. Where the
lines come from is the other half's affair: ``Dubber`` hears and commits them, ``Follower``
is given another run's.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine
from contextlib import suppress
from itertools import islice
from typing import Any

from pipeline import metrics
from pipeline.bounds import WITHDRAWN_MAX
from pipeline.events import Failure, Notice
from pipeline.ledger import Entry, Ledger
from pipeline.outbox import Outbox
from pipeline.plan import DubbingPlan, Engines
from pipeline.ports import EngineError
from pipeline.scheduler import Scheduler
from pipeline.snapshot import Delivered, RunSnapshot
from pipeline.speaking import Output, Speaking
from pipeline.takeover import Takeover, take_over
from pipeline.tally import Tally
from pipeline.turns import Turns
from pipeline.types import Voice

log = logging.getLogger(__name__)


class Dub(ABC):
    """``continues`` and ``heard``: what another process left of the run, and what the client
    has got of it. ``on_progress`` is called when the next ``snapshot`` says something new."""

    def __init__(
        self,
        plan: DubbingPlan,
        engines: Engines,
        *,
        continues: RunSnapshot | None,
        heard: Delivered | None,
        on_progress: Callable[[], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._plan = plan
        self._engines = engines
        self._before = continues
        self._takeover = take_over(continues, heard) if continues else Takeover()
        self._on_progress = on_progress or (lambda: None)
        self._clock = clock
        self._outbox: Outbox[Output] = Outbox()
        self._tally = Tally(continues.tally if continues else None)
        self._ledger = Ledger(self._takeover.kept, self._takeover.end_s)
        self._scheduler = Scheduler(live=plan.live, end_s=self._takeover.end_s)
        self._turns = Turns(
            engines.synthesizer,
            self._scheduler,
            live=plan.live,
            live_edge_s=self._live_edge_s,
            clock=clock,
            voice_now=self._voice_now,
        )
        self._withdrawn: set[tuple[str, str]] = set()
        self._speaking = Speaking(
            self._turns,
            self._scheduler,
            tell=self._outbox.put,
            report=self._report,
            on_begin=self._on_progress,
            clock=clock,
            next_cue=self._takeover.next_cue,
            heard=self._takeover.heard,
        )
        self._winding_down = False
        if plan.live:
            metrics.track_backlog(self, lambda run: run.backlog_s)
        self._run: asyncio.Task[None] | None = None

    # Where the lines come from -----------------------------------------------------

    @abstractmethod
    def _loops(self) -> list[Coroutine[Any, Any, None]]:
        """What brings the lines; one of them closes the turns after the last."""

    @abstractmethod
    def _live_edge_s(self) -> float:
        """Media time that is being heard now."""

    @abstractmethod
    def _heard_s(self) -> float:
        """Source audio of the run's summary."""

    @abstractmethod
    def _speakers(self) -> int:
        """Speakers told apart so far."""

    @abstractmethod
    async def start(self) -> None:
        """Begin; raises EngineError when an engine cannot."""

    @abstractmethod
    async def finish(self) -> None:
        """Nothing more is taken in: what was said is dubbed, then ``events`` ends."""

    @abstractmethod
    async def _commit_no_more(self) -> None:
        """Take no further lines; returns when one that is just being taken is told."""

    async def _settle(self) -> None:  # noqa: B027 - most have nothing to do
        """What is still to be done once all lines are spoken; bounded."""

    @abstractmethod
    async def _release(self) -> None:
        """Free what only this half holds; the loops have stopped."""

    @abstractmethod
    def snapshot(self) -> RunSnapshot:
        """What another process needs to go on from here; at any time after the start.

        A line counts as given out once it has been taken from ``events``.
        """

    # Life ----------------------------------------------------------------------------

    def _begin(self) -> None:
        self._run = asyncio.create_task(self._supervise(), name=f"dub {self._plan.session_id}")

    @property
    def backlog_s(self) -> float:
        """Dubbed audio beyond the live edge; 0 before the first and after the last."""
        if self._run is None or self._run.done():
            return 0.0
        return self._scheduler.backlog_s(self._live_edge_s())

    def withdraw(self, gone: Collection[tuple[str, str]]) -> None:
        """These lasting voices, each an engine and its bank's id, may not be used any more:
        whatever is not being spoken yet is spoken with the voice they stand on."""
        self._withdrawn.update(islice(gone, max(0, WITHDRAWN_MAX - len(self._withdrawn))))

    def _voice_now(self, voice: Voice) -> Voice:
        if (voice.engine, voice.lasting) in self._withdrawn and voice.stands_on is not None:
            return voice.stands_on
        return voice

    def notice(self, notice: Notice) -> None:
        """Tell the listener something; never waits."""
        self._outbox.offer(notice)

    async def events(self) -> AsyncGenerator[Output, None]:
        """Everything the run tells, in order; a Summary comes last, unless it wound down."""
        while (output := await self._outbox.get()) is not None:
            finished = self._ledger.take(output)
            if finished is not None and not finished.recorded:
                self._tally.count(finished.unheard, finished.latencies)
            yield output
            if finished is not None:
                self._on_progress()
        if not self._winding_down:
            yield self._tally.summary(self._heard_s(), self._speakers())

    async def aclose(self) -> None:
        """Stop at once and free the engines' streams. Idempotent."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    async def wind_down(self, *, timeout_s: float) -> RunSnapshot:
        """Stop for a restart: commit nothing more, give out what is committed.

        Waits until ``events`` has given out every committed line, at most ``timeout_s``.
        Then the run stops and ``events`` ends without a Summary; what nobody had taken from
        it by then is in the snapshot's ``pending``.
        """
        self._winding_down = True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._commit_no_more()
                await self._ledger.settled()
        await self.aclose()
        self._outbox.cut()
        return self.snapshot()

    def _enter(self, entry: Entry) -> Entry:
        self._ledger.enter(entry)
        return entry

    def _report(self, error: EngineError) -> None:
        self._tally.fail()
        self._outbox.insist(Failure(code=error.code, message=str(error)))

    async def _supervise(self) -> None:
        loops = [
            asyncio.create_task(loop)
            for loop in (*self._loops(), self._turns.run(), self._speaking.run())
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
            for loop in done:
                loop.result()
            if not self._winding_down:
                await self._settle()
        except EngineError as error:
            self._report(error)
        except Exception:
            log.exception("run failed", extra={"session": self._plan.session_id})
            self._report(
                EngineError("internal_error", "Dubbing stopped because of a fault in the server.")
            )
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._turns.aclose()
            await self._release()
        await self._outbox.end()
