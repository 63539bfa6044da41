"""Cuts the source stream into utterances: pure, no clock, no I/O.

Voice activity comes in as one probability per frame. An utterance opens when
enough frames lie above the upper threshold, with a pre-roll that a first
consonant needs, and closes when the frames have stayed below the lower one for
long enough; how long depends on how much has been said already (``patience``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.bounds import UTTERANCE_MAX_S
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm, SpeechPiece

Patience = tuple[tuple[float, float], ...]
"""Points (speech so far in s, silence that ends the utterance in s), ascending."""


@dataclass(frozen=True, slots=True)
class SegmenterConfig:
    frame_samples: int = 512
    onset: float = 0.5
    """A frame at or above it is speech while the speaker is silent."""
    offset: float = 0.35
    """A frame at or above it is still speech while the speaker talks."""
    onset_s: float = 0.09
    """Speech that must be there before an utterance opens: clicks are shorter."""
    pre_roll_s: float = 0.25
    # A lone "yes" is more often the start of a sentence than an answer, so short
    # utterances wait; after 2.5 s any breath is a good place to stop, because what
    # comes later in a long clause reaches the listener later.
    patience: Patience = ((0.0, 0.24), (1.0, 0.18), (1.5, 0.16), (2.5, 0.10), (6.0, 0.09))
    maximum_s: float = UTTERANCE_MAX_S
    """Utterances are closed here whatever happens: engines' memory is bounded."""


class Segmenter:
    """Turns one stream of chunks into pieces of utterances.

    Every sample between an utterance's first and last goes out exactly once and
    in order; utterances are numbered from ``first`` and never overlap.
    """

    def __init__(self, config: SegmenterConfig | None = None, *, first: int = 0) -> None:
        self._config = config or SegmenterConfig()
        self._buffer: Pcm = np.zeros(0, np.int16)
        self._buffer_start: int | None = None
        self._frame_start = 0
        self._utterance = first
        self._open = False
        self._voiced = 0  # samples of speech frames in the open or dawning utterance
        self._silent = 0  # samples since the last speech frame
        self._onset_start = 0
        self._speech_end = 0
        self._utterance_start = 0

    @property
    def is_open(self) -> bool:
        """Whether an utterance is being cut right now."""
        return self._open

    @property
    def utterance(self) -> int:
        """Number of the open utterance, or of the next one."""
        return self._utterance

    @property
    def quiet_s(self) -> float:
        """Since the last speech frame of the open utterance; 0 while none is open."""
        return self._silent / SAMPLE_RATE_HZ if self._open else 0.0

    @property
    def keeps_from(self) -> int | None:
        """Position from which audio may still go into a piece; None before the first chunk."""
        return self._buffer_start

    @property
    def speech_end(self) -> int:
        """Where the last speech frame ended, in samples on the media clock."""
        return self._speech_end

    def push(self, chunk: AudioChunk, probabilities: Sequence[float]) -> list[SpeechPiece]:
        """Take a chunk and the probabilities of the frames that it completed.

        A chunk that does not follow the last one closes the open utterance; the
        caller then gives the probabilities of a freshly opened detector stream.
        """
        pieces: list[SpeechPiece] = []
        if self._buffer_start is None:
            self._restart(chunk.start)
        elif chunk.start != self._buffer_start + len(self._buffer):
            pieces += self.flush()
            self._restart(chunk.start)
        self._buffer = np.concatenate([self._buffer, chunk.pcm])
        for probability in probabilities:
            pieces += self._frame(probability)
        if self._open:
            pieces += self._emit(self._frame_start)
        else:
            self._forget()
        return pieces

    def flush(self) -> list[SpeechPiece]:
        """Close the open utterance with all audio that has come; the stream ended."""
        if not self._open:
            return []
        assert self._buffer_start is not None
        return self._emit(self._buffer_start + len(self._buffer), ends=True)

    def _restart(self, start: int) -> None:
        self._buffer = np.zeros(0, np.int16)
        self._buffer_start = self._frame_start = start
        self._voiced = self._silent = 0

    def _frame(self, probability: float) -> list[SpeechPiece]:
        config = self._config
        frame_end = self._frame_start + config.frame_samples
        if probability >= (config.offset if self._voiced else config.onset):
            if not self._voiced:
                self._onset_start = self._frame_start
            self._voiced += config.frame_samples
            self._silent = 0
            self._speech_end = frame_end
        elif self._voiced:
            self._silent += config.frame_samples
        self._frame_start = frame_end
        if self._open:
            return self._emit(frame_end, ends=True) if self._is_over() else []
        if self._voiced >= config.onset_s * SAMPLE_RATE_HZ:
            self._begin()
        elif self._silent > self._voiced:
            self._voiced = self._silent = 0
        return []

    def _begin(self) -> None:
        assert self._buffer_start is not None
        pre_roll = int(self._config.pre_roll_s * SAMPLE_RATE_HZ)
        self._open = True
        self._utterance_start = max(self._buffer_start, self._onset_start - pre_roll)
        self._buffer = self._buffer[self._utterance_start - self._buffer_start :]
        self._buffer_start = self._utterance_start

    def _is_over(self) -> bool:
        length = self._frame_start - self._utterance_start
        if length >= self._config.maximum_s * SAMPLE_RATE_HZ:
            return True
        spoken_s = (self._speech_end - self._onset_start) / SAMPLE_RATE_HZ
        spans, silences = zip(*self._config.patience, strict=True)
        needed_s = float(np.interp(spoken_s, spans, silences))
        return self._silent >= needed_s * SAMPLE_RATE_HZ

    def _emit(self, end: int, *, ends: bool = False) -> list[SpeechPiece]:
        """The buffered audio up to ``end``; nothing when there is none and no end."""
        assert self._buffer_start is not None
        pcm = self._buffer[: end - self._buffer_start]
        if not len(pcm) and not ends:
            return []
        speech_end = min(self._speech_end, self._buffer_start + len(pcm)) if ends else None
        piece = SpeechPiece(self._utterance, self._buffer_start, pcm, ends, speech_end)
        self._buffer = self._buffer[len(pcm) :]
        self._buffer_start += len(pcm)
        if ends:
            self._open = False
            self._utterance += 1
            self._voiced = self._silent = 0
        return [piece]

    def _forget(self) -> None:
        """Keep what a pre-roll could still need, and what no frame has covered yet."""
        assert self._buffer_start is not None
        oldest = self._onset_start if self._voiced else self._frame_start
        keep_from = oldest - int(self._config.pre_roll_s * SAMPLE_RATE_HZ)
        surplus = keep_from - self._buffer_start
        if surplus > 0:
            self._buffer = self._buffer[surplus:]
            self._buffer_start += surplus
