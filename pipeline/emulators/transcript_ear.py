"""An ear that knows recordings by their sound, and says their transcripts in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.emulators.ears import Heard, Sound, Span, in_stream
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Word

_STEP = 160
_WINDOW = 32
_COARSE = 4
"""Samples taken together where audio is compared that is not exactly the same."""
_ENOUGH = SAMPLE_RATE_HZ // 2
_ALIKE = 0.6


@dataclass(frozen=True)
class Recording:
    """Speech at 16 kHz with its words at their times in it."""

    pcm: Pcm
    language: str
    """ISO 639-1 code."""
    words: tuple[Word, ...]

    @classmethod
    def spoken(cls, pcm: Pcm, language: str, text: str) -> Recording:
        """With a text whose times are not known: words share the loud part by their length."""
        loud = np.flatnonzero(np.abs(pcm) > 500)
        start, end = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(pcm))
        texts = text.split()
        letters = np.cumsum([0, *(len(word) + 1 for word in texts)])
        times = (start + letters / letters[-1] * (end - start)) / SAMPLE_RATE_HZ
        words = (Word(word, float(times[n]), float(times[n + 1])) for n, word in enumerate(texts))
        return cls(pcm, language, tuple(words))

    @property
    def punctuated(self) -> bool:
        return any(not word.text[-1].isalnum() for word in self.words)


class TranscriptEar:
    """Hears what ``recordings`` say, from wherever in them the audio is.

    Unchanged samples are found by a table of their own; audio whose level or rate was
    changed on the way is found by correlation, half a second after an utterance began. What
    is in no recording says nothing.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self.recordings = tuple(recordings)
        self._table: dict[bytes, tuple[int, int]] = {}
        for number, recording in enumerate(self.recordings):
            for at in range(0, len(recording.pcm) - _WINDOW + 1, _STEP):
                window = recording.pcm[at : at + _WINDOW]
                if _is_telling(window):
                    self._table.setdefault(window.tobytes(), (number, at))

    async def open(self) -> TranscriptEarStream:
        return TranscriptEarStream(self)

    async def aclose(self) -> None:
        pass

    def find(self, pcm: Pcm) -> tuple[int, int] | None:
        """(recording, position of the first sample of ``pcm``) of the very same samples."""
        for at in range(min(_STEP, len(pcm) - _WINDOW + 1)):
            found = self._table.get(pcm[at : at + _WINDOW].tobytes())
            if found is not None:
                return found[0], found[1] - at
        return None

    def find_alike(self, pcm: Pcm) -> tuple[int, int] | None:
        """The same for audio that was changed; blocks for some milliseconds a minute."""
        sought = _coarse(pcm)
        best, place = _ALIKE, None
        for number, recording in enumerate(self.recordings):
            known = _coarse(recording.pcm)
            if len(known) < len(sought):
                continue
            size = len(known) + len(sought)
            spectrum = np.fft.rfft(known, size) * np.conj(np.fft.rfft(sought, size))
            products = np.fft.irfft(spectrum, size)[: len(known) - len(sought) + 1]
            sums = np.concatenate([[0.0], np.cumsum(known**2)])
            energies = sums[len(sought) :] - sums[: -len(sought)]
            alike = products / np.sqrt(energies * float(sought @ sought) + 1e-9)
            at = int(np.argmax(alike))
            if alike[at] > best:
                best, place = float(alike[at]), (number, at * _COARSE)
        return place


class TranscriptEarStream:
    def __init__(self, ear: TranscriptEar) -> None:
        self._ear = ear
        self._utterance = -1
        self._spans: list[Span] = []
        self._unplaced: list[Pcm] = []
        """The open utterance's audio while nobody knows where it is from."""

    async def listen(self, sound: Sound) -> Heard:
        if sound.utterance != self._utterance:
            self._utterance, self._spans, self._unplaced = sound.utterance, [], []
        if len(sound.pcm):
            await self._place(sound)
        words: list[Word] = []
        for span in self._spans:
            start_s = span.in_source / SAMPLE_RATE_HZ
            end_s = (span.in_source + span.length) / SAMPLE_RATE_HZ
            words += [
                in_stream(word, span)
                for word in self._ear.recordings[span.source].words
                if start_s <= (word.start_s + word.end_s) / 2 < end_s
            ]
        if not self._spans:
            return Heard(())
        recording = self._ear.recordings[self._spans[-1].source]
        return Heard(tuple(words), recording.language, recording.punctuated)

    async def _place(self, sound: Sound) -> None:
        pcm = sound.pcm
        found = self._ear.find(pcm)
        if found is None and self._spans:
            self._spans[-1].length += len(pcm)
            return
        if found is None:
            await self._place_alike(sound)
            return
        source, at = found
        if self._spans and self._spans[-1].continues_at(at, source):
            self._spans[-1].length += len(pcm)
            return
        # What came before without being known lies before it in the same recording.
        before = 0 if self._spans else min(at, sum(map(len, self._unplaced)))
        self._unplaced = []
        self._spans.append(Span(sound.start - before, at - before, len(pcm) + before, source))

    async def _place_alike(self, sound: Sound) -> None:
        self._unplaced.append(sound.pcm)
        joined = np.concatenate(self._unplaced)
        # Once, when there is enough of it: what is not known then will not be later.
        if not len(joined) - len(sound.pcm) < _ENOUGH <= len(joined):
            return
        found = await asyncio.to_thread(self._ear.find_alike, joined)
        if found is not None:
            source, at = found
            self._unplaced = []
            self._spans.append(Span(sound.end - len(joined), at, len(joined), source))

    async def aclose(self) -> None:
        pass


def _is_telling(window: Pcm) -> bool:
    """Silence and steady tones are alike everywhere."""
    return len(np.unique(window)) > _WINDOW // 2


def _coarse(pcm: Pcm) -> npt.NDArray[np.float64]:
    whole = len(pcm) // _COARSE * _COARSE
    means: npt.NDArray[np.float64] = pcm[:whole].reshape(-1, _COARSE).mean(axis=1)
    return means - means.mean() if len(means) else means
