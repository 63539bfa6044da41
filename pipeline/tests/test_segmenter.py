"""The segmenter loses nothing, doubles nothing and stops where speech stops."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hearing.segmenter import Segmenter, SegmenterConfig
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, SpeechPiece

FRAME = 512
FRAME_S = FRAME / SAMPLE_RATE_HZ


def cut(
    probabilities: list[float],
    *,
    config: SegmenterConfig | None = None,
    chunk_samples: int = 1024,
    start: int = 0,
    spare: int = 0,
) -> tuple[np.ndarray, list[SpeechPiece]]:
    """Pieces of a stream whose samples count upwards, so that any mix-up shows."""
    audio = np.arange(len(probabilities) * FRAME + spare).astype(np.int16)
    segmenter = Segmenter(config)
    pieces: list[SpeechPiece] = []
    done = 0
    for sequence, at in enumerate(range(0, len(audio), chunk_samples)):
        pcm = audio[at : at + chunk_samples]
        frames = (at + len(pcm)) // FRAME
        pieces += segmenter.push(AudioChunk(sequence, start + at, pcm), probabilities[done:frames])
        done = frames
    return audio, pieces + segmenter.flush()


def ends(pieces: list[SpeechPiece]) -> list[SpeechPiece]:
    return [piece for piece in pieces if piece.ends]


speech_like = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), st.integers(1, 40)), max_size=25
).map(lambda runs: [value for value, length in runs for _ in range(length)])


@settings(deadline=None)
@given(
    probabilities=speech_like,
    chunk_samples=st.integers(100, 5000),
    start=st.integers(0, 10**7),
    spare=st.integers(0, FRAME - 1),
)
def test_every_sample_of_an_utterance_goes_out_once_and_in_order(
    probabilities: list[float], chunk_samples: int, start: int, spare: int
) -> None:
    config = SegmenterConfig(maximum_s=5.0)
    audio, pieces = cut(
        probabilities, config=config, chunk_samples=chunk_samples, start=start, spare=spare
    )
    end_of_previous = start
    groups = itertools.groupby(pieces, key=lambda piece: piece.utterance)
    for number, (utterance, group) in enumerate(groups):
        parts = list(group)
        assert utterance == number
        assert parts[0].start >= end_of_previous
        for part, following in itertools.pairwise(parts):
            assert following.start == part.end
        for part in parts:
            np.testing.assert_array_equal(part.pcm, audio[part.start - start : part.end - start])
        assert [part.ends for part in parts] == [False] * (len(parts) - 1) + [True]
        assert all(part.speech_end is None for part in parts[:-1])
        speech_end = parts[-1].speech_end
        assert speech_end is not None
        assert parts[0].start < speech_end <= parts[-1].end
        assert parts[-1].end - parts[0].start <= (5.0 + FRAME_S) * SAMPLE_RATE_HZ + FRAME
        end_of_previous = parts[-1].end


@settings(deadline=None)
@given(probabilities=speech_like)
def test_how_the_stream_is_chunked_changes_no_utterance(probabilities: list[float]) -> None:
    def spans(chunk_samples: int) -> list[tuple[int, int | None]]:
        _, pieces = cut(probabilities, chunk_samples=chunk_samples)
        starts: dict[int, int] = {}
        for piece in pieces:
            starts.setdefault(piece.utterance, piece.start)
        return [(starts[piece.utterance], piece.speech_end) for piece in ends(pieces)]

    assert spans(FRAME) == spans(3000)


def test_a_pre_roll_comes_before_the_first_speech_frame() -> None:
    _, pieces = cut([0.0] * 30 + [1.0] * 30 + [0.0] * 30)
    assert pieces[0].start == 30 * FRAME - int(0.25 * SAMPLE_RATE_HZ)


def test_a_pre_roll_never_reaches_into_the_previous_utterance() -> None:
    _, pieces = cut([0.0] * 30 + [1.0] * 100 + [0.0] * 5 + [1.0] * 30 + [0.0] * 30)
    first, second = ends(pieces)
    starts = [piece.start for piece in pieces if piece.utterance == second.utterance]
    assert starts[0] == first.end


def test_a_click_opens_no_utterance() -> None:
    _, pieces = cut([0.0] * 20 + [1.0] * 2 + [0.0] * 40)
    assert pieces == []


def test_a_dip_between_the_thresholds_does_not_end_an_utterance() -> None:
    _, pieces = cut([1.0] * 20 + [0.4] * 20 + [1.0] * 20 + [0.0] * 20)
    assert [piece.speech_end for piece in ends(pieces)] == [60 * FRAME]


def test_patience_shrinks_as_an_utterance_grows() -> None:
    def waited_s(speech_frames: int) -> float:
        _, pieces = cut([1.0] * speech_frames + [0.0] * 40)
        (last,) = ends(pieces)
        assert last.speech_end is not None
        return (last.end - last.speech_end) / SAMPLE_RATE_HZ

    short, usual, long = waited_s(15), waited_s(40), waited_s(100)
    assert short > usual > long
    assert usual <= 0.24
    assert long <= 0.13


def test_endless_speech_is_cut_at_the_maximum_and_goes_on_without_a_gap() -> None:
    _, pieces = cut([1.0] * 1200)
    first, *others = ends(pieces)
    assert first.end <= 15.1 * SAMPLE_RATE_HZ
    starts = [piece.start for piece in pieces if piece.utterance == 1]
    assert starts[0] == first.end
    assert others


def test_a_jump_of_the_media_clock_closes_the_utterance() -> None:
    segmenter = Segmenter()
    pcm = np.ones(FRAME * 20, np.int16)
    segmenter.push(AudioChunk(0, 0, pcm), [1.0] * 20)
    pieces = segmenter.push(AudioChunk(1, 500_000, pcm), [1.0] * 20)
    assert pieces[0].ends
    assert pieces[0].end == len(pcm)
    assert pieces[1].utterance == 1
    assert pieces[1].start == 500_000
