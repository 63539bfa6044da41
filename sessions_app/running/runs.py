"""The runs of one session, one after another, and what they say, counted over all of them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection
from dataclasses import replace

import msgspec

from pipeline import metrics
from pipeline.bounds import RUNS_MAX
from pipeline.dubber import Output
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    CueEnded,
    CueScheduled,
    Event,
    Failure,
    Merged,
    Notice,
    Ready,
    Skipped,
    Summary,
    Translated,
)
from pipeline.guards.usage import Meter
from pipeline.handover.snapshot import Delivered, RunSnapshot
from pipeline.hearing.recent_speech import NOTHING, Spoken
from pipeline.reporting.record import LineRecord
from pipeline.sharing.feeds import Feed
from pipeline.wire import WireError
from sessions_app.running.follow_run import FollowRun
from sessions_app.running.journal import Journal
from sessions_app.running.live_state import RunsState, RunState
from sessions_app.running.outbox import Outbox
from sessions_app.running.run import Run, RunRequest

log = logging.getLogger(__name__)


class Runs:
    """``on_progress`` is called when what another process would need has changed; ``meter``
    counts what all of them take of the engines."""

    def __init__(
        self,
        session_id: str,
        *,
        outbox: Outbox,
        journal: Journal,
        first_line: int,
        on_progress: Callable[[], None],
        meter: Meter | None = None,
    ) -> None:
        self.current: Run | None = None
        """Takes the audio; runs before it may still be dubbing what they took."""
        self.media_s = 0.0
        """Source audio of the run in hand."""
        self.feed = Feed()
        """What those are told who follow the session."""
        self._session_id = session_id
        self._outbox = outbox
        self._journal = journal
        self._on_progress = on_progress
        self._meter = meter
        self._lines = self._line_base = first_line
        self._cues = self._cue_base = 0
        self._speakers: set[str] = set()
        self._conducted: Run | None = None
        self._waiting: asyncio.Queue[Run] = asyncio.Queue(RUNS_MAX)
        self._unended: list[Run] = []
        """The one that is conducted and those that wait, in order."""
        self._conducting: asyncio.Task[None] | None = None
        metrics.track_queue("runs_waiting", self, lambda runs: runs._waiting.qsize())

    def start(self) -> None:
        self._conducting = asyncio.create_task(self._conduct(), name=f"runs {self._session_id}")

    async def aclose(self) -> None:
        """Stop at once. Idempotent."""
        if self._conducting is not None:
            self._conducting.cancel()
            await asyncio.gather(self._conducting, return_exceptions=True)

    def open(self, request: RunRequest, *, after_chunk: int) -> Run:
        """The run that takes the audio from now on. Raises WireError.

        The run before it must have been finished: it dubs what it took.
        """
        run = self._made(msgspec.structs.replace(request, id=uuid.uuid4().hex))
        run.after_chunk = after_chunk
        self._queue(run)
        return run

    def _made(
        self,
        request: RunRequest,
        *,
        continues: RunSnapshot | None = None,
        heard: Delivered | None = None,
    ) -> Run:
        if request.follows:
            return FollowRun(
                request,
                tell=self._tell,
                begin=self._begin,
                on_progress=self._on_progress,
                meter=self._meter,
                continues=continues,
                heard=heard,
            )
        return Run(
            request,
            tell=self._tell,
            begin=self._begin,
            on_progress=self._on_progress,
            meter=self._meter,
            continues=continues,
            heard=heard,
            feed=self.feed,
        )

    def _queue(self, run: Run) -> None:
        try:
            self._waiting.put_nowait(run)
        except asyncio.QueueFull:
            raise WireError(
                "too_many_runs", "Dubbing is being restarted too often; wait for the summary."
            ) from None
        self.current = run
        self._unended.append(run)
        self._on_progress()

    @property
    def unended(self) -> tuple[Run, ...]:
        """The run that is conducted and those that wait for their turn, in order."""
        return tuple(self._unended)

    def discard(self) -> None:
        """Nobody wants what is left of the runs there are: they end at once."""
        for run in self._unended:
            run.discard()

    async def decided(self, label: str) -> None:
        """A person decided about a speaker: from their next clause on it is so."""
        if self._conducted is not None and not self._conducted.ended:
            await self._conducted.decided(label)

    def withdraw(self, gone: Collection[tuple[str, str]]) -> None:
        """These lasting voices may not be used any more; never waits."""
        if self._conducted is not None:
            self._conducted.withdraw(gone)

    def speakers_known_as(self, actor: str) -> list[str]:
        """Speakers of the run in whom that actor was recognised."""
        return self._conducted.speakers_known_as(actor) if self._conducted is not None else []

    def has_heard(self, speaker: str) -> bool:
        """Whether a line of this connection's runs was the speaker's."""
        return speaker in self._speakers

    def speech_of(self, speaker: str) -> Spoken:
        """What the run in hand still has of a speaker's speech."""
        return self._conducted.speech_of(speaker) if self._conducted is not None else NOTHING

    # Moving ------------------------------------------------------------------------

    def state(self) -> RunsState:
        """What another process needs to go on with these runs."""
        conducted, current = self._conducted, self.current
        run = then = None
        if conducted is not None and not conducted.ended:
            run = _state_of(conducted, conducted.snapshot())
        if current is not None and current is not conducted and not current.over:
            then = _state_of(current, None)
        return RunsState(
            run=run,
            then=then,
            lines=self._lines,
            cues=self._cues,
            line_base=self._line_base,
            cue_base=self._cue_base,
            media_s=self.media_s,
        )

    async def wind_down(self, *, timeout_s: float) -> RunsState:
        """Let the run in hand say what it has committed, and nothing more."""
        run = self._conducted
        if run is None or run.ended:
            return self.state()
        snapshot = await run.wind_down(timeout_s=timeout_s)
        state = self.state()
        return msgspec.structs.replace(state, run=_state_of(run, snapshot))

    def restore(self, state: RunsState, *, heard: Delivered) -> None:
        """Go on with the runs of another process; before ``start``. ``heard`` counts the
        session's cues."""
        self._lines, self._cues = state.lines, state.cues
        self._line_base, self._cue_base = state.line_base, state.cue_base
        self.media_s = state.media_s
        if state.run is not None:
            run = self._made(
                state.run.request,
                continues=state.run.snapshot,
                heard=Delivered(cue=max(0, heard.cue - state.cue_base), samples=heard.samples),
            )
            run.after_chunk = state.run.after_chunk
            self._conducted = run
            self._queue(run)
        if state.then is not None:
            if self.current is not None:
                self.current.finish()
            self.open(state.then.request, after_chunk=state.then.after_chunk)

    # Conducting --------------------------------------------------------------------

    async def _conduct(self) -> None:
        while True:
            run = await self._waiting.get()
            if run is not self._conducted:
                # A run that goes on from another process keeps its bases.
                self._conducted = run
                self._line_base, self._cue_base = self._lines, self._cues
            metrics.run_began()
            try:
                await run.execute()
            except Exception:
                log.exception("run failed")
                run.failed = True
                self._journal.note("error", "internal_error")
                self._outbox.offer(
                    Failure(
                        code="internal_error",
                        message="Dubbing stopped because of a fault in the server.",
                    )
                )
            finally:
                self._unended.remove(run)
                metrics.run_ended()
            if run.wound_down:
                return
            if run.started and run.summary is None:
                await self._journal.end(None, failed=True, media_s=self.media_s)
                self.media_s = 0.0
            self._on_progress()

    async def _begin(self, ready: Ready, request: RunRequest) -> None:
        if not await self._journal.begin(ready, team=request.team, title=request.title):
            await self._say_record_incomplete()

    # Telling -----------------------------------------------------------------------

    async def _tell(self, output: Output) -> None:
        """Pass on what a run says; lines and cues are counted over all runs."""
        match output:
            case LineRecord():
                record = replace(output, sequence=self._line_base + output.sequence)
                self._lines = max(self._lines, record.sequence + 1)
                if not self._journal.line(record):
                    await self._say_record_incomplete()
            case CueScheduled():
                self._cues = max(self._cues, self._cue_base + output.cue + 1)
                await self._outbox.put(
                    msgspec.structs.replace(
                        output,
                        cue=self._cue_base + output.cue,
                        line=self._line_base + output.line,
                    )
                )
            case CueAudio() | CueEnded():
                await self._outbox.put(
                    msgspec.structs.replace(output, cue=self._cue_base + output.cue)
                )
            case CommittedTranscript() | Translated() | Skipped():
                if isinstance(output, CommittedTranscript) and output.speaker is not None:
                    self._speakers.add(output.speaker)
                # A line that was announced keeps its number even if it is never finished.
                self._lines = max(self._lines, self._line_base + output.line + 1)
                await self._outbox.put(
                    msgspec.structs.replace(output, line=self._line_base + output.line)
                )
            case Merged():
                await self._outbox.put(
                    Merged(line=self._line_base + output.line, into=self._line_base + output.into)
                )
            case Summary():
                # Written first: who reads the summary may ask for the session at once.
                failed = self._conducted is not None and self._conducted.failed
                if not await self._journal.end(output, failed=failed, media_s=0.0):
                    await self._say_record_incomplete()
                self.media_s = 0.0
                await self._outbox.put(output)
            case Event():
                if isinstance(output, Failure):
                    self._journal.note("error", output.code)
                elif isinstance(output, Notice):
                    self._journal.note("notice", output.code)
                await self._outbox.put(output)

    async def _say_record_incomplete(self) -> None:
        message = "The database is away: dubbing goes on, but parts of the record are missing."
        await self._outbox.put(Notice(code="record_incomplete", message=message))


def _state_of(run: Run, snapshot: RunSnapshot | None) -> RunState:
    return RunState(
        request=run.request,
        snapshot=snapshot,
        finishing=run.finishing,
        after_chunk=run.after_chunk,
    )
