"""Vendor streams one after another, and the one running text that is read from them.

Before the vendor's limit of five minutes a stream is half-closed at a pause; on speech
without one, another begins that hears the last ``OVERLAP_S`` again. The same follows a stream
that the vendor ended, or that broke after it had answered: the audio is kept until it was
heard. Words are joined by text and time (``transcript``). What fails without ever having
answered is told as an EngineError, and whoever drives this begins anew.

Responses of a stream wait until the one before it has told all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline import metrics
from pipeline.bounds import GOOGLE_KEPT_S, GOOGLE_LEGS_MAX
from pipeline.ports import EngineError
from pipeline.providers.google.channels import Connection
from pipeline.providers.google.faults import fault_of, is_stream_end
from pipeline.providers.google.leg import Leg, Response
from pipeline.providers.google.pacing import Pacing
from pipeline.providers.google.results import language_of, reading_of
from pipeline.providers.google.timeline import KeptAudio
from pipeline.providers.google.unread import Unread
from pipeline.providers.google.utterances import Utterances
from pipeline.types import SAMPLE_RATE_HZ, Pcm

log = logging.getLogger(__name__)

SERVICE = "Google Speech-to-Text"
ENGINE = "google-speech"
OVERLAP_S = 2.0
_FRUITLESS_MOST = 3
_AGAIN_S = 0.05


class Relay:
    """``on_change`` is called when something may have to be sent, or nothing can be."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        asked: speech.StreamingRecognizeRequest,
        *,
        tells_language: bool,
        pacing: Pacing,
        on_change: Callable[[], None],
    ) -> None:
        self.utterances = Utterances(tells_language=tells_language, wait_s=pacing.close_s)
        self.unread = Unread()
        self._connection = connection
        self._asked = asked
        self._pacing = pacing
        self._on_change = on_change
        self._kept = KeptAudio(GOOGLE_KEPT_S)
        self._legs: deque[Leg] = deque(maxlen=GOOGLE_LEGS_MAX)
        """The first is the one whose responses are read; the last one is sent to."""
        self._unheard_from = 0
        """First sample of what was sent since everything sent had been heard."""
        self._again_from: int | None = None
        """What the next leg has to hear again, or first."""
        self._fruitless = 0
        self._billed_s = 0.0
        """By legs that are over."""
        metrics.track_queue("google_kept", self, lambda one: one._kept.seconds)

    @property
    def is_telling(self) -> bool:
        """Whether a stream still has something to tell."""
        return bool(self._legs)

    @property
    def billed_s(self) -> float:
        return self._billed_s + sum(leg.billed_s for leg in self._legs)

    @property
    def owes(self) -> bool:
        """Whether audio has to be heard again before anything new comes."""
        return self._again_from is not None and bool(len(self.utterances))

    @property
    def sending(self) -> Leg | None:
        """The leg that takes audio; None: the next piece needs a new one."""
        leg = self._legs[-1] if self._legs else None
        return leg if leg is not None and leg.half_closed_at is None and not leg.ended else None

    async def send(self, start: int, pcm: Pcm) -> None:
        """Media from ``start`` on, over whichever stream there is or over a new one."""
        self._kept.add(start, pcm)
        leg = self.sending
        if leg is not None and leg.age_s >= self._pacing.stream_s:
            await self._hand_over(leg, start)
        elif leg is not None:
            await leg.send(start, pcm)
        elif len(pcm) or self._again_from is not None:
            if self._again_from is None:
                self._again_from = start
            await self.open()

    def begin_at(self, start: int) -> None:
        """All that was sent before has been told."""
        self._unheard_from = start

    async def open(self, joins: tuple[float, float] | None = None) -> None:
        # A connection that broke is being dialled again: at once would be too early.
        if self._fruitless:
            await asyncio.sleep(_AGAIN_S * self._fruitless)
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

    async def _hand_over(self, old: Leg, start: int) -> None:
        """The stream is old and speech goes on: another one, which hears the end again."""
        again = max(self._unheard_from, start - round(OVERLAP_S * SAMPLE_RATE_HZ))
        self._again_from = again
        log.info("recogniser stream handed over", extra={"age_s": round(old.age_s, 1)})
        await old.half_close()
        heard = old.timeline.media_end
        await self.open((again / SAMPLE_RATE_HZ, heard / SAMPLE_RATE_HZ))

    async def _on_response(self, leg: Leg, response: Response) -> None:
        await self.unread.room()
        if self._legs and leg is self._legs[0]:
            self._read(leg, response)
        elif response.results:
            if leg.unread and not any(one.is_final for one in leg.unread[-1].results):
                leg.unread.pop()
            leg.unread.append(response)

    def _read(self, leg: Leg, response: Response) -> None:
        for reading in reading_of(response, leg.timeline):
            self.utterances.read(reading, language_of(response))
        self._fruitless = 0
        self.settle()
        if response.results and (partial := self.utterances.partial()):
            self.unread.put(partial)

    def settle(self) -> None:
        drained = not self._legs and self._again_from is None
        for final in self.utterances.settle(time.monotonic(), drained=drained):
            self.unread.put(final)

    def _on_leg_end(self, leg: Leg, error: Exception | None) -> None:
        if leg not in self._legs or self.unread.is_over:
            return
        if error is None and leg.half_closed_at is not None:
            try:
                self._advance()
            except EngineError as malformed:
                self.fail(malformed)
        elif error is None or is_stream_end(error) or self._is_passing(leg, error):
            self._resume(error)
        else:
            self.fail(error)
        self._on_change()

    def _is_passing(self, leg: Leg, error: Exception) -> bool:
        # Right after a break the first attempt may come too early.
        return (leg.answered or self._fruitless > 0) and fault_of(error, SERVICE).recoverable

    def _advance(self) -> None:
        """Go on reading the next leg where those in front of it have told all."""
        while self._legs and self._legs[0].ended:
            old = self._legs.popleft()
            self._billed_s += old.billed_s
            following = self._legs[0] if self._legs else None
            if following is not None and following.joins is not None:
                self.utterances.transcript.join(*following.joins)
            else:
                self.utterances.follow(old.timeline.media_end / SAMPLE_RATE_HZ)
                self._unheard_from = max(self._unheard_from, old.timeline.media_end)
            self.settle()
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
            self.fail(error or ConnectionError("the stream was closed"))
            return
        self.drop()
        transcript = self.utterances.transcript
        heard_s = transcript.heard_s
        if len(self.utterances):
            overlapped_s = max(0.0, heard_s - OVERLAP_S)
            self._again_from = max(self._unheard_from, round(overlapped_s * SAMPLE_RATE_HZ))
            transcript.join(self._again_from / SAMPLE_RATE_HZ, heard_s)

    def drop(self) -> None:
        while self._legs:
            leg = self._legs.popleft()
            self._billed_s += leg.billed_s
            leg.cancel()

    def fail(self, error: Exception) -> None:
        failure = fault_of(error, SERVICE)
        log.warning("recogniser failed", extra={"code": failure.code})
        self.unread.fail(failure)
        self.drop()
        self._on_change()

    def check(self, now: float) -> None:
        """What time alone brings about: closed utterances, ends and stalls that took too long."""
        self.settle()
        if self.unread.is_full or not self._legs:
            return
        first, pacing = self._legs[0], self._pacing
        if first.half_closed_at is not None and now - first.half_closed_at > pacing.end_s:
            log.warning("recogniser stream did not end", extra={"code": "engine_timeout"})
            if len(self.utterances):
                # What was said last may not have been told yet: it is heard again.
                self._resume(TimeoutError("the stream did not end"))
            else:
                first.cancel()
                self._advance()
            self._on_change()
        elif first.waits_since is not None and now - first.waits_since > pacing.stall_s:
            stalled = TimeoutError("no response")
            if first.answered and len(self.utterances):
                self._resume(stalled)
            else:
                self.fail(stalled)
            self._on_change()
