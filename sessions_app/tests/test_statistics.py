"""Figures of a session, and the pictures made of them."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from sessions_app.pages.charts import Series, clock, over_time, shares
from sessions_app.statistics import (
    POINTS_MAX,
    LineFigures,
    as_json,
    percentile,
    statistics_of,
)


def said(
    at_s: float,
    *,
    speaker: str = "S1",
    lasts_s: float = 2.0,
    lag_ms: float | None = 2000.0,
    skipped: str = "",
    similarity: float | None = None,
    text: str = "four words of speech",
) -> LineFigures:
    latencies = (
        {} if lag_ms is None else {"lag_ms": lag_ms, "total_ms": 500.0, "endpoint_ms": 250.0}
    )
    return LineFigures(
        speaker, at_s, at_s + lasts_s, skipped, 1.0, latencies, -20.0, 30.0, similarity, text
    )


def test_a_session_without_lines_has_no_figures() -> None:
    nothing = statistics_of([])
    assert (nothing.lines, nothing.media_s, nothing.p50, nothing.lag) == (0, 0.0, {}, [])


def test_percentiles_are_those_of_all_lines() -> None:
    lags = [random.Random(3).uniform(1000, 4000) for _ in range(501)]
    figures = statistics_of([said(3.0 * n, lag_ms=lag) for n, lag in enumerate(lags)])
    assert figures.p50["lag_ms"] == pytest.approx(np.percentile(lags, 50), abs=0.06)
    assert figures.p95["lag_ms"] == pytest.approx(np.percentile(lags, 95), abs=0.06)
    assert percentile([7.0], 95) == 7.0


def test_a_long_session_is_shown_in_stretches_by_their_medians() -> None:
    lines = [said(3.0 * n, lag_ms=9000.0 if n % 20 == 0 else 2000.0) for n in range(2000)]
    figures = statistics_of(lines)
    assert len(figures.lag) <= POINTS_MAX + 1
    assert {value for _, value in figures.lag} == {2.0}
    assert max(value for _, value in figures.lag_p95) > 2.0
    times = [at_s for at_s, _ in figures.lag]
    assert times == sorted(times)


def test_skipped_lines_are_counted_by_reason_and_merged_ones_are_heard() -> None:
    figures = statistics_of(
        [
            said(0),
            said(3, lag_ms=None, skipped="backlog"),
            said(6, lag_ms=None, skipped="backlog"),
            said(9, lag_ms=None, skipped="engine_timeout"),
            said(12, lag_ms=None, skipped="merged"),
        ]
    )
    assert figures.skipped == {"backlog": 2, "engine_timeout": 1}
    assert (figures.lines, figures.spoken, figures.merged) == (5, 1, 1)


def test_shares_are_of_the_time_that_people_spoke() -> None:
    figures = statistics_of(
        [
            said(0, speaker="S1", lasts_s=3, similarity=0.9),
            said(4, speaker="S2", lasts_s=6, similarity=0.7),
            said(12, speaker="S2", lasts_s=3, similarity=0.8),
        ]
    )
    first, second = figures.speakers
    assert (first.speaker, first.share, first.lines) == ("S2", 0.75, 2)
    assert (second.speaker, second.share) == ("S1", 0.25)
    assert first.similarity == pytest.approx(0.75)
    assert second.words_per_minute == pytest.approx(80.0)
    bars = shares([("b", "x", 0.75), ("a", "y", 0.25)])
    assert [(bar.start, bar.width) for bar in bars] == [(0.0, 75.0), (75.0, 25.0)]


def test_programs_get_the_same_with_units() -> None:
    made = as_json(statistics_of([said(0), said(3, speaker="")]))
    assert made["over_time"]["lag_s"][0] == {"media_s": 0.5, "value": 2.0}
    assert [one["speaker"] for one in made["speakers"]] == ["S1", None]


def chart(points: list[tuple[float, float]], **options: object) -> object:
    return over_time("n", "Title", "s", [Series("one", "look", points)], end_s=100.0, **options)  # type: ignore[arg-type]


def test_a_picture_shows_every_point_at_its_place() -> None:
    drawn = chart([(0.0, 0.0), (50.0, 2.0), (100.0, 4.0)])
    assert drawn is not None
    (line,) = drawn.drawn  # type: ignore[attr-defined]
    assert line.path == "M0.0 100.0L500.0 50.0L1000.0 0.0"
    assert [tick.label for tick in drawn.up] == ["0", "1", "2", "3", "4"]  # type: ignore[attr-defined]
    assert "median 2 s, from 0 to 4" in drawn.says  # type: ignore[attr-defined]


@pytest.mark.parametrize("scale", [1e-6, 0.03, 1.0, 7.0, 999.0, 123456.0])
@pytest.mark.parametrize("low", [0.0, -60.0])
def test_scales_enclose_what_they_show_in_round_steps(scale: float, low: float) -> None:
    drawn = chart([(1.0, scale), (2.0, low)], lowest=low)
    ticks = [tick.at for tick in drawn.up]  # type: ignore[attr-defined]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == 100.0
    assert ticks[-1] == 0.0
    heights = [float(y) for y in re.findall(r" ([\d.]+)", drawn.drawn[0].path)]  # type: ignore[attr-defined]
    assert all(0.0 <= height <= 100.0 for height in heights)


def test_nothing_to_show_is_no_picture() -> None:
    assert chart([]) is None


def test_times_read_like_a_clock() -> None:
    assert [clock(s) for s in (0, 59.9, 61, 3601)] == ["0:00", "0:59", "1:01", "1:00:01"]
