"""The first loop of a run: chunks → tape, voice activity, utterances → recogniser.

It knows which utterances are not finished, and so from where audio would have to be heard
again by a process that goes on with the run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.bounds import UTTERANCES_OPEN_MAX
from pipeline.hearing.inbox import Inbox, contiguous
from pipeline.hearing.recognition import Recognition
from pipeline.hearing.segmenter import Segmenter
from pipeline.hearing.tape import Tape
from pipeline.hearing.unrecognised import Gate
from pipeline.ports import SpeechDetector
from pipeline.text.source_text import SourceText
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Clause, Pcm, SpeechPiece

Detect = Callable[[Pcm], Awaitable[Sequence[float]]]

QUIET_S = 0.06
"""Silence that may well become an endpoint."""
OVERLAP_S = 0.5
"""Heard again before the end of the clause committed last: a word starts before it is known."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The moment at which a clause was decided on."""

    at: float
    """On the run's clock, seconds."""
    heard_s: float
    """Media time of the newest audio heard by then."""


class Hearing:
    """One run's ears. ``hear_from`` is where another process left off, in samples.

    ``on_lost`` is told seconds of speech that a recogniser which is too slow will not get;
    without it, as for a file, everything waits.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        recognition: Recognition,
        tape: Tape,
        clock: Callable[[], float],
        *,
        text: SourceText,
        on_jump: Callable[[], None],
        on_heard: Callable[[Pcm], None],
        on_quiet: Callable[[], None] = lambda: None,
        on_lost: Callable[[float], None] | None = None,
        hear_from: int = 0,
        first_utterance: int = 0,
    ) -> None:
        self._detector = detector
        self._recognition = recognition
        self._tape = tape
        self._clock = clock
        self._text = text
        self._gate = Gate(text)
        self._on_jump = on_jump
        self._on_heard = on_heard
        self._on_quiet = on_quiet
        self._on_lost = on_lost
        self._was_quiet = False
        self._hear_from = hear_from
        self._segmenter = Segmenter(first=first_utterance)
        self._decided: dict[int, Decision] = {}
        self._unfinished: dict[int, int] = {}
        """Utterance → its first sample, until all its clauses are committed."""
        self._stopped = False

    async def run(self, inbox: Inbox) -> None:
        """Hear what comes in until the inbox is closed and empty."""
        detector = self._detector.open()
        while (chunk := await inbox.next()) is not None and not self._stopped:
            await self._hear(chunk, detector.push)
        if not self._stopped:
            for piece in self._passed(self._segmenter.flush()):
                await self._feed(piece)
            self._recognition.finish()
            self._text.close()

    def stop(self) -> None:
        """Hear nothing more; what is unfinished stays so."""
        self._stopped = True

    def now(self) -> Decision:
        return Decision(self._clock(), self._tape.end_s)

    def decision_on(self, utterance: int) -> Decision:
        """When the utterance's end was decided; now, where it was not."""
        return self._decided.pop(utterance, None) or self.now()

    def is_quiet(self, utterance: int) -> bool:
        """Whether its speaker has paused or ended: all its words have probably been said."""
        if utterance in self._decided:
            return True
        segmenter = self._segmenter
        newest = self._gate.number(segmenter.utterance)
        return newest == utterance and segmenter.quiet_s >= QUIET_S

    def settle(self, utterance: int) -> None:
        """All that was said in an utterance is committed."""
        for number in [number for number in self._unfinished if number <= utterance]:
            del self._unfinished[number]
        self._tell_text()

    def settle_all(self) -> None:
        """The recogniser says nothing more."""
        self._unfinished.clear()
        self._tell_text()

    @property
    def next_utterance(self) -> int:
        """Number of the first utterance that is not finished."""
        return next(iter(self._unfinished), self._gate.number(self._segmenter.utterance))

    def position(self, last: Clause | None) -> int:
        """Where hearing must begin again so that nothing is lost after the clause ``last``."""
        position = self._recognition_position(last)
        open_from_s = self._text.open_from_s
        if open_from_s is None:
            return position
        return min(position, max(0, round(open_from_s * SAMPLE_RATE_HZ)))

    def _recognition_position(self, last: Clause | None) -> int:
        if not self._unfinished:
            kept = self._segmenter.keeps_from
            return self._hear_from if kept is None else kept
        utterance, start = next(iter(self._unfinished.items()))
        if last is None or last.utterance != utterance:
            return start
        return max(start, round((last.end_s - OVERLAP_S) * SAMPLE_RATE_HZ))

    async def _hear(self, chunk: AudioChunk, detect: Detect) -> None:
        expected = self._tape.end or self._hear_from or chunk.start
        if chunk.start - expected > SAMPLE_RATE_HZ:
            self._on_jump()
        for part in contiguous(chunk, expected):
            self._tape.append(part, self._clock())
            self._on_heard(part.pcm)
            probabilities = await detect(part.pcm)
            if self._on_lost is not None and self._recognition.is_hopeless(self._clock()):
                self._on_lost(self._let_go())
            pieces = self._passed(self._segmenter.push(part, probabilities))
            self._text.heard(self._tape.end_s)
            for piece in pieces:
                # Before any of them is waited for: the segmenter has let go of them all.
                self._unfinished.setdefault(piece.utterance, piece.start)
            _forget_oldest(self._unfinished)
            if pieces:
                self._tell_text()
            for piece in pieces:
                await self._feed(piece)
            quiet = self._segmenter.quiet_s >= QUIET_S
            # After a long utterance so little silence ends it that one chunk may bring it all.
            ended = any(piece.ends for piece in pieces)
            if (quiet or ended) and not self._was_quiet:
                self._on_quiet()
            self._was_quiet = quiet

    def _passed(self, pieces: Sequence[SpeechPiece]) -> list[SpeechPiece]:
        """What of them the recogniser gets."""
        return [passed for piece in pieces for passed in self._gate.pass_on(piece)]

    def _let_go(self) -> float:
        """Leave out what waits for the recogniser, as if nobody had spoken; seconds of it."""
        gone = self._recognition.let_go()
        for piece in gone:
            if self._unfinished.get(piece.utterance) == piece.start:
                # Nothing of it was heard, so no final will come and settle it.
                del self._unfinished[piece.utterance]
                self._decided.pop(piece.utterance, None)
        if gone and gone[-1].utterance == self._gate.number(self._segmenter.utterance):
            self._gate.split()
        self._tell_text()
        return sum(len(piece.pcm) for piece in gone) / SAMPLE_RATE_HZ

    def _tell_text(self) -> None:
        first = next(iter(self._unfinished.values()), None)
        self._text.settled(None if first is None else first / SAMPLE_RATE_HZ)

    async def _feed(self, piece: SpeechPiece) -> None:
        if piece.ends:
            self._decided[piece.utterance] = self.now()
            _forget_oldest(self._decided)
        await self._recognition.push(piece)


def _forget_oldest(utterances: dict[int, Any]) -> None:
    """An engine that never ends an utterance must not fill the memory."""
    while len(utterances) > UTTERANCES_OPEN_MAX:
        del utterances[next(iter(utterances))]
