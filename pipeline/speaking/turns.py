"""Lines in source order, waiting for their turn with the synthesiser.

Every line's translation is on its way when it comes here; its speech is made in a task of
its own. A few lines are made at once, so they overlap in time; they come out in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any

from pipeline import metrics
from pipeline.bounds import GROUPS_MAX, LINES_MAX, MERGED_MAX
from pipeline.ports import Synthesizer
from pipeline.speaking.backlog import Load, Turn, next_turn
from pipeline.speaking.ledger import Entry
from pipeline.speaking.making import Clip, Translation, make_clip, only_text
from pipeline.speaking.scheduler import Scheduler
from pipeline.types import Line, Voice

LIVE_FIT = 0.92
"""A live dub aims at this share of its source's length: what it saves, lag does not grow by."""


@dataclass(slots=True, eq=False)
class Group:
    """One line, or several that are said as one; the first carries the others."""

    entries: list[Entry]
    line: Line
    """The first line, its clause reaching to the end of the last."""
    fit_s: float
    clip: asyncio.Task[Clip]
    dropped: bool = False
    placed: bool = False


class Turns:
    """One run's queue: ``add`` at one end, ``next`` and ``done`` at the other."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        scheduler: Scheduler,
        *,
        live: bool,
        live_edge_s: Callable[[], float],
        clock: Callable[[], float],
        voice_now: Callable[[Voice], Voice] = lambda voice: voice,
    ) -> None:
        """``voice_now``: what speaks for a voice at the moment of speaking."""
        self._voice_now = voice_now
        self._synthesizer = synthesizer
        self._scheduler = scheduler
        self._live = live
        self._live_edge_s = live_edge_s
        self._clock = clock
        self._waiting: deque[Entry] = deque()
        self._groups: deque[Group] = deque()
        self._given = 0
        """Groups that ``next`` has given out and that are not done."""
        self._held = False
        self._closed = self._empty = self._ended = False
        self._turn, self._room, self._made = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._place = asyncio.Event()

        metrics.track_queue("lines_waiting", self, lambda turns: turns.waiting)
        metrics.track_queue("lines_in_turn", self, lambda turns: len(turns._groups))

    @property
    def waiting(self) -> int:
        """Lines whose speech has not been asked for."""
        return len(self._waiting)

    async def add(self, entry: Entry) -> None:
        """Queue the next line; waits while many wait."""
        while len(self._waiting) >= LINES_MAX:
            self._room.clear()
            await self._room.wait()
        entry.since_s = self._live_edge_s()
        self._waiting.append(entry)
        self._turn.set()

    def close(self) -> None:
        """No more lines: ``next`` gives None after the last."""
        self._closed = True
        self._turn.set()

    def moved(self, *, ended: bool = False) -> None:
        """The live edge has moved, or will not any more: what waits may go on."""
        self._ended = self._ended or ended
        self._turn.set()
        self._place.set()

    async def run(self) -> None:
        """Give turns until the last line has had its own."""
        while True:
            self._turn.clear()
            if len(self._groups) >= GROUPS_MAX:
                await self._turn.wait()
                continue
            if self._waiting:
                await asyncio.wait([self._waiting[0].translation])
                self._give(self._decide())
            elif self._closed:
                break
            else:
                await self._turn.wait()
                continue
            if self._held:
                await self._turn.wait()
        self._empty = True
        self._made.set()

    async def next(self) -> Group | None:
        """The next group in order, perhaps still being made; None after the last."""
        while self._given >= len(self._groups):
            if self._empty:
                return None
            self._made.clear()
            await self._made.wait()
        self._given += 1
        return self._groups[self._given - 1]

    async def clip_of(self, group: Group) -> Clip:
        """What was made of it; made anew if its voice may not be used any more."""
        clip = await group.clip
        if clip.stream is None or self._voice_now(clip.stream.voice) == clip.stream.voice:
            return clip
        await clip.aclose()
        group.clip = asyncio.create_task(self._make(group.entries, group.line, group.fit_s))
        return await group.clip

    def done(self) -> None:
        """The group that was given out first is told completely."""
        self._groups.popleft()
        self._given -= 1
        self._turn.set()

    async def moving(self) -> None:
        """Wait until the live edge moves; a call to ``load`` must have come just before."""
        await self._place.wait()

    def load(self) -> Load:
        self._place.clear()
        edge_s = self._live_edge_s()
        return Load(
            scheduled_s=self._scheduler.backlog_s(edge_s),
            live_edge_s=edge_s,
            making=sum(not group.dropped for group in self._groups),
            making_s=sum(group.fit_s for group in self._groups if not group.placed),
            ended=self._ended,
            live=self._live,
        )

    async def aclose(self) -> None:
        """Stop what is being made; whoever calls ``run`` and ``next`` has stopped."""
        for group in self._groups:
            group.clip.cancel()
            for made in await asyncio.gather(group.clip, return_exceptions=True):
                if isinstance(made, Clip):
                    await made.aclose()
        self._groups.clear()

    # Deciding ------------------------------------------------------------------------

    def _decide(self) -> Turn:
        first = self._waiting[0]
        if first.complete or first.skipped:
            return Turn("speak")
        if (begun := first.begun) is not None:
            # A cue of another process that is to be ended: its lines go together.
            same = takewhile(
                lambda one: one.begun and one.begun.number == begun.number, self._waiting
            )
            return Turn("speak", sum(1 for _ in same))
        lines = [one.as_waiting() for one in islice(self._waiting, MERGED_MAX)]
        return next_turn(lines, self.load(), self._scheduler.rules, held=self._held)

    def _give(self, turn: Turn) -> None:
        self._held = turn.action == "wait"
        if self._held:
            return
        entries = [self._waiting.popleft() for _ in range(turn.lines)]
        self._room.set()
        first, last = entries[0].line, entries[-1].line
        words = tuple(word for entry in entries for word in entry.line.clause.words)
        line = replace(first, clause=replace(last.clause, words=words))
        spans = (entry.line.clause.end_s - entry.line.clause.start_s for entry in entries)
        fit_s = sum(spans) * (LIVE_FIT if self._live else 1.0)
        dropped = turn.action == "drop"
        silent = dropped or entries[0].complete or entries[0].skipped is not None
        making = only_text(entries[0].translation) if silent else self._make(entries, line, fit_s)
        clip = asyncio.create_task(making)
        self._groups.append(Group(entries, line, fit_s, clip, dropped, placed=silent))
        self._made.set()

    def _make(self, entries: list[Entry], line: Line, fit_s: float) -> Coroutine[Any, Any, Clip]:
        first = entries[0]
        translation = first.translation
        if len(entries) > 1:
            translation = asyncio.get_running_loop().create_future()
            text = " ".join(entry.text for entry in entries)
            translation.set_result(Translation(text, first.translation.result().took_ms))
        asked = first.begun.tempo if first.begun is not None else None
        return make_clip(
            self._synthesizer,
            line,
            translation,
            fit_s,
            lambda: self._scheduler.tempo(self._live_edge_s()) if asked is None else asked,
            self._clock,
            voice_now=self._voice_now,
        )
