"""A recording to look at: its waveform, and below it what sounds at which height."""

from __future__ import annotations

import io
import itertools

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.sample_quality.recording import Recording

WIDTH, WAVE_HEIGHT, SPECTRUM_HEIGHT = 960, 120, 200
_DYNAMIC_DB = 70.0
_WAVE, _PAPER = (31, 111, 235), (255, 255, 255)
_COLOURS = np.array(
    [(0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21),
     (250, 193, 39), (252, 255, 164)],
    np.float64,
)  # fmt: skip
"""Inferno, which the colour-blind can read and which prints well in grey."""

Pixels = npt.NDArray[np.uint8]


def picture(recording: Recording) -> bytes:
    """A WebP of 960 by 320 pixels; time runs to the right, frequency upwards on the mel scale."""
    samples = np.asarray(recording.samples / 32_768, np.float32)
    image = Image.fromarray(np.vstack([_wave(samples), _spectrum(samples, recording.rate_hz)]))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80)
    return out.getvalue()


def _wave(samples: npt.NDArray[np.float32]) -> Pixels:
    edges = np.linspace(0, len(samples), WIDTH + 1).astype(int)
    peaks = np.array(
        [
            np.abs(samples[left:right]).max() if right > left else 0.0
            for left, right in itertools.pairwise(edges)
        ]
    )
    heights = np.maximum(1, np.round(peaks * (WAVE_HEIGHT / 2 - 2))).astype(int)
    rows = np.abs(np.arange(WAVE_HEIGHT)[:, None] - WAVE_HEIGHT // 2)
    inside = rows <= heights[None, :]
    return np.where(inside[:, :, None], np.array(_WAVE), np.array(_PAPER)).astype(np.uint8)


def _spectrum(samples: npt.NDArray[np.float32], rate_hz: int) -> Pixels:
    # Half a second to import, and only a worker draws.
    import librosa

    hop = max(1, len(samples) // WIDTH)
    power = librosa.feature.melspectrogram(
        y=samples, sr=rate_hz, n_fft=1024, hop_length=hop, n_mels=SPECTRUM_HEIGHT // 2
    )
    level = np.clip(librosa.power_to_db(power, ref=np.max, top_db=_DYNAMIC_DB), -_DYNAMIC_DB, 0)
    share = level[::-1] / _DYNAMIC_DB + 1.0
    columns = np.linspace(0, share.shape[1] - 1, WIDTH).round().astype(int)
    tall = np.repeat(share[:, columns], 2, axis=0)
    place = tall * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(int), len(_COLOURS) - 2)
    part = (place - low)[:, :, None]
    return np.asarray(_COLOURS[low] * (1 - part) + _COLOURS[low + 1] * part, np.uint8)
