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
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.casting import Casting
from pipeline.committer import Committer
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    CueEnded,
    CueScheduled,
    Event,
    Failure,
    Latencies,
    Notice,
    PartialTranscript,
    Skipped,
    SpeakerHeard,
    Translated,
)
from pipeline.likeness import Likeness
from pipeline.ports import (
    EngineError,
    Recognizer,
    RecognizerStream,
    SpeakerEncoder,
    SpeechDetector,
    SpeechRequest,
    SpeechStream,
    Synthesizer,
    TranslationRequest,
    Translator,
    VoiceCloner,
)
from pipeline.prosody import Prosody, ProsodyBook
from pipeline.record import LineRecord
from pipeline.scheduler import Scheduler
from pipeline.segmenter import Segmenter
from pipeline.speakers import SpeakerRegistry
from pipeline.stretch import TimeStretcher
from pipeline.tally import Tally
from pipeline.tape import Tape
from pipeline.text_form import restore
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Clause, Line, Pcm, SpeakerMatch, SpeechPiece

log = logging.getLogger(__name__)

INBOX_MAX_S = 10.0
"""Source audio waiting to be heard; beyond it the oldest goes and is counted."""
LINES_MAX = 32
"""Lines between commitment and speech; a full queue makes the recogniser wait."""
EVENTS_MAX = 512
"""Messages waiting for the listener; a full queue makes the pipeline wait."""
GAP_FILL_MAX_S = 2.0
"""Missing source audio up to this length is taken as silence; beyond, a new run."""
RECOGNITION_RESTARTS_MAX = 5
IDENTIFY_MAX_S = 0.4
"""Speaker identification never holds a line up longer."""
CLAUSE_MARGIN_S = 0.06
"""Word times are rough: this much more audio on both sides goes to the encoder."""

Output = Event | CueAudio | LineRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class DubbingPlan:
    """What one run is to do. Languages are ISO 639-1 codes, never "auto"."""

    session_id: str
    source_language: str
    target_language: str
    preserve_voice: bool = True
    glossary: Mapping[str, str] = field(default_factory=dict)
    similarity_threshold: float = 0.8
    live: bool = True
    """False: nothing is dropped or hurried, cues keep the source's own times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    detector: SpeechDetector
    recognizer: Recognizer
    translator: Translator
    synthesizer: Synthesizer
    encoder: SpeakerEncoder
    cloner: VoiceCloner

    def names(self) -> dict[str, str]:
        """Role → engine name."""
        return {
            "recognition": self.recognizer.name,
            "translation": self.translator.name,
            "synthesis": self.synthesizer.name,
        }


@dataclass(frozen=True, slots=True)
class _Timing:
    """Seconds on the run's clock."""

    arrived_at: float
    decided_at: float
    recognized_at: float


@dataclass(slots=True)
class _Clip:
    """A line's dub as far as its task has made it."""

    text: str
    translation_ms: float
    synthesis_ms: float = 0.0
    stream: SpeechStream | None = None
    blocks: AsyncIterator[Pcm] | None = None
    first: Pcm | None = None
    tempo: float = 1.0
    failure: EngineError | None = None


