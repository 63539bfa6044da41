"""What an emulated recogniser hears: the engine inside, behind one small contract."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.emulators.marks import position
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Word


@dataclass(frozen=True, slots=True)
class Sound:
    """The next audio of one utterance at 16 kHz; positions count the stream's samples."""

    utterance: int
    start: int
    pcm: Pcm
    speech_start: int
    """Where the utterance's first loud frame began; audio before it is pre-roll."""
    speech_end: int
    """Where its last loud frame so far ended."""
    ends: bool = False
    """Nothing more comes of this utterance; ``pcm`` may then be empty."""

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


@dataclass(frozen=True, slots=True)
class Heard:
    """All that an utterance says so far; times in seconds of the stream, in order."""

    words: tuple[Word, ...]
    language: str = ""
    """ISO 639-1 code of what is spoken; "" where the ear cannot tell."""
    punctuated: bool = False
    """The words have capitals and marks already."""


class EarStream(Protocol):
    async def listen(self, sound: Sound) -> Heard:
        """Sounds come in order and without gaps inside an utterance."""

    async def aclose(self) -> None: ...


class Ear(Protocol):
    async def open(self) -> EarStream: ...

    async def aclose(self) -> None: ...


@dataclass
class ScriptedEar:
    """Hears words at their media times, wherever a stream begins or is cut.

    The audio has to carry its positions (``marks.marked``); without them the stream's own
    time is taken for media time. With no ``words`` it hears the clock: ``word7`` lasts from
    7 to 8 times ``word_s``, so that what is lost or doubled shows. A word is heard where its
    middle is.
    """

    words: Sequence[Word] = ()
    word_s: float = 0.4
    language: str = "en"
    languages: Sequence[tuple[float, str]] = field(default_factory=tuple)
    """(from this media time on in seconds, ISO 639-1 code), ascending: speech that changes
    its language; overrides ``language`` from the first of them on."""

    async def open(self) -> ScriptedEarStream:
        return ScriptedEarStream(self)

    async def aclose(self) -> None:
        pass

    def between(self, start_s: float, end_s: float) -> tuple[Word, ...]:
        """Words whose middle lies in this span of media time."""
        if self.words:
            return tuple(
                word for word in self.words if start_s <= (word.start_s + word.end_s) / 2 < end_s
            )
        first = math.ceil(start_s / self.word_s - 0.5)
        last = math.ceil(end_s / self.word_s - 0.5)
        return tuple(
            Word(f"word{n}", n * self.word_s, (n + 1) * self.word_s)
            for n in range(max(0, first), last)
        )

    def language_at(self, media_s: float) -> str:
        found = [code for start_s, code in self.languages if start_s <= media_s]
        return found[-1] if found else self.language


class ScriptedEarStream:
    def __init__(self, ear: ScriptedEar) -> None:
        self._ear = ear
        self._utterance = -1
        self._spans: list[tuple[int, int, int]] = []
        """(start in the stream, start on the media clock, length) of contiguous media, in
        samples; of the open utterance, hence bounded by its longest duration."""

    async def listen(self, sound: Sound) -> Heard:
        if sound.utterance != self._utterance:
            self._utterance, self._spans = sound.utterance, []
        if len(sound.pcm):
            self._place(sound.start, sound.pcm)
        words: list[Word] = []
        for in_stream, in_media, length in self._spans:
            offset = in_stream - in_media
            start = max(in_stream, sound.speech_start) - offset
            end = min(in_stream + length, sound.speech_end) - offset
            for word in self._ear.between(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ):
                start_s = max(0.0, word.start_s + offset / SAMPLE_RATE_HZ)
                end_s = word.end_s + offset / SAMPLE_RATE_HZ
                words.append(Word(word.text, start_s, end_s, word.confidence))
        media_s = self._spans[0][1] / SAMPLE_RATE_HZ if self._spans else 0.0
        return Heard(tuple(words), self._ear.language_at(media_s))

    def _place(self, start: int, pcm: Pcm) -> None:
        at = position(pcm)
        if self._spans:
            in_stream, in_media, length = self._spans[-1]
            expected = in_media + length
            if at is None or at == expected:
                self._spans[-1] = (in_stream, in_media, length + len(pcm))
                return
        self._spans.append((start, start if at is None else at, len(pcm)))

    async def aclose(self) -> None:
        pass
