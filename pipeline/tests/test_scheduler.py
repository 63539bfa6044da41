from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.speaking.scheduler import BacklogRules, Scheduler

RULES = BacklogRules()


def test_a_cue_starts_at_the_live_edge_when_nothing_waits() -> None:
    placed = Scheduler().place(source_start_s=1.0, live_edge_s=3.0)
    assert placed is not None
    assert (placed.start_s, placed.tempo) == (3.0, 1.0)


def test_a_cue_waits_for_the_one_before_it() -> None:
    scheduler = Scheduler()
    scheduler.occupy(start_s=3.0, duration_s=2.0)
    placed = scheduler.place(source_start_s=2.0, live_edge_s=3.5)
    assert placed is not None
    assert placed.start_s == pytest.approx(5.0 + RULES.guard_s)


def test_a_file_keeps_the_sources_own_times() -> None:
    placed = Scheduler(live=False).place(source_start_s=1.0, live_edge_s=300.0)
    assert placed is not None
    assert (placed.start_s, placed.tempo) == (1.0, 1.0)


def test_tempo_rises_with_the_backlog_and_stops_at_its_limit() -> None:
    scheduler = Scheduler()
    scheduler.occupy(start_s=0.0, duration_s=10.0)
    tempos = [scheduler.tempo(edge) for edge in (9.9, 9.2, 8.8, 8.0, 2.0)]
    assert tempos[0] == 1.0
    assert tempos == sorted(tempos)
    assert tempos[1] > 1.0
    assert tempos[-1] == RULES.tempo_max


def test_a_backlog_beyond_the_maximum_drops_the_line_then_recovers() -> None:
    scheduler = Scheduler()
    scheduler.occupy(start_s=0.0, duration_s=RULES.backlog_max_s + 1.0)
    assert scheduler.place(source_start_s=0.0, live_edge_s=0.5) is None
    assert scheduler.place(source_start_s=0.0, live_edge_s=2.0) is not None


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0.1, 6), st.floats(0, 4)), min_size=1, max_size=60
    ),
    st.booleans(),
)
def test_cues_never_overlap_reorder_or_precede_their_source(
    lines: list[tuple[float, float, float]], live: bool
) -> None:
    scheduler = Scheduler(live=live)
    source_s, edge_s, previous_end_s = 0.0, 0.0, float("-inf")
    for source_gap_s, duration_s, passed_s in lines:
        source_s += source_gap_s
        edge_s = max(edge_s, source_s) + passed_s
        placed = scheduler.place(source_start_s=source_s, live_edge_s=edge_s)
        if placed is None:
            assert scheduler.backlog_s(edge_s) > RULES.backlog_max_s
            continue
        assert placed.start_s >= source_s
        assert placed.start_s >= previous_end_s
        assert 1.0 <= placed.tempo <= RULES.tempo_max
        if live:
            assert placed.start_s - edge_s <= RULES.backlog_max_s + RULES.guard_s
        spoken_s = duration_s / placed.tempo
        scheduler.occupy(start_s=placed.start_s, duration_s=spoken_s)
        previous_end_s = placed.start_s + spoken_s
