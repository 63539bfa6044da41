"""What a process that goes on with a run has to say again. Pure.

Cues are numbered in the order of their lines, so a line whose cue had not begun when the
snapshot was taken is assumed to have got the next number after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.handover.snapshot import Delivered, PendingLine, RunSnapshot


@dataclass(frozen=True, slots=True)
class Again:
    """A line taken over."""

    line: PendingLine
    complete: bool = False
    """The client has all its sound: only what is told of it is told again."""
    resume_at: int = 0
    """Samples of its sound that the client has."""
    recorded: bool = False
    """It was counted, and its record given out, before."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """Lines to finish, in order, and where numbering and the timeline go on."""

    again: tuple[Again, ...] = ()
    kept: tuple[PendingLine, ...] = ()
    """Lines that are finished and at the client."""
    next_cue: int = 0
    end_s: float | None = None
    """End of the last cue that the client has."""
    heard: Delivered | None = None
    """Set when the client has more than the snapshot knew of: new lines were heard too."""


def take_over(snapshot: RunSnapshot, heard: Delivered | None) -> Takeover:
    """``heard`` None: the client has every line that the snapshot calls sent, and no more."""
    numbered = _numbered(snapshot)
    cues = [number for _, number in numbered if number is not None]
    next_cue = max([snapshot.next_cue, *(number + 1 for number in cues)])
    if heard is None:
        sent = [line.cue + 1 for line in snapshot.sent if line.cue is not None]
        heard = Delivered(cue=max([min(cues, default=next_cue), *sent]))
    again: list[Again] = []
    kept: list[PendingLine] = []
    first_cue = next_cue
    end_s = None if snapshot.sent else snapshot.scheduled_end_s
    lines = [(line, line.cue, True) for line in snapshot.sent]
    lines += [(line, number, False) for line, number in numbered]
    for line, number, recorded in lines:
        complete = number is not None and number < heard.cue
        if complete:
            end_s = _end_s(line, end_s)
        elif number is not None:
            first_cue = min(first_cue, number)
        if complete and recorded:
            kept.append(line)
        else:
            resume_at = heard.samples if number == heard.cue else 0
            again.append(Again(line, complete, resume_at, recorded))
    return Takeover(
        again=tuple(again),
        kept=tuple(kept),
        next_cue=first_cue,
        end_s=end_s,
        heard=heard if heard.cue >= next_cue else None,
    )


def _numbered(snapshot: RunSnapshot) -> list[tuple[PendingLine, int | None]]:
    """Pending lines with the number of their cue; None for skipped ones, which have none."""
    number = snapshot.next_cue
    numbered: list[tuple[PendingLine, int | None]] = []
    for line in snapshot.pending:
        if line.skipped is not None or line.cue is not None:
            numbered.append((line, line.cue))
            number = max(number, -1 if line.cue is None else line.cue + 1)
        else:
            numbered.append((line, number))
            number += 1
    return numbered


def _end_s(line: PendingLine, otherwise: float | None) -> float | None:
    if line.cue_start_s is None or line.cue_duration_s is None:
        return otherwise
    return line.cue_start_s + line.cue_duration_s
