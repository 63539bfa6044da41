"""One running text out of the moving readings of successive vendor streams. Pure.

A vendor's interim result is a text without times which may change everywhere until the
final, which has times; a stream that takes over hears the last seconds again. Whoever reads
the running text tells words apart by their times, so here a word that was given keeps its
times for good: later readings are matched with it by text, and only what is new is placed –
by its real times where there are any, otherwise between what was heard before and what has
been heard now, shared out by letters.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.bounds import GOOGLE_WORDS_KEPT_MAX
from pipeline.providers.google.alignment import Known, align, key_of
from pipeline.providers.google.placing import Reading, ReadWord, Slot, place, real_times
from pipeline.types import Word

_CUT_S = 0.5
_EDGE_S = 0.6
"""The newest of what a stream heard that was cut: the next one may know better."""


class Transcript:
    """Words in order of time. ``take`` hands words over for good; later ones stay."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self._open = 0
        """First slot that the next reading may still change."""
        self._taken = 0
        self._joint_s: float | None = None
        """Since a join and until the next final: where the new stream begins to hear."""
        self.heard_s = float("-inf")
        """Media time up to which anything was heard; never goes back."""

    def read(self, reading: Reading) -> None:
        words = [word for word in reading.words if word.text]
        keys = [key_of(word.text) for word in words]
        reach = self._reach(reading)
        given = self._slots[self._open : reach]
        known = [Known(slot.key, slot.middle_s, slot.standing) for slot in given]
        found = align(known, keys, self._times_of(words, reading))
        self._slots[self._open : reach] = self._merge(given, words, keys, found, reading)
        self.heard_s = max(self.heard_s, reading.end_s)
        if reading.is_final:
            self._close_segment()

    def join(self, from_s: float, until_s: float) -> None:
        """The next reading is another stream's, which hears again from ``from_s`` on what
        the one before it heard up to ``until_s``."""
        self._open = len(self._slots)
        while self._open and self._slots[self._open - 1].end_s > from_s - 0.3:
            self._open -= 1
        for slot in self._slots[self._open :]:
            if slot.standing != "absent":
                # What the new stream hears from the middle on, or not at all, is not its own.
                unsure = slot.end_s > until_s - _EDGE_S and slot.start_s > from_s + _CUT_S
                slot.standing = "edge" if unsure else "settled"
        self._joint_s = from_s

    def follow(self, heard_s: float) -> None:
        """The stream has told all that it heard, up to ``heard_s``; the next one goes on."""
        self._close_segment()
        self.heard_s = max(self.heard_s, heard_s)

    def words(self, until_s: float = float("inf")) -> tuple[Word, ...]:
        """What was not taken, up to a word whose middle lies at ``until_s`` or later."""
        return tuple(
            Word(slot.text, slot.start_s, slot.end_s, slot.confidence)
            for slot in self._slots[self._taken : self._up_to(until_s)]
            if slot.standing != "absent"
        )

    def take(self, until_s: float = float("inf")) -> tuple[Word, ...]:
        """The same; they are never given again."""
        taken = self.words(until_s)
        self._taken = self._up_to(until_s)
        return taken

    def is_steady(self, until_s: float) -> bool:
        """Whether the vendor is done with the words that ``take`` would give."""
        slots = self._slots[self._taken : self._up_to(until_s)]
        return all(slot.steady for slot in slots if slot.standing != "absent")

    def _up_to(self, until_s: float) -> int:
        index = self._taken
        while index < len(self._slots) and self._slots[index].middle_s < until_s:
            index += 1
        return index

    def _reach(self, reading: Reading) -> int:
        """Slots from here on the stream that has taken over has not come to yet."""
        reach = len(self._slots)
        # Either stream may have told of a word before it was over.
        beyond_s = reading.end_s + _CUT_S
        if self._joint_s is not None and not reading.is_final:
            while reach > self._open and self._slots[reach - 1].start_s >= beyond_s:
                reach -= 1
        return reach

    def _times_of(self, words: Sequence[ReadWord], reading: Reading) -> list[float] | None:
        """Middles of the words of a stream that has just taken over, roughly."""
        if self._joint_s is None:
            return None
        letters = sum(len(word.text) for word in words) or 1
        length_s = max(0.0, reading.end_s - self._joint_s)
        times_s, passed = [], 0
        for word in words:
            at_s = self._joint_s + length_s * (passed + len(word.text) / 2) / letters
            if word.start_s is not None and word.end_s is not None:
                at_s = (word.start_s + word.end_s) / 2
            times_s.append(at_s)
            passed += len(word.text)
        return times_s

    def _merge(
        self,
        given: list[Slot],
        words: Sequence[ReadWord],
        keys: Sequence[str],
        found: Sequence[int],
        reading: Reading,
    ) -> list[Slot]:
        settled = max((n for n, slot in enumerate(given) if slot.standing == "settled"), default=-1)
        if any(slot.standing == "settled" for slot in self._slots[self._open + len(given) :]):
            settled = len(given)
        for slot in given:
            passed = reading.is_final or reading.end_s > slot.end_s + _EDGE_S
            if slot.standing == "present" or (slot.standing == "edge" and passed):
                slot.standing = "absent"
        behind: list[list[Slot]] = [[] for _ in range(len(given) + 1)]
        for word, key, index in zip(words, keys, found, strict=True):
            if index < 0:
                # What another stream heard for good has no room for more words.
                if ~index > settled:
                    times = real_times(word)
                    new = Slot(word.text, key, *times, word.confidence, word.steady)
                    behind[~index].append(new)
                continue
            slot = given[index]
            if slot.standing != "settled":
                slot.standing, slot.text, slot.key = "present", word.text, key
                slot.confidence, slot.steady = word.confidence, word.steady
        merged: list[Slot] = []
        before_taken = self._taken - self._open
        following = self._slots[self._open + len(given) :][:1]
        starts_s = [slot.start_s for slot in (*given, *following)]
        for n, added in enumerate(behind):
            if n:
                merged.append(given[n - 1])
            before_s = merged[-1].end_s if merged else self._end_before()
            after_s = starts_s[n] if n < len(starts_s) else None
            place(added, before_s, after_s, reading, self.heard_s)
            if n < before_taken:
                # Between words that were handed over already, too late to be said.
                self._taken += len(added)
            merged += added
        return merged

    def _end_before(self) -> float:
        return self._slots[self._open - 1].end_s if self._open else float("-inf")

    def _close_segment(self) -> None:
        """Nothing that was read so far changes any more."""
        kept, taken = [], 0
        for n, slot in enumerate(self._slots):
            if slot.standing != "absent":
                slot.standing = "present"
                kept.append(slot)
                taken += n < self._taken
        surplus = min(max(0, len(kept) - GOOGLE_WORDS_KEPT_MAX), taken)
        self._slots, self._taken = kept[surplus:], taken - surplus
        self._open = len(self._slots)
        self._joint_s = None
