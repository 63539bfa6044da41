"""An ear that hears a script at its media times, wherever a stream begins or is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.emulators.ears import Heard, Sound, Span, in_stream
from pipeline.emulators.marks import position
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Word


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
    spelled: bool = False
    """The clock's words are of five letters each instead of a number that grows: as long as
    what people say, wherever in its two months the audio is from."""
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
            Word(self._name(n), n * self.word_s, (n + 1) * self.word_s)
            for n in range(max(0, first), last)
        )

    def _name(self, number: int) -> str:
        if not self.spelled:
            return f"word{number}"
        letters = ""
        for _ in range(5):
            number, letter = divmod(number, 26)
            letters = chr(ord("a") + letter) + letters
        return letters

    def language_at(self, media_s: float) -> str:
        found = [code for start_s, code in self.languages if start_s <= media_s]
        return found[-1] if found else self.language


class ScriptedEarStream:
    def __init__(self, ear: ScriptedEar) -> None:
        self._ear = ear
        self._utterance = -1
        self._spans: list[Span] = []
        """Of the open utterance, hence bounded by its longest duration."""

    async def listen(self, sound: Sound) -> Heard:
        if sound.utterance != self._utterance:
            self._utterance, self._spans = sound.utterance, []
        if len(sound.pcm):
            self._place(sound.start, sound.pcm)
        words: list[Word] = []
        for span in self._spans:
            # Not in the pre-roll and not in the pause: how long they are is the detector's.
            start = max(span.in_stream, sound.speech_start) - span.offset
            end = min(span.in_stream + span.length, sound.speech_end) - span.offset
            found = self._ear.between(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ)
            words += [in_stream(word, span) for word in found]
        media_s = self._spans[0].in_source / SAMPLE_RATE_HZ if self._spans else 0.0
        return Heard(tuple(words), self._ear.language_at(media_s))

    def _place(self, start: int, pcm: Pcm) -> None:
        at = position(pcm)
        if self._spans:
            last = self._spans[-1]
            if at is None or last.continues_at(at):
                last.length += len(pcm)
                return
        self._spans.append(Span(start, start if at is None else at, len(pcm)))

    async def aclose(self) -> None:
        pass
