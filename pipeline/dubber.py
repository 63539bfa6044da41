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
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from pipeline.casting import Casting
from pipeline.committer import Committer
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    Event,
    Failure,
    Notice,
    PartialTranscript,
    Skipped,
    SpeakerHeard,
    Translated,
)
from pipeline.inbox import Inbox, contiguous
from pipeline.likeness import Likeness
from pipeline.making import Clip, Translation, make_clip, translate
from pipeline.plan import DubbingPlan, Engines
from pipeline.playing import Timing, play
from pipeline.ports import EngineError
from pipeline.prosody import Prosody, SpeakerProsody, measure
from pipeline.recognition import Recognition
from pipeline.record import LineRecord
from pipeline.scheduler import Scheduler
from pipeline.segmenter import Segmenter
from pipeline.speakers import SpeakerRegistry
from pipeline.tally import Tally
from pipeline.tape import Tape
from pipeline.text_form import lower_sentence_starts, restore
from pipeline.types import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Clause,
    Hypothesis,
    Line,
    SpeakerMatch,
    SpeechPiece,
)

__all__ = ["Dubber", "DubbingPlan", "Engines", "Output"]

log = logging.getLogger(__name__)

LINES_MAX = 32
"""Lines between commitment and speech; a full queue makes the recogniser wait."""
EVENTS_MAX = 512
"""Messages waiting for the listener; a full queue makes the pipeline wait."""
IDENTIFY_MAX_S = 0.4
"""Speaker identification never holds a line up longer."""
LIVE_FIT = 0.92
"""A live dub aims at this share of its source's length: what it saves, lag does not grow by."""
CLAUSE_MARGIN_S = 0.06
"""Word times are rough: this much more audio on both sides goes to the encoder."""

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
        self._speakers = SpeakerRegistry(confirm_at=plan.similarity_threshold)
        self._casting = Casting(engines.synthesizer.voices(plan.target_language))
        self._likeness = Likeness(engines.cloner, self._casting)
        self._habits: defaultdict[str | None, SpeakerProsody] = defaultdict(SpeakerProsody)
        self._announced: dict[str, tuple[str, bool]] = {}
        self._decided: dict[int, float] = {}
        self._recent_text: deque[str] = deque(maxlen=3)
        self._recognition = Recognition(
            engines.recognizer, plan.source_language, self._tell_restart
        )
        self._translations: set[asyncio.Task[Translation]] = set()
        self._next_line = 0
        self._continues: int | None = None
        """Utterance whose sentence the last clause left open."""
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
        await self._events.put(self._tally.summary(self._tape.end_s, self._speakers.count))
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

    # Committing --------------------------------------------------------------------

    async def _commit(self, clause: Clause, decided_at: float, recognized_at: float) -> None:
        plan, engines = self._plan, self._engines
        text = clause.text
        if not engines.recognizer.punctuates:
            text = restore(text, plan.source_language, complete=clause.ends_utterance)
            if self._continues == clause.utterance:
                text = lower_sentence_starts(text)
        self._continues = None if clause.ends_utterance else clause.utterance
        # Translation does not wait for the speaker; synthesis waits for both.
        translation = asyncio.create_task(
            translate(engines.translator, plan, text, tuple(self._recent_text), self._clock)
        )
        self._translations.add(translation)
        translation.add_done_callback(self._translations.discard)
        self._recent_text.append(text)
        match, prosody = await self._identify(clause)
        line = Line(
            sequence=self._next_line,
            clause=clause,
            source_language=plan.source_language,
            target_language=plan.target_language,
            source_text=text,
            speaker=match,
            voice=self._casting.assign(match.speaker, prosody.pitch_hz),
            style=self._habits[match.speaker].style_of(prosody),
        )
        self._next_line += 1
        await self._events.put(
            CommittedTranscript(
                line=line.sequence,
                text=text,
                language=plan.source_language,
                speaker=match.speaker,
                start_s=round(clause.start_s, 3),
                end_s=round(clause.end_s, 3),
            )
        )
        await self._announce(line)
        clip = make_clip(
            engines.synthesizer,
            line,
            translation,
            (clause.end_s - clause.start_s) * (LIVE_FIT if plan.live else 1.0),
            lambda: self._scheduler.tempo(self._live_edge_s()),
            self._clock,
        )
        timing = Timing(self._tape.arrived_at(clause.end_s), decided_at, recognized_at)
        await self._lines.put((line, timing, asyncio.create_task(clip)))

    async def _identify(self, clause: Clause) -> tuple[SpeakerMatch, Prosody]:
        pcm = self._tape.read(clause.start_s - CLAUSE_MARGIN_S, clause.end_s + CLAUSE_MARGIN_S)
        measuring = asyncio.create_task(asyncio.to_thread(measure, pcm, len(clause.words)))
        embedding = None
        try:
            try:
                async with asyncio.timeout(IDENTIFY_MAX_S):
                    embedding = await self._engines.encoder.embed(pcm)
            except (ValueError, TimeoutError, EngineError):
                pass  # too short or too slow: the last known speaker is assumed
            match = self._speakers.observe(
                embedding, duration_s=len(pcm) / SAMPLE_RATE_HZ, at_s=clause.start_s
            )
            if self._plan.preserve_voice and match.speaker and match.certain:
                self._likeness.collect(match.speaker, pcm)
            return match, await measuring
        finally:
            measuring.cancel()

    async def _announce(self, line: Line) -> None:
        speaker, voice = line.speaker.speaker, line.voice
        cast = (voice.id, voice.profile is not None)
        if speaker is None or self._announced.get(speaker) == cast:
            return
        self._announced[speaker] = cast
        await self._events.put(
            SpeakerHeard(
                speaker=speaker,
                voice=voice.id,
                voice_name=voice.name,
                similarity=round(line.speaker.similarity, 3),
                shaped=voice.profile is not None,
            )
        )

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
        for translation in self._translations:
            translation.cancel()
        await asyncio.gather(*loops, *self._translations, return_exceptions=True)
        self._inbox.close()
        while not self._lines.empty():
            if (queued := self._lines.get_nowait()) is None:
                continue
            queued[2].cancel()
            for made in await asyncio.gather(queued[2], return_exceptions=True):
                if isinstance(made, Clip):
                    await made.aclose()
        await self._likeness.aclose()
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
