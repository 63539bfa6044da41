"""The last loop of a run: committed lines → cues on the media clock, in source order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from pipeline.events import CueAudio, CueEnded, Event, Merged, Skipped, Translated
from pipeline.handover.snapshot import Delivered
from pipeline.ports import EngineError
from pipeline.reporting.record import LineRecord
from pipeline.speaking.backlog import is_late
from pipeline.speaking.ledger import Entry
from pipeline.speaking.making import Clip
from pipeline.speaking.playing import begin, play
from pipeline.speaking.scheduler import Placement, Scheduler
from pipeline.speaking.turns import Group, Turns

Output = Event | CueAudio | LineRecord

DISCARDED = "discarded"
"""Why a line is not heard of a run that is not wanted any more."""


class Speaking:
    """Tells and plays what ``turns`` gives, one group after the other."""

    def __init__(
        self,
        turns: Turns,
        scheduler: Scheduler,
        *,
        tell: Callable[[Output], Awaitable[None]],
        report: Callable[[EngineError], None],
        on_begin: Callable[[], None],
        clock: Callable[[], float],
        next_cue: int = 0,
        heard: Delivered | None = None,
    ) -> None:
        self._turns = turns
        self._scheduler = scheduler
        self._tell = tell
        self._report = report
        self._on_begin = on_begin
        self._clock = clock
        self._heard = heard
        self.next_cue = next_cue

    async def run(self) -> None:
        while (group := await self._turns.next()) is not None:
            await self._say(group, await self._turns.clip_of(group))
            self._turns.done()

    async def _say(self, group: Group, clip: Clip) -> None:
        for entry in group.entries:
            if entry.text:
                line = entry.line
                await self._tell(
                    Translated(line=line.sequence, text=entry.text, language=line.target_language)
                )
        first = group.entries[0]
        self._compare(group.entries)
        if first.skipped is not None:
            await self._skip(group, first.skipped)
        elif first.complete:
            await clip.aclose()
            for entry in group.entries:
                await self._tell(_record(entry, **_cue_of(entry)))
        elif group.dropped:
            await self._skip(group, "backlog")
        elif clip.failure is not None:
            self._report(clip.failure)
            await self._skip(group, clip.failure.code)
        elif (placement := await self._placement(group)) is None:
            await clip.aclose()
            await self._skip(group, "backlog")
        else:
            await self._play(group, clip, placement)

    def _compare(self, entries: list[Entry]) -> None:
        """A client that has more than the snapshot knew of has heard new lines as well."""
        heard = self._heard
        if heard is None or entries[0].complete or entries[0].resume_at or entries[0].skipped:
            return
        if self.next_cue < heard.cue:
            self.next_cue += 1
        elif self.next_cue == heard.cue:
            self._heard = None
        for entry in entries:
            entry.complete = self._heard is not None
            entry.resume_at = 0 if entry.complete else heard.samples

    async def _placement(self, group: Group) -> Placement | None:
        """Its place on the media clock, once there is one; None when it has become too late."""
        begun = group.entries[0].begun
        if begun is not None:
            return Placement(begun.start_s, begun.tempo * begun.stretch)
        last = group.entries[-1].as_waiting()
        while True:
            load = self._turns.load()
            placement = self._scheduler.place(
                source_start_s=group.line.clause.start_s, live_edge_s=load.live_edge_s
            )
            if placement is not None:
                return placement
            if is_late(last, load, self._scheduler.rules):
                return None
            await self._turns.moving()

    async def _play(self, group: Group, clip: Clip, placement: Placement) -> None:
        first = group.entries[0]
        cue = begin(clip, self.next_cue, placement)
        if first.begun is not None:
            cue = replace(cue, number=first.begun.number, stretch=first.begun.stretch)
        self.next_cue = cue.number + 1
        group.placed = True
        for entry in group.entries:
            entry.begun = cue
            entry.into = None if entry is first else first.line.sequence
        self._on_begin()
        for entry in group.entries[1:]:
            await self._tell(Merged(line=entry.line.sequence, into=first.line.sequence))
        played = await play(
            clip,
            cue=cue,
            line=group.line,
            timing=first.timing,
            scheduler=self._scheduler,
            emit=self._tell,
            clock=self._clock,
            skip=first.resume_at,
        )
        if played.failure is not None:
            self._report(played.failure)
        first.latencies = played.latencies
        for entry in group.entries:
            entry.begun = replace(cue, duration_s=played.duration_s)
        made_by = {"engine": played.voice.engine, "voice": played.voice.id}
        sound = _cue_of(first) | {"tempo": played.tempo, "latencies": played.latencies}
        await self._tell(_record(first, **sound | made_by))
        for entry in group.entries[1:]:
            await self._tell(_record(entry, **made_by))

    async def _skip(self, group: Group, reason: str) -> None:
        first = group.entries[0]
        if first.resume_at:
            # The client has the beginning of its sound and would wait for the rest.
            heard_s = first.resume_at / first.begun.sample_rate if first.begun else 0.0
            await self._tell(CueEnded(cue=self.next_cue, duration_s=round(heard_s, 3)))
            self.next_cue += 1
        for entry in group.entries:
            entry.skipped, entry.begun, entry.into = reason, None, None
        for entry in group.entries:
            text = entry.text or entry.line.source_text
            await self._tell(Skipped(line=entry.line.sequence, reason=reason, text=text))
            await self._tell(_record(entry))


def discarded(entry: Entry) -> list[Output]:
    """What is told of a line that is given up, however far it has got."""
    entry.skipped, entry.begun, entry.into = DISCARDED, None, None
    text = entry.text or entry.line.source_text
    return [
        Skipped(line=entry.line.sequence, reason=DISCARDED, text=text),
        _record(entry),
    ]


def _cue_of(entry: Entry) -> dict[str, Any]:
    if (begun := entry.begun) is None or entry.into is not None:
        return {}
    return {"cue_start_s": begun.start_s, "cue_duration_s": begun.duration_s}


def _record(entry: Entry, **sound: Any) -> LineRecord:
    line = entry.line
    made_by = {"engine": line.voice.engine, "voice": line.voice.id}
    return LineRecord(
        sequence=line.sequence,
        speaker=line.speaker.speaker,
        source_language=line.source_language,
        target_language=line.target_language,
        source_text=line.source_text,
        target_text=entry.text,
        start_s=line.clause.start_s,
        end_s=line.clause.end_s,
        skipped_reason=entry.unheard,
        level_dbfs=line.level_dbfs,
        snr_db=line.snr_db,
        similarity=round(line.speaker.similarity, 3) if line.speaker.similarity else None,
        **made_by | sound,
    )
