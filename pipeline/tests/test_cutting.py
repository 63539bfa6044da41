"""A file is cut at its silences, and utterances into lines."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.batch.cutting import CutConfig, Cutter, Stretch
from pipeline.batch.hearing import LONG_LINE_S, split
from pipeline.types import Word

CONFIG = CutConfig(wanted_s=2.0, longest_s=4.0, silence_s=0.2)


def cut(probabilities: list[float], *, block_frames: int = 7) -> list[Stretch]:
    cutter = Cutter(CONFIG)
    found: list[Stretch] = []
    for begin in range(0, len(probabilities), block_frames):
        block = probabilities[begin : begin + block_frames]
        start = begin * 512
        pcm = np.arange(start, start + len(block) * 512, dtype=np.int64).astype(np.int16)
        found += cutter.push(pcm, block)
    return found + cutter.flush()


@given(st.lists(st.sampled_from([0.0, 0.2, 0.9, 1.0]), min_size=1, max_size=600))
@hypothesis_settings(max_examples=60, deadline=None)
def test_every_sample_is_in_one_stretch_and_none_is_too_long(probabilities: list[float]) -> None:
    stretches = cut(probabilities)
    assert [one.number for one in stretches] == list(range(len(stretches)))
    at = 0
    for one in stretches:
        assert one.start == at
        assert len(one.pcm) <= CONFIG.longest_s * 16_000 + 512
        assert one.pcm[0] == np.int64(at).astype(np.int16)
        at = one.end
    assert at == 512 * len(probabilities)


def test_a_stretch_ends_in_the_middle_of_a_silence() -> None:
    speech, silence = [0.9] * 80, [0.0] * 20
    first, second, *rest = cut(speech + silence + speech + silence)
    # 2.56 s of speech, then six frames of silence are enough to know.
    assert 80 * 512 < first.end < 86 * 512
    assert first.has_speech
    assert second.has_speech
    assert not [one for one in rest if one.has_speech]


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    probabilities = [0.9] * 300
    probabilities[100:103] = [0.4] * 3
    stretches = cut(probabilities)
    assert 100 * 512 <= stretches[0].end <= 103 * 512


def words(*spans: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start, end) for text, start, end in spans]


def test_sentences_become_lines_of_their_own() -> None:
    spoken = words(
        ("It", 0, 0.5), ("rains.", 0.6, 1.5), ("We", 2, 2.4), ("stay.", 2.5, 3.4), ("Yes.", 3.6, 4)
    )
    lines = [" ".join(word.text for word in line) for line in split(spoken)]
    assert lines == ["It rains.", "We stay. Yes."]


def test_a_long_line_is_split_at_its_longest_pause_near_the_middle() -> None:
    spoken = [Word(f"w{n}", n, n + 0.8) for n in range(8)]
    spoken += [Word(f"w{n}", n + 1.5, n + 2.3) for n in range(8, 16)]
    lines = split(spoken)
    assert [word.text for line in lines for word in line] == [word.text for word in spoken]
    assert all(line[-1].end_s - line[0].start_s <= LONG_LINE_S for line in lines)
    assert lines[0][-1].text == "w7"
