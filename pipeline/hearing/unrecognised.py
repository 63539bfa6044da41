"""What the recogniser does not get, because the client has its text, and who is in its place
where nothing recognises the language at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from pipeline.ports import RecognitionOptions
from pipeline.text.source_text import SourceText
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

NAME = "source-text"
"""In the place of a recogniser's name where none knows the language."""


class Gate:
    """Which speech goes to the recogniser: none where text covers it.

    An utterance with text in its middle is two for the recogniser, so utterances have numbers
    of the gate's own.
    """

    def __init__(self, text: SourceText) -> None:
        self._text = text
        self._utterance = -1
        self._given = False
        self._ended = False
        self._split = 0
        """Utterances that were made by splitting one."""

    def number(self, utterance: int) -> int:
        """The gate's number of the segmenter's newest utterance."""
        return utterance + self._split

    def split(self) -> None:
        """What still comes of the utterance in hand is another one for the recogniser."""
        if self._given and not self._ended:
            self._split += 1
            self._given = False

    def pass_on(self, piece: SpeechPiece) -> Iterator[SpeechPiece]:
        """The piece, nothing, or the end of what the recogniser was given of the utterance."""
        if piece.utterance != self._utterance:
            self._utterance, self._given, self._ended = piece.utterance, False, False
        if self._text.covers(piece.start / SAMPLE_RATE_HZ):
            if self._given and not self._ended:
                self._ended = True
                yield replace(
                    piece,
                    utterance=self.number(piece.utterance),
                    pcm=piece.pcm[:0],
                    ends=True,
                    speech_end=piece.start,
                )
            return
        if self._ended or not self._given:
            if not len(piece.pcm):
                return
            self._split += self._ended
            self._given, self._ended = True, False
        self._ended = piece.ends
        self._text.recognised(piece.end / SAMPLE_RATE_HZ)
        yield replace(piece, utterance=self.number(piece.utterance))


@dataclass
class NoRecognizer:
    """Fills Recognizer where only text tells what is said in ``language``."""

    language: str
    name: str = NAME
    punctuates: bool = True
    candidates_max: int = 1
    finds_any: bool = False
    languages: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.languages = frozenset({self.language})

    async def connect(self) -> None:
        pass

    async def open(self, options: RecognitionOptions) -> NoRecognition:  # noqa: ARG002 - the port's
        return NoRecognition()

    async def aclose(self) -> None:
        pass


class NoRecognition:
    """Hears nothing in whatever it is given."""

    billed_s = 0.0

    def __init__(self) -> None:
        self._over = asyncio.Event()

    async def push(self, piece: SpeechPiece) -> None:
        pass

    async def finish(self) -> None:
        self._over.set()

    def __aiter__(self) -> AsyncIterator[Hypothesis]:
        return self

    async def __anext__(self) -> Hypothesis:
        await self._over.wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._over.set()
