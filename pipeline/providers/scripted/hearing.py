"""Scripted detector, recogniser and speaker encoder.

The detector hears energy, the encoder tells tones of different pitch apart, the
recogniser says the next text of its script for every utterance.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.bounds import PIECES_WAITING_MAX
from pipeline.ports import EngineError, RecognitionOptions, Recognizer
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Hypothesis, Pcm, SpeechPiece, Word

FRAME_SAMPLES = 512
_LOUD_ENERGY = FRAME_SAMPLES * 300.0**2
"""Sum of squares of a frame with an RMS of 300."""


class ScriptedDetectorStream:
    frame_samples = FRAME_SAMPLES

    def __init__(self) -> None:
        self._rest: Pcm = np.zeros(0, dtype=np.int16)

    async def push(self, pcm: Pcm) -> Sequence[float]:
        joined = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = joined[whole:]
        frames = joined[:whole].reshape(-1, FRAME_SAMPLES).astype(np.float32)
        energies = np.einsum("ij,ij->i", frames, frames).tolist()
        return [0.99 if energy > _LOUD_ENERGY else 0.01 for energy in energies]


class ScriptedDetector:
    """Speech is whatever is louder than a threshold."""

    def open(self) -> ScriptedDetectorStream:
        return ScriptedDetectorStream()


class _Pieces:
    """What a stream was given and has not looked at yet; its close releases both sides."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting: deque[SpeechPiece] = deque()
        self._finished = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, piece: SpeechPiece) -> None:
        """Waits while there are too many. Raises EngineError("engine_stopped")."""
        while len(self._waiting) >= PIECES_WAITING_MAX and not self.closed:
            self._room.clear()
            await self._room.wait()
        if self.closed:
            raise EngineError("engine_stopped", "The recognition was closed.")
        self._waiting.append(piece)
        self._wake.set()

    async def next(self) -> SpeechPiece | None:
        """None: there are no more, or nobody wants them."""
        while not self.closed:
            if self._waiting:
                self._room.set()
                return self._waiting.popleft()
            if self._finished:
                return None
            self._wake.clear()
            await self._wake.wait()
        return None

    def finish(self) -> None:
        self._finished = True
        self._wake.set()

    def close(self) -> None:
        self.closed = True
        self._wake.set()
        self._room.set()


class _Streams:
    """The open streams of an engine, which ends them."""

    def __init__(self) -> None:
        self._open: set[_Pieces] = set()
        self._closed = False

    def check(self, options: RecognitionOptions, engine: Recognizer) -> None:
        """Raises EngineError: engine_stopped, source_language_unsupported."""
        if self._closed:
            raise EngineError("engine_stopped", "The recogniser is shut down.", recoverable=False)
        for language in options.languages:
            if language not in engine.languages:
                raise _unsupported(f"The script has no “{language}”.")
        if len(options.languages) > engine.candidates_max:
            raise _unsupported(f"The script tells {engine.candidates_max} languages apart.")
        if not options.languages and not engine.finds_any:
            raise _unsupported("The script does not find languages out: name one.")

    def begin(self) -> _Pieces:
        pieces = _Pieces()
        self._open.add(pieces)
        return pieces

    def end(self, pieces: _Pieces) -> None:
        pieces.close()
        self._open.discard(pieces)

    def close(self) -> None:
        self._closed = True
        while self._open:
            self._open.pop().close()


def _unsupported(message: str) -> EngineError:
    return EngineError("source_language_unsupported", message, recoverable=False)


