"""One stream's decoding with pocketsphinx: blocking, single-threaded, no I/O.

Most of the distance between streaming and whole-utterance decoding is cepstral mean
normalisation: a stream starts with a mean that belongs to nobody. So the mean is
measured here on the audio itself, search starts once there is enough of it, and an
utterance whose mean turns out to be far off is decoded again from its beginning
while the speaker still talks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pocketsphinx

from pipeline.types import SAMPLE_RATE_HZ, Pcm, Word

CepstralMean = npt.NDArray[np.float64]
"""Shape (13,): mean of each cepstral coefficient."""

FRAMES_PER_S = 100
_FILLERS = ("<", "[", "++")
_VARIANT = re.compile(r"\(\d+\)$")


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    block_s: float = 0.1
    """Audio given to the search at a time."""
    first_mean_s: float = 0.8
    """Audio that a stream's first mean is measured on; search waits for it."""
    mean_checks_s: tuple[float, ...] = (1.0, 2.0)
    """Lengths of an utterance at which its mean is measured again."""
    mean_moved: float = 2.0
    """RMS distance between means from which an utterance is decoded again."""
    mean_least_s: float = 0.3
    """Utterances shorter than this say nothing about the mean."""
    mean_window_s: float = 12.0
    """Audio that a mean is measured on; older speech may be another speaker's."""
    # Measured on the clean clips, whole-utterance decoding at its best 0.323: 8,000
    # states 0.310 at 0.45 of real time, 5,000 0.333 at 0.38 (mean checked at 3 s),
    # these 0.327 at 0.28. A mean checked later costs a longer catch-up.
    active_states: int = 3000
    """Most HMMs searched per frame: noise activates every one of them."""
    words_per_frame: int = 20
    """Most word exits per frame."""


class SphinxDecoder:
    """Decodes one utterance after another; remembers the mean between them."""

    def __init__(self, config: DecoderConfig | None = None) -> None:
        self.config = config or DecoderConfig()
        self._search = pocketsphinx.Decoder(
            samprate=SAMPLE_RATE_HZ,
            loglevel="FATAL",
            fwdflat=False,
            maxhmmpf=self.config.active_states,
            maxwpf=self.config.words_per_frame,
        )
        # A second decoder without a language model: only its front end is used, so
        # that measuring a mean leaves the search of the running utterance alone.
        self._front_end = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", lm=None)
        self._front_end.add_keyphrase("mean", "hello")
        self._front_end.activate_search("mean")
        # For a first sound too short to be measured.
        self._model_mean = _parse(self._search.get_cmn())
        self._past: deque[tuple[CepstralMean, float]] = deque(maxlen=16)
        self._mean: CepstralMean | None = None
        self._searching = False
        self._audio: Pcm = np.zeros(0, np.int16)
        self._gathered: list[Pcm] = []
        self._searched = 0
        self._start_s = 0.0
        self._checks: list[float] = []

    def begin(self, start_s: float) -> None:
        """An utterance starts at this media time."""
        self._stop()
        self.settle()
        self._audio = np.zeros(0, np.int16)
        self._gathered.clear()
        self._searched = 0
        self._start_s = start_s
        self._checks = sorted(self.config.mean_checks_s, reverse=True)

    @property
    def searched_s(self) -> float:
        """Media time up to which words have been searched."""
        return self._start_s + self._searched / SAMPLE_RATE_HZ

    def feed(self, pcm: Pcm) -> bool:
        """Take audio of the utterance; True when there may be another hypothesis."""
        self._audio = np.concatenate([self._audio, pcm])
        length_s = len(self._audio) / SAMPLE_RATE_HZ
        if not self._searching:
            if not self._past and length_s < self.config.first_mean_s:
                return False
            self._start_search(self._expected_mean())
        elif self._checks and length_s >= self._checks[-1]:
            self._checks.pop()
            mean = self._expected_mean()
            assert self._mean is not None
            if float(np.sqrt(np.mean((mean - self._mean) ** 2))) > self.config.mean_moved:
                self._start_search(mean)
        before = self._searched
        block = int(self.config.block_s * SAMPLE_RATE_HZ)
        while len(self._audio) - self._searched >= block:
            self._search_block(block)
        return self._searched > before

    def words(self) -> tuple[Word, ...]:
        """The words so far, on the media clock; empty before search has begun."""
        return tuple(self._words()) if self._searching else ()

    def finish(self) -> tuple[Word, ...]:
        """Close the utterance; its words after the search over the whole lattice."""
        if not self._searching and len(self._audio):
            self._start_search(self._expected_mean())
        if self._searched < len(self._audio):
            self._search_block(len(self._audio) - self._searched)
        self._stop()
        return tuple(self._words()) if self._searched else ()

    def gather(self, pcm: Pcm) -> None:
        """Take audio that is searched when the utterance has ended, by ``search_whole``."""
        self._gathered.append(pcm)

    def search_whole(self) -> tuple[Word, ...]:
        """The words of what was gathered, with the mean of just that; then it is forgotten."""
        audio = np.concatenate([*self._gathered, np.zeros(0, np.int16)])
        self._gathered.clear()
        if not len(audio):
            return ()
        self._search.start_utt()
        self._search.process_raw(audio.tobytes(), full_utt=True)
        self._search.end_utt()
        return tuple(self._words())

    def _expected_mean(self) -> CepstralMean:
        """Mean of this utterance and of the recent ones, each weighted by its length."""
        window_s, parts = self.config.mean_window_s, list(self._past)
        if len(self._audio) >= self.config.mean_least_s * SAMPLE_RATE_HZ:
            parts.append((self._measure(), len(self._audio) / SAMPLE_RATE_HZ))
        total, weights = np.zeros(13), 0.0
        for mean, length_s in reversed(parts):
            weight = min(length_s, window_s - weights)
            if weight <= 0:
                break
            total += weight * mean
            weights += weight
        return total / weights if weights else self._model_mean

    def _measure(self) -> CepstralMean:
        """Mean over this utterance; costs 4 % of its length."""
        self._front_end.start_utt()
        self._front_end.process_raw(self._audio.tobytes(), no_search=True, full_utt=True)
        self._front_end.end_utt()
        return _parse(self._front_end.get_cmn())

    def settle(self) -> None:
        """Learn from the utterance just finished; for when nobody waits."""
        if len(self._audio) >= self.config.mean_least_s * SAMPLE_RATE_HZ:
            self._past.append((self._measure(), len(self._audio) / SAMPLE_RATE_HZ))
        self._audio = np.zeros(0, np.int16)

    def _start_search(self, mean: CepstralMean) -> None:
        self._stop()
        self._mean = mean
        self._search.set_cmn(",".join(f"{value:.4f}" for value in mean))
        self._search.start_utt()
        self._searching = True
        self._searched = 0

    def _search_block(self, samples: int) -> None:
        block = self._audio[self._searched : self._searched + samples]
        self._search.process_raw(block.tobytes())
        self._searched += samples

    def _stop(self) -> None:
        if self._searching:
            self._search.end_utt()
            self._searching = False

    def _words(self) -> Iterator[Word]:
        for segment in self._search.seg() or ():
            if segment.word.startswith(_FILLERS):
                continue
            yield Word(
                text=_VARIANT.sub("", segment.word).lower(),
                start_s=self._start_s + segment.start_frame / FRAMES_PER_S,
                end_s=self._start_s + (segment.end_frame + 1) / FRAMES_PER_S,
            )


def _parse(mean: str) -> CepstralMean:
    return np.array([float(value) for value in mean.split(",")])
