"""A client's audio on its way in: any rate to 16 kHz, numbered, placed on the media clock.

Pure but for the resampler's state. While chunks follow one another their positions are
counted in samples, so nothing is lost or doubled by rounding; a client's stamp counts
where it departs from the count by more than a tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

RATE_MIN_HZ = 8_000
RATE_MAX_HZ = 48_000
JITTER_S = 0.02
"""Stamps this close to the count are taken as the count: clients read their media clock
and their audio on different timers."""
SEEK_BACK_S = 1.0
"""A stamp further back than this is a seek: what follows belongs to another run."""


class IntakeError(Exception):
    """Audio that cannot be taken; ``code`` is stable, the session lives on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Taken:
    known: bool = False
    """The chunk was taken before: it gives nothing."""
    chunks: tuple[AudioChunk, ...] = ()
    missing: int = 0
    """Chunk numbers that were left out before this one."""
    seek: bool = False
    """The media time went back: ``chunks`` belong to another run."""
    before: tuple[AudioChunk, ...] = ()
    """The last samples from before a seek or gap."""


class Intake:
    """One stream of audio chunks from one client, which may begin with any number unless it
    ``goes_on`` behind chunk ``after``.

    Where the client does not say, chunks are counted from the one behind ``after``, and the
    first sample's place on the media clock is ``start`` (samples at 16 kHz).
    """

    def __init__(
        self, sample_rate_hz: int, *, after: int = -1, start: int = 0, goes_on: bool = False
    ) -> None:
        if not RATE_MIN_HZ <= sample_rate_hz <= RATE_MAX_HZ:
            raise IntakeError(
                "sample_rate_unsupported",
                f"The sample rate must be {RATE_MIN_HZ} to {RATE_MAX_HZ} Hz; got {sample_rate_hz}.",
            )
        self.sample_rate_hz = sample_rate_hz
        self.acknowledged = after
        self._expect_any = not goes_on
        self._resampler: soxr.ResampleStream | None = None
        self._anchor = start
        """Position of the first sample since the resampler started, at 16 kHz."""
        self._taken = 0
        """Samples since then, at the client's rate."""
        self._given = 0
        """Samples since then, at 16 kHz."""
        self._started = False

    def take(self, pcm: Pcm, *, sequence: int | None = None, media_s: float | None = None) -> Taken:
        """Audio at the client's rate; a chunk that was taken before gives nothing."""
        missing = 0
        if sequence is not None:
            if not self._expect_any:
                if sequence <= self.acknowledged:
                    return Taken(known=True)
                missing = sequence - self.acknowledged - 1
            self.acknowledged = sequence
        else:
            self.acknowledged += 1
        self._expect_any = False
        seek = False
        before: tuple[AudioChunk, ...] = ()
        if media_s is not None:
            expected_s = self._anchor / SAMPLE_RATE_HZ + self._taken / self.sample_rate_hz
            if not self._started or abs(media_s - expected_s) > JITTER_S:
                seek = self._started and media_s < expected_s - SEEK_BACK_S
                rest = self.flush()
                before = () if rest is None else (rest,)
                self._anchor = round(media_s * SAMPLE_RATE_HZ)
                self._taken = self._given = 0
        self._started = True
        self._taken += len(pcm)
        made = self._chunk(self._resample(pcm, last=False))
        return Taken(False, () if made is None else (made,), missing, seek, before)

    def flush(self) -> AudioChunk | None:
        """What the resampler still holds; the next chunk goes on right behind it."""
        if self._resampler is None:
            return None
        rest = self._resample(np.zeros(0, dtype=np.int16), last=True)
        self._resampler = None
        # Never more than what came in: the filter's end may ring a sample further.
        owed = round(self._taken * SAMPLE_RATE_HZ / self.sample_rate_hz) - self._given
        made = self._chunk(rest[: max(0, owed)])
        self._anchor += self._given
        self._taken = self._given = 0
        return made

    def _resample(self, pcm: Pcm, *, last: bool) -> Pcm:
        if self.sample_rate_hz == SAMPLE_RATE_HZ:
            return pcm
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                self.sample_rate_hz, SAMPLE_RATE_HZ, 1, dtype="int16", quality="HQ"
            )
        made: Pcm = self._resampler.resample_chunk(pcm, last=last)
        return made

    def _chunk(self, pcm: Pcm) -> AudioChunk | None:
        if not len(pcm):
            return None
        chunk = AudioChunk(max(0, self.acknowledged), self._anchor + self._given, pcm)
        self._given += len(pcm)
        return chunk
