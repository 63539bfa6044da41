"""The middle loop of a run: hypotheses → clauses → lines, told and handed on to be spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pipeline.committer import Committer
from pipeline.committing import Committing
from pipeline.events import CommittedTranscript, PartialTranscript
from pipeline.hearing import Decision, Hearing
from pipeline.ledger import Entry, Ledger
from pipeline.outbox import Outbox
from pipeline.playing import Timing
from pipeline.recognition import Recognition
from pipeline.speaking import Output
from pipeline.tape import Tape
from pipeline.turns import Turns
from pipeline.types import Clause, Hypothesis, Word


@dataclass(slots=True, kw_only=True)
class Listening:
    """The parts of a run that a hypothesis passes through."""

    language: str
    recognition: Recognition
    hearing: Hearing
    tape: Tape
    committer: Committer
    committing: Committing
    ledger: Ledger
    outbox: Outbox[Output]
    turns: Turns
    clock: Callable[[], float]
    on_progress: Callable[[], None]
    committed_s: float | None
    """End of the clause committed last; None before the first."""
    _between_lines: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopped: bool = False
    _shown: tuple[Word, ...] = ()
    """Words of the partial told last."""

    async def run(self, again: Sequence[Entry]) -> None:
        """Tell the lines taken over, then commit until the recogniser has no more."""
        for entry in again:
            async with self._between_lines:
                await self._tell(entry)
        async with aclosing(self.recognition.hypotheses()) as hypotheses:
            async for hypothesis in hypotheses:
                await self._update(hypothesis)
        self.turns.close()

    async def stop(self) -> None:
        """Commit nothing more; returns when a line that is just being committed is told."""
        self._stopped = True
        async with self._between_lines:
            pass

    async def _update(self, hypothesis: Hypothesis) -> None:
        recognized_at = self.clock()
        decision = self.hearing.now()
        if hypothesis.is_final:
            decision = self.hearing.decision_on(hypothesis.utterance)
        elif hypothesis.words and hypothesis.words != self._shown:
            self._shown = hypothesis.words
            self.outbox.offer(
                PartialTranscript(
                    utterance=hypothesis.utterance,
                    text=" ".join(word.text for word in hypothesis.words),
                    language=self.language,
                )
            )
        for clause in self.committer.update(hypothesis):
            async with self._between_lines:
                if not self._stopped:
                    await self._commit(clause, decision, recognized_at)
        if hypothesis.is_final and not self._stopped:
            self.hearing.settle(hypothesis.utterance)

    async def _commit(self, clause: Clause, decision: Decision, recognized_at: float) -> None:
        line, translation = await self.committing.line_of(clause)
        timing = Timing(self.tape.arrived_at(clause.end_s), decision.at, recognized_at)
        entry = Entry(line, translation, timing, decision.heard_s)
        # Nothing was awaited since the line had its number: a snapshot has all or nothing.
        self.committed_s = clause.end_s
        self.ledger.enter(entry)
        await self._tell(entry)
        self.on_progress()

    async def _tell(self, entry: Entry) -> None:
        line = entry.line
        if not entry.told:
            await self.outbox.put(
                CommittedTranscript(
                    line=line.sequence,
                    text=line.source_text,
                    language=line.source_language,
                    speaker=line.speaker.speaker,
                    start_s=round(line.clause.start_s, 3),
                    end_s=round(line.clause.end_s, 3),
                    heard_s=round(entry.heard_s, 3),
                )
            )
        if news := self.committing.news_of(line):
            await self.outbox.put(news)
        await self.turns.add(entry)
