"""The last loop of a run: committed lines → cues on the media clock, in source order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from pipeline.events import CueAudio, CueEnded, Event, Skipped, Translated
from pipeline.ledger import Entry
from pipeline.making import Clip, make_clip, only_text
from pipeline.playing import begin, play
from pipeline.ports import EngineError, Synthesizer
from pipeline.record import LineRecord
from pipeline.scheduler import Placement, Scheduler
from pipeline.snapshot import Delivered
from pipeline.types import Line

LINES_MAX = 32
"""Lines between commitment and speech; a full queue makes the recogniser wait."""
LIVE_FIT = 0.92
"""A live dub aims at this share of its source's length: what it saves, lag does not grow by."""

Output = Event | CueAudio | LineRecord


class Speaking:
    """Every line is translated and spoken in a task of its own, and the queue holds *the
    tasks*, so lines overlap in time and are released strictly in order.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        scheduler: Scheduler,
        *,
        live: bool,
        live_edge_s: Callable[[], float],
        tell: Callable[[Output], Awaitable[None]],
        report: Callable[[EngineError], None],
        on_begin: Callable[[], None],
        clock: Callable[[], float],
        next_cue: int = 0,
        heard: Delivered | None = None,
    ) -> None:
        self._synthesizer = synthesizer
        self._scheduler = scheduler
        self._fit = LIVE_FIT if live else 1.0
        self._live_edge_s = live_edge_s
        self._tell = tell
        self._report = report
        self._on_begin = on_begin
        self._clock = clock
        self._heard = heard
        self.next_cue = next_cue
        self._lines: asyncio.Queue[tuple[Entry, asyncio.Task[Clip]] | None] = asyncio.Queue(
            LINES_MAX
        )

    async def add(self, entry: Entry) -> None:
        """Speak the next line; waits while many wait."""
        await self._lines.put((entry, asyncio.create_task(self._make(entry))))

    async def close(self) -> None:
        """No more lines: ``run`` ends when all are told."""
        await self._lines.put(None)

    async def run(self) -> None:
        while (queued := await self._lines.get()) is not None:
            entry, task = queued
            try:
                clip = await task
            finally:
                task.cancel()
            await self._say(entry, clip)

    async def aclose(self) -> None:
        """Stop what is being made; ``run`` has ended."""
        while not self._lines.empty():
            if (queued := self._lines.get_nowait()) is None:
                continue
            queued[1].cancel()
            for made in await asyncio.gather(queued[1], return_exceptions=True):
                if isinstance(made, Clip):
                    await made.aclose()

    def _make(self, entry: Entry) -> Coroutine[Any, Any, Clip]:
        if entry.complete or entry.skipped:
            return only_text(entry.translation)
        begun, clause = entry.begun, entry.line.clause
        asked = begun.tempo if entry.resume_at and begun is not None else None
        return make_clip(
            self._synthesizer,
            entry.line,
            entry.translation,
            (clause.end_s - clause.start_s) * self._fit,
            lambda: self._scheduler.tempo(self._live_edge_s()) if asked is None else asked,
            self._clock,
        )

    async def _say(self, entry: Entry, clip: Clip) -> None:
        line = entry.line
        if clip.text:
            await self._tell(
                Translated(line=line.sequence, text=clip.text, language=line.target_language)
            )
        if entry.skipped:
            await self._skip(entry, clip, entry.skipped)
            return
        self._compare(entry)
        if entry.complete:
            await clip.aclose()
            await self._tell(_record(line, clip, **_cue_of(entry)))
            return
        if clip.failure is not None:
            self._report(clip.failure)
            await self._skip(entry, clip, clip.failure.code)
            return
        placement = self._place(entry)
        if placement is None:
            await clip.aclose()
            await self._skip(entry, clip, "backlog")
            return
        await self._play(entry, clip, placement)

    def _compare(self, entry: Entry) -> None:
        """A client that has more than the snapshot knew of has heard new lines as well."""
        heard = self._heard
        if heard is None or entry.complete or entry.resume_at:
            return
        if self.next_cue < heard.cue:
            entry.complete = True
            self.next_cue += 1
        elif self.next_cue == heard.cue:
            entry.resume_at = heard.samples
            self._heard = None

    def _place(self, entry: Entry) -> Placement | None:
        if entry.resume_at and (begun := entry.begun) is not None:
            return Placement(begun.start_s, begun.tempo * begun.stretch)
        return self._scheduler.place(
            source_start_s=entry.line.clause.start_s, live_edge_s=self._live_edge_s()
        )

    async def _play(self, entry: Entry, clip: Clip, placement: Placement) -> None:
        cue = begin(clip, self.next_cue, placement)
        if entry.resume_at and entry.begun is not None:
            cue = replace(cue, number=entry.begun.number, stretch=entry.begun.stretch)
        entry.begun = cue
        self.next_cue = cue.number + 1
        self._on_begin()
        played = await play(
            clip,
            cue=cue,
            line=entry.line,
            timing=entry.timing,
            scheduler=self._scheduler,
            emit=self._tell,
            clock=self._clock,
            skip=entry.resume_at,
        )
        entry.begun = replace(cue, duration_s=played.duration_s)
        entry.latencies = played.latencies
        if played.failure is not None:
            self._report(played.failure)
        await self._tell(
            _record(
                entry.line,
                clip,
                cue_start_s=played.start_s,
                cue_duration_s=played.duration_s,
                tempo=played.tempo,
                latencies=played.latencies,
            )
        )

    async def _skip(self, entry: Entry, clip: Clip, reason: str) -> None:
        line = entry.line
        if entry.resume_at:
            # The client has the beginning of its sound and would wait for the rest.
            heard_s = entry.resume_at / entry.begun.sample_rate if entry.begun else 0.0
            await self._tell(CueEnded(cue=self.next_cue, duration_s=round(heard_s, 3)))
            self.next_cue += 1
        entry.skipped, entry.begun = reason, None
        text = clip.text or line.source_text
        await self._tell(Skipped(line=line.sequence, reason=reason, text=text))
        await self._tell(_record(line, clip, skipped_reason=reason))


def _cue_of(entry: Entry) -> dict[str, float]:
    if (begun := entry.begun) is None:
        return {}
    return {"cue_start_s": begun.start_s, "cue_duration_s": begun.duration_s}


def _record(line: Line, clip: Clip, **spoken: Any) -> LineRecord:
    return LineRecord(
        sequence=line.sequence,
        speaker=line.speaker.speaker,
        source_language=line.source_language,
        target_language=line.target_language,
        source_text=line.source_text,
        target_text=clip.text,
        start_s=line.clause.start_s,
        end_s=line.clause.end_s,
        engine=line.voice.engine,
        voice=line.voice.id,
        **spoken,
    )
