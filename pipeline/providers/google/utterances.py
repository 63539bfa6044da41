"""Utterances that are open, and when each is closed. Pure: readings and time in, out come
hypotheses.

An utterance that has ended is closed by the first of these:

- a final that reaches its end, or the stream's end: nothing better will come;
- an interim that has heard ``SETTLED_S`` more and that the vendor calls stable up to there;
- ``wait_s`` with words in hand, while the next one is spoken already.

Words that come later go into the next utterance.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pipeline.bounds import GOOGLE_UTTERANCES_MAX
from pipeline.providers.google.placing import Reading
from pipeline.providers.google.transcript import Transcript
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

SETTLED_S = 0.25
_FINAL_REACHES_S = 0.3
"""A final's end may lie so far before what was taken for the end of speech."""


@dataclass(slots=True)
class _Utterance:
    number: int
    end_s: float | None = None
    speech_end_s: float = 0.0
    ended_at: float = 0.0


class Utterances:
    """``now`` is any clock's seconds. ``tells_language``: it was to be found out."""

    def __init__(self, *, tells_language: bool, wait_s: float) -> None:
        self.transcript = Transcript()
        self._tells_language = tells_language
        self._wait_s = wait_s
        self._open: deque[_Utterance] = deque(maxlen=GOOGLE_UTTERANCES_MAX)
        self._language = ""
        self._final_s = float("-inf")
        self._last = -1

    def __len__(self) -> int:
        """How many are open or wait to be closed."""
        return len(self._open)

    def begin(self, piece: SpeechPiece) -> None:
        if not self._open or self._open[-1].number != piece.utterance:
            self._open.append(_Utterance(piece.utterance))

    def end(self, piece: SpeechPiece, now: float) -> None:
        """All of the utterance has been sent; ``piece`` is its last."""
        utterance = self._open[-1]
        utterance.end_s = piece.end / SAMPLE_RATE_HZ
        speech_end = piece.end if piece.speech_end is None else piece.speech_end
        utterance.speech_end_s = speech_end / SAMPLE_RATE_HZ
        utterance.ended_at = now

    def read(self, reading: Reading, language: str) -> None:
        self.transcript.read(reading)
        self._language = language or self._language
        if reading.is_final:
            self._final_s = max(self._final_s, reading.end_s)

    def follow(self, heard_s: float) -> None:
        """A stream has told all that it heard, up to ``heard_s`` on the media clock."""
        self.transcript.follow(heard_s)
        self._final_s = max(self._final_s, heard_s)

    def settle(self, now: float, *, drained: bool = False) -> list[Hypothesis]:
        """Finals that are due. ``drained``: nothing more will come for what was sent."""
        finals = []
        while self._open and self._is_due(self._open[0], now, drained):
            utterance = self._open.popleft()
            self._last = utterance.number
            until_s = utterance.end_s if self._open else None
            words = self.transcript.take(float("inf") if until_s is None else until_s)
            finals.append(
                Hypothesis(utterance.number, words, utterance.end_s or 0.0, True, self._found())
            )
        return finals

    def partial(self) -> Hypothesis | None:
        """What the first open utterance says so far; None: nothing is open or heard."""
        if not self._open or self.transcript.heard_s == float("-inf"):
            return None
        first = self._open[0]
        until_s = float("inf") if first.end_s is None else first.end_s
        words = self.transcript.words(until_s)
        return Hypothesis(first.number, words, self.transcript.heard_s, False, self._found())

    def leftovers(self) -> Hypothesis | None:
        """Words that came after the last utterance was closed, at the end of everything."""
        words = self.transcript.take()
        if not words:
            return None
        return Hypothesis(self._last + 1, words, self.transcript.heard_s, True, self._found())

    def _is_due(self, first: _Utterance, now: float, drained: bool) -> bool:
        if first.end_s is None:
            return False
        if drained or self._final_s >= first.speech_end_s - _FINAL_REACHES_S:
            return True
        if len(self._open) < 2:
            return False
        settled = self.transcript.heard_s >= first.speech_end_s + SETTLED_S
        if settled and self.transcript.is_steady(first.end_s):
            return True
        waited = now - first.ended_at >= self._wait_s
        return waited and bool(self.transcript.words(first.end_s))

    def _found(self) -> str:
        return self._language if self._tells_language else ""
