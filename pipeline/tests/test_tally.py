from __future__ import annotations

from pipeline.bounds import EXPORT_MAX, SAMPLES_MAX
from pipeline.events import Latencies
from pipeline.reporting.tally import Tally


def latencies(total_ms: float) -> Latencies:
    return Latencies(
        endpoint_ms=1,
        recognition_ms=2,
        translation_ms=3,
        synthesis_ms=4,
        total_ms=total_ms,
        lag_ms=6,
    )


def test_an_empty_run_has_a_summary_without_percentiles() -> None:
    summary = Tally().summary(1.5, 0)
    assert (summary.lines, summary.media_s, summary.p50) == (0, 1.5, {})


def test_percentiles_are_those_of_the_spoken_lines() -> None:
    tally = Tally()
    for total_ms in range(101):
        tally.speak(latencies(total_ms))
    tally.skip()
    summary = tally.summary(60, 2)
    assert (summary.lines, summary.skipped, summary.speakers) == (102, 1, 2)
    assert (summary.p50["total_ms"], summary.p95["total_ms"]) == (50, 95)
    assert summary.p95["translation_ms"] == 3


def test_a_long_run_keeps_a_bounded_fair_sample() -> None:
    tally = Tally()
    for number in range(4 * SAMPLES_MAX):
        tally.speak(latencies(number))
    assert len(tally._latencies) == SAMPLES_MAX
    median = tally.summary(60, 1).p50["total_ms"]
    assert 0.4 < median / (4 * SAMPLES_MAX) < 0.6


def test_lost_audio_is_told_once_a_second_of_loss() -> None:
    tally = Tally()
    told = [tally.lose_audio(0.25) for _ in range(8)]
    assert told == [True, False, False, True, False, False, False, True]


def test_a_tally_taken_over_counts_on_with_a_sample_of_the_latencies() -> None:
    tally = Tally()
    for number in range(3 * EXPORT_MAX):
        tally.count(None, latencies(number))
    tally.count("backlog", None)
    tally.fail()
    tally.lose_audio(0.5)
    state = tally.export()
    assert len(state.latencies) == EXPORT_MAX
    taken = Tally(state)
    taken.count(None, None)
    summary = taken.summary(60, 1)
    assert (summary.lines, summary.skipped, summary.errors) == (3 * EXPORT_MAX + 2, 1, 1)
    assert 0.4 < summary.p50["total_ms"] / (3 * EXPORT_MAX) < 0.6
