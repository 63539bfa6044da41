"""One source stream recognised over one vendor stream after another.

*When a vendor stream ends.* It spans utterances as long as speech goes on, because the
recogniser's context is worth keeping, and is half-closed ``patience_s`` after an utterance's
end when nothing follows. The half-close makes the vendor tell its final at once; feeding it
silence would need its own endpointing's 0.5 s (measured against the emulator: see the class).
Silence is never sent or billed, so the service's idle limit is never met, and the next stream
costs about a millisecond on a connection that is open.

*When one takes over.* Before the vendor's limit of five minutes the stream is half-closed at
a pause; on speech without one, another begins that hears the last ``OVERLAP_S`` again. The
same follows a stream that the vendor ended, or that broke after it had answered: the audio
is kept until it was heard. Words are joined by text and time (``transcript``). What fails
without ever having answered is told as an EngineError, and whoever drives this begins anew.

Responses of a stream wait until the one before it has told all: there is one running text.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline import metrics
from pipeline.bounds import (
    GOOGLE_AHEAD_MAX_S,
    GOOGLE_CLOSE_S,
    GOOGLE_END_S,
    GOOGLE_KEPT_S,
    GOOGLE_LEGS_MAX,
    GOOGLE_STALL_S,
    GOOGLE_STREAM_S,
)
from pipeline.ports import EngineError
from pipeline.providers.google.channels import Connection
from pipeline.providers.google.faults import fault_of, is_stream_end
from pipeline.providers.google.leg import Leg, Response
from pipeline.providers.google.results import language_of, reading_of
from pipeline.providers.google.timeline import KeptAudio
from pipeline.providers.google.unread import Unread
from pipeline.providers.google.utterances import Utterances
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, SpeechPiece

log = logging.getLogger(__name__)

SERVICE = "Google Speech-to-Text"
ENGINE = "google-speech"
OVERLAP_S = 2.0
_TICK_S = 0.05
_LAST_PART = 0.85
"""Of a stream's longest life: from then on any pause is good enough to end it."""
_FRUITLESS_MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """Seconds, except ``speed``."""

    patience_s: float = 0.15
    """Silence after an utterance's end before the vendor stream is half-closed."""
    close_s: float = GOOGLE_CLOSE_S
    """An utterance waits so long for its last words while the next one is spoken."""
    end_s: float = GOOGLE_END_S
    """From half-close to the vendor's end of a stream."""
    stall_s: float = GOOGLE_STALL_S
    """Speech sent without any response."""
    stream_s: float = GOOGLE_STREAM_S
    """The longest that one vendor stream is used."""
    speed: float | None = 1.5
    """Audio is sent at most so many times as fast as it plays, after a burst: the service
    wants about real time. None: as fast as it comes."""
    burst_s: float = 5.0


