"""Time-stretching keeps pitch, length and every push in order."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from pipeline.sound.prosody import measure
from pipeline.sound.stretch import TimeStretcher, stretch
from pipeline.types import SAMPLE_RATE_HZ, Pcm


def buzz(seconds: float, pitch_hz: float = 120.0) -> Pcm:
    """A voice-like tone: ten falling harmonics."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave = sum(np.sin(2 * np.pi * pitch_hz * h * time_s) / h for h in range(1, 11))
    return np.asarray(wave * 6_000).astype(np.int16)


@pytest.mark.parametrize("tempo", [0.5, 0.85, 1.0, 1.2, 2.0])
def test_length_follows_the_tempo(tempo: float) -> None:
    stretched = stretch(buzz(3.0), SAMPLE_RATE_HZ, tempo)
    assert len(stretched) == pytest.approx(3.0 * SAMPLE_RATE_HZ / tempo, rel=0.01)


@pytest.mark.parametrize("tempo", [0.8, 1.25])
def test_pitch_is_kept(tempo: float) -> None:
    stretched = stretch(buzz(2.0, pitch_hz=150.0), SAMPLE_RATE_HZ, tempo)
    assert measure(stretched, 0).pitch_hz == pytest.approx(150.0, rel=0.02)


def test_small_pushes_give_the_length_of_one_big_push() -> None:
    pcm = buzz(2.0)
    stretcher = TimeStretcher(SAMPLE_RATE_HZ, 1.3)
    pieces = [stretcher.push(pcm[at : at + 777]) for at in range(0, len(pcm), 777)]
    assert sum(map(len, pieces)) > 0.8 * len(pcm) / 1.3, "audio must come before the flush"
    streamed = np.concatenate([*pieces, stretcher.flush()])
    assert len(streamed) == pytest.approx(len(stretch(pcm, SAMPLE_RATE_HZ, 1.3)), abs=400)


def test_nothing_pushed_gives_nothing() -> None:
    assert len(stretch(np.zeros(0, np.int16), SAMPLE_RATE_HZ, 1.2)) == 0


@pytest.mark.parametrize("tempo", [0.49, 2.01, float("nan")])
def test_a_tempo_out_of_range_is_refused(tempo: float) -> None:
    with pytest.raises(ValueError, match="tempo must be between"):
        TimeStretcher(SAMPLE_RATE_HZ, tempo)


def test_a_closed_stretcher_refuses_audio_and_closes_twice() -> None:
    stretcher = TimeStretcher(SAMPLE_RATE_HZ, 1.1)
    stretcher.close()
    stretcher.close()
    with pytest.raises(ValueError, match="closed"):
        stretcher.push(buzz(0.1))


def test_a_forgotten_stretcher_is_freed() -> None:
    stretcher = TimeStretcher(SAMPLE_RATE_HZ, 1.1)
    free = stretcher._free
    del stretcher
    gc.collect()
    assert not free.alive
