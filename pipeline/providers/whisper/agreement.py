"""LocalAgreement-2: which words of a hypothesis that is made anew again and again stay.

Macháček, Dabre, Bojar: "Turning Whisper into Real-Time Transcription System", IJCNLP-AACL
2023 (system demonstrations), after Liu, Spanakis, Niehues: "Low-Latency Sequence-to-Sequence
Speech Recognition and Translation by Partial Hypothesis Selection", Interspeech 2020: the
longest common prefix of two successive hypotheses is steady.

Two things differ here. Words agree when they are the same but for capitals and marks, for
a decoder puts a full stop wherever its audio happens to end; and for the same reason the last
word of a hypothesis is not steady yet. And steady words are found again in a later hypothesis
by their texts (least edits), where the paper looks at times and at five words: times move.

Pure: words in, words out, all times in seconds of media time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from pipeline.types import Word

WORD_MIN_S = 0.02
"""One step of Whisper's clock. Words without length would be taken for committed ones."""


class LocalAgreement:
    """One utterance's words. Those given out keep their times; steady ones their text too."""

    def __init__(self, begin_s: float) -> None:
        self._begin_s = begin_s
        self._steady: list[Word] = []
        self._outside = 0
        self._guess: list[Word] = []

    @property
    def steady(self) -> tuple[Word, ...]:
        return tuple(self._steady)

    @property
    def words(self) -> tuple[Word, ...]:
        """Steady words and the newest guess at what follows them."""
        return (*self._steady, *self._guess)

    @property
    def outside(self) -> tuple[Word, ...]:
        """Steady words whose audio is not decoded any more."""
        return tuple(self._steady[: self._outside])

    def update(self, hypothesis: Sequence[Word], *, final: bool = False) -> tuple[Word, ...]:
        """Take the newest hypothesis of all audio that is decoded; returns ``words``."""
        following = hypothesis[self._length_of_steady(hypothesis) :]
        previous, self._guess = self._guess, self._timed(following)
        agreed = 0
        for before, now in zip(previous, self._guess, strict=False):
            if _core(before) != _core(now):
                break
            agreed += 1
        if not final:
            agreed = min(agreed, len(self._guess) - 1)
        self._settle(max(0, agreed))
        return self.words

    def trim(self, at_s: float) -> None:
        """Audio before ``at_s`` will not be decoded any more: what was said in it is steady."""
        self._settle(sum(_middle_s(word) < at_s for word in self._guess))
        self._outside = sum(_middle_s(word) < at_s for word in self._steady)

    def drop_guess(self) -> None:
        """What follows the steady words was not speech."""
        self._guess = []

    def _settle(self, count: int) -> None:
        self._steady += self._guess[:count]
        self._guess = self._guess[count:]

    def _length_of_steady(self, hypothesis: Sequence[Word]) -> int:
        """With how many words the hypothesis begins that stand for the steady ones.

        The beginning that is the fewest edits of words away (Levenshtein); among several the
        one that ends when the steady words do.
        """
        steady = [_core(word) for word in self._steady[self._outside :]]
        if not steady:
            return 0
        newest = [_core(word) for word in hypothesis]
        edits = list(range(len(newest) + 1))
        for number, known in enumerate(steady, 1):
            above, edits = edits, [number]
            for at, text in enumerate(newest):
                edits.append(min(above[at] + (known != text), above[at + 1] + 1, edits[at] + 1))
        end_s = self._steady[-1].end_s
        ends = [self._begin_s, *(word.end_s for word in hypothesis)]
        return min(range(len(edits)), key=lambda length: (edits[length], abs(ends[length] - end_s)))

    def _timed(self, words: Sequence[Word]) -> list[Word]:
        """The words with the times at which they were given before, and room for the others."""
        kept = self._kept(words)
        timed: list[Word] = []
        floor_s = self._steady[-1].end_s if self._steady else self._begin_s
        for at, word in enumerate(words):
            known = kept[at]
            if known is not None:
                start_s, end_s = known.start_s, known.end_s
            else:
                start_s = max(floor_s, word.start_s)
                end_s = max(start_s + WORD_MIN_S, word.end_s)
                between = next((ahead for ahead in range(at + 1, len(words)) if kept[ahead]), None)
                if between is not None and (next_word := kept[between]) is not None:
                    # As much room as leaves some for the others before the word that stays.
                    last_s = next_word.start_s - (between - at - 1) * WORD_MIN_S
                    start_s = max(floor_s, min(start_s, last_s - WORD_MIN_S))
                    end_s = min(end_s, last_s)
            timed.append(Word(word.text, start_s, end_s, word.confidence))
            floor_s = end_s
        return timed

    def _kept(self, words: Sequence[Word]) -> list[Word | None]:
        """For each word the one of the last guess that it is, where it is one.

        A word after the first difference is the same only where it was said at the same time,
        and where the new words before it have room.
        """
        kept: list[Word | None] = []
        floor_s = self._steady[-1].end_s if self._steady else self._begin_s
        unplaced, from_here, same = 0, 0, True
        for at, word in enumerate(words):
            found = None
            for number in range(from_here, len(self._guess)):
                known = self._guess[number]
                at_once = (
                    known.start_s < word.end_s
                    and word.start_s < known.end_s
                    and known.start_s - floor_s >= unplaced * WORD_MIN_S
                )
                if _core(known) == _core(word) and (at_once or (same and number == at)):
                    found, from_here = known, number + 1
                    break
            same = same and found is not None
            kept.append(found)
            unplaced = 0 if found else unplaced + 1
            floor_s = found.end_s if found else floor_s
        return kept


def _middle_s(word: Word) -> float:
    return (word.start_s + word.end_s) / 2


def _core(word: Word) -> str:
    """What two spellings of a word share; a word of marks only is itself."""
    text = unicodedata.normalize("NFKC", word.text).casefold()
    core = "".join(letter for letter in text if unicodedata.category(letter)[0] in "LMN")
    return core or text
