"""SRT output: well-formed, wrapped, in order and never overlapping."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.subtitles import CUE_LINES, LINE_CHARACTERS, srt, timestamp

CUE = re.compile(
    r"(\d+)\n(\d{2,}):(\d\d):(\d\d),(\d{3}) --> (\d{2,}):(\d\d):(\d\d),(\d{3})\n((?:.+\n)+)"
)
LINES = st.lists(
    st.tuples(
        st.floats(0, 8000, allow_nan=False),
        st.floats(0, 8000, allow_nan=False),
        st.text(max_size=300),
    ),
    max_size=12,
)


def parse(document: str) -> list[tuple[int, int, str]]:
    cues = []
    for number, match in enumerate(CUE.finditer(document), start=1):
        assert int(match[1]) == number
        times = [int(part) for part in match.groups()[1:9]]
        start, end = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in (times[:4], times[4:]))
        cues.append((start, end, match[10].rstrip("\n")))
    return cues


def test_a_line_becomes_a_numbered_cue() -> None:
    assert srt([(1.5, 3.25, "Hola, mundo.")]) == "1\n00:00:01,500 --> 00:00:03,250\nHola, mundo.\n"


def test_timestamps_count_hours() -> None:
    assert timestamp(2 * 3_600_000 + 3 * 60_000 + 4_005) == "02:03:04,005"


def test_a_cue_that_would_overlap_is_ended_before_the_next() -> None:
    first, second = parse(srt([(0, 5, "uno"), (3, 6, "dos")]))
    assert first[1] < second[0]
    assert second[0] == 3000


def test_a_short_cue_stays_long_enough_to_be_read() -> None:
    assert parse(srt([(1, 1.1, "sí")])) == [(1000, 1700, "sí")]


def test_long_text_is_spread_over_cues_and_no_word_is_lost() -> None:
    text = "una frase bastante larga que no cabe en dos renglones de subtítulo " * 4
    cues = parse(srt([(10, 20, text)]))
    assert len(cues) > 1
    assert " ".join(cue[2] for cue in cues).split() == text.split()
    assert cues[0][0] == 10_000
    assert cues[-1][1] == 20_000


def test_two_lines_are_balanced() -> None:
    (cue,) = parse(srt([(0, 2, "no sabía qué decir cuando llegó a la casa")]))
    assert "\n" not in cue[2]
    (cue,) = parse(srt([(0, 2, "no sabía qué decir cuando llegó a la casa de ella")]))
    upper, lower = cue[2].split("\n")
    assert abs(len(upper) - len(lower)) < 10


def test_the_formats_own_arrow_cannot_be_smuggled_in() -> None:
    assert len(parse(srt([(0, 1, "a\n\n2\n00:00:00,000 --> 00:00:01,000\nb")]))) == 1


def test_empty_text_makes_no_cue() -> None:
    assert srt([(0, 1, "  ")]) == ""


@given(lines=LINES)
def test_cues_are_in_order_never_overlap_and_fit(lines: list[tuple[float, float, str]]) -> None:
    document = srt(lines)
    cues = parse(document)
    assert len(cues) == document.count(" --> ")
    end_of_last = 0
    for start, end, text in cues:
        assert end_of_last <= start < end
        end_of_last = end
        rows = text.split("\n")
        assert len(rows) <= CUE_LINES
        assert all(0 < len(row) <= LINE_CHARACTERS for row in rows)
