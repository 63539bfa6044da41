"""One live session of one client: messages and audio in, runs and answers out.

Knows no socket: connections come and go (``attach``, ``detach``) while it goes on, and
it can be put down for another process (``put_down``). ``receive`` never waits, because a
connection's messages are handled one after another: what takes time is done by tasks of
this object, in the order it came.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from pipeline.bounds import CORRECTIONS_MAX
from pipeline.bounds import OUTBOX_FLUSH_S as FLUSH_S
from pipeline.client_messages import (
    Acknowledge,
    AnyClientMessage,
    AudioChunkMessage,
    Authenticate,
    CountedMessage,
    CreateVoiceClone,
    FollowDubbing,
    IdentifySpeaker,
    KeepSample,
    Ping,
    SourceTextMessage,
    StartDubbing,
    StopDubbing,
)
from pipeline.events import Event, Failure, Notice
from pipeline.guards.usage import Meter
from pipeline.handover.snapshot import Delivered
from pipeline.types import Pcm
from pipeline.wire import SUBPROTOCOL, AudioFrame, WireError
from sessions_app.audio.intake import IntakeError
from sessions_app.audio.slow_lane import SlowLane
from sessions_app.audio.source_audio import SourceAudio
from sessions_app.live.cloning_request import VoiceChecks
from sessions_app.live.corrections import Corrections
from sessions_app.live.following import Following
from sessions_app.live.sample_keeping import SampleKeeping
from sessions_app.processes import faults, relay, shelf
from sessions_app.processes.checkpoints import Checkpoints
from sessions_app.protocol.messages import SUBPROTOCOL_JSON, CloseCode, Pong, Resumed
from sessions_app.running.journal import Journal
from sessions_app.running.live_state import LiveState, RunsState
from sessions_app.running.outbox import Outbox, Outlet
from sessions_app.running.runs import Runs
from sessions_app.usage.budget import DayBudget

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a client that comes back has got."""

    sequence: int
    """The last server message that it has; -1: none."""
    heard: Delivered
    """And of the dub."""


BEGINNING = Place(-1, Delivered(cue=0))