class GoogleStream:
    """Fills ``RecognizerStream``; made by the recogniser's ``open``."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        asked: speech.StreamingRecognizeRequest,
        *,
        tells_language: bool,
        pacing: Pacing,
        on_closed: Callable[[GoogleStream], None],
    ) -> None:
        self._connection = connection
        self._asked = asked
        self._pacing = pacing
        self._on_closed = on_closed
        self._utterances = Utterances(tells_language=tells_language, wait_s=pacing.close_s)
        self._unread = Unread()
        self._pieces: deque[SpeechPiece] = deque()
        self._kept = KeptAudio(GOOGLE_KEPT_S)
        self._legs: deque[Leg] = deque(maxlen=GOOGLE_LEGS_MAX)
        """The first is the one whose responses are read; the last one is sent to."""
        self._quiet_since: float | None = None
        self._unheard_from = 0
        """First sample of what was sent since everything sent had been heard."""
        self._again_from: int | None = None
        """What the next leg has to hear again, or first."""
        self._fruitless = 0
        self._finished = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._pump(), name="google recogniser audio"),
            asyncio.create_task(self._watch(), name="google recogniser clock"),
        ]
        metrics.track_queue("google_ahead", self, lambda one: one._waiting_s)
        metrics.track_queue("google_kept", self, lambda one: one._kept.seconds)

    async def push(self, piece: SpeechPiece) -> None:
        """Raises EngineError once the vendor has failed."""
        if self._finished:
            raise ValueError("a finished stream takes no more pieces")
        while self._pieces and self._waiting_s >= GOOGLE_AHEAD_MAX_S and not self._unread.is_over:
            self._room.clear()
            await self._room.wait()
        if self._unread.failure is not None:
            raise self._unread.failure
        if self._unread.is_over:
            raise EngineError("engine_stopped", "The recognition was closed.")
        self._pieces.append(piece)
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        while (hypothesis := await self._unread.next()) is not None:
            yield hypothesis

    async def finish(self) -> None:
        self._finished = True
        self._wake.set()

    async def aclose(self) -> None:
        self._unread.end()
        self._room.set()
        for task in self._tasks:
            task.cancel()
        self._drop_legs()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._on_closed(self)

    @property
    def _waiting_s(self) -> float:
        return sum(len(piece.pcm) for piece in tuple(self._pieces)) / SAMPLE_RATE_HZ

    # --- Sending -----------------------------------------------------------------------

    async def _pump(self) -> None:
        try:
            while not self._unread.is_over:
                self._wake.clear()
                if self._pieces and self._may_send():
                    piece = self._pieces.popleft()
                    self._room.set()
                    await self._take(piece)
                elif not await self._rest():
                    wait_s = _TICK_S if len(self._utterances) or self._legs else None
                    await self._sleep(wait_s)
        except Exception as error:
            self._fail(error)

    async def _sleep(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    def _may_send(self) -> bool:
        pacing, leg = self._pacing, self._sending
        if pacing.speed is None or leg is None:
            return True
        age_s = time.monotonic() - leg.opened_at
        return leg.timeline.sent_s <= pacing.burst_s + pacing.speed * age_s

    @property
    def _sending(self) -> Leg | None:
        """The leg that takes audio; None: the next piece needs a new one."""
        leg = self._legs[-1] if self._legs else None
        return leg if leg is not None and leg.half_closed_at is None and not leg.ended else None

    async def _take(self, piece: SpeechPiece) -> None:
        if not len(self._utterances):
            self._unheard_from = piece.start
        self._utterances.begin(piece)
        self._quiet_since = None
        self._kept.add(piece.start, piece.pcm)
        leg = self._sending
        if leg is not None and leg.age_s >= self._pacing.stream_s:
            await self._hand_over(leg, piece.start)
        elif leg is not None:
            await leg.send(piece.start, piece.pcm)
        elif len(piece.pcm) or self._again_from is not None:
            if self._again_from is None:
                self._again_from = piece.start
            await self._open_leg()
        if piece.ends:
            if (leg := self._sending) is not None:
                await leg.flush()
            self._quiet_since = time.monotonic()
            self._utterances.end(piece, self._quiet_since)
            if leg is not None and leg.age_s >= _LAST_PART * self._pacing.stream_s:
                paused = piece.speech_end is not None and piece.speech_end < piece.end
                if paused:
                    await leg.half_close()
            self._settle()

    async def _rest(self) -> bool:
        """What is to be done while no audio may be sent; whether anything was."""
        leg = self._sending
        if leg is None and self._again_from is not None and len(self._utterances):
            await self._open_leg()
            return True
        if leg is not None and not self._pieces:
            quiet_s = time.monotonic() - self._quiet_since if self._quiet_since else 0.0
            if self._finished or quiet_s >= self._pacing.patience_s:
                await leg.half_close()
                return True
        if self._finished and not self._pieces and not self._legs:
            self._settle()
            if late := self._utterances.leftovers():
                self._unread.put(late)
            self._unread.end()
        return False

    async def _open_leg(self, joins: tuple[float, float] | None = None) -> None:
        start, self._again_from = self._again_from, None
        leg = Leg(
            self._connection(),
            self._asked,
            on_response=self._on_response,
            on_end=self._on_leg_end,
        )
        leg.joins = joins
        self._legs.append(leg)
        await leg.open()
        for begin, pcm in self._kept.since(start or 0):
            await leg.send(begin, pcm)
        if self._quiet_since is not None:
            await leg.flush()

    async def _hand_over(self, old: Leg, start: int) -> None:
        """The stream is old and speech goes on: another one, which hears the end again."""
        again = max(self._unheard_from, start - round(OVERLAP_S * SAMPLE_RATE_HZ))
        self._again_from = again
        log.info("recogniser stream handed over", extra={"age_s": round(old.age_s, 1)})
        await old.half_close()
        heard = old.timeline.media_end
        await self._open_leg((again / SAMPLE_RATE_HZ, heard / SAMPLE_RATE_HZ))

    # --- Reading -----------------------------------------------------------------------

    async def _on_response(self, leg: Leg, response: Response) -> None:
        await self._unread.room()
        if self._legs and leg is self._legs[0]:
            self._read(leg, response)
        elif response.results:
            if leg.unread and not any(one.is_final for one in leg.unread[-1].results):
                leg.unread.pop()
            leg.unread.append(response)

    def _read(self, leg: Leg, response: Response) -> None:
        for reading in reading_of(response, leg.timeline):
            self._utterances.read(reading, language_of(response))
        self._fruitless = 0
        self._settle()
        if response.results and (partial := self._utterances.partial()):
            self._unread.put(partial)

    def _settle(self) -> None:
        drained = not self._legs and self._again_from is None
        for final in self._utterances.settle(time.monotonic(), drained=drained):
            self._unread.put(final)

    def _on_leg_end(self, leg: Leg, error: Exception | None) -> None:
        if leg not in self._legs or self._unread.is_over:
            return
        if error is None and leg.half_closed_at is not None:
            try:
                self._advance()
            except EngineError as malformed:
                self._fail(malformed)
        elif error is None or is_stream_end(error) or self._is_passing(leg, error):
            self._resume(error)
        else:
            self._fail(error)
        self._wake.set()

    def _is_passing(self, leg: Leg, error: Exception) -> bool:
        return leg.answered and fault_of(error, SERVICE).recoverable

    def _advance(self) -> None:
        """Go on reading the next leg where those in front of it have told all."""
        while self._legs and self._legs[0].ended:
            old = self._legs.popleft()
            following = self._legs[0] if self._legs else None
            if following is not None and following.joins is not None:
                self._utterances.transcript.join(*following.joins)
            else:
                self._utterances.follow(old.timeline.media_end / SAMPLE_RATE_HZ)
                self._unheard_from = max(self._unheard_from, old.timeline.media_end)
            self._settle()
            if following is not None:
                waiting, following.unread = following.unread, []
                for response in waiting:
                    self._read(following, response)

    def _resume(self, error: Exception | None) -> None:
        """All legs are over; the next one hears again what was not told yet."""
        planned = error is not None and is_stream_end(error)
        why = "stream_end" if planned or error is None else fault_of(error, SERVICE).code
        log.info("recogniser stream resumed", extra={"code": why})
        if not planned:
            metrics.worker_restarted(ENGINE)
        self._fruitless += 1
        if self._fruitless > _FRUITLESS_MOST:
            self._fail(error or ConnectionError("the stream was closed"))
            return
        self._drop_legs()
        transcript = self._utterances.transcript
        heard_s = transcript.heard_s
        if len(self._utterances):
            overlapped_s = max(0.0, heard_s - OVERLAP_S)
            self._again_from = max(self._unheard_from, round(overlapped_s * SAMPLE_RATE_HZ))
            transcript.join(self._again_from / SAMPLE_RATE_HZ, heard_s)

    def _drop_legs(self) -> None:
        while self._legs:
            self._legs.popleft().cancel()

    def _fail(self, error: Exception) -> None:
        failure = fault_of(error, SERVICE)
        log.warning("recogniser failed", extra={"code": failure.code})
        self._unread.fail(failure)
        self._drop_legs()
        self._room.set()
        self._wake.set()

    # --- Time --------------------------------------------------------------------------

    async def _watch(self) -> None:
        while not self._unread.is_over:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            self._settle()
            if self._unread.is_full or not self._legs:
                continue
            first = self._legs[0]
            if first.half_closed_at is not None and now - first.half_closed_at > self._pacing.end_s:
                log.warning("recogniser stream did not end", extra={"code": "engine_timeout"})
                first.cancel()
                self._advance()
                self._wake.set()
            elif first.waits_since is not None and now - first.waits_since > self._pacing.stall_s:
                stalled = TimeoutError("no response")
                if first.answered and len(self._utterances):
                    self._resume(stalled)
                else:
                    self._fail(stalled)
                self._wake.set()
