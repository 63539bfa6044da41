"""One dubbing run of a session: from start_dubbing to the summary.

Audio may arrive before the engines are ready: it waits here, bounded, the oldest going
first. Everything the run says comes out through one awaited callback, in order. A run
can be wound down and go on elsewhere from the snapshot that is left of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from typing import Any, Literal

import msgspec

from pipeline import metrics
from pipeline.bounds import FINISH_S, HELD_MAX_S, START_S
from pipeline.dub import Dub
from pipeline.dubber import Dubber, Output
from pipeline.events import Event, Failure, Notice, Ready, Summary
from pipeline.guards.usage import Meter
from pipeline.handover.snapshot import Delivered, RunSnapshot
from pipeline.hearing.recent_speech import NOTHING, Spoken
from pipeline.hearing.unrecognised import NAME as TEXT_ALONE
from pipeline.ports import Endpointing, EngineError
from pipeline.reporting.notices import AUDIO_DROPPED
from pipeline.sharing.feeds import Feed
from pipeline.text.source_text import SourceText, Subtitle
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk
from sessions_app import wiring

log = logging.getLogger(__name__)

ENGINES_GONE = frozenset({"internal_error", "engine_stopped", "engine_failed"})


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for; languages as it wrote them."""

    session_id: str
    user_id: int = 0
    """Whose keys may be used beside the installation's; 0: nobody's."""
    source_language: str
    target_language: str
    preserve_voice: bool = True
    sample_rate: int = SAMPLE_RATE_HZ
    glossary: dict[str, str] = {}
    protocol: str = ""
    engines: dict[str, str] = {}
    """Role, as in ``ready.engines`` → provider; the others are as the server is set."""
    model: str = ""
    region: str = ""
    endpointing: Endpointing = "short"
    candidates: tuple[str, ...] = ()
    id: str = ""
    """Names the run among all; it keeps it when it goes on in another process."""
    team: int | None = None
    """The team that the session is to be shared with; None: as it was."""
    follows: str = ""
    """The session whose lines it speaks, instead of hearing any itself."""
    follows_run: str = ""
    """Which of that session's runs."""
    follows_owner: int = 0
    """Whose session that is."""
    follows_preserves: bool = False
    """Whether voices are shaped there."""
    title: str = ""
    """What is dubbed: an id, name or address of a title; "": as it was."""
    speakers: Literal["", "off", "recognise", "remember"] = ""
    """What is done about those who speak; "": as the user has set it."""
    source_text: bool = False
    """The client has text of what is said, or may have."""
    number: int | None = None
    """Of the message that asked for it."""


Tell = Callable[[Output], Awaitable[None]]
Begin = Callable[[Ready, RunRequest], Awaitable[None]]
"""Called once the run has started, before anything else is told."""


