from __future__ import annotations

from typing import Any

import pytest

from pipeline.handover.snapshot import (
    CommittingState,
    Delivered,
    PendingLine,
    RunSnapshot,
    TallyState,
)
from pipeline.handover.takeover import take_over
from pipeline.types import NEUTRAL_STYLE, SpeakerMatch


def line(number: int, cue: int | None = None, **changed: Any) -> PendingLine:
    placed = {} if cue is None else {"cue_start_s": 10.0 * cue, "cue_duration_s": 2.0}
    settled: dict[str, Any] = {
        "line": number,
        "source_text": f"line {number}",
        "source_language": "en",
        "start_s": float(number),
        "end_s": number + 1.0,
        "heard_s": number + 1.5,
        "speaker": SpeakerMatch("S1", 0.9),
        "voice": "hum",
        "style": NEUTRAL_STYLE,
        "told": True,
        "cue": cue,
    }
    return PendingLine(**settled | placed | changed)


def snapshot(pending: list[PendingLine], sent: list[PendingLine], *, next_cue: int) -> RunSnapshot:
    return RunSnapshot(
        committing=CommittingState(next_line=20),
        tally=TallyState(),
        next_cue=next_cue,
        scheduled_end_s=sent[-1].cue_start_s if sent else None,
        media_s=100.0,
        committed_s=90.0,
        next_utterance=3,
        hear_from=0,
        hear_from_chunk=0,
        pending=tuple(pending),
        sent=tuple(sent),
    )


SENT = [line(3, 3), line(4, 4)]
PENDING = [line(5, 5), line(6), line(7)]


@pytest.mark.parametrize(
    ("heard", "again", "complete", "resumed", "next_cue", "end_s"),
    [
        (None, [5, 6, 7], [], {}, 5, 42.0),
        (Delivered(cue=5, samples=700), [5, 6, 7], [], {5: 700}, 5, 42.0),
        (Delivered(cue=6, samples=9), [5, 6, 7], [5], {6: 9}, 6, 52.0),
        (Delivered(cue=4, samples=50), [4, 5, 6, 7], [], {4: 50}, 4, 32.0),
        (Delivered(cue=0), [3, 4, 5, 6, 7], [], {}, 3, None),
        (Delivered(cue=8, samples=4), [5, 6, 7], [5, 6, 7], {}, 8, 52.0),
    ],
)
def test_what_is_said_again_follows_what_the_client_has(
    heard: Delivered | None,
    again: list[int],
    complete: list[int],
    resumed: dict[int, int],
    next_cue: int,
    end_s: float | None,
) -> None:
    taken = take_over(snapshot(PENDING, SENT, next_cue=6), heard)
    assert [one.line.line for one in taken.again] == again
    assert [one.line.line for one in taken.again if one.complete] == complete
    assert {one.line.line: one.resume_at for one in taken.again if one.resume_at} == resumed
    assert taken.next_cue == next_cue
    assert taken.end_s == end_s
    assert len(taken.kept) + len(taken.again) == 5


def test_a_line_that_was_counted_is_not_counted_again() -> None:
    taken = take_over(snapshot(PENDING, SENT, next_cue=6), Delivered(cue=4))
    assert [one.line.line for one in taken.again if one.recorded] == [4]


def test_a_skipped_line_takes_no_number() -> None:
    pending = [line(5, skipped="backlog"), line(6), line(7)]
    taken = take_over(snapshot(pending, SENT, next_cue=5), Delivered(cue=5, samples=30))
    assert [(one.line.line, one.resume_at) for one in taken.again] == [(5, 0), (6, 30), (7, 0)]


def test_a_client_ahead_of_the_snapshot_is_told_of() -> None:
    ahead = Delivered(cue=9, samples=10)
    assert take_over(snapshot(PENDING, SENT, next_cue=6), ahead).heard == ahead
    assert take_over(snapshot(PENDING, SENT, next_cue=6), Delivered(cue=7)).heard is None