class Dubber:
    """One run: one source stream, one pair of languages, from live edge to live edge."""

    def __init__(
        self, plan: DubbingPlan, engines: Engines, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan = plan
        self._engines = engines
        self._clock = clock
        self._inbox: deque[AudioChunk] = deque()
        self._inbox_samples = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._finishing = False
        self._lines: asyncio.Queue[tuple[Line, _Timing, asyncio.Task[_Clip]] | None] = (
            asyncio.Queue(LINES_MAX)
        )
        self._events: asyncio.Queue[Output | None] = asyncio.Queue(EVENTS_MAX)
        self._tape = Tape()
        self._tally = Tally()
        self._segmenter = Segmenter()
        self._committer = Committer()
        self._scheduler = Scheduler(live=plan.live)
        self._speakers = SpeakerRegistry(confirm_at=plan.similarity_threshold)
        self._casting = Casting(engines.synthesizer.voices(plan.target_language))
        self._likeness = Likeness(engines.cloner, self._casting)
        self._prosody = ProsodyBook()
        self._announced: dict[str, str] = {}
        self._decided: dict[int, float] = {}
        self._unfinished: deque[SpeechPiece] = deque()
        self._recent_text: deque[str] = deque(maxlen=3)
        self._recognition: RecognizerStream | None = None
        self._feeding = asyncio.Lock()
        self._next_line = 0
        self._run: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the engines' streams; raises EngineError with what is missing."""
        plan, engines = self._plan, self._engines
        if plan.source_language not in engines.recognizer.languages:
            known = ", ".join(sorted(engines.recognizer.languages))
            raise EngineError(
                "source_language_unsupported",
                f"{engines.recognizer.name} does not recognise “{plan.source_language}”. "
                f"It recognises: {known}.",
                recoverable=False,
            )
        pair = (plan.source_language, plan.target_language)
        if pair not in engines.translator.pairs():
            targets = sorted(t for s, t in engines.translator.pairs() if s == pair[0])
            raise EngineError(
                "pair_unsupported",
                f"{engines.translator.name} does not translate {pair[0]} into {pair[1]}. "
                f"From {pair[0]} it translates into: {', '.join(targets) or 'nothing'}.",
                recoverable=False,
            )
        if plan.target_language not in engines.synthesizer.languages():
            raise EngineError(
                "target_language_unsupported",
                f"{engines.synthesizer.name} does not speak “{plan.target_language}”.",
                recoverable=False,
            )
        self._recognition = await engines.recognizer.open(plan.source_language)
        try:
            await engines.translator.prepare(*pair)
        except BaseException:
            await self._recognition.aclose()
            raise
        self._run = asyncio.create_task(self._supervise(), name=f"dub {plan.session_id}")

    def push(self, chunk: AudioChunk) -> None:
        """Take live audio; never waits. When the inbox is full the oldest audio goes."""
        self._inbox.append(chunk)
        self._inbox_samples += len(chunk.pcm)
        lost = 0
        while self._inbox_samples > INBOX_MAX_S * SAMPLE_RATE_HZ and len(self._inbox) > 1:
            lost += len(self._inbox[0].pcm)
            self._inbox_samples -= len(self._inbox.popleft().pcm)
        if lost and self._tally.lose_audio(lost / SAMPLE_RATE_HZ):
            self._offer(
                Notice(
                    code="audio_dropped",
                    message="The server cannot keep up: some of the source was not heard.",
                )
            )
        self._wake.set()

    async def feed(self, chunk: AudioChunk) -> None:
        """Take audio of a file; waits while the pipeline is behind."""
        while self._inbox_samples > SAMPLE_RATE_HZ and not self._ended:
            self._room.clear()
            await self._room.wait()
        self._inbox.append(chunk)
        self._inbox_samples += len(chunk.pcm)
        self._wake.set()

    async def finish(self) -> None:
        """No more audio comes: what was said is dubbed, then ``events`` ends."""
        self._finishing = True
        self._wake.set()

    async def events(self) -> AsyncIterator[Output]:
        """Everything the run tells, in order; a Summary comes last."""
        while (event := await self._events.get()) is not None:
            yield event

    async def aclose(self) -> None:
        """Stop at once and free the engines' streams. Idempotent."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    @property
    def _ended(self) -> bool:
        return self._run is None or self._run.done()

    # The loops ---------------------------------------------------------------------

    async def _supervise(self) -> None:
        loops = [
            asyncio.create_task(loop, name=f"{loop.__name__} {self._plan.session_id}")
            for loop in (self._hear(), self._listen(), self._speak())
        ]
        try:
            await _all_or_first_error(loops)
        except EngineError as error:
            await self._fail(error.code, str(error))
        except Exception:
            log.exception("run failed", extra={"session": self._plan.session_id})
            await self._fail("internal_error", "Dubbing stopped because of a fault in the server.")
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._drop_queued_lines()
            await self._likeness.aclose()
            if self._recognition is not None:
                await self._recognition.aclose()
            self._room.set()
        await self._events.put(self._tally.summary(self._tape.end_s, len(self._announced)))
        await self._events.put(None)

    async def _hear(self) -> None:
        """Inbox → tape, voice activity, segmenter → recogniser."""
        assert self._recognition is not None
        detector = self._engines.detector.open()
        while (chunk := await self._next_chunk()) is not None:
            for part in self._contiguous(chunk):
                self._tape.append(part, self._clock())
                for piece in self._segmenter.push(part, await detector.push(part.pcm)):
                    await self._feed_recognizer(piece)
        for piece in self._segmenter.flush():
            await self._feed_recognizer(piece)
        async with self._feeding:
            await self._recognition.finish()

    async def _listen(self) -> None:
        """Hypotheses → clauses → lines, each with its task on the way."""
        while True:
            assert self._recognition is not None
            try:
                async for hypothesis in self._recognition:
                    if hypothesis.is_final:
                        self._forget(hypothesis.utterance)
                    else:
                        self._tell_partial(hypothesis.utterance, hypothesis.words)
                    now = self._clock()
                    decided_at = now
                    if hypothesis.is_final:
                        decided_at = self._decided.pop(hypothesis.utterance, now)
                    for clause in self._committer.update(hypothesis):
                        await self._commit(clause, decided_at, now)
                break
            except EngineError as error:
                if not error.recoverable or self._tally.restart() > RECOGNITION_RESTARTS_MAX:
                    raise
                await self._restart_recognition(error)
        await self._lines.put(None)

    async def _speak(self) -> None:
        """Lines in source order → cues on the media clock."""
        cue = 0
        while (queued := await self._lines.get()) is not None:
            line, timing, task = queued
            clip = await task
            await self._emit(
                Translated(line=line.sequence, text=clip.text, language=line.target_language)
            ) if clip.text else None
            if clip.failure is not None:
                await self._skip(line, clip, clip.failure.code)
                await self._fail(clip.failure.code, str(clip.failure))
                continue
            edge_s = self._tape.live_edge_s(self._clock())
            placement = self._scheduler.place(
                source_start_s=line.clause.start_s, live_edge_s=edge_s
            )
            if placement is None:
                assert clip.stream is not None
                await clip.stream.aclose()
                await self._skip(line, clip, "backlog")
                continue
            await self._play(cue, line, timing, clip, placement.start_s, placement.tempo)
            cue += 1

    # Hearing -----------------------------------------------------------------------

    async def _next_chunk(self) -> AudioChunk | None:
        while not self._inbox:
            if self._finishing:
                return None
            self._wake.clear()
            await self._wake.wait()
        chunk = self._inbox.popleft()
        self._inbox_samples -= len(chunk.pcm)
        self._room.set()
        return chunk

    def _contiguous(self, chunk: AudioChunk) -> list[AudioChunk]:
        """The chunk joined to the tape: small gaps become silence, repeats are left out."""
        gap = chunk.start - self._tape.end
        if gap == 0 or self._tape.end == 0:
            return [chunk]
        if gap < 0:
            rest = chunk.pcm[-gap:]
            return [AudioChunk(chunk.sequence, self._tape.end, rest)] if len(rest) else []
        if gap > GAP_FILL_MAX_S * SAMPLE_RATE_HZ:
            self._offer(
                Notice(
                    code="media_jump",
                    message="The media time jumped ahead; dubbing goes on from there.",
                )
            )
        # Even a long jump is closed by some silence: it ends the utterance in hand.
        fill = min(gap, round(GAP_FILL_MAX_S * SAMPLE_RATE_HZ))
        silence = np.zeros(fill, dtype=np.int16)
        return [AudioChunk(chunk.sequence, chunk.start - fill, silence), chunk]

    async def _feed_recognizer(self, piece: SpeechPiece) -> None:
        if piece.ends:
            self._decided[piece.utterance] = self._clock()
        self._unfinished.append(piece)
        async with self._feeding:
            assert self._recognition is not None
            try:
                await self._recognition.push(piece)
            except EngineError:
                # The listen loop sees the same failure, restarts the engine and
                # repeats every piece that is not finished.
                log.warning("recogniser refused audio", extra={"session": self._plan.session_id})

    async def _restart_recognition(self, error: EngineError) -> None:
        log.warning(
            "recogniser restarts", extra={"session": self._plan.session_id, "code": error.code}
        )
        async with self._feeding:
            assert self._recognition is not None
            await self._recognition.aclose()
            self._recognition = await self._engines.recognizer.open(self._plan.source_language)
            for piece in self._unfinished:
                await self._recognition.push(piece)
            if self._finishing and not self._inbox:
                await self._recognition.finish()
        self._offer(
            Notice(
                code="recognizer_restarted", message="Recognition was restarted; nothing is lost."
            )
        )

    def _forget(self, utterance: int) -> None:
        while self._unfinished and self._unfinished[0].utterance <= utterance:
            self._unfinished.popleft()

    # Committing --------------------------------------------------------------------

    async def _commit(self, clause: Clause, decided_at: float, recognized_at: float) -> None:
        plan = self._plan
        text = clause.text
        if not self._engines.recognizer.punctuates:
            text = restore(text, plan.source_language)
        timing = _Timing(self._tape.arrived_at(clause.end_s), decided_at, recognized_at)
        # Translation does not wait for the speaker; synthesis waits for both.
        translation = asyncio.create_task(self._translate(text))
        match, prosody = await self._identify(clause)
        voice = self._casting.assign(match.speaker, prosody.pitch_hz)
        style = self._prosody.style(match.speaker, prosody)
        line = Line(
            sequence=self._next_line,
            clause=clause,
            source_language=plan.source_language,
            target_language=plan.target_language,
            source_text=text,
            speaker=match,
            voice=voice,
            style=style,
        )
        self._next_line += 1
        self._recent_text.append(text)
        await self._emit(
            CommittedTranscript(
                line=line.sequence,
                text=text,
                language=plan.source_language,
                speaker=match.speaker,
                start_s=round(clause.start_s, 3),
                end_s=round(clause.end_s, 3),
            )
        )
        await self._announce(match, line)
        task = asyncio.create_task(self._make(line, translation))
        await self._lines.put((line, timing, task))

    async def _identify(self, clause: Clause) -> tuple[SpeakerMatch, Prosody]:
        pcm = self._tape.read(clause.start_s - CLAUSE_MARGIN_S, clause.end_s + CLAUSE_MARGIN_S)
        duration_s = len(pcm) / SAMPLE_RATE_HZ
        measured = asyncio.create_task(self._prosody.measure(pcm, len(clause.words)))
        embedding = None
        try:
            async with asyncio.timeout(IDENTIFY_MAX_S):
                embedding = await self._engines.encoder.embed(pcm)
        except (ValueError, TimeoutError, EngineError):
            # Too short or too slow: the last known speaker is assumed.
            pass
        match = self._speakers.observe(embedding, duration_s=duration_s, at_s=clause.start_s)
        if self._plan.preserve_voice and match.speaker and match.certain:
            self._likeness.collect(match.speaker, pcm)
        return match, await measured

    async def _announce(self, match: SpeakerMatch, line: Line) -> None:
        if match.speaker is None:
            return
        shaped = line.voice.profile is not None
        key = f"{line.voice.id} {shaped}"
        if self._announced.get(match.speaker) != key:
            self._announced[match.speaker] = key
            await self._emit(
                SpeakerHeard(
                    speaker=match.speaker,
                    voice=line.voice.id,
                    voice_name=line.voice.name,
                    similarity=round(match.similarity, 3),
                    shaped=shaped,
                )
            )

    # Making ------------------------------------------------------------------------

    async def _translate(self, text: str) -> tuple[str, float]:
        """Translation and the milliseconds it took."""
        began = self._clock()
        translated = await self._engines.translator.translate(
            TranslationRequest(
                text=text,
                source=self._plan.source_language,
                target=self._plan.target_language,
                glossary=self._plan.glossary,
                previous=tuple(self._recent_text),
            )
        )
        return translated, (self._clock() - began) * 1000

    async def _make(self, line: Line, translation: asyncio.Task[tuple[str, float]]) -> _Clip:
        """Translate and begin to speak one line. An engine's failure keeps the text."""
        clip = _Clip(text="", translation_ms=0.0)
        try:
            clip.text, clip.translation_ms = await translation
            began = self._clock()
            clip.tempo = self._scheduler.tempo(self._tape.live_edge_s(began))
            clip.stream = await self._engines.synthesizer.synthesize(
                SpeechRequest(
                    text=clip.text,
                    language=line.target_language,
                    voice=line.voice,
                    style=line.style,
                    fit_s=line.clause.end_s - line.clause.start_s,
                    tempo=clip.tempo,
                )
            )
            clip.blocks = aiter(clip.stream)
            clip.first = await anext(clip.blocks, None)
            clip.synthesis_ms = (self._clock() - began) * 1000
        except EngineError as error:
            clip.failure = error
            if clip.stream is not None:
                await clip.stream.aclose()
        finally:
            translation.cancel()
        return clip

    # Speaking ----------------------------------------------------------------------

    async def _play(
        self, cue: int, line: Line, timing: _Timing, clip: _Clip, start_s: float, tempo: float
    ) -> None:
        assert clip.stream is not None
        assert clip.blocks is not None
        rate_hz = clip.stream.sample_rate_hz
        # The engine already hurried by what the backlog asked for when it began.
        residual = min(1.25, max(0.85, tempo / clip.tempo))
        stretcher = TimeStretcher(rate_hz, residual) if abs(residual - 1) > 0.02 else None
        if stretcher is None:
            residual = 1.0
        expected_s = clip.stream.expected_s / residual
        self._scheduler.occupy(start_s=start_s, duration_s=expected_s)
        clause = line.clause
        ms = 1000.0
        latencies = Latencies(
            endpoint_ms=round(max(0.0, timing.decided_at - timing.arrived_at) * ms, 1),
            recognition_ms=round((timing.recognized_at - timing.decided_at) * ms, 1),
            translation_ms=round(clip.translation_ms, 1),
            synthesis_ms=round(clip.synthesis_ms, 1),
            total_ms=round(max(0.0, self._clock() - timing.arrived_at) * ms, 1),
            lag_ms=round((start_s + expected_s / 2 - (clause.start_s + clause.end_s) / 2) * ms, 1),
        )
        spoken_tempo = round(clip.stream.rate * residual, 3)
        await self._emit(
            CueScheduled(
                cue=cue,
                line=line.sequence,
                speaker=line.speaker.speaker,
                start_s=round(start_s, 3),
                duration_s=round(expected_s, 3),
                sample_rate=rate_hz,
                tempo=spoken_tempo,
                engine=line.voice.engine,
                voice=line.voice.id,
                latencies=latencies,
            )
        )
        samples = 0
        failure: EngineError | None = None

        async def send(pcm: Pcm, *, last: bool = False) -> None:
            nonlocal samples
            if not len(pcm) and not last:
                return
            await self._emit(
                CueAudio(
                    cue=cue,
                    start_s=start_s + samples / rate_hz,
                    sample_rate=rate_hz,
                    pcm=pcm.astype("<i2", copy=False).tobytes(),
                    last=last,
                )
            )
            samples += len(pcm)

        async with aclosing(clip.stream):
            try:
                block = clip.first
                while block is not None:
                    await send(stretcher.push(block) if stretcher else block)
                    block = await anext(clip.blocks, None)
            except EngineError as error:
                failure = error
        await send(stretcher.flush() if stretcher else np.zeros(0, dtype=np.int16), last=True)
        duration_s = samples / rate_hz
        self._scheduler.occupy(start_s=start_s, duration_s=duration_s)
        await self._emit(CueEnded(cue=cue, duration_s=round(duration_s, 3)))
        if failure is not None:
            await self._fail(failure.code, str(failure))
        self._tally.speak(latencies)
        await self._emit(
            self._record(
                line,
                clip.text,
                cue_start_s=start_s,
                cue_duration_s=duration_s,
                tempo=spoken_tempo,
                latencies=latencies,
            )
        )

    async def _skip(self, line: Line, clip: _Clip, reason: str) -> None:
        self._tally.skip()
        await self._emit(Skipped(line=line.sequence, reason=reason, text=clip.text))
        await self._emit(self._record(line, clip.text, skipped_reason=reason))

    def _record(self, line: Line, text: str, **spoken: Any) -> LineRecord:
        return LineRecord(
            sequence=line.sequence,
            speaker=line.speaker.speaker,
            source_language=line.source_language,
            target_language=line.target_language,
            source_text=line.source_text,
            target_text=text,
            start_s=line.clause.start_s,
            end_s=line.clause.end_s,
            engine=line.voice.engine,
            voice=line.voice.id,
            **spoken,
        )

    async def _drop_queued_lines(self) -> None:
        while not self._lines.empty():
            queued = self._lines.get_nowait()
            if queued is None:
                continue
            queued[2].cancel()
            (clip,) = await asyncio.gather(queued[2], return_exceptions=True)
            if isinstance(clip, _Clip) and clip.stream is not None:
                await clip.stream.aclose()

    # Telling -----------------------------------------------------------------------

    async def _emit(self, event: Output) -> None:
        await self._events.put(event)

    def _offer(self, event: Event) -> None:
        """Tell what may be left out when the listener is slow."""
        if self._events.qsize() < EVENTS_MAX // 2:
            self._events.put_nowait(event)

    def _tell_partial(self, utterance: int, words: tuple[Any, ...]) -> None:
        text = " ".join(word.text for word in words)
        if text:
            self._offer(
                PartialTranscript(
                    utterance=utterance, text=text, language=self._plan.source_language
                )
            )

    async def _fail(self, code: str, message: str) -> None:
        self._tally.fail()
        await self._emit(Failure(code=code, message=message))


async def _all_or_first_error(tasks: list[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()


_Loop = Coroutine[Any, Any, None]
