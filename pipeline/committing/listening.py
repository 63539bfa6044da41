"""The middle loop of a run: hypotheses → clauses → lines, told and handed on to be spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pipeline.committing.committer import Committer
from pipeline.committing.lines import Committing
from pipeline.events import CommittedTranscript, LanguageFound, PartialTranscript
from pipeline.hearing.loop import Decision, Hearing
from pipeline.hearing.recognition import Recognition
from pipeline.hearing.tape import Tape
from pipeline.plan import AUTO, DubbingPlan
from pipeline.reporting.outbox import Outbox
from pipeline.sharing.feeds import Share
from pipeline.speaking.ledger import Entry, Ledger
from pipeline.speaking.loop import Output
from pipeline.speaking.playing import Timing
from pipeline.speaking.turns import Turns
from pipeline.text.source_text import SourceText
from pipeline.types import Clause, Hypothesis, Word, joined

SAME_LANGUAGE = "same_language"
"""Why a line is not dubbed that is spoken in the target language already."""


@dataclass(slots=True, kw_only=True)
class Listening:
    """The parts of a run that a hypothesis passes through."""

    plan: DubbingPlan
    recognition: Recognition
    hearing: Hearing
    tape: Tape
    text: SourceText
    committer: Committer
    committing: Committing
    ledger: Ledger
    outbox: Outbox[Output]
    turns: Turns
    clock: Callable[[], float]
    on_progress: Callable[[], None]
    committed_s: float | None
    """End of the clause committed last; None before the first."""
    decoded_s: float = 0.0
    """Media time up to which the last hypothesis had been decoded."""
    found: str = ""
    """The language told last, where it had to be found out."""
    share: Share | None = None
    """Those who follow the run."""
    _between_lines: asyncio.Lock = field(default_factory=asyncio.Lock)
    _told_again: asyncio.Event = field(default_factory=asyncio.Event)
    _text_over: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: bool = False
    _shown: tuple[Word, ...] = ()
    """Words of the partial told last."""

    async def run(self, again: Sequence[Entry]) -> None:
        """Tell the lines taken over, then commit until the recogniser has no more."""
        for entry in again:
            async with self._between_lines:
                await self._tell(entry)
        self._told_again.set()
        async with aclosing(self.recognition.hypotheses()) as hypotheses:
            async for hypothesis in hypotheses:
                await self._update(hypothesis)
        self.hearing.settle_all()
        await self._text_over.wait()
        self.turns.close()
        if self.share is not None and not self._stopped:
            self.share.end(complete=False)

    async def follow_text(self) -> None:
        """Commit the clauses of which the client has the text, each once it has been heard."""
        await self._told_again.wait()
        expected: Clause | None = None
        while not self._stopped and not self.text.over:
            coming = self.text.next
            if coming is not None and coming is not expected:
                # Its text is certain before it is said: the translation is there by then.
                expected = coming
                self.committing.expect([coming])
            async with self._between_lines:
                committed = await self._commit_text()
            if not committed:
                await self.text.changed()
        self._text_over.set()

    async def _commit_text(self, *, before_s: float | None = None) -> bool:
        """Commit the next clause of the client's text if it is due; ``before_s`` is where a
        recognised clause begins that comes next."""
        clause = None if self._stopped else self.text.due(before_s=before_s)
        if clause is None:
            return False
        decision = self.hearing.now()
        await self._commit(clause, decision, decision.at)
        return True

    async def stop(self) -> None:
        """Commit nothing more; returns when a line that is just being committed is told."""
        self._stopped = True
        async with self._between_lines:
            pass

    def foresee(self) -> None:
        """Have translated what will probably be committed next."""
        quiet = self.hearing.is_quiet(self.committer.utterance)
        likely = self.committer.foresee(self.decoded_s, quiet=quiet)
        if likely and not self._stopped:
            self.committing.expect(likely)

    async def _update(self, hypothesis: Hypothesis) -> None:
        recognized_at = self.clock()
        decision = self.hearing.now()
        if hypothesis.is_final:
            decision = self.hearing.decision_on(hypothesis.utterance)
        elif hypothesis.words and hypothesis.words != self._shown:
            self._shown = hypothesis.words
            partial = PartialTranscript(
                utterance=hypothesis.utterance,
                text=joined(hypothesis.words),
                language=self._language_of(hypothesis),
            )
            self.outbox.offer(partial)
            if self.share is not None:
                self.share.partial(partial)
        for clause in self.committer.update(hypothesis):
            async with self._between_lines:
                while await self._commit_text(before_s=clause.start_s):
                    pass
                if not self._stopped:
                    await self._commit(clause, decision, recognized_at)
        if self._stopped:
            return
        if hypothesis.is_final:
            self.hearing.settle(hypothesis.utterance)
        else:
            self.decoded_s = hypothesis.decoded_s
            self.foresee()

    def _language_of(self, hypothesis: Hypothesis) -> str:
        if self.plan.source_language != AUTO:
            return self.plan.source_language
        return hypothesis.language or self.found

    async def _commit(self, clause: Clause, decision: Decision, recognized_at: float) -> None:
        line, translation = await self.committing.line_of(clause)
        timing = Timing(self.tape.arrived_at(clause.end_s), decision.at, recognized_at)
        entry = Entry(line, translation, timing, decision.heard_s)
        if line.source_language == line.target_language:
            entry.skipped = SAME_LANGUAGE
        # Nothing was awaited since the line had its number: a snapshot has all or nothing.
        self.committed_s = clause.end_s
        self.ledger.enter(entry)
        if self.share is not None:
            self.share.line(entry, self.committing.aside(line), now=self.clock())
        await self._tell(entry)
        self.on_progress()

    async def _tell(self, entry: Entry) -> None:
        line = entry.line
        if self.plan.source_language == AUTO and line.source_language != self.found:
            self.found = line.source_language
            await self.outbox.put(LanguageFound(language=self.found))
        if not entry.told:
            await self.outbox.put(transcript_of(entry))
        if news := self.committing.news_of(line):
            await self.outbox.put(news)
        await self.turns.add(entry)


def transcript_of(entry: Entry) -> CommittedTranscript:
    """What is told of a line once it is committed."""
    line = entry.line
    return CommittedTranscript(
        line=line.sequence,
        text=line.source_text,
        language=line.source_language,
        speaker=line.speaker.speaker,
        start_s=round(line.clause.start_s, 3),
        end_s=round(line.clause.end_s, 3),
        heard_s=round(entry.heard_s, 3),
    )