class Conversation:
    """``on_end`` is called once when the session is no longer here."""

    def __init__(
        self,
        session_id: uuid.UUID,
        user_id: int,
        *,
        hold: uuid.UUID,
        process: str,
        outbox: Outbox,
        journal: Journal,
        budget: DayBudget,
        meter: Meter,
        on_end: Callable[[Conversation], None],
        first_line: int = 0,
        continues: LiveState | None = None,
        place: Place = BEGINNING,
    ) -> None:
        self.session_id = session_id
        self.user_id = user_id
        self.loop = asyncio.get_running_loop()
        self._hold = hold
        self._process = process
        self._outbox = outbox
        self._journal = journal
        self._budget = budget
        self._on_end = on_end
        self._checkpoints = Checkpoints(self.state)
        self._runs = Runs(
            str(session_id),
            outbox=outbox,
            journal=journal,
            first_line=first_line,
            on_progress=self._checkpoints.mark,
            meter=meter,
        )
        protocol = SUBPROTOCOL if outbox.binary else SUBPROTOCOL_JSON
        self._audio = SourceAudio(
            str(session_id),
            self._runs,
            outbox,
            protocol=protocol,
            user_id=user_id,
            on_heard=self._note_heard,
        )
        self._following = Following(
            str(session_id),
            self._runs,
            protocol=protocol,
            user_id=user_id,
            fail=self.fail,
            tell=outbox.offer,
            is_spent=lambda: budget.spent,
            chunk=lambda: self._audio.chunk,
        )
        self._number = 0
        self._slow = SlowLane(self._take, self.fail)
        self._voices = VoiceChecks(outbox, self.fail, session_id=session_id, user_id=user_id)
        self._corrections = Corrections(session_id, user_id, self.fail)
        self._samples = SampleKeeping(session_id, user_id, self.fail, outbox.offer)
        self._looking: set[asyncio.Task[None]] = set()
        self._waiting_for_client: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._deaf = False
        """Taking nothing more in: the session is being put down or closed."""
        if continues is not None:
            self._restore(continues, place)

    # Life --------------------------------------------------------------------------

    def start(self) -> None:
        self._journal.start()
        self._runs.start()
        relay.open_feed(self.session_id, self._runs.feed)
        self._checkpoints.start()
        self._unsubscribe = faults.subscribe(self._tell_fault)
        for present in faults.present.current():
            self._tell_fault(present)
        self._slow.start()

    @property
    def attached(self) -> bool:
        return self._outbox.outlet is not None

    @property
    def binary(self) -> bool:
        return self._outbox.binary

    @property
    def next_sequence(self) -> int:
        return self._outbox.next_sequence

    def attach(self, outlet: Outlet, *, after: int = -1, greeting: Event | None = None) -> None:
        """Talk to this connection from now on, beginning behind message ``after``."""
        if self._waiting_for_client is not None:
            self._waiting_for_client.cancel()
            self._waiting_for_client = None
        self._runs.feed.set_here(True)
        previous = self._outbox.outlet
        lost = self._outbox.attach(outlet, after=after, greeting=greeting)
        if lost:
            self._journal.note("notice", "messages_lost")
            message = f"{lost} messages were not kept long enough to be sent again."
            self._outbox.offer(Notice(code="messages_lost", message=message))
        if previous is not None:
            goodbye = previous.say_goodbye(
                CloseCode.TAKEN_OVER,
                "taken_over",
                "The session goes on over another connection.",
                resume=False,
            )
            self._goodbye = asyncio.create_task(goodbye)

    def detach(self, outlet: Outlet, *, keep: bool) -> None:
        """The connection is gone: wait for the client to come back, or end at once."""
        if not self._outbox.detach(outlet):
            return
        worth_it = self._runs.current is not None or self._following.active
        lasts_s = settings.RESUME_SECONDS if keep and worth_it else 0
        if not lasts_s:
            self._end()
            return
        log.info("session waits for its client")
        self._runs.feed.set_here(False)
        self._waiting_for_client = asyncio.get_running_loop().call_later(lasts_s, self._end)

    def resumed(self, how: Literal["same", "moved"]) -> Resumed:
        """What a client that comes back is told first."""
        return Resumed(
            session_id=str(self.session_id),
            how=how,
            chunk=self._audio.chunk,
            number=self._number,
        )

    @property
    def ending(self) -> bool:
        """Nobody can attach to it any more."""
        return self._ending is not None

    async def aclose(self) -> None:
        """Stop everything at once; what was written is kept. Idempotent."""
        self._end()
        assert self._ending is not None
        await asyncio.shield(self._ending)

    def _end(self) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._stop(), name=f"end {self.session_id}")

    async def _stop(self) -> None:
        await self._fall_silent()
        relay.close_feed(self.session_id, self._runs.feed, moved=False)
        await self._journal.aclose(media_s=self._runs.media_s)
        await shelf.remove(self.session_id)
        self._on_end(self)

    async def put_down(self, *, timeout_s: float) -> None:
        """Finish what was committed, then leave the rest for another process to go on with.

        Lines that are not written yet travel along.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(
                self._put_down(timeout_s), name=f"put down {self.session_id}"
            )
        await asyncio.shield(self._ending)

    async def _put_down(self, timeout_s: float) -> None:
        self._deaf = True
        runs = await self._runs.wind_down(timeout_s=timeout_s)
        if self.attached:
            await self._outbox.flush(timeout_s=FLUSH_S)
        await self._checkpoints.aclose()
        await self._journal.leave()
        await shelf.put(self._state(runs, process=""))
        await self._fall_silent()
        relay.close_feed(self.session_id, self._runs.feed, moved=True)
        await self._journal.abandon()
        self._on_end(self)

    async def move_away(self, *, timeout_s: float) -> None:
        """The server ends: put the session down and send the client to its successor."""
        self._outbox.offer(
            Notice(code="restarting", message="The server restarts; dubbing goes on in a moment.")
        )
        outlet = self._outbox.outlet
        await self.put_down(timeout_s=timeout_s)
        if outlet is not None:
            await outlet.say_goodbye(
                CloseCode.RESTART,
                "restarting",
                "The server restarts; connect again and resume.",
                resume=True,
            )

    async def _fall_silent(self) -> None:
        self._deaf = True
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._waiting_for_client is not None:
            self._waiting_for_client.cancel()
        await self._slow.aclose()
        await self._voices.aclose()
        await self._corrections.aclose()
        await self._samples.aclose()
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)
        await self._checkpoints.aclose()
        await self._following.aclose()
        await self._runs.aclose()
        await self._outbox.aclose()

    # Moving ------------------------------------------------------------------------

    def state(self) -> LiveState:
        """What another process needs to go on, should this one die."""
        return self._state(self._runs.state(), process=self._process)

    def _state(self, runs: RunsState, *, process: str) -> LiveState:
        return LiveState(
            session_id=str(self.session_id),
            owner=self.user_id,
            hold=str(self._hold),
            process=process,
            binary=self.binary,
            chunk=self._audio.chunk,
            number=self._number,
            runs=runs,
            records=self._journal.unwritten(),
            told=self._outbox.told(),
            owed=self._journal.owed(),
            standing=self._budget.standing(),
            follows=self._following.request,
        )

    def _restore(self, state: LiveState, place: Place) -> None:
        for told in state.told:
            if told.sequence > place.sequence:
                self._outbox.tell_again(told)
        for record in state.records:
            self._journal.line(record)
        self._number = state.number
        self._runs.restore(state.runs, heard=place.heard)
        self._audio.chunk = state.chunk
        if state.follows is not None:
            self._following.restore(state.follows)
        run = state.runs.then or state.runs.run
        if run is not None:
            # What was heard but not committed is asked of the client again.
            self._audio.go_on(
                after=min(state.chunk, run.heard_up_to),
                start=run.snapshot.hear_from if run.snapshot else 0,
                counted=state.chunk,
                finish=run.finishing,
            )

    # In ----------------------------------------------------------------------------

    def fail(self, code: str, message: str) -> None:
        """Tell the client that its message was no good; the session lives on."""
        self._journal.note("error", code)
        self._outbox.offer(Failure(code=code, message=message))

    def _tell_fault(self, change: faults.FaultChange) -> None:
        code = "fault_over" if change.over else change.code
        self._outbox.offer(Notice(code=code, message=change.message))

    def speaker_decided(self, label: str) -> None:
        """A person decided who a speaker is; on the session's own loop, and never waits."""
        if not self._deaf and len(self._looking) < CORRECTIONS_MAX:
            task = asyncio.create_task(self._runs.decided(label), name="decision")
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    def voices_withdrawn(self, gone: Collection[tuple[str, str]]) -> None:
        """Clones may not be spoken with any more; on the session's own loop, never waits."""
        self._runs.withdraw(gone)

    def actor_changed(self, actor: str) -> None:
        """What may be done with an actor's voice has changed: whoever is that actor is looked
        up again. On the session's own loop, never waits."""
        for label in self._runs.speakers_known_as(actor):
            self.speaker_decided(label)

    def notify(self, event: Event) -> None:
        """Tell the client something that it may miss."""
        self._outbox.offer(event)

    def receive(self, message: AnyClientMessage | AudioFrame) -> None:
        """Take a message; never waits, and keeps their order."""
        if self._deaf:
            return
        if isinstance(message, Acknowledge):
            self._outbox.forget(message.sequence)
            return
        if not self._slow.takes(message):
            self._take(message, None)

    def _take(self, message: AnyClientMessage | AudioFrame, decoded: Pcm | None) -> None:
        if isinstance(message, CountedMessage) and message.number is not None:
            if message.number <= self._number:
                return
            self._number = message.number
            self._checkpoints.mark()
        try:
            match message:
                case AudioFrame():
                    self._audio.take_frame(message)
                case AudioChunkMessage():
                    self._audio.take_message(message, decoded)
                case StartDubbing():
                    self._refuse_over_budget()
                    self._audio.start(message)
                    self._following.drop()
                case FollowDubbing():
                    self._follow(message)
                case StopDubbing() if self._following.active:
                    self._following.stop()
                case StopDubbing():
                    self._audio.stop(discard=message.discard)
                case SourceTextMessage():
                    self._audio.take_text(message)
                case CreateVoiceClone():
                    self._voices.check(message, rate_hz=self._audio.sample_rate_hz)
                case IdentifySpeaker():
                    self._corrections.take(message, heard=self._runs.has_heard(message.speaker))
                case KeepSample():
                    heard = self._runs.has_heard(message.speaker)
                    spoken = self._runs.speech_of(message.speaker)
                    self._samples.keep(message, spoken, heard=heard)
                case Ping():
                    self._outbox.offer(Pong(id=message.id))
                case Authenticate():
                    raise WireError("already_authenticated", "The connection is authenticated.")
        except (WireError, IntakeError) as error:
            self.fail(error.code, str(error))
        self._outbox.acknowledge(chunk=self._audio.chunk, number=self._number)

    def _follow(self, message: FollowDubbing) -> None:
        # Its minutes are those of the one who is followed; what is spoken costs.
        if self._budget.spent:
            raise WireError("quota_exceeded", self._why_over("follow again tomorrow (UTC)."))
        self._audio.finish()
        self._following.start(message)

    def _refuse_over_budget(self) -> None:
        if self._budget.over:
            raise WireError("quota_exceeded", self._why_over("dubbing goes on tomorrow (UTC)."))

    def _note_heard(self, seconds: float) -> None:
        self._runs.media_s += seconds
        if self._budget.use(seconds):
            self._outbox.offer(
                Notice(code="quota_ending", message="What you may dub today is nearly used up.")
            )
        if self._budget.ask_for_more():
            self._journal.settle_soon()
        if self._budget.over:
            self.fail("quota_exceeded", self._why_over("what was said is dubbed."))
            self._audio.finish()

    def _why_over(self, then: str) -> str:
        if self._budget.unanswered:
            return "The database is away, and no more of today can be reserved until it is back."
        return f"What you may dub today is used up; {then}"
