from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bounds import MERGED_CHARS, MERGED_MAX, SPEAKING_MAX
from pipeline.speaking.backlog import DROP, WAIT, Load, Turn, WaitingLine, is_late, next_turn
from pipeline.speaking.scheduler import BacklogRules

RULES = BacklogRules()
MAX_S = RULES.backlog_max_s


def line(speaker: str | None = "S1", *, chars: int = 40, end_s: float = 99.0) -> WaitingLine:
    return WaitingLine(speaker, end_s, since_s=end_s + 0.5, chars=chars)


def load(scheduled_s: float = 0.0, *, making: int = 0, making_s: float = 0.0, **more: bool) -> Load:
    return Load(scheduled_s, 100.0, making, making_s, **more)


def test_without_a_backlog_every_line_is_spoken_alone_and_at_once() -> None:
    assert next_turn([line(), line()], load(1.0, making=2), RULES, held=False) == Turn("speak", 1)


def test_the_synthesiser_has_so_many_lines_of_one_run_at_most() -> None:
    busy = load(making=SPEAKING_MAX)
    assert next_turn([line()], busy, RULES, held=False) == WAIT
    for live in (True, False):
        full = Load(0.0, 100.0, SPEAKING_MAX, live=live)
        assert next_turn([line()], full, RULES, held=False) == WAIT


@pytest.mark.parametrize("beyond", [load(MAX_S + 0.1), load(2.0, making=1, making_s=MAX_S - 1.9)])
def test_a_line_waits_for_the_backlog_to_fall(beyond: Load) -> None:
    assert next_turn([line()], beyond, RULES, held=False) == WAIT


@pytest.mark.parametrize(("held", "scheduled_s"), [(True, 0.0), (False, RULES.target_s + 0.1)])
def test_when_the_dub_is_behind_lines_of_one_speaker_are_merged(
    held: bool, scheduled_s: float
) -> None:
    waiting = [line(), line(), line("S2"), line()]
    assert next_turn(waiting, load(scheduled_s), RULES, held=held) == Turn("speak", 2)


@pytest.mark.parametrize(
    ("waiting", "merged"),
    [
        ([line()] * 5, MERGED_MAX),
        ([line(chars=100), line(chars=90), line(chars=90)], 2),
        ([line(chars=100), line(chars=100)], 1),
        ([line(), line(chars=0), line()], 1),
        ([line(chars=0), line()], 1),
        ([line(None), line(None)], 2),
        ([line("S2"), line("S1")], 1),
    ],
)
def test_what_is_merged_has_its_bounds(waiting: list[WaitingLine], merged: int) -> None:
    assert next_turn(waiting, load(), RULES, held=True) == Turn("speak", merged)


def test_a_line_later_than_the_maximum_is_dropped_once_the_backlog_is_full() -> None:
    late = line(end_s=100.0 - MAX_S - 0.1)
    assert next_turn([late], load(MAX_S + 0.1), RULES, held=True) == DROP
    assert next_turn([late], load(MAX_S - 0.1), RULES, held=True).action == "speak"


def test_a_line_that_came_late_is_not_dropped_for_a_busy_synthesiser() -> None:
    came_late = WaitingLine("S1", end_s=85.0, since_s=99.0, chars=40)
    waited = WaitingLine("S1", end_s=85.0, since_s=95.0, chars=40)
    busy = load(making=SPEAKING_MAX)
    assert next_turn([came_late], busy, RULES, held=True) == WAIT
    assert next_turn([waited], busy, RULES, held=True) == DROP


def test_when_the_input_has_ended_no_backlog_falls() -> None:
    assert next_turn([line()], load(MAX_S + 0.1, ended=True), RULES, held=False) == DROP
    making = load(1.0, making=1, making_s=MAX_S, ended=True)
    assert next_turn([line()], making, RULES, held=False) == WAIT


def test_nothing_of_a_file_is_merged_or_dropped() -> None:
    late = [line(end_s=1.0)] * 3
    for scheduled_s in (0.0, 50.0):
        assert next_turn(late, load(scheduled_s, live=False), RULES, held=True) == Turn("speak", 1)


@given(
    st.lists(
        st.builds(
            WaitingLine,
            st.sampled_from(["S1", "S2", None]),
            st.floats(80, 100),
            st.floats(80, 100),
            st.integers(0, 150),
        ),
        min_size=1,
        max_size=8,
    ),
    st.builds(
        Load, st.floats(0, 20), st.just(100.0), st.integers(0, 3), st.floats(0, 9), st.booleans()
    ),
    st.booleans(),
)
def test_turns_keep_to_their_bounds_whatever_comes(
    waiting: list[WaitingLine], busy: Load, held: bool
) -> None:
    turn = next_turn(waiting, busy, RULES, held=held)
    if turn.action == "speak":
        assert busy.making < SPEAKING_MAX
        assert busy.scheduled_s + busy.making_s <= MAX_S
        said = waiting[: turn.lines]
        assert len({one.speaker for one in said}) == 1
        assert turn.lines == 1 or sum(one.chars for one in said) <= MERGED_CHARS
    elif turn == DROP:
        assert is_late(waiting[0], busy, RULES)
        assert busy.making >= SPEAKING_MAX or busy.scheduled_s + busy.making_s > MAX_S
