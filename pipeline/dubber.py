"""The product on one page: sound in, dubbed cues out, in order.

Five loops. ``Hearing`` turns chunks into speech pieces and feeds the recogniser;
``Listening`` commits clauses, those recognised in one loop and those of which the client has
the text in another, and decides who says them in which voice; the other two, which
have the lines spoken and release them in order, are ``Dub``'s. The tasks own no state; the
loops own it alone and need no lock.

A run can be cut at any moment and gone on with by another process: ``snapshot`` says what
that needs, ``Dubber(continues=…)`` takes it over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from pipeline import metrics
from pipeline.bounds import TAPE_OF_FILE_S, TAPE_S
from pipeline.committing.committer import Committer
from pipeline.committing.lines import Committing
from pipeline.committing.listening import Listening
from pipeline.dub import Dub
from pipeline.handover.snapshot import Delivered, RunSnapshot
from pipeline.handover.takeover import Again
from pipeline.hearing.inbox import Inbox
from pipeline.hearing.loop import Hearing
from pipeline.hearing.recent_speech import Spoken
from pipeline.hearing.recognition import Recognition
from pipeline.hearing.tape import Tape
from pipeline.plan import DubbingPlan, Engines
from pipeline.reporting.gauge import Gauge
from pipeline.reporting.notices import AUDIO_DROPPED, MEDIA_JUMP, RECOGNIZER_RESTARTED
from pipeline.sharing.feeds import Share
from pipeline.speakers.memory import Identity, SpeakerMemory
from pipeline.speaking.ledger import Entry
from pipeline.speaking.loop import Output
from pipeline.speaking.playing import Timing
from pipeline.text.source_text import SourceText
from pipeline.types import AudioChunk, Pcm
from pipeline.voices.kept_voices import KeptVoices

__all__ = ["Dubber", "DubbingPlan", "Engines", "Output"]


class Dubber(Dub):
    """One run: one source stream, one pair of languages, from first to last sample.

    ``continues`` goes on with a run of another process: its lines that the client has not
    got are told first, then audio is taken from ``continues.hear_from`` on. ``heard`` says
    what the client has got; None: all that the snapshot calls sent.

    ``on_progress`` is called when the next ``snapshot`` says something new that is worth
    keeping: after every commit, when a cue begins, and after every line finished.

    ``voices`` keeps shaped voices for whoever goes on with the run; not in the snapshot.
    ``share`` is told what is committed, for those who follow the run.
    ``memory`` knows speakers from before; without, nobody is known.
    ``text`` is what the client has of the source's text, and may be filled at any time.

    Raises EngineError, naming what there is, when the engines lack a language.
    """

    def __init__(
        self,
        plan: DubbingPlan,
        engines: Engines,
        *,
        continues: RunSnapshot | None = None,
        heard: Delivered | None = None,
        on_progress: Callable[[], None] | None = None,
        voices: KeptVoices | None = None,
        share: Share | None = None,
        memory: SpeakerMemory | None = None,
        text: SourceText | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        engines.refuse_unsupported(plan)
        self._inbox = Inbox()
        self._tape = Tape(TAPE_S if plan.live else TAPE_OF_FILE_S)
        super().__init__(
            plan,
            engines,
            continues=continues,
            heard=heard,
            on_progress=on_progress,
            clock=clock,
        )
        self._share = share
        self._text = text or SourceText(continues.source_text if continues else None)
        self._committing = Committing(
            plan, engines, self._tape, clock, voices, memory=memory, tell=self._outbox.insist
        )
        self._recognition = Recognition(
            engines.recognizer,
            plan.recognition,
            lambda: self._outbox.offer(RECOGNIZER_RESTARTED),
        )
        self._gauge = Gauge(
            plan.session_id,
            inbox_s=lambda: self._inbox.waiting_s,
            backlog_s=lambda: self.backlog_s,
            waiting=lambda: self._turns.waiting,
        )
        self._hearing = Hearing(
            engines.detector,
            self._recognition,
            self._tape,
            clock,
            text=self._text,
            on_jump=lambda: self._outbox.offer(MEDIA_JUMP),
            on_heard=self._note_heard,
            on_quiet=lambda: self._listening.foresee(),
            on_lost=self._lose if plan.live else None,
            hear_from=continues.hear_from if continues else 0,
            first_utterance=continues.next_utterance if continues else 0,
        )
        if continues:
            self._committing.restore(continues.committing)
        committed_s = continues.committed_s if continues else None
        self._listening = Listening(
            plan=plan,
            recognition=self._recognition,
            hearing=self._hearing,
            tape=self._tape,
            text=self._text,
            committer=Committer(after_s=committed_s),
            committing=self._committing,
            ledger=self._ledger,
            outbox=self._outbox,
            turns=self._turns,
            clock=clock,
            on_progress=self._on_progress,
            committed_s=committed_s,
            found=continues.committing.language if continues else "",
            share=share,
        )
        self._again: list[Entry] = []

    async def start(self) -> None:
        """Open the engines' streams; raises EngineError when one cannot."""
        plan, engines = self._plan, self._engines
        await self._recognition.open()
        try:
            await asyncio.gather(
                engines.synthesizer.prepare(plan.target_language),
                *(
                    engines.translator.prepare(source, plan.target_language)
                    for source in plan.sources
                    if source != plan.target_language
                ),
            )
        except BaseException:
            await self._recognition.aclose()
            raise
        self._committing.recall_voices()
        if self._share is not None:
            self._share.begin(plan)
        self._again = [self._enter_again(one) for one in self._takeover.again]
        self._begin()

    def push(self, chunk: AudioChunk) -> None:
        """Take live audio; never waits. When the inbox is full the oldest audio goes."""
        if self._winding_down:
            return
        if lost_s := self._inbox.push(chunk):
            self._lose(lost_s)

    def _lose(self, seconds: float) -> None:
        """So much of the source will not be recognised."""
        metrics.count_dropped_audio(seconds)
        if seconds and self._tally.lose_audio(seconds):
            self._outbox.offer(AUDIO_DROPPED)

    def withdraw(self, gone: Collection[tuple[str, str]]) -> None:
        super().withdraw(gone)
        self._committing.withdraw(gone)

    def speakers_known_as(self, actor: str) -> list[str]:
        """Speakers in whom that actor was recognised."""
        return self._committing.speakers_known_as(actor)

    def decide(self, identity: Identity) -> None:
        """A person said who a speaker is; never waits, and holds from the next clause on."""
        self._committing.decide(identity)

    def speech_of(self, speaker: str) -> Spoken:
        """What the last seconds of live audio have of a speaker's clauses."""
        return self._committing.recent_speech.of(speaker)

    async def feed(self, chunk: AudioChunk) -> None:
        """Take audio of a file; waits while the pipeline is behind."""
        await self._inbox.feed(chunk)

    async def finish(self) -> None:
        """No more audio comes: what was said is dubbed, then ``events`` ends."""
        self._inbox.close()

    # Going on elsewhere ------------------------------------------------------------

    def snapshot(self) -> RunSnapshot:
        """What another process needs to go on from here; at any time after ``start``.

        A line counts as given out once it has been taken from ``events``.
        """
        hear_from = self._hearing.position(self._committing.last)
        hear_from_chunk = self._tape.sequence_at(hear_from)
        if hear_from_chunk < 0 and self._before is not None:
            hear_from_chunk = self._before.hear_from_chunk
        return RunSnapshot(
            committing=self._committing.export(),
            tally=self._tally.export(),
            next_cue=self._speaking.next_cue,
            scheduled_end_s=self._ledger.end_s,
            media_s=self._heard_s(),
            committed_s=self._listening.committed_s,
            next_utterance=self._hearing.next_utterance,
            hear_from=hear_from,
            hear_from_chunk=hear_from_chunk,
            pending=self._ledger.pending(),
            sent=self._ledger.sent(),
            source_text=self._text.export(),
        )

    async def wind_down(self, *, timeout_s: float) -> RunSnapshot:
        """As in Dub; nothing more is heard either."""
        self._winding_down = True
        self._hearing.stop()
        self._inbox.close()
        return await super().wind_down(timeout_s=timeout_s)

    async def _settle(self) -> None:
        await self._committing.settle()

    async def _commit_no_more(self) -> None:
        await self._listening.stop()

    def _enter_again(self, again: Again) -> Entry:
        now, pending = self._clock(), again.line
        line, translation = self._committing.line_again(pending)
        entry = Entry.taken_over(again, line, translation, Timing(now, now, now))
        if self._share is not None:
            self._share.line(entry, self._committing.aside(line), now=now)
        return self._enter(entry)

    # The loops ---------------------------------------------------------------------

    def _loops(self) -> list[Coroutine[Any, Any, None]]:
        listening = self._listening
        return [self._hear(), listening.run(self._again), listening.follow_text()]

    async def _hear(self) -> None:
        await self._hearing.run(self._inbox)
        if not self._winding_down:
            self._turns.moved(ended=True)

    def _note_heard(self, pcm: Pcm) -> None:
        self._turns.moved()
        self._gauge.note(pcm)
        if self._share is not None:
            self._share.clock(self._tape.end_s)

    def _heard_s(self) -> float:
        return max(self._tape.end_s, self._before.media_s if self._before else 0.0)

    def _speakers(self) -> int:
        return self._committing.speakers

    def _live_edge_s(self) -> float:
        # A tape that is still empty knows nothing of what the run before has heard.
        before_s = self._before.media_s if self._before else 0.0
        return max(self._tape.live_edge_s(self._clock()), before_s)

    async def _release(self) -> None:
        self._inbox.close()
        await self._committing.aclose()
        await self._recognition.aclose()
