"""What an emulated recogniser hears: the engine inside, behind one small contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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


@dataclass(slots=True)
class Span:
    """Audio that is one piece in the stream and one piece in its source; in samples."""

    in_stream: int
    in_source: int
    length: int
    source: int = 0
    """Which source, where there are several."""

    @property
    def offset(self) -> int:
        """From a position in the source to the one in the stream."""
        return self.in_stream - self.in_source

    def continues_at(self, in_source: int, source: int = 0) -> bool:
        return source == self.source and in_source == self.in_source + self.length


def in_stream(word: Word, span: Span) -> Word:
    """A word with its times in the source, as it lies in the stream."""
    by_s = span.offset / SAMPLE_RATE_HZ
    start_s, end_s = max(0.0, word.start_s + by_s), max(0.0, word.end_s + by_s)
    return Word(word.text, start_s, end_s, word.confidence)