@dataclass
class ScriptedRecognizer:
    """Says ``script[n]`` for the n-th utterance of a stream, from the start when used up.

    A word lasts ``word_s``; the final squeezes those for which there was no time into
    what is left of the utterance. ``fail_at`` names utterances at
    whose end the engine breaks, once each.
    """

    script: Sequence[str] = ("the quick brown fox jumps over the lazy dog",)
    said_in: Sequence[str] = ()
    """Language of each text of the script, which the engine then finds out."""
    name: str = "scripted-recognizer"
    languages: frozenset[str] = frozenset({"en"})
    punctuates: bool = False
    candidates_max: int = 1
    finds_any: bool = False
    final_delay_s: float = 0.01
    word_s: float = 0.3
    fail_at: set[int] = field(default_factory=set)
    opened: int = 0
    closed: int = 0
    streams: _Streams = field(default_factory=_Streams, init=False, repr=False, compare=False)

    async def connect(self) -> None:
        pass

    async def open(self, options: RecognitionOptions) -> ScriptedRecognizerStream:
        self.streams.check(options, self)
        self.opened += 1
        language = options.languages[0] if options.languages else ""
        return ScriptedRecognizerStream(self, language)

    async def aclose(self) -> None:
        self.streams.close()


class ScriptedRecognizerStream:
    def __init__(self, engine: ScriptedRecognizer, language: str) -> None:
        self._engine = engine
        self._language = language
        self._pieces = engine.streams.begin()
        self.billed_s = 0.0
        self._closed = False
        self._said = (-1, 0, False)
        self._words: tuple[Word, ...] = ()

    async def push(self, piece: SpeechPiece) -> None:
        await self._pieces.put(piece)
        self.billed_s += len(piece.pcm) / SAMPLE_RATE_HZ

    async def finish(self) -> None:
        self._pieces.finish()

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        start = 0
        utterance = -1
        while (piece := await self._pieces.next()) is not None:
            if piece.utterance != utterance:
                utterance, start = piece.utterance, piece.start
            if piece.ends:
                await asyncio.sleep(self._engine.final_delay_s)
                if utterance in self._engine.fail_at:
                    self._engine.fail_at.discard(utterance)
                    raise EngineError("engine_stopped", "the script says that the engine breaks")
            if self._pieces.closed:
                return
            yield self._hypothesis(piece, start)

    def _hypothesis(self, piece: SpeechPiece, start: int) -> Hypothesis:
        start_s = start / SAMPLE_RATE_HZ
        end_s = piece.end / SAMPLE_RATE_HZ
        spoken_s = end_s
        if piece.ends and piece.speech_end is not None:
            spoken_s = piece.speech_end / SAMPLE_RATE_HZ
        fit = int((spoken_s - start_s) / self._engine.word_s)
        if self._said[0] == piece.utterance:
            # The pause after the last word had room for more, and they were said.
            fit = max(fit, self._said[1])
        # Most pieces end within a word: their partial has the words of the one before.
        said = (piece.utterance, fit, piece.ends)
        if said != self._said:
            self._said = said
            self._words = self._script(piece, start_s, spoken_s, fit) if end_s > start_s else ()
        language = self._language
        if spoken := self._engine.said_in:
            # As with people, a few words are needed to tell.
            language = spoken[piece.utterance % len(spoken)] if fit > 1 or piece.ends else ""
        return Hypothesis(piece.utterance, self._words, end_s, piece.ends, language)

    def _script(
        self, piece: SpeechPiece, start_s: float, end_s: float, fit: int
    ) -> tuple[Word, ...]:
        engine = self._engine
        texts = engine.script[piece.utterance % len(engine.script)].split()
        texts = texts if piece.ends else texts[:fit]
        # Words keep the places they had in partials; those left over share the rest.
        fitted_s = start_s + fit * engine.word_s
        room_s = (end_s if end_s > fitted_s else piece.end / SAMPLE_RATE_HZ) - fitted_s
        rest_s = max(0.001, room_s / max(1, len(texts) - fit))
        words = []
        at_s = start_s
        for n, text in enumerate(texts):
            lasts_s = engine.word_s if n < fit else rest_s
            words.append(Word(text, at_s, at_s + lasts_s))
            at_s += lasts_s
        return tuple(words)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._engine.closed += 1
            self._engine.streams.end(self._pieces)


