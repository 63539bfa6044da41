"""Rooms are told apart, fast speech is told from slow, and a recording can be looked at."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.benchmarks.word_errors import read_pcm
from pipeline.sample_quality.picture import picture
from pipeline.sample_quality.recording import recording_of
from pipeline.sample_quality.room_and_rate import reverberation_s, syllables_per_s
from pipeline.sound.stretch import stretch
from pipeline.types import SAMPLE_RATE_HZ, Pcm

CLIPS = ("librispeech/3080-5032-0001.flac", "en/LJ001-0001.flac")


def in_room(pcm: Pcm, decay_s: float) -> Pcm:
    """With the echo of a room whose sound dies away by 60 dB in ``decay_s``."""
    length = int(decay_s * SAMPLE_RATE_HZ)
    tail = np.random.default_rng(1).standard_normal(length)
    tail *= 10 ** (-3 * np.arange(length) / length)
    tail *= 0.7 / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    wet = np.convolve(pcm.astype(np.float64), tail)[: len(pcm)]
    return np.clip(wet, -32_768, 32_767).astype(np.int16)


@pytest.mark.parametrize("name", CLIPS)
def test_the_longer_the_room_rings_the_longer_is_the_estimate(speech_data: Path, name: str) -> None:
    pcm = read_pcm(speech_data / name)
    found = [reverberation_s(pcm), *(reverberation_s(in_room(pcm, s)) for s in (0.3, 0.6, 1.0))]
    assert None not in found
    assert found == sorted(found, key=lambda one: one or 0.0)
    assert found[0] is not None
    assert found[0] < 0.4
    assert found[-1] is not None
    assert found[-1] > 0.6


@pytest.mark.parametrize("name", CLIPS)
def test_hurried_speech_has_more_syllables_a_second(speech_data: Path, name: str) -> None:
    pcm = read_pcm(speech_data / name)

    def rate(sound: Pcm) -> float:
        found = syllables_per_s(sound, np.ones(len(sound) // 512, np.bool_), 512 / SAMPLE_RATE_HZ)
        assert found is not None
        return found

    assert 2.0 < rate(pcm) < 8.0
    assert rate(stretch(pcm, SAMPLE_RATE_HZ, 0.75)) < rate(pcm)


def test_silence_has_neither() -> None:
    silence = np.zeros(SAMPLE_RATE_HZ * 2, np.int16)
    assert reverberation_s(silence) is None
    assert reverberation_s(silence[:0]) is None
    nobody = np.zeros(len(silence) // 512, np.bool_)
    assert syllables_per_s(silence, nobody, 512 / SAMPLE_RATE_HZ) is None


def test_the_picture_shows_where_there_is_sound(speech_data: Path) -> None:
    pcm = read_pcm(speech_data / CLIPS[1])
    pcm[len(pcm) // 2 :] = 0
    with Image.open(io.BytesIO(picture(recording_of(pcm, SAMPLE_RATE_HZ)))) as image:
        assert (image.format, image.size) == ("WEBP", (960, 320))
        grey = np.asarray(image.convert("L"), np.float64)
    spectrum = grey[120:]
    assert spectrum[:, :440].mean() > spectrum[:, 520:].mean() + 20
    # The waveform is blue on white: dark where it is loud.
    assert grey[:120, :440].mean() < grey[:120, 520:].mean()
