"""A recording as it is measured and kept: mono, at its own rate and at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from pipeline.bounds import SAMPLE_MAX_S
from pipeline.sound.media import MediaError, open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm

RATE_MAX_HZ = 48_000
"""What is recorded at more is kept at this rate: no voice has more to tell."""


@dataclass(frozen=True, slots=True)
class Recording:
    samples: npt.NDArray[np.int16]
    """Mono, at ``rate_hz``."""
    rate_hz: int
    speech_rate: Pcm
    """The same at 16 kHz."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


def recording_of(samples: npt.NDArray[np.int16], rate_hz: int) -> Recording:
    if rate_hz == SAMPLE_RATE_HZ:
        return Recording(samples, rate_hz, samples)
    return Recording(samples, rate_hz, soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, "HQ"))


def read_recording(path: Path, *, max_s: float = SAMPLE_MAX_S) -> Recording:
    """Any audio or video file's first sound track, whole.

    Raises MediaError: those of ``open_media``, and ``media_too_long`` beyond ``max_s``.
    """
    info = open_media(path)
    rate_hz = min(max(info.sample_rate_hz, 8_000), RATE_MAX_HZ)
    pieces: list[npt.NDArray[np.int16]] = []
    count = 0
    for piece in info.samples(rate_hz=rate_hz, channels=1):
        pieces.append(piece[:, 0])
        count += len(piece)
        if count > max_s * rate_hz:
            raise MediaError(
                "media_too_long", f"The recording is longer than {max_s / 60:g} minutes."
            )
    return recording_of(np.concatenate(pieces), rate_hz)


def write_flac(path: Path, recording: Recording) -> None:
    """Without loss and without tags."""
    soundfile.write(path, recording.samples, recording.rate_hz, format="FLAC", subtype="PCM_16")