@dataclass
class TimedRecognizer:
    """Hears ``words`` at their own media times, wherever its stream begins or is cut."""

    words: Sequence[Word]
    name: str = "timed-recognizer"
    languages: frozenset[str] = frozenset({"en"})
    punctuates: bool = True
    candidates_max: int = 1
    finds_any: bool = False
    final_delay_s: float = 0.0
    streams: _Streams = field(default_factory=_Streams, init=False, repr=False, compare=False)

    async def connect(self) -> None:
        pass

    async def open(self, options: RecognitionOptions) -> TimedRecognizerStream:
        self.streams.check(options, self)
        return TimedRecognizerStream(self, options.languages[0])

    def between(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        """Words whose middle lies in this span of media time."""
        return tuple(
            word for word in self.words if start_s <= (word.start_s + word.end_s) / 2 < end_s
        )

    async def aclose(self) -> None:
        self.streams.close()


class TimedRecognizerStream:
    def __init__(self, engine: TimedRecognizer, language: str) -> None:
        self._engine = engine
        self._language = language
        self._pieces = engine.streams.begin()
        self.billed_s = 0.0

    async def push(self, piece: SpeechPiece) -> None:
        await self._pieces.put(piece)
        self.billed_s += len(piece.pcm) / SAMPLE_RATE_HZ

    async def finish(self) -> None:
        self._pieces.finish()

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        start_s, utterance = 0.0, -1
        while (piece := await self._pieces.next()) is not None:
            if piece.utterance != utterance:
                utterance, start_s = piece.utterance, piece.start / SAMPLE_RATE_HZ
            if piece.ends:
                await asyncio.sleep(self._engine.final_delay_s)
            if self._pieces.closed:
                return
            yield self._hypothesis(piece, start_s)

    def _hypothesis(self, piece: SpeechPiece, start_s: float) -> Hypothesis:
        end_s = piece.end / SAMPLE_RATE_HZ
        # A word whose end was not heard is told by the final, for its times would move.
        words = tuple(
            Word(word.text, max(word.start_s, start_s), min(word.end_s, end_s), word.confidence)
            for word in self._engine.between(start_s, end_s)
            if piece.ends or word.end_s <= end_s
        )
        return Hypothesis(piece.utterance, words, end_s, piece.ends, self._language)

    async def aclose(self) -> None:
        self._engine.streams.end(self._pieces)


@dataclass
class ClockRecognizer(TimedRecognizer):
    """Hears the media clock in every speech: word n lasts from n to n + 1 times ``word_s``.

    Every word is said once in a whole stream, so what is lost or doubled shows, wherever
    streams begin or are cut.
    """

    words: Sequence[Word] = ()
    word_s: float = 0.4
    name: str = "scripted-clock"

    def between(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        first = math.ceil(start_s / self.word_s - 0.5)
        last = math.ceil(end_s / self.word_s - 0.5)
        return tuple(
            Word(f"word{n}", n * self.word_s, (n + 1) * self.word_s)
            for n in range(max(0, first), last)
        )


@dataclass
class ScriptedEncoder:
    """Tones of the same pitch are the same voice, tones 40 Hz apart are strangers."""

    name = "scripted"
    version = "1"

    delay_s: float = 0.002

    async def embed(
        self,
        pcm: Pcm,
        *,
        urgent: bool = True,  # noqa: ARG002 - takes no time
        brief: bool = False,  # noqa: ARG002 - nor any care
    ) -> Embedding:
        if len(pcm) < 0.4 * SAMPLE_RATE_HZ:
            raise ValueError("a voiceprint needs at least 0.4 s of speech")
        await asyncio.sleep(self.delay_s)
        sounding = pcm[np.abs(pcm) > 0]
        crossings = int(np.count_nonzero(np.diff(np.signbit(sounding))))
        voiced_s = max(len(sounding), 1) / SAMPLE_RATE_HZ
        slot = crossings / 2 / voiced_s / 20
        embedding: Embedding = np.exp(-0.5 * (np.arange(256, dtype=np.float32) - slot) ** 2)
        embedding /= np.linalg.norm(embedding)
        return embedding
