"""A run without ears: another run's lines, spoken for one more listener in their own way.

It has its own voices, timeline, backlog and pace, and falls behind or breaks alone. What it
is given by ``push`` is what ``Feed`` tells; nothing is recognised or translated here.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from pipeline import metrics
from pipeline.bounds import FOLLOWING_WAITING_MAX
from pipeline.committing.again import clause_of, known, line_again
from pipeline.committing.listening import SAME_LANGUAGE, transcript_of
from pipeline.dub import Dub
from pipeline.events import LanguageFound, PartialTranscript
from pipeline.handover.snapshot import CastVoice, CommittingState, Delivered, Followed, RunSnapshot
from pipeline.handover.takeover import Again
from pipeline.hearing.live_edge import LiveEdge
from pipeline.plan import AUTO, DubbingPlan, Engines
from pipeline.ports import EngineError
from pipeline.reporting.announcing import Announced
from pipeline.reporting.notices import LINES_MISSED
from pipeline.sharing.awaited import Awaited
from pipeline.sharing.feeds import Aside
from pipeline.sharing.shared import (
    AnyShared,
    FeedClosed,
    RunBegan,
    RunEnded,
    SharedClock,
    SharedLine,
    SharedPartial,
    SharedTranslation,
)
from pipeline.speaking.ledger import Entry
from pipeline.speaking.making import Translation
from pipeline.speaking.playing import Timing
from pipeline.types import Line, Voice
from pipeline.voices.casting import Casting
from pipeline.voices.kept_voices import KeptVoices
from pipeline.voices.likeness import Likeness
from pipeline.voices.made_voices import MadeVoices
from pipeline.voices.warming import Warming


class Follower(Dub):
    """``plan`` has the languages of the run that is followed, ``began``.

    ``shares_voices``: this run's synthesiser is the very one of that run, so that voices
    which were shaped there can be used here. ``voices`` keeps the shaped voices of the
    session that is followed; they are looked up there when that is another process.
    """

    def __init__(
        self,
        plan: DubbingPlan,
        engines: Engines,
        began: RunBegan,
        *,
        shares_voices: bool = False,
        continues: RunSnapshot | None = None,
        heard: Delivered | None = None,
        on_progress: Callable[[], None] | None = None,
        voices: KeptVoices | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        engines.refuse_unspoken(plan.target_language)
        self._edge = LiveEdge()
        super().__init__(
            plan,
            engines,
            continues=continues,
            heard=heard,
            on_progress=on_progress,
            clock=clock,
        )
        self._began = began
        self._shares_voices = shares_voices
        self._casting = Casting(engines.synthesizer.voices(plan.target_language))
        self._warming = Warming(engines.synthesizer, plan.target_language)
        self._likeness = Likeness(
            engines.cloner,
            self._casting,
            warm=self._warming.now,
            kept=voices if plan.preserve_voice else None,
        )
        self._announced = Announced()
        self._waiting: deque[tuple[SharedLine, Aside | None]] = deque()
        self._wake = asyncio.Event()
        self._between_lines = asyncio.Lock()
        self._finished = self._stopped = False
        self._translations = Awaited()
        self._borrowed: set[MadeVoices] = set()
        self._next_line = 0
        self._followed = Followed(run=began.run, line=-1)
        self._found = ""
        if continues is not None:
            state = continues.committing
            self._next_line, self._found = state.next_line, state.language
            self._casting.restore(state.cast)
            self._announced.restore(state.announced)
            self._followed = continues.followed or self._followed
        self._again: list[Entry] = []
        metrics.track_queue("following_waiting", self, lambda run: len(run._waiting))

    async def start(self) -> None:
        """Raises EngineError when the synthesiser cannot be warmed."""
        await self._engines.synthesizer.prepare(self._plan.target_language)
        self._again = [self._enter_again(one) for one in self._takeover.again]
        self._begin()

    def push(self, item: AnyShared, aside: Aside | None = None) -> None:
        """Take what the followed run tells; never waits.

        When too many lines wait the oldest goes. Translations and the clock wait for nothing:
        they may be what a waiting line waits for.
        """
        match item:
            case SharedClock():
                self._note(item)
            case SharedTranslation():
                if item.run == self._followed.run:
                    self._translations.resolve(item)
            case SharedPartial() if not self._finished:
                self._outbox.offer(
                    PartialTranscript(
                        utterance=item.utterance, text=item.text, language=item.language
                    )
                )
            case SharedLine() if not (self._finished or self._winding_down):
                self._queue(item, aside)
            case RunEnded():
                self._end(complete=item.complete)
            case FeedClosed() if not item.moved:
                self._end(complete=True)

    async def finish(self) -> None:
        """No more lines are taken: those that were are dubbed, then ``events`` ends."""
        self._end(complete=False)

    # Going on elsewhere ------------------------------------------------------------

    @property
    def followed(self) -> Followed:
        """How far this run has got in the other."""
        return replace(self._followed, untranslated=self._translations.open())

    def snapshot(self) -> RunSnapshot:
        return RunSnapshot(
            committing=CommittingState(
                next_line=self._next_line,
                cast=self._casting.export(),
                announced=self._announced.export(),
                language=self._found,
            ),
            tally=self._tally.export(),
            next_cue=self._speaking.next_cue,
            scheduled_end_s=self._ledger.end_s,
            media_s=self._live_edge_s(),
            committed_s=None,
            next_utterance=0,
            hear_from=0,
            hear_from_chunk=-1,
            pending=self._ledger.pending(),
            sent=self._ledger.sent(),
            followed=self.followed,
        )

    async def _commit_no_more(self) -> None:
        self._stopped = True
        async with self._between_lines:
            pass

    def _enter_again(self, again: Again) -> Entry:
        now, pending = self._clock(), again.line
        who = pending.speaker.speaker
        voice = self._casting.by_id(pending.voice) or self._casting.assign(who)
        line = line_again(pending, self._plan.target_language, voice)
        translation: asyncio.Future[Translation]
        if pending.target_text is not None:
            translation = known(pending.target_text)
        else:
            theirs = {own: line for line, own in self._followed.untranslated.items()}
            translation = self._translations.wait_for(theirs.get(pending.line, -1), pending.line)
        return self._enter(Entry.taken_over(again, line, translation, Timing(now, now, now)))

    # What comes --------------------------------------------------------------------

    def _note(self, clock: SharedClock) -> None:
        self._edge.note(clock.media_s, self._clock())
        if self._followed.from_s is None:
            self._followed = replace(self._followed, from_s=clock.media_s)
        self._turns.moved()

    def _queue(self, line: SharedLine, aside: Aside | None) -> None:
        if line.run != self._followed.run or line.line <= self._newest:
            return  # told again by a process that goes on with the followed run
        if len(self._waiting) >= FOLLOWING_WAITING_MAX:
            gone, _ = self._waiting.popleft()
            self._translations.forget(gone.line)
            self._outbox.offer(LINES_MISSED)
        if aside is not None and self._borrows and aside.made not in self._borrowed:
            self._borrowed.add(aside.made)
            aside.made.use()
        self._waiting.append((line, aside))
        self._translations.expect(line.line)
        self._wake.set()

    @property
    def _borrows(self) -> bool:
        """Whether it speaks with the voices that the followed run has shaped."""
        return self._shares_voices and self._began.preserve_voice and self._plan.preserve_voice

    @property
    def _newest(self) -> int:
        return self._waiting[-1][0].line if self._waiting else self._followed.line

    def _end(self, *, complete: bool) -> None:
        """No more lines come; ``complete``: nor translations of those that have."""
        if complete:
            self._translations.fail(
                EngineError(
                    "leader_gone",
                    "The session that you follow ended before this was translated.",
                    recoverable=False,
                )
            )
        self._finished = True
        self._wake.set()
        if not self._winding_down:
            self._turns.moved(ended=True)

    # Lines -------------------------------------------------------------------------

    def _loops(self) -> list[Coroutine[Any, Any, None]]:
        return [self._listen()]

    async def _listen(self) -> None:
        for entry in self._again:
            async with self._between_lines:
                await self._tell(entry)
        while not self._stopped:
            if self._waiting:
                async with self._between_lines:
                    if not self._stopped:
                        await self._commit(*self._waiting.popleft())
                continue
            if self._finished:
                break
            self._wake.clear()
            await self._wake.wait()
        if not self._stopped:
            self._turns.close()

    async def _commit(self, shared: SharedLine, aside: Aside | None) -> None:
        number = self._next_line
        line = Line(
            sequence=number,
            clause=clause_of(shared.text, shared.start_s, shared.end_s),
            source_language=shared.language,
            target_language=self._plan.target_language,
            source_text=shared.text,
            speaker=shared.speaker,
            voice=self._voice_of(shared, aside),
            style=shared.style,
        )
        now = self._clock()
        timing = Timing(
            now - shared.arrived_ago_s, now - shared.decided_ago_s, now - shared.recognized_ago_s
        )
        translation = self._translations.wait_for(shared.line, number)
        entry = Entry(line, translation, timing, shared.heard_s)
        if line.source_language == line.target_language:
            entry.skipped = SAME_LANGUAGE
        # Nothing is awaited from here to there: a snapshot has all of the line or nothing.
        self._next_line += 1
        self._followed = replace(self._followed, line=shared.line)
        self._enter(entry)
        await self._tell(entry)
        self._on_progress()

    def _voice_of(self, shared: SharedLine, aside: Aside | None) -> Voice:
        """The same stock voice as the one who is followed hears, where the engine is the
        same; shaped after the speaker if this listener wants that."""
        speaker, engine = shared.speaker.speaker, self._engines.synthesizer.name
        if shared.engine == engine and not self._casting.has(speaker):
            self._casting.restore((CastVoice(speaker, shared.stock, pinned=False),))
        voice = self._casting.assign(speaker, shared.pitch_hz)
        if self._plan.preserve_voice and speaker is not None:
            if aside is not None and self._borrows:
                voice = aside.voice
            elif aside is not None and aside.sound is not None:
                if shared.speaker.certain:
                    self._likeness.collect(speaker, aside.sound)
            elif shared.shaped and shared.engine == engine and voice.profile is None:
                self._likeness.recall(speaker, known=True, again=True)
        self._warming.soon(voice)
        return voice

    async def _tell(self, entry: Entry) -> None:
        line = entry.line
        if self._plan.source_language == AUTO and line.source_language != self._found:
            self._found = line.source_language
            await self._outbox.put(LanguageFound(language=self._found))
        if not entry.told:
            await self._outbox.put(transcript_of(entry))
        if news := self._announced.news_of(line):
            await self._outbox.put(news)
        await self._turns.add(entry)

    # The media clock ---------------------------------------------------------------

    def _live_edge_s(self) -> float:
        before_s = self._before.media_s if self._before else 0.0
        return max(self._edge.at(self._clock()), before_s)

    def _heard_s(self) -> float:
        from_s = self._followed.from_s
        newest_s = max(self._edge.newest_s, self._before.media_s if self._before else 0.0)
        return 0.0 if from_s is None else max(0.0, newest_s - from_s)

    def _speakers(self) -> int:
        return len(self._announced)

    async def _release(self) -> None:
        await self._translations.aclose()
        await self._warming.aclose()
        await self._likeness.aclose()
        # Not before the last line is told.
        borrowed, self._borrowed = self._borrowed, set()
        await asyncio.gather(*(made.release() for made in borrowed))
