"""Freezes clauses out of a moving hypothesis. Pure: words and media time in, clauses out.

Spoken audio cannot be taken back, so a word is committed once and never rewritten.
An endpoint flushes whatever is left; on continuous speech, which has none, clauses
are cut at marks, at pauses, and at the latest after ``max_s``. Only words that have
stood still for ``stable_s`` while ``hold_back_words`` newer ones came are considered
before an endpoint: the newest words of any recogniser still change.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.text.marks import CLAUSE_MARKS, SENTENCE_MARKS
from pipeline.types import Clause, Hypothesis, Word, joined

_OPENERS = frozenset(
    # Words that usually open a clause or phrase: the best place for a cut that
    # nothing else suggests is before one of them.
    "and but or so because if when while where which who that than then though although unless "
    "until since as for with without from to in on at of by into about after before "
    "y pero porque si cuando que quien donde mientras aunque para con sin "
    "et mais ou parce quand qui que dans avec pour sans "
    "und aber oder weil wenn als dass mit für ohne".split()
)

_LEANERS = frozenset(
    # Words that lean on the next one: a cut after them leaves both parts odd.
    "a an the my your his her its our their of to in on at for with from by and or but that "
    "which who is are was were be not no very "
    "el la los las un una de del al en y o que mi tu su muy "
    "le les un une des du et ou que mon ma ton sa son ses très "
    "der die das ein eine und oder mein dein sein ihr sehr".split()
)


@dataclass(frozen=True, slots=True)
class CommitRules:
    """Bounds of a clause; durations in seconds of media time."""

    min_chars: int = 10
    comma_min_chars: int = 20
    max_chars: int = 120
    pause_s: float = 0.10
    """Silence between two words that may end a clause."""
    pause_min_s: float = 1.2
    """Shortest clause that a pause may end."""
    long_pause_s: float = 0.25
    """A pause that ends a clause however short it is."""
    max_s: float = 2.5
    """Beyond this a clause is cut at the best place there is: lag follows its length."""
    reach_back_s: float = 0.4
    """A cut may go so far back for a better place; further, the wait costs more than it gives."""
    hold_back_words: int = 1
    stable_s: float = 0.2
    foresee_pause_s: float = 0.06
    """Silence after the newest word that makes an endpoint likely."""
    foresee_overdue_s: float = 0.35
    """So long before a clause becomes too long it is planned where it will be cut; longer
    where hypotheses come less often than that."""
    foresee_margin_s: float = 0.1
    """How much later than the one before a hypothesis may come and still find it planned."""
    between_max_s: float = 0.8
    """More than this from one hypothesis to the next was the speaker's pause."""


