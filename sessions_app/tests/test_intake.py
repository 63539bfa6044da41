"""Client audio keeps its place on the media clock, at any rate and however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.types import SAMPLE_RATE_HZ, AudioChunk
from sessions_app.audio.intake import RATE_MAX_HZ, RATE_MIN_HZ, Intake, IntakeError

SIZES = st.lists(st.integers(0, 4000), min_size=1, max_size=20)


def taken(intake: Intake, sizes: list[int], *, stamped: bool) -> list[AudioChunk]:
    chunks: list[AudioChunk] = []
    count = 0
    for n, size in enumerate(sizes):
        media_s = round(count * 1_000_000 / intake.sample_rate_hz) / 1_000_000
        result = intake.take(
            np.full(size, 7, dtype=np.int16), sequence=n, media_s=media_s if stamped else None
        )
        chunks += [*result.before, *result.chunks]
        count += size
    if rest := intake.flush():
        chunks.append(rest)
    return chunks


@given(SIZES, st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]), st.booleans())
def test_no_sample_is_lost_or_doubled(sizes: list[int], rate_hz: int, stamped: bool) -> None:
    chunks = taken(Intake(rate_hz), sizes, stamped=stamped)
    position = 0
    for chunk in chunks:
        assert chunk.start == position
        position = chunk.end
    assert position == pytest.approx(sum(sizes) * SAMPLE_RATE_HZ / rate_hz, abs=1)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000])
def test_a_click_stays_where_it_was(rate_hz: int) -> None:
    pcm = np.zeros(rate_hz * 2, dtype=np.int16)
    pcm[rate_hz : rate_hz + rate_hz // 500] = 20_000
    intake = Intake(rate_hz)
    heard = np.zeros(2 * SAMPLE_RATE_HZ, dtype=np.int16)
    blocks = [pcm[begin : begin + 1000] for begin in range(0, len(pcm), 1000)]
    for block in blocks:
        for chunk in intake.take(block).chunks:
            heard[chunk.start : chunk.end] = chunk.pcm
    centre = (rate_hz + (rate_hz // 500 - 1) / 2) / rate_hz * SAMPLE_RATE_HZ
    middle = np.average(np.arange(len(heard)), weights=heard.astype(float) ** 2)
    assert middle == pytest.approx(centre, abs=0.05)


def test_stamps_that_jitter_are_taken_as_the_count() -> None:
    intake = Intake(16_000)
    first = intake.take(np.ones(1600, dtype=np.int16), media_s=0.0).chunks[0]
    second = intake.take(np.ones(1600, dtype=np.int16), media_s=0.109).chunks[0]
    assert second.start == first.end


def test_a_gap_moves_the_place_and_a_step_back_is_a_seek() -> None:
    intake = Intake(16_000)
    intake.take(np.ones(1600, dtype=np.int16), media_s=5.0)
    ahead = intake.take(np.ones(1600, dtype=np.int16), media_s=7.0)
    assert (ahead.chunks[0].start, ahead.seek) == (7 * 16_000, False)
    back = intake.take(np.ones(1600, dtype=np.int16), media_s=2.0)
    assert (back.chunks[0].start, back.seek) == (2 * 16_000, True)


def test_a_chunk_that_comes_again_gives_nothing() -> None:
    intake = Intake(16_000)
    pcm = np.ones(1600, dtype=np.int16)
    assert intake.take(pcm, sequence=0).chunks
    assert not intake.take(pcm, sequence=0).chunks
    assert intake.take(pcm, sequence=3).missing == 2
    assert intake.acknowledged == 3


@pytest.mark.parametrize("rate_hz", [RATE_MIN_HZ - 1, RATE_MAX_HZ + 1, 0, -16_000])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(IntakeError) as refusal:
        Intake(rate_hz)
    assert refusal.value.code == "sample_rate_unsupported"
