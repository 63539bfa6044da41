"""Which word of a new reading is which word of those that were given already. Pure.

A recogniser's newer hypothesis repeats most of its older one, with words changed, left out,
added and put in between. Edit distance finds the pairs; it is told apart what may be left
out for nothing (words that only a former hypothesis had, words that another stream heard)
and, where times are given, that a word is not far from where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["present", "absent", "settled", "edge"]

_LEFT_OUT = {"present": 0.8, "absent": 0.1, "settled": 0.3, "edge": 0.2}
_OTHER = 1.0
_OTHER_FOR_ABSENT = 0.6
_ALIKE = 0.4
_ALIKE_ELSEWHERE = 0.7
"""Two streams hear the same word mostly alike; one that revises itself does not."""
# New words mostly come behind the others: one in between has to be worth it.
_BETWEEN = 1.0
_BEHIND = 0.3
_NEAR_S = 0.4
_FAR_PER_S = 0.8


@dataclass(frozen=True, slots=True)
class Known:
    """A word given before; ``at_s`` is its middle on the media clock."""

    key: str
    at_s: float
    standing: Standing = "present"
    """absent: only a former hypothesis had it; settled: another stream heard it for good;
    edge: the same, but it was the newest that it heard."""


def key_of(text: str) -> str:
    """What stays the same of a word when marks and capitals change."""
    kept = "".join(character for character in text.casefold() if character.isalnum())
    return kept or text


def align(
    known: Sequence[Known], keys: Sequence[str], times_s: Sequence[float] | None = None
) -> list[int]:
    """For each new key the index of the known word that it is, ascending; ``~index`` for one
    that is new and stands before the known word of that index, or behind all.

    ``times_s`` are the new words' middles, where they are worth something.
    """
    found: list[int] = []
    begin = 0
    if times_s is None:
        # What stands and is said again stays what it is, whatever else could be it too.
        standing = [n for n, one in enumerate(known) if one.standing == "present"]
        for one, key in zip(standing, keys, strict=False):
            if known[one].key != key:
                break
            found.append(one)
            begin = one + 1
    rest = _align(known[begin:], keys[len(found) :], times_s)
    return [*found, *(one + begin if one >= 0 else one - begin for one in rest)]


def _align(
    known: Sequence[Known], keys: Sequence[str], times_s: Sequence[float] | None
) -> list[int]:
    if not known or not keys:
        return [~0] * len(keys)
    # One row for each new word; the first row: all known words so far are left out.
    leading = [0.0]
    for one in known:
        free = one.standing == "settled" and leading[-1] == 0.0
        leading.append(leading[-1] + (0.0 if free else _LEFT_OUT[one.standing]))
    rows = [leading]
    steps: list[list[str]] = []
    last = len(known)
    for at, key in enumerate(keys):
        before = rows[-1]
        at_s = times_s[at] if times_s else None
        # What lies where the others lie is hardly behind them.
        is_later = at_s is None or at_s > known[-1].at_s
        behind = _BEHIND if is_later else _BETWEEN
        row, taken = [before[0] + _BETWEEN], ["new"]
        for i, one in enumerate(known, 1):
            best = before[i - 1] + _difference(one, key, at_s)
            step = "same"
            # Behind the newest word another stream's words are not missing, but to come.
            ahead = at == len(keys) - 1 and one.standing in ("settled", "edge")
            if (left_out := row[i - 1] + (0.0 if ahead else _LEFT_OUT[one.standing])) < best:
                best, step = left_out, "skip"
            if (added := before[i] + (behind if i == last else _BETWEEN)) < best:
                best, step = added, "new"
            row.append(best)
            taken.append(step)
        rows.append(row)
        steps.append(taken)
    found = [~0] * len(keys)
    i, j = last, len(keys)
    while j and i:
        step = steps[j - 1][i]
        if step == "same":
            found[j - 1] = i - 1
            i, j = i - 1, j - 1
        elif step == "skip":
            i -= 1
        else:
            found[j - 1] = ~i
            j -= 1
    return found


def _difference(one: Known, key: str, at_s: float | None) -> float:
    cost = 0.0
    if one.key != key:
        cost = _OTHER_FOR_ABSENT if one.standing == "absent" else _OTHER
        shorter, longer = sorted((one.key, key), key=len)
        if 2 * len(shorter) >= len(longer) and longer.startswith(
            shorter[: len(shorter) - 1] or "?"
        ):
            cost = _ALIKE if at_s is None else _ALIKE_ELSEWHERE
    if at_s is not None:
        cost += _FAR_PER_S * max(0.0, abs(one.at_s - at_s) - _NEAR_S)
    return cost