class Committer:
    """One source stream's clauses, utterance by utterance.

    Words whose middle lies before ``after_s`` on the media clock were committed by another
    committer: they are heard again and left out.
    """

    def __init__(self, rules: CommitRules | None = None, *, after_s: float | None = None) -> None:
        self._rules = rules or CommitRules()
        self._utterance = -1
        self._language = ""
        self._after_s = float("-inf") if after_s is None else after_s
        self._committed_s = self._after_s
        self._seen: list[tuple[str, float]] = []
        """Per uncommitted word position: text and media time since when it stands."""
        self._left: list[Word] = []
        """Words of the last hypothesis that are not committed."""
        self._planned: tuple[str, ...] = ()
        """Words that are cut off next if they stand still: their dub is being prepared."""
        self._decoded_s = 0.0
        self._between_s = 0.0
        """Of media time, from the hypothesis before the newest one to that one."""

    def update(self, hypothesis: Hypothesis) -> list[Clause]:
        """Clauses that this hypothesis freezes, in order; each word at most once."""
        if hypothesis.utterance < self._utterance:
            return []
        if hypothesis.utterance > self._utterance:
            self._utterance = hypothesis.utterance
            self._committed_s = self._after_s
            self._seen = []
        self._language = hypothesis.language
        words = [
            word
            for word in hypothesis.words
            if (word.start_s + word.end_s) / 2 > self._committed_s and word.text
        ]
        if hypothesis.is_final:
            clauses = self._flush(words)
            self._utterance += 1
            self._committed_s = self._after_s
            self._seen = []
            self._left = []
            self._planned = ()
            return clauses
        between_s = hypothesis.decoded_s - self._decoded_s
        if 0 < between_s <= self._rules.between_max_s:
            self._between_s = between_s
        self._decoded_s = hypothesis.decoded_s
        self._note(words, hypothesis.decoded_s)
        clauses = []
        while cut := self._cut(words, hypothesis.decoded_s, self._stable(hypothesis.decoded_s)):
            clauses.append(self._take(words[:cut], ends_utterance=False))
            words = words[cut:]
            self._seen = self._seen[cut:]
        self._left = words
        return clauses

    @property
    def utterance(self) -> int:
        """The one whose clauses come next."""
        return self._utterance

    def foresee(self, decoded_s: float, *, quiet: bool = False) -> list[Clause]:
        """The clauses of which one comes next if no word changes any more, at most two.

        Called after ``update`` with the same hypothesis, not a final one. One is what a cut
        would freeze once it is stable or the clause too long, the other the endpoint's, once
        the speaker has paused: as the words' times say, or as is known from the sound
        (``quiet``). None: it is too early to say.
        """
        words, rules = self._left, self._rules
        if not words:
            return []
        likely = []
        if cut := self._cut(words, decoded_s + rules.stable_s, len(words) - 1):
            self._planned = tuple(word.text for word in words[:cut])
        else:
            cut = self._plan(words, decoded_s)
        if cut:
            likely.append(self._clause(words[:cut], ends_utterance=False))
        if quiet or decoded_s - words[-1].end_s >= rules.foresee_pause_s:
            count = self._sentence_end(words) or len(words)
            likely.append(self._clause(words[:count], ends_utterance=count == len(words)))
        return likely

    def _plan(self, words: list[Word], decoded_s: float) -> int:
        """Where the clause will be cut because it gets too long; 0: it is not so far.

        A better place that comes up later is passed over, for a dub that is begun in time
        is worth more.
        """
        rules = self._rules
        if self._is_planned(words):
            return len(self._planned)
        steady = len(words) - rules.hold_back_words
        # By the next hypothesis it may be too late.
        ahead_s = max(rules.foresee_overdue_s, self._between_s + rules.foresee_margin_s)
        cut = self._cut(words, decoded_s + ahead_s, steady)
        self._planned = tuple(word.text for word in words[:cut])
        return cut

    def _is_planned(self, words: list[Word]) -> bool:
        """Whether there is a plan and no word of it has changed."""
        count = len(self._planned)
        return 0 < count < len(words) and self._planned == tuple(
            word.text for word in words[:count]
        )

    def _note(self, words: list[Word], decoded_s: float) -> None:
        seen = []
        for position, word in enumerate(words):
            known = self._seen[position] if position < len(self._seen) else None
            same = known is not None and known[0] == word.text
            seen.append(known if same and known else (word.text, decoded_s))
        self._seen = seen

    def _stable(self, decoded_s: float) -> int:
        """How many leading words have stood still for long enough."""
        stable = 0
        limit = len(self._seen) - self._rules.hold_back_words
        while stable < limit and self._seen[stable][1] <= decoded_s - self._rules.stable_s:
            stable += 1
        return stable

    def _cut(self, words: list[Word], decoded_s: float, stable: int) -> int:
        """How many of the leading ``stable`` words make a clause now; 0 for none."""
        rules = self._rules
        if stable <= 0:
            return 0
        chars = 0
        candidates: list[tuple[bool, bool, bool, int]] = []
        newest_s = words[stable - 1].end_s
        for count in range(1, stable + 1):
            last = words[count - 1]
            chars += len(last.text) + (count > 1)
            if chars < rules.min_chars:
                continue
            if last.text[-1] in SENTENCE_MARKS:
                return count
            if last.text[-1] in CLAUSE_MARKS and chars >= rules.comma_min_chars:
                return count
            silence_s = words[count].start_s - last.end_s
            pause = silence_s >= rules.pause_s
            if silence_s >= rules.long_pause_s:
                return count
            if pause and last.end_s - words[0].start_s >= rules.pause_min_s:
                return count
            if last.end_s >= newest_s - rules.reach_back_s:
                opens = words[count].text.lower() in _OPENERS
                leans = last.text.lower() in _LEANERS
                candidates.append((pause, not leans, opens, count))
        overdue = decoded_s - words[0].start_s >= rules.max_s or chars >= rules.max_chars
        if overdue and len(self._planned) <= stable and self._is_planned(words):
            return len(self._planned)
        return max(candidates)[-1] if overdue and candidates else 0

    def _flush(self, words: list[Word]) -> list[Clause]:
        """Everything that is left, split only where a sentence ends."""
        clauses = []
        while count := self._sentence_end(words):
            clauses.append(self._take(words[:count], ends_utterance=False))
            words = words[count:]
        if words:
            clauses.append(self._take(words, ends_utterance=True))
        return clauses

    def _sentence_end(self, words: list[Word]) -> int:
        """How many words the first sentence has that is not the last; 0 for none."""
        for count in range(1, len(words)):
            text, rest = joined(words[:count]), joined(words[count:])
            if text[-1] in SENTENCE_MARKS and min(len(text), len(rest)) >= self._rules.min_chars:
                return count
        return 0

    def _take(self, words: list[Word], *, ends_utterance: bool) -> Clause:
        self._committed_s = words[-1].end_s
        self._planned = ()
        return self._clause(words, ends_utterance=ends_utterance)

    def _clause(self, words: list[Word], *, ends_utterance: bool) -> Clause:
        return Clause(self._utterance, tuple(words), ends_utterance, self._language)
