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
    first_mean_s: float = 0.7
    """Audio that a stream's first mean is measured on; search waits for it."""
    mean_checks_s: tuple[float, ...] = (1.0, 2.0)
    """Lengths of an utterance at which its mean is measured again."""
    mean_moved: float = 2.0
    """RMS distance between means from which an utterance is decoded again."""
    mean_least_s: float = 0.3
    """Utterances shorter than this say nothing about the mean."""
    mean_window_s: float = 12.0
    """Audio that a mean is measured on; older speech may be another speaker's."""
    # Measured on the clean clips, whole-utterance decoding at its best 0.323: 10,000
    # states 0.310 at 0.45 of real time, 5,000 0.333 at 0.38 (mean checked at 3 s),
    # these 0.327 at 0.28. A mean checked later costs a longer catch-up.
    finish_again_s: float = 0.3
    """An utterance that ends waits for no more than this of its second decoding."""
    active_states: int = 3000
    """Most HMMs searched per frame: noise activates every one of them."""
    words_per_frame: int = 10
    """Most word exits per frame."""


class _Search:
    """One pocketsphinx search over an utterance's audio, under one cepstral mean."""

    def __init__(self, config: DecoderConfig) -> None:
        self._decoder = pocketsphinx.Decoder(
            samprate=SAMPLE_RATE_HZ,
            loglevel="FATAL",
            fwdflat=False,
            maxhmmpf=config.active_states,
            maxwpf=config.words_per_frame,
        )
        self._block = int(config.block_s * SAMPLE_RATE_HZ)
        self.mean = _parse(self._decoder.get_cmn())
        self.running = False
        self.searched = 0

    def start(self, mean: CepstralMean) -> None:
        self.stop()
        self.mean = mean
        self._decoder.set_cmn(",".join(f"{value:.4f}" for value in mean))
        self._decoder.start_utt()
        self.running = True
        self.searched = 0

    def step(self, audio: Pcm, *, rest: bool = False) -> bool:
        """Search one more block of ``audio``; ``rest`` takes a shorter last one too."""
        block = audio[self.searched : self.searched + self._block]
        if len(block) < self._block and not (rest and len(block)):
            return False
        self._decoder.process_raw(block.tobytes())
        self.searched += len(block)
        return True

    def stop(self) -> None:
        """End the utterance: its words then come from the search over the lattice."""
        if self.running:
            self._decoder.end_utt()
            self.running = False

    def words(self, start_s: float) -> Iterator[Word]:
        for segment in self._decoder.seg() or ():
            if segment.word.startswith(_FILLERS):
                continue
            yield Word(
                text=_VARIANT.sub("", segment.word).lower(),
                start_s=start_s + segment.start_frame / FRAMES_PER_S,
                end_s=start_s + (segment.end_frame + 1) / FRAMES_PER_S,
            )


class SphinxDecoder:
    """Decodes one utterance after another; remembers the mean between them.

    Decoding again runs beside the first search, a block at a time whenever there is
    nothing else to do (``catch_up``), and takes over once it is level: an utterance
    that ends before that keeps its first words and never waits for the second.
    """

    def __init__(self, config: DecoderConfig | None = None) -> None:
        self.config = config or DecoderConfig()
        self._search = _Search(self.config)
        self._again = _Search(self.config)
        # A decoder without a language model: only its front end is used, so that
        # measuring a mean leaves the searches alone.
        self._front_end = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", lm=None)
        self._front_end.add_keyphrase("mean", "hello")
        self._front_end.activate_search("mean")
        self._model_mean = self._search.mean
        self._past: deque[tuple[CepstralMean, float]] = deque(maxlen=16)
        self._audio: Pcm = np.zeros(0, np.int16)
        self._start_s = 0.0
        self._checks: list[float] = []

    def begin(self, start_s: float) -> None:
        """An utterance starts at this media time."""
        self._search.stop()
        self._again.stop()
        self.settle()
        self._search.searched = 0
        self._start_s = start_s
        self._checks = sorted(self.config.mean_checks_s, reverse=True)

    @property
    def searched_s(self) -> float:
        """Media time up to which words have been searched."""
        return self._start_s + self._search.searched / SAMPLE_RATE_HZ

    def feed(self, pcm: Pcm) -> bool:
        """Take audio of the utterance; True when there may be another hypothesis."""
        self._audio = np.concatenate([self._audio, pcm])
        length_s = len(self._audio) / SAMPLE_RATE_HZ
        if not self._search.running:
            if not self._past and length_s < self.config.first_mean_s:
                return False
            self._search.start(self._expected_mean())
        elif self._checks and length_s >= self._checks[-1]:
            self._checks.pop()
            self._check_mean()
        before = self._search.searched
        while self._search.step(self._audio):
            pass
        return self._search.searched > before

    def catch_up(self) -> bool:
        """One block of decoding again; False when there is none to do."""
        if not self._again.running or not self._again.step(self._audio):
            return False
        if self._again.searched >= self._search.searched:
            self._take_over()
        return self._again.running

    def words(self) -> tuple[Word, ...]:
        """The words so far, on the media clock; empty before search has begun."""
        return tuple(self._search.words(self._start_s)) if self._search.running else ()

    def finish(self) -> tuple[Word, ...]:
        """Close the utterance; its words after the search over the whole lattice."""
        if not self._search.running:
            self._search.start(self._expected_mean())
        behind = len(self._audio) - self._again.searched
        if self._again.running and behind <= self.config.finish_again_s * SAMPLE_RATE_HZ:
            self._take_over()
        while self._search.step(self._audio, rest=True):
            pass
        self._search.stop()
        return tuple(self._search.words(self._start_s)) if self._search.searched else ()

    def settle(self) -> None:
        """Learn from the utterance just finished; for when nobody waits."""
        self._again.stop()
        if len(self._audio) >= self.config.mean_least_s * SAMPLE_RATE_HZ:
            self._past.append((self._measure(), len(self._audio) / SAMPLE_RATE_HZ))
        self._audio = np.zeros(0, np.int16)

    def _check_mean(self) -> None:
        mean = self._expected_mean()
        used = self._again.mean if self._again.running else self._search.mean
        if float(np.sqrt(np.mean((mean - used) ** 2))) > self.config.mean_moved:
            self._again.start(mean)

    def _take_over(self) -> None:
        self._search, self._again = self._again, self._search
        self._again.stop()

    def _expected_mean(self) -> CepstralMean:
        """Mean of this utterance and of the recent ones, each weighted by its length."""
        parts = list(self._past)
        if len(self._audio) >= self.config.mean_least_s * SAMPLE_RATE_HZ:
            parts.append((self._measure(), len(self._audio) / SAMPLE_RATE_HZ))
        total, weights = np.zeros_like(self._model_mean), 0.0
        for mean, length_s in reversed(parts):
            weight = min(length_s, self.config.mean_window_s - weights)
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


def _parse(mean: str) -> CepstralMean:
    return np.array([float(value) for value in mean.split(",")])
