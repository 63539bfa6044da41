"""Text of what is said that the client has, such as a page's subtitles, ahead of its sound.

Where it covers the source nothing is recognised: each clause is committed as it is written,
once its sound has been heard, because who says it is found from the sound. Everywhere else
recognition goes on. The client may move or replace what waits as often as it likes: players
stall.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from pipeline import metrics
from pipeline.bounds import SOURCE_TEXT_LATE_S, SOURCE_TEXT_MAX, SOURCE_TEXT_SPANS_MAX
from pipeline.text.marks import CLAUSE_MARKS, SENTENCE_MARKS
from pipeline.types import Clause, Word

WHOLE_S = 3.0
"""A subtitle that lasts no longer is one clause: whoever wrote it has cut it well."""
PART_MIN_CHARS = 20
"""Of a longer one, no part is shorter: lag falls with its length, but so does the sense."""
PATIENCE_S = 3.0
"""So long a clause that is due waits for words before it that are still being recognised."""
SOON_S = 3.0
"""What is said within this is translated now."""
JOIN_S = 0.05
"""Spans that are so close are one."""


class Subtitle(msgspec.Struct, frozen=True):
    """One piece of text and when it is said, seconds of media time."""

    start_s: float
    end_s: float
    text: str
    language: str
    """ISO 639-1 code."""


class SourceTextState(msgspec.Struct, frozen=True, kw_only=True):
    """What another process needs of it."""

    waiting: tuple[Subtitle, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()


def clauses_of(subtitle: Subtitle) -> list[Clause]:
    """The subtitle as clauses: one, or where it is long one for each part that a mark ends.

    Words have times in proportion to their length, for nothing better is known.
    """
    texts = subtitle.text.split()
    total = sum(len(text) + 1 for text in texts)
    span_s = subtitle.end_s - subtitle.start_s
    words: list[Word] = []
    at = 0
    for text in texts:
        start_s = subtitle.start_s + span_s * at / total
        at += len(text) + 1
        words.append(Word(text, start_s, subtitle.start_s + span_s * at / total))
    parts = _parts(words) if span_s > WHOLE_S else [words]
    return [
        Clause(-1, tuple(part), ends_utterance=True, language=subtitle.language, written=True)
        for part in parts
        if part
    ]


def _parts(words: list[Word]) -> list[list[Word]]:
    parts: list[list[Word]] = [[]]
    left = sum(len(word.text) + 1 for word in words)
    chars = 0
    for word in words:
        parts[-1].append(word)
        chars += len(word.text) + 1
        left -= len(word.text) + 1
        marked = word.text[-1] in SENTENCE_MARKS or word.text[-1] in CLAUSE_MARKS
        if marked and chars >= PART_MIN_CHARS and left >= PART_MIN_CHARS:
            parts.append([])
            chars = 0
    return parts


class SourceText:
    """One run's. Filled by the client, emptied by the listening loop, both on the event loop."""

    def __init__(
        self, state: SourceTextState | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.alone = False
        """Nothing recognises the language: all that is dubbed comes from here."""
        self.unsettled_from_s: float | None = None
        """Where the first speech begins that is still being recognised."""
        self._spans = list(state.spans) if state else []
        self._waiting: deque[Clause] = deque()
        self._heard_s = self._recognised_s = self._committed_s = float("-inf")
        self._closed = False
        self._clock = clock
        self._due_since: float | None = None
        self._wake = asyncio.Event()
        metrics.track_queue("source_text", self, lambda text: len(text._waiting))
        if state:
            self._fill(state.waiting)

    # The client's side ---------------------------------------------------------------

    def take(self, subtitles: Sequence[Subtitle], from_s: float, until_s: float) -> None:
        """``subtitles`` are all that is said from ``from_s`` to ``until_s``; what was known to
        end later than ``from_s`` is forgotten. Equal times: nothing is known any more."""
        self._spans = [(a, min(b, from_s)) for a, b in self._spans if a < from_s]
        if until_s > from_s:
            if self._spans and self._spans[-1][1] >= from_s - JOIN_S:
                self._spans[-1] = (self._spans[-1][0], until_s)
            else:
                self._spans.append((from_s, until_s))
        del self._spans[:-SOURCE_TEXT_SPANS_MAX]
        while self._waiting and self._waiting[-1].end_s > from_s:
            self._waiting.pop()
        self._fill(subtitles)

    def _fill(self, subtitles: Sequence[Subtitle]) -> None:
        for subtitle in sorted(subtitles, key=lambda one: one.start_s):
            for clause in clauses_of(subtitle):
                if len(self._waiting) < SOURCE_TEXT_MAX and self._is_wanted(clause):
                    self._waiting.append(clause)
        self._wake.set()

    def _is_wanted(self, clause: Clause) -> bool:
        """Neither said already, by whatever way, nor far too late."""
        if clause.end_s < self._heard_s - SOURCE_TEXT_LATE_S:
            return False
        # A live caption that comes behind its sound is of use only where nobody recognises.
        if (clause.start_s + clause.end_s) / 2 <= max(self._committed_s, self._recognised_s):
            return False
        # Players and pages repeat themselves: captions that roll up, one track given twice.
        return not any(
            one.text == clause.text and one.end_s > clause.start_s for one in self._waiting
        )

    # The hearing side ----------------------------------------------------------------

    def covers(self, at_s: float) -> bool:
        """Whether all that is said at a media time is known from here."""
        return self.alone or any(a <= at_s < b for a, b in self._spans)

    def recognised(self, to_s: float) -> None:
        """The recogniser has been given the sound up to here."""
        self._recognised_s = max(self._recognised_s, to_s)

    def heard(self, to_s: float) -> None:
        self._heard_s = to_s
        if self._waiting:
            self._wake.set()

    def settled(self, unsettled_from_s: float | None) -> None:
        self.unsettled_from_s = unsettled_from_s
        self._wake.set()

    def close(self) -> None:
        """No more sound comes. Text of which less than half was heard is not committed."""
        self._closed = True
        self._wake.set()

    @property
    def open_from_s(self) -> float | None:
        """Where the sound begins that was heard and whose text is not committed."""
        begun = self._waiting and self._waiting[0].start_s < self._heard_s
        return self._waiting[0].start_s if begun else None

    # The listening side --------------------------------------------------------------

    @property
    def next(self) -> Clause | None:
        """What is committed next, unless the client thinks better of it; None: not known, or
        it is not said soon."""
        if not self._waiting or self._waiting[0].start_s > self._heard_s + SOON_S:
            return None
        return self._waiting[0]

    def due(self, *, before_s: float | None = None) -> Clause | None:
        """Takes out the next clause if its sound has been heard, and everything that was said
        before it is recognised; with ``before_s``, if it ends before what was recognised."""
        if not self._waiting:
            return None
        clause = self._waiting[0]
        if before_s is not None:
            return self._pop() if clause.end_s <= min(before_s, self._heard_s) else None
        if self._heard_s < clause.end_s:
            cut_off = self._closed and self._heard_s >= (clause.start_s + clause.end_s) / 2
            if not cut_off:
                return None
        now = self._clock()
        since = self._due_since = now if self._due_since is None else self._due_since
        before = self.unsettled_from_s is not None and self.unsettled_from_s < clause.start_s
        # At the end the recogniser has its last word in any case.
        if before and (self._closed or now - since < PATIENCE_S):
            return None
        return self._pop()

    def _pop(self) -> Clause:
        clause = self._waiting.popleft()
        self._due_since = None
        self._committed_s = clause.end_s
        return clause

    @property
    def over(self) -> bool:
        """Nothing of it can become due any more."""
        if not self._closed:
            return False
        return not self._waiting or (
            self._heard_s < (self._waiting[0].start_s + self._waiting[0].end_s) / 2
        )

    async def changed(self) -> None:
        """Wait until something is due, new or over, or may be."""
        await self._wake.wait()
        self._wake.clear()

    def export(self) -> SourceTextState:
        return SourceTextState(
            waiting=tuple(
                Subtitle(clause.start_s, clause.end_s, clause.text, clause.language)
                for clause in self._waiting
            ),
            spans=tuple(self._spans),
        )
