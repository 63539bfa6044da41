from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bounds import FILE_MAX_S, GAP_FILL_MAX_S, LIVE_MAX_S
from pipeline.hearing.inbox import Inbox, contiguous
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk


def second(number: int) -> AudioChunk:
    return AudioChunk(
        number, number * SAMPLE_RATE_HZ, np.full(SAMPLE_RATE_HZ, number, dtype=np.int16)
    )


async def test_live_audio_beyond_the_bound_pushes_out_the_oldest() -> None:
    inbox = Inbox()
    lost_s = sum(inbox.push(second(number)) for number in range(13))
    assert lost_s == 13 - LIVE_MAX_S
    first = await inbox.next()
    assert first is not None
    assert first.sequence == 3


async def test_a_file_waits_for_room() -> None:
    inbox = Inbox()
    for number in range(int(FILE_MAX_S) + 1):
        await inbox.feed(second(number))
    waiting = asyncio.create_task(inbox.feed(second(9)))
    await asyncio.sleep(0)
    assert not waiting.done()
    await inbox.next()
    await waiting


async def test_closing_gives_out_what_is_there_and_frees_who_waits() -> None:
    inbox = Inbox()
    for number in range(int(FILE_MAX_S) + 1):
        await inbox.feed(second(number))
    waiting = asyncio.create_task(inbox.feed(second(9)))
    await asyncio.sleep(0)
    inbox.close()
    await waiting
    given_out = []
    while (chunk := await inbox.next()) is not None:
        given_out.append(chunk.sequence)
    assert given_out == list(range(int(FILE_MAX_S) + 1))


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(-3000, 60_000), st.integers(0, 4000)), max_size=30),
)
def test_joined_chunks_never_lose_new_samples_or_repeat_old_ones(
    begin: int, steps: list[tuple[int, int]]
) -> None:
    end = begin
    for jump, size in steps:
        start = max(0, end + jump)
        positions = np.arange(start, start + size) % 30_000 + 1
        parts = contiguous(AudioChunk(0, start, positions.astype(np.int16)), end)
        for index, part in enumerate(parts):
            if index == 0 and start <= end:
                assert part.start == end
            if part.pcm.any():
                assert np.array_equal(
                    part.pcm, (np.arange(part.start, part.end) % 30_000 + 1).astype(np.int16)
                )
            else:
                assert len(part.pcm) <= GAP_FILL_MAX_S * SAMPLE_RATE_HZ
        if parts:
            assert parts[-1].end == max(end, start + size)
            assert all(a.end == b.start for a, b in pairwise(parts))
            end = parts[-1].end


@pytest.mark.parametrize("gap_s", [0.1, 1.0, 30.0])
def test_a_gap_is_preceded_by_bounded_silence(gap_s: float) -> None:
    start = round(gap_s * SAMPLE_RATE_HZ)
    quiet, chunk = contiguous(AudioChunk(1, start, np.ones(100, np.int16)), 0)
    assert len(quiet.pcm) == min(start, GAP_FILL_MAX_S * SAMPLE_RATE_HZ)
    assert chunk.start == quiet.end == start
