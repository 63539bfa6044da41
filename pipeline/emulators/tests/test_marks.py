from __future__ import annotations

import numpy as np
import pytest

from pipeline.emulators.marks import FRAME_SAMPLES, marked, position
from pipeline.types import Pcm


def noise(samples: int) -> Pcm:
    pcm: Pcm = np.random.default_rng(5).normal(0, 3_000, samples).astype(np.int16)
    return pcm


@pytest.mark.parametrize("start", [0, 1, 63, 64, 16_000, 11_520_007])
@pytest.mark.parametrize("cut", [0, 1, 37, 640])
def test_a_piece_knows_where_it_is_from(start: int, cut: int) -> None:
    pcm = marked(noise(4_000), start)
    assert position(pcm[cut : cut + 2 * FRAME_SAMPLES]) == start + cut


def test_silence_carries_it_too_and_stays_silent() -> None:
    pcm = marked(np.zeros(1_000, dtype=np.int16), 320)
    assert position(pcm) == 320
    assert set(pcm.tolist()) <= {0, 1}


def test_audio_without_marks_has_no_position() -> None:
    assert position(noise(100_000)) is None
    assert position(marked(noise(20))) is None


def test_marks_change_a_sample_by_one_at_most() -> None:
    pcm = noise(5_000)
    assert np.abs(marked(pcm).astype(int) - pcm).max() <= 1
