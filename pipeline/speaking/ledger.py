"""Which lines are committed, and how much of each the listener has been given."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import msgspec

from pipeline.bounds import SENT_KEPT
from pipeline.events import CommittedTranscript, Latencies
from pipeline.handover.snapshot import PendingLine
from pipeline.handover.takeover import Again
from pipeline.reporting.record import LineRecord
from pipeline.speaking.backlog import WaitingLine
from pipeline.speaking.making import Translation
from pipeline.speaking.playing import Begun, Timing
from pipeline.types import Line


@dataclass(slots=True, eq=False)
class Entry:
    """A committed line on its way to the listener."""

    line: Line
    translation: asyncio.Future[Translation]
    timing: Timing
    heard_s: float
    """Media time of the newest audio heard when it was decided on."""
    told: bool = False
    begun: Begun | None = None
    """Its cue, once that has begun: here or, for a line taken over, elsewhere."""
    complete: bool = False
    """The client has all of its sound from another process."""
    resume_at: int = 0
    """Samples of its sound that the client has from another process."""
    recorded: bool = False
    """Another process counted it."""
    skipped: str | None = None
    """Why it is not heard, once that is decided."""
    into: int | None = None
    """The line as part of which it is heard, once that is decided."""
    latencies: Latencies | None = None
    since_s: float = 0.0
    """Live edge when it began to wait for its turn."""

    @property
    def text(self) -> str:
        """Its translation; empty where there is none."""
        done = self.translation.done() and not self.translation.cancelled()
        return self.translation.result().text if done and not self.translation.exception() else ""

    @property
    def unheard(self) -> str | None:
        """Why it has no cue of its own."""
        return "merged" if self.into is not None else self.skipped

    def as_waiting(self) -> WaitingLine:
        line = self.line
        return WaitingLine(
            line.speaker.speaker, line.clause.end_s, self.since_s, chars=len(self.text)
        )

    @classmethod
    def taken_over(
        cls, again: Again, line: Line, translation: asyncio.Future[Translation], timing: Timing
    ) -> Self:
        """The entry of a line that another process committed."""
        pending, begun = again.line, None
        if (again.complete or again.resume_at) and pending.cue is not None:
            begun = Begun(
                number=pending.cue,
                start_s=pending.cue_start_s or 0.0,
                duration_s=pending.cue_duration_s or 0.0,
                sample_rate=pending.sample_rate,
                tempo=pending.tempo,
                stretch=pending.stretch,
            )
        return cls(
            line,
            translation,
            timing,
            pending.heard_s,
            told=pending.told,
            begun=begun,
            complete=again.complete,
            resume_at=again.resume_at,
            recorded=again.recorded,
            skipped=pending.skipped,
            into=pending.into if begun is not None else None,
        )

    def export(self) -> PendingLine:
        line, begun = self.line, self.begun
        pending = PendingLine(
            line=line.sequence,
            source_text=line.source_text,
            source_language=line.source_language,
            start_s=line.clause.start_s,
            end_s=line.clause.end_s,
            heard_s=self.heard_s,
            speaker=line.speaker,
            voice=line.voice.id,
            style=line.style,
            told=self.told,
            skipped=self.skipped,
            into=self.into,
            target_text=self.text or None,
            level_dbfs=line.level_dbfs,
            snr_db=line.snr_db,
        )
        if begun is None:
            return pending
        return msgspec.structs.replace(
            pending,
            cue=begun.number,
            cue_start_s=begun.start_s,
            cue_duration_s=begun.duration_s,
            sample_rate=begun.sample_rate,
            tempo=begun.tempo,
            stretch=begun.stretch,
        )


class Ledger:
    """Lines from commitment until the listener took their record."""

    def __init__(self, sent: Iterable[PendingLine] = (), end_s: float | None = None) -> None:
        self._open: dict[int, Entry] = {}
        self._sent = deque(sent, maxlen=SENT_KEPT)
        self._settled = asyncio.Event()
        self._settled.set()
        self.end_s = end_s
        """End of the last cue that was given out completely."""

    def enter(self, entry: Entry) -> None:
        self._open[entry.line.sequence] = entry
        self._settled.clear()

    def take(self, output: object) -> Entry | None:
        """The listener takes ``output``; returns the line that is finished with it."""
        if isinstance(output, CommittedTranscript) and output.line in self._open:
            self._open[output.line].told = True
        if not isinstance(output, LineRecord):
            return None
        entry = self._open.pop(output.sequence)
        if entry.begun is not None:
            self._sent.append(entry.export())
            self.end_s = entry.begun.start_s + entry.begun.duration_s
        if not self._open:
            self._settled.set()
        return entry

    @property
    def open(self) -> tuple[Entry, ...]:
        """Lines that the listener has not got completely, in order."""
        return tuple(self._open.values())

    async def settled(self) -> None:
        """Wait until no line is open."""
        await self._settled.wait()

    def pending(self) -> tuple[PendingLine, ...]:
        return tuple(entry.export() for entry in self._open.values())

    def sent(self) -> tuple[PendingLine, ...]:
        return tuple(self._sent)
