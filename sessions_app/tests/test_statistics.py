"""Figures of a session, and the pictures made of them."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from pipeline.bounds import STATISTICS_INTERVALS_MAX
from sessions_app.pages.charts import Chart, Series, clock, over_time, shares
from sessions_app.records.statistics import LineFigures, of_lines, percentile


def said(
    at_s: float,
    *,
    speaker: str = "S1",
    lasts_s: float = 2.0,
    lag_ms: float | None = 2000.0,
    skipped: str = "",
    similarity: float | None = None,
) -> LineFigures:
    latencies = {} if lag_ms is None else {"lag_ms": lag_ms, "total_ms": 500.0}
    return LineFigures(
        speaker=speaker,
        start_s=at_s,
        end_s=at_s + lasts_s,
        cue_duration_s=None if skipped else 2.0,
        tempo=1.0,
        engine="e",
        skipped_reason=skipped,
        latencies=latencies,
        level_dbfs=-20.0,
        snr_db=30.0,
        similarity=similarity,
        source_text="four words of speech",
    )


def test_a_session_without_lines_has_no_figures() -> None:
    nothing = of_lines([])
    assert (nothing["lines"], nothing["latencies"], nothing["over_time"]) == (0, {}, [])


def test_percentiles_are_those_of_all_lines() -> None:
    lags = [random.Random(3).uniform(1000, 4000) for _ in range(501)]
    spread = of_lines([said(3.0 * n, lag_ms=lag) for n, lag in enumerate(lags)])["latencies"]
    assert spread["lag_ms"]["p50"] == pytest.approx(np.percentile(lags, 50), abs=0.06)
    assert spread["lag_ms"]["p95"] == pytest.approx(np.percentile(lags, 95), abs=0.06)
    assert percentile([7.0], 95) == 7.0


def test_a_long_session_is_told_in_intervals_by_their_medians() -> None:
    lines = [said(3.0 * n, lag_ms=9000.0 if n % 15 == 0 else 2000.0) for n in range(2000)]
    told = of_lines(lines)["over_time"]
    assert STATISTICS_INTERVALS_MAX / 2 <= len(told) <= STATISTICS_INTERVALS_MAX
    assert {one["latencies"]["lag_ms"] for one in told} == {2000.0}
    assert max(one["lag_p95_ms"] for one in told) > 2000.0
    assert sum(one["lines"] for one in told) == 2000


def test_what_was_not_measured_is_none() -> None:
    (one,) = of_lines([said(0, lag_ms=None, skipped="backlog")])["over_time"]
    assert (one["lag_p95_ms"], one["similarity"], one["level_dbfs"]) == (None, None, -20.0)


def test_skipped_lines_are_counted_by_reason_and_merged_ones_are_heard() -> None:
    figures = of_lines(
        [
            said(0),
            said(3, lag_ms=None, skipped="backlog"),
            said(6, lag_ms=None, skipped="backlog"),
            said(9, lag_ms=None, skipped="engine_timeout"),
            said(12, lag_ms=None, skipped="merged"),
        ]
    )
    assert figures["skipped_reasons"] == {"backlog": 2, "engine_timeout": 1}
    assert [figures[name] for name in ("lines", "spoken", "merged", "skipped")] == [5, 1, 1, 3]


def test_shares_are_of_the_time_that_people_spoke() -> None:
    first, second = of_lines(
        [
            said(0, speaker="S1", lasts_s=3, similarity=0.9),
            said(4, speaker="S2", lasts_s=6, similarity=0.7),
            said(12, speaker="S2", lasts_s=3, similarity=0.8),
        ]
    )["speakers"]
    assert (first["speaker"], first["share"], first["lines"]) == ("S2", 0.75, 2)
    assert (second["speaker"], second["share"]) == ("S1", 0.25)
    assert first["similarity"] == pytest.approx(0.75)
    assert second["words_per_minute"] == pytest.approx(80.0)
    bars = shares([("b", "x", 0.75), ("a", "y", 0.25)])
    assert [(bar.start, bar.width) for bar in bars] == [(0.0, 75.0), (75.0, 25.0)]


def chart(points: list[tuple[float, float]], *, lowest: float = 0.0) -> Chart | None:
    series = [Series("one", "look", points)]
    return over_time("n", "Title", "s", series, end_s=100.0, lowest=lowest)


def test_a_picture_shows_every_point_at_its_place() -> None:
    drawn = chart([(0.0, 0.0), (50.0, 2.0), (100.0, 4.0)])
    assert drawn is not None
    (line,) = drawn.drawn
    assert line.path == "M0.0 100.0L500.0 50.0L1000.0 0.0"
    assert [tick.label for tick in drawn.up] == ["0", "1", "2", "3", "4"]
    assert "median 2 s, from 0 to 4" in drawn.says


@pytest.mark.parametrize("scale", [1e-6, 0.03, 1.0, 7.0, 999.0, 123456.0])
@pytest.mark.parametrize("low", [0.0, -60.0])
def test_scales_enclose_what_they_show_in_round_steps(scale: float, low: float) -> None:
    drawn = chart([(1.0, scale), (2.0, low)], lowest=low)
    assert drawn is not None
    ticks = [tick.at for tick in drawn.up]
    assert 2 <= len(ticks) <= 7
    assert (ticks[0], ticks[-1]) == (100.0, 0.0)
    heights = [float(y) for y in re.findall(r" ([\d.]+)", drawn.drawn[0].path)]
    assert all(0.0 <= height <= 100.0 for height in heights)


def test_nothing_to_show_is_no_picture() -> None:
    assert chart([]) is None


def test_times_read_like_a_clock() -> None:
    assert [clock(s) for s in (0, 59.9, 61, 3601)] == ["0:00", "0:59", "1:01", "1:00:01"]
