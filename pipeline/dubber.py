"""The product on one page: sound in, dubbed cues out, in order.

Three loops and a queue of tasks. ``_hear`` turns chunks into speech pieces and feeds
the recogniser; ``_listen`` commits clauses and decides who says them in which voice;
every line is then translated and spoken in a task of its own, and the queue holds
*the tasks*, so ``_speak`` releases them strictly in source order while they overlap
in time. The tasks own no state; the loops own it alone and need no lock.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from pipeline.committer import Committer
from pipeline.committing import Committing
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    Event,
    Failure,
    Notice,
    PartialTranscript,
    Skipped,
    Translated,
)
from pipeline.inbox import Inbox, contiguous
from pipeline.making import Clip, make_clip
from pipeline.plan import DubbingPlan, Engines
from pipeline.playing import Timing, play
from pipeline.ports import EngineError
from pipeline.recognition import Recognition
from pipeline.record import LineRecord
from pipeline.scheduler import Scheduler
from pipeline.segmenter import Segmenter
from pipeline.tally import Tally
from pipeline.tape import Tape
from pipeline.types import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Clause,
    Hypothesis,
    Line,
    SpeechPiece,
)

__all__ = ["Dubber", "DubbingPlan", "Engines", "Output"]

log = logging.getLogger(__name__)

LINES_MAX = 32
"""Lines between commitment and speech; a full queue makes the recogniser wait."""
EVENTS_MAX = 512
"""Messages waiting for the listener; a full queue makes the pipeline wait."""
LIVE_FIT = 0.92
"""A live dub aims at this share of its source's length: what it saves, lag does not grow by."""

Output = Event | CueAudio | LineRecord


