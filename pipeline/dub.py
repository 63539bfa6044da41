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
from pipeline.events import CueAudio, CueEnded, CueScheduled, Failure, Notice
from pipeline.handover.snapshot import Delivered, RunSnapshot
from pipeline.handover.takeover import Takeover, take_over
from pipeline.plan import DubbingPlan, Engines
from pipeline.ports import EngineError
from pipeline.reporting.given import Given
from pipeline.reporting.outbox import Outbox
from pipeline.reporting.record import LineRecord
from pipeline.reporting.tally import Tally
from pipeline.speaking.ledger import Entry, Ledger
from pipeline.speaking.loop import Output, Speaking, discarded
from pipeline.speaking.scheduler import Scheduler
from pipeline.speaking.turns import Turns
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
        self._given = Given()
        self._looping: list[asyncio.Task[None]] = []
        self._unwanted = False
        self._rest: list[Output] = []
        """What is still told of a run that was discarded."""
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
            self._given.note(output)
            finished = self._count(output)
            yield output
            if finished:
                self._on_progress()
        for output in self._rest:
            self._count(output)
            yield output
        if not self._winding_down:
            yield self._tally.summary(self._heard_s(), self._speakers())

    def _count(self, output: Output) -> bool:
        """Whether a line is finished with it."""
        finished = self._ledger.take(output)
        if finished is not None and not finished.recorded:
            self._tally.count(finished.unheard, finished.latencies)
        return finished is not None

    async def discard(self) -> None:
        """Stop at once for good: nobody wants what is left.

        What is made or asked of an engine just now is cancelled. ``events`` gives out which
        lines nobody will hear, and a Summary.
        """
        self._unwanted = True
        if not self._looping:
            await asyncio.sleep(0)  # what was made just now has yet to begin
        for loop in self._looping:
            loop.cancel()
        if self._run is not None:
            await asyncio.wait([self._run])
        left = self._outbox.cut()
        told = [one for one in left if not isinstance(one, CueScheduled | CueAudio | CueEnded)]
        done = {one.sequence for one in told if isinstance(one, LineRecord)}
        self._rest += self._given.ends()
        self._rest += told
        for entry in self._ledger.open:
            if entry.line.sequence not in done:
                self._rest += discarded(entry)

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
        self._looping = loops = [
            asyncio.create_task(loop)
            for loop in (*self._loops(), self._turns.run(), self._speaking.run())
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
            if self._unwanted:
                # Before anything else is waited for: what is being made costs.
                await self._turns.aclose()
            else:
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
        if not self._unwanted:
            await self._outbox.end()
