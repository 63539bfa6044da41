from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.hearing.tape import Tape
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk


def fill(sizes: list[int], *, keep_s: float = 45.0) -> Tape:
    """A tape whose samples are their own positions modulo 30,000."""
    tape, start = Tape(keep_s), 0
    for sequence, size in enumerate(sizes):
        pcm = (np.arange(start, start + size) % 30_000).astype(np.int16)
        tape.append(AudioChunk(sequence, start, pcm), start / SAMPLE_RATE_HZ)
        start += size
    return tape


@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=30),
    st.integers(0, 50_000),
    st.integers(0, 20_000),
)
def test_reading_loses_and_doubles_no_sample(sizes: list[int], start: int, length: int) -> None:
    tape = fill(sizes)
    pcm = tape.read(start / SAMPLE_RATE_HZ, (start + length) / SAMPLE_RATE_HZ)
    expected = np.arange(start, min(start + length, sum(sizes))) % 30_000
    assert np.array_equal(pcm, expected)


def test_only_the_last_seconds_are_kept() -> None:
    tape = fill([1600] * 100, keep_s=2.0)
    assert len(tape.read(0, 10)) <= 2.1 * SAMPLE_RATE_HZ
    assert len(tape.read(8.5, 10)) == 1.5 * SAMPLE_RATE_HZ


def test_arrival_is_that_of_the_chunk_which_held_the_sample() -> None:
    tape = Tape()
    tape.append(AudioChunk(0, 0, np.zeros(1600, np.int16)), 10.0)
    tape.append(AudioChunk(1, 1600, np.zeros(1600, np.int16)), 10.1)
    assert tape.arrived_at(0.05) == 10.0
    assert tape.arrived_at(0.15) == 10.1
    assert tape.arrived_at(99.0) == 10.1


def test_the_live_edge_moves_with_the_clock_and_stops_when_audio_does() -> None:
    tape = Tape()
    tape.append(AudioChunk(0, 0, np.zeros(16_000, np.int16)), 100.0)
    assert tape.live_edge_s(100.0) == pytest.approx(1.0)
    assert tape.live_edge_s(100.1) == pytest.approx(1.1)
    assert tape.live_edge_s(160.0) == pytest.approx(1.25)


def test_one_late_chunk_does_not_move_the_live_edge_back() -> None:
    tape = Tape()
    tape.append(AudioChunk(0, 0, np.zeros(16_000, np.int16)), 100.0)
    tape.append(AudioChunk(1, 16_000, np.zeros(1600, np.int16)), 101.0)
    assert tape.live_edge_s(101.0) == pytest.approx(1.35, abs=0.01)


def test_the_chunk_of_a_position_is_known_by_its_number() -> None:
    tape = fill([100, 200, 300])
    assert [tape.sequence_at(at) for at in (0, 99, 100, 299, 300, 599)] == [0, 0, 1, 1, 2, 2]
    assert tape.sequence_at(600) == 2
    assert Tape().sequence_at(0) == -1