class Dubber:
    """One run: one source stream, one pair of languages, from first to last sample.

    Raises EngineError, naming what there is, when the engines lack a language.
    """

    def __init__(
        self, plan: DubbingPlan, engines: Engines, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        engines.refuse_unsupported(plan)
        self._plan = plan
        self._engines = engines
        self._clock = clock
        self._inbox = Inbox()
        self._lines: asyncio.Queue[tuple[Line, Timing, asyncio.Task[Clip]] | None] = asyncio.Queue(
            LINES_MAX
        )
        self._events: asyncio.Queue[Output | None] = asyncio.Queue(EVENTS_MAX)
        self._tape = Tape()
        self._tally = Tally()
        self._committer = Committer()
        self._scheduler = Scheduler(live=plan.live)
        self._committing = Committing(plan, engines, self._tape, clock)
        self._decided: dict[int, float] = {}
        self._recognition = Recognition(
            engines.recognizer, plan.source_language, self._tell_restart
        )
        self._run: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the engines' streams; raises EngineError when one cannot."""
        plan, engines = self._plan, self._engines
        await self._recognition.open()
        try:
            await asyncio.gather(
                engines.translator.prepare(plan.source_language, plan.target_language),
                engines.synthesizer.prepare(plan.target_language),
            )
        except BaseException:
            await self._recognition.aclose()
            raise
        self._run = asyncio.create_task(self._supervise(), name=f"dub {plan.session_id}")

    def push(self, chunk: AudioChunk) -> None:
        """Take live audio; never waits. When the inbox is full the oldest audio goes."""
        lost_s = self._inbox.push(chunk)
        if lost_s and self._tally.lose_audio(lost_s):
            self._offer(
                Notice(
                    code="audio_dropped",
                    message="The server cannot keep up: some of the source was not heard.",
                )
            )

    async def feed(self, chunk: AudioChunk) -> None:
        """Take audio of a file; waits while the pipeline is behind."""
        await self._inbox.feed(chunk)

    async def finish(self) -> None:
        """No more audio comes: what was said is dubbed, then ``events`` ends."""
        self._inbox.close()

    async def events(self) -> AsyncGenerator[Output, None]:
        """Everything the run tells, in order; a Summary comes last."""
        while (event := await self._events.get()) is not None:
            yield event

    async def aclose(self) -> None:
        """Stop at once and free the engines' streams. Idempotent."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    # The loops ---------------------------------------------------------------------

    async def _supervise(self) -> None:
        loops = [
            asyncio.create_task(loop) for loop in (self._hear(), self._listen(), self._speak())
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
            for loop in done:
                loop.result()
        except EngineError as error:
            self._report(error)
        except Exception:
            log.exception("run failed", extra={"session": self._plan.session_id})
            self._report(
                EngineError("internal_error", "Dubbing stopped because of a fault in the server.")
            )
        finally:
            await self._end(loops)
        await self._events.put(self._tally.summary(self._tape.end_s, self._committing.speakers))
        await self._events.put(None)

    async def _hear(self) -> None:
        """Inbox → tape, voice activity, segmenter → recogniser."""
        segmenter, detector = Segmenter(), self._engines.detector.open()
        while (chunk := await self._inbox.next()) is not None:
            expected = self._tape.end or chunk.start
            if chunk.start - expected > SAMPLE_RATE_HZ:
                self._offer(
                    Notice(code="media_jump", message="Some of the source is missing; going on.")
                )
            for part in contiguous(chunk, expected):
                self._tape.append(part, self._clock())
                for piece in segmenter.push(part, await detector.push(part.pcm)):
                    await self._feed_recognizer(piece)
        for piece in segmenter.flush():
            await self._feed_recognizer(piece)
        self._recognition.finish()

    async def _listen(self) -> None:
        """Hypotheses → clauses → lines, each with its task on the way."""
        async with aclosing(self._recognition.hypotheses()) as hypotheses:
            async for hypothesis in hypotheses:
                await self._update(hypothesis)
        await self._lines.put(None)

    async def _speak(self) -> None:
        """Lines in source order → cues on the media clock."""
        cue = 0
        while (queued := await self._lines.get()) is not None:
            line, timing, task = queued
            clip = await task
            if clip.text:
                await self._events.put(
                    Translated(line=line.sequence, text=clip.text, language=line.target_language)
                )
            if clip.failure is not None:
                self._report(clip.failure)
                await self._skip(line, clip, clip.failure.code)
                continue
            placement = self._scheduler.place(
                source_start_s=line.clause.start_s, live_edge_s=self._live_edge_s()
            )
            if placement is None:
                await clip.aclose()
                await self._skip(line, clip, "backlog")
                continue
            played = await play(
                clip,
                cue=cue,
                line=line,
                timing=timing,
                placement=placement,
                scheduler=self._scheduler,
                emit=self._events.put,
                clock=self._clock,
            )
            cue += 1
            self._tally.speak(played.latencies)
            if played.failure is not None:
                self._report(played.failure)
            await self._events.put(
                _record(
                    line,
                    clip,
                    cue_start_s=played.start_s,
                    cue_duration_s=played.duration_s,
                    tempo=played.tempo,
                    latencies=played.latencies,
                )
            )

    # Hearing -----------------------------------------------------------------------

    async def _feed_recognizer(self, piece: SpeechPiece) -> None:
        if piece.ends:
            self._decided[piece.utterance] = self._clock()
        await self._recognition.push(piece)

    async def _update(self, hypothesis: Hypothesis) -> None:
        now = self._clock()
        decided_at = now
        if hypothesis.is_final:
            decided_at = self._decided.pop(hypothesis.utterance, now)
        elif hypothesis.words:
            self._offer(
                PartialTranscript(
                    utterance=hypothesis.utterance,
                    text=" ".join(word.text for word in hypothesis.words),
                    language=self._plan.source_language,
                )
            )
        for clause in self._committer.update(hypothesis):
            await self._commit(clause, decided_at, now)

    async def _commit(self, clause: Clause, decided_at: float, recognized_at: float) -> None:
        plan = self._plan
        line, translation = await self._committing.line_of(clause)
        await self._events.put(
            CommittedTranscript(
                line=line.sequence,
                text=line.source_text,
                language=plan.source_language,
                speaker=line.speaker.speaker,
                start_s=round(clause.start_s, 3),
                end_s=round(clause.end_s, 3),
            )
        )
        if news := self._committing.news_of(line):
            await self._events.put(news)
        clip = make_clip(
            self._engines.synthesizer,
            line,
            translation,
            (clause.end_s - clause.start_s) * (LIVE_FIT if plan.live else 1.0),
            lambda: self._scheduler.tempo(self._live_edge_s()),
            self._clock,
        )
        timing = Timing(self._tape.arrived_at(clause.end_s), decided_at, recognized_at)
        await self._lines.put((line, timing, asyncio.create_task(clip)))

    # Telling -----------------------------------------------------------------------

    def _tell_restart(self) -> None:
        self._offer(
            Notice(code="recognizer_restarted", message="Recognition restarted; nothing is lost.")
        )

    def _live_edge_s(self) -> float:
        return self._tape.live_edge_s(self._clock())

    async def _skip(self, line: Line, clip: Clip, reason: str) -> None:
        self._tally.skip()
        text = clip.text or line.source_text
        await self._events.put(Skipped(line=line.sequence, reason=reason, text=text))
        await self._events.put(_record(line, clip, skipped_reason=reason))

    def _offer(self, event: Event) -> None:
        """Tell what may be left out when the listener is slow."""
        if self._events.qsize() < EVENTS_MAX // 2:
            self._events.put_nowait(event)

    def _report(self, error: EngineError) -> None:
        self._tally.fail()
        if not self._events.full():
            self._events.put_nowait(Failure(code=error.code, message=str(error)))

    async def _end(self, loops: list[asyncio.Task[None]]) -> None:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        self._inbox.close()
        while not self._lines.empty():
            if (queued := self._lines.get_nowait()) is None:
                continue
            queued[2].cancel()
            for made in await asyncio.gather(queued[2], return_exceptions=True):
                if isinstance(made, Clip):
                    await made.aclose()
        await self._committing.aclose()
        await self._recognition.aclose()


def _record(line: Line, clip: Clip, **spoken: Any) -> LineRecord:
    return LineRecord(
        sequence=line.sequence,
        speaker=line.speaker.speaker,
        source_language=line.source_language,
        target_language=line.target_language,
        source_text=line.source_text,
        target_text=clip.text,
        start_s=line.clause.start_s,
        end_s=line.clause.end_s,
        engine=line.voice.engine,
        voice=line.voice.id,
        **spoken,
    )