class Run:
    """``continues`` and ``heard``: what another process left of it, and what the client got.

    ``meter`` counts what it takes of the engines; ``feed`` tells others who follow it.
    """

    def __init__(
        self,
        request: RunRequest,
        *,
        tell: Tell,
        begin: Begin,
        on_progress: Callable[[], None] | None = None,
        continues: RunSnapshot | None = None,
        heard: Delivered | None = None,
        meter: Meter | None = None,
        feed: Feed | None = None,
    ) -> None:
        self.request = request
        self.summary: Summary | None = None
        self.failed = False
        self.started = False
        self.after_chunk = -1
        """The last chunk before the run."""
        self.wound_down = False
        self._tell = tell
        self._begin = begin
        self._on_progress = on_progress
        self._continues = continues
        self._heard = heard
        self._meter = meter
        self._feed = feed
        self._held: deque[AudioChunk] = deque()
        self._held_samples = 0
        self._held_lost = False
        self._dub: Dub | None = None
        self._dubber: Dubber | None = None
        """The same, once it has been given what was held."""
        self._made: wiring.MadeDubber[Dub] | None = None
        self._text = SourceText(continues.source_text if continues else None)
        self._finish = asyncio.Event()
        self._unwanted = asyncio.Event()
        self._over = False
        metrics.track_queue("held_audio", self, lambda run: run._held_samples / SAMPLE_RATE_HZ)

    @property
    def over(self) -> bool:
        """No more audio is taken: the run was finished, or could not go on."""
        return self._over or self._finish.is_set()

    @property
    def finishing(self) -> bool:
        return self._finish.is_set() and not self._over

    @property
    def ended(self) -> bool:
        """Nothing more will be told."""
        return self._over

    def push(self, chunk: AudioChunk) -> None:
        """Take live audio; never waits."""
        if self.over:
            return
        if self._dubber is not None:
            self._dubber.push(chunk)
            return
        self._held.append(chunk)
        self._held_samples += len(chunk.pcm)
        while self._held_samples > HELD_MAX_S * SAMPLE_RATE_HZ:
            self._held_lost = True
            metrics.count_dropped_audio(len(self._give_held().pcm) / SAMPLE_RATE_HZ)

    def _give_held(self) -> AudioChunk:
        chunk = self._held.popleft()
        self._held_samples -= len(chunk.pcm)
        return chunk

    def take_text(self, subtitles: Sequence[Subtitle], from_s: float, until_s: float) -> None:
        """What is said between two media times; never waits."""
        if not self.over:
            self._text.take(subtitles, from_s, until_s)

    def finish(self) -> None:
        """No more audio comes; what was said is still dubbed. Idempotent."""
        self._finish.set()

    def discard(self) -> None:
        """Nobody wants what is left of it: it ends at once, with its summary. Idempotent."""
        self._unwanted.set()
        self._finish.set()

    def withdraw(self, gone: Collection[tuple[str, str]]) -> None:
        """These lasting voices may not be used any more; never waits."""
        if self._dub is not None:
            self._dub.withdraw(gone)

    def speakers_known_as(self, actor: str) -> list[str]:
        return self._dubber.speakers_known_as(actor) if self._dubber is not None else []

    async def decided(self, label: str) -> bool:
        """A person decided about a speaker of the session: take it up. False: nothing is
        recognised in this run."""
        made = self._made
        if made is None or made.memory is None:
            return False
        identity = await made.memory.decided(label)
        if identity is not None and self._dubber is not None:
            self._dubber.decide(identity)
        return True

    def speech_of(self, speaker: str) -> Spoken:
        """What is still here of a speaker's speech; nothing where none is heard."""
        return self._dubber.speech_of(speaker) if self._dubber is not None else NOTHING

    def snapshot(self) -> RunSnapshot | None:
        """What another process needs to go on; None before the engines are ready."""
        return self._dub.snapshot() if self._dub is not None else self._continues

    async def wind_down(self, *, timeout_s: float) -> RunSnapshot | None:
        """Hear nothing more, let what was committed be spoken, tell no summary."""
        self.wound_down = True
        if self._dub is None:
            return self._continues
        return await self._dub.wind_down(timeout_s=timeout_s)

    async def execute(self) -> None:
        """The whole run; returns after its summary, or after the error that ended it."""
        dub: Dub | None = None
        try:
            async with asyncio.timeout(START_S):
                dub = await self._start()
            await self._relay(dub)
        except EngineError as error:
            self.failed = True
            await self._tell(_refusal(error))
        except TimeoutError:
            self.failed = True
            message = "The engines took too long to start; try again."
            await self._tell(Failure(code="start_timeout", message=message))
        finally:
            self._over = True
            self._held.clear()
            self._held_samples = 0
            try:
                if dub is not None:
                    await dub.aclose()
            finally:
                if self._made is not None:
                    await self._made.aclose()
            # Its audio need not last as long as the session.
            self._dub = self._dubber = None
            if self._feed is not None and not self.wound_down:
                self._feed.end(self.request.id, complete=True)

    async def _make(self) -> wiring.MadeDubber[Dub]:
        request = self.request
        return await wiring.make_dubber(
            session_id=request.session_id,
            user_id=request.user_id,
            source_language=request.source_language,
            target_language=request.target_language,
            preserve_voice=request.preserve_voice,
            glossary=request.glossary,
            wish=request.engines,
            candidates=request.candidates,
            model=request.model,
            region=request.region,
            endpointing=request.endpointing,
            continues=self._continues,
            heard=self._heard,
            on_progress=self._on_progress,
            meter=self._meter,
            feed=self._feed,
            run=request.id,
            speakers=request.speakers,
            text=self._text,
            text_alone=request.source_text,
        )

    async def _start(self) -> Dub:
        self._made = made = await self._make()
        dub, plan = made.dubber, made.plan
        try:
            await dub.start()
            if self._continues is None:
                await self._announce(plan.source_language, plan.target_language, made.engine_names)
            if self._held_lost:
                await self._tell(AUDIO_DROPPED)
            self.started = True
        except BaseException:
            await dub.aclose()
            raise
        self._give_all_held(dub)
        self._dub = dub
        return dub

    def _give_all_held(self, dub: Dub) -> None:
        assert isinstance(dub, Dubber)
        while self._held:
            dub.push(self._give_held())
        self._dubber = dub

    async def _announce(self, source: str, target: str, engines: dict[str, str]) -> None:
        request = self.request
        ready = Ready(
            session_id=request.session_id,
            source_language=source,
            target_language=target,
            preserve_voice=request.preserve_voice,
            sample_rate=request.sample_rate,
            engines=engines,
            protocol=request.protocol,
            follows=request.follows or None,
        )
        await self._begin(ready, request)
        await self._tell(ready)
        if engines["recognition"] == TEXT_ALONE:
            await self._tell(
                Notice(
                    code="recognizer_missing",
                    message=f"Nothing here recognises “{source}”: what is dubbed is what the "
                    "source's subtitles say.",
                )
            )
        if request.source_language != source:
            await self._tell(
                Notice(
                    code="source_language_assumed",
                    message=f"The source is taken to be “{source}”: the "
                    "recogniser does not tell languages apart.",
                )
            )

    async def _relay(self, dub: Dub) -> None:
        finishing: asyncio.Task[None] | None = None
        try:
            told: Any = dub.events()
            async with asyncio.timeout(None) as deadline, aclosing(told) as events:
                finishing = asyncio.create_task(self._pass_on_finish(dub, deadline))
                async for event in events:
                    if isinstance(event, Summary):
                        self.summary = event
                    elif isinstance(event, Failure) and event.code in ENGINES_GONE:
                        self.failed = True
                    await self._tell(event)
        except TimeoutError:
            self.failed = True
            message = "What was left could not be dubbed in time; the run was stopped."
            await self._tell(Failure(code="finish_timeout", message=message))
        finally:
            if finishing is not None:
                finishing.cancel()
                await asyncio.gather(finishing, return_exceptions=True)

    async def _pass_on_finish(self, dub: Dub, deadline: asyncio.Timeout) -> None:
        await self._finish.wait()
        if not self._unwanted.is_set():
            await dub.finish()
            deadline.reschedule(asyncio.get_running_loop().time() + FINISH_S)
            await self._unwanted.wait()
        await dub.discard()


def _refusal(error: EngineError) -> Event:
    available = error.available if isinstance(error, wiring.LanguagesRefusedError) else []
    details = {"available": [list(pair) for pair in available]} if available else {}
    return Failure(code=error.code, message=str(error), details=details)
