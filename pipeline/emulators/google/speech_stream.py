"""One ``StreamingRecognize`` call, from its configuration to its status."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import Any

import grpc
from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.bounds import EMULATOR_ANSWERS_MAX
from pipeline.emulators.behaviour import Delays, Fault, Faults
from pipeline.emulators.ears import EarStream, Heard, Sound
from pipeline.emulators.endpointing import Endpointer
from pipeline.emulators.google.counts import GoogleCounts
from pipeline.emulators.google.results import MALFORMED, Results
from pipeline.emulators.google.speech_intake import TOO_LONG, TOO_QUIET, Intake
from pipeline.emulators.google.speech_rules import SERVICE, Asked, SpeechRules
from pipeline.emulators.google.status import RefusalError, refusal_of
from pipeline.types import SAMPLE_RATE_HZ


class SpeechStream:
    """Reads requests, and sends what is heard when its delay is over, in order."""

    def __init__(
        self,
        context: Any,
        asked: Asked,
        ear: EarStream,
        *,
        rules: SpeechRules,
        delays: Delays,
        faults: Faults,
        fault: Fault | None,
        counts: GoogleCounts,
    ) -> None:
        self._context = context
        self._asked = asked
        self._ear = ear
        self._rules = rules
        self._delays = delays
        self._faults = faults
        self._fault = fault
        self._counts = counts
        self._results = Results(asked, rules, rules.seed + counts.streams_opened)
        self._endpointer = Endpointer(
            pause_s=asked.pause_s, loud_rms=rules.loud_rms, longest_s=rules.utterance_s
        )
        self._answers: asyncio.Queue[tuple[float, speech.StreamingRecognizeResponse] | None]
        self._answers = asyncio.Queue(EMULATOR_ANSWERS_MAX)
        self._intake = Intake(context, asked, rules, counts)
        self._looked_s = 0.0
        self._utterance = -1
        self._said: tuple[str, ...] = ()
        self._silent = False
        self._due = 0.0

    async def run(self) -> None:
        """Until the client half-closes; raises RefusalError where the call is to fail."""
        sender = asyncio.create_task(self._send(), name="emulated results")
        try:
            if await self._read(sender):
                for sound in self._endpointer.finish():
                    await self._hear(sound)
                await self._answers.put(None)
                await sender
        finally:
            # Rounded at first: a sum of tenths is a little more or less than it should be.
            self._counts.billed_s += math.ceil(round(self._intake.received_s, 6))
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await sender

    async def _read(self, sender: asyncio.Task[None]) -> bool:
        """Take audio until half-close; False: the stream is to be closed without more."""
        while True:
            pcm = await self._intake.next(sender)
            if pcm is None:
                return True
            if self._is_ended_by_fault():
                return False
            for sound in self._endpointer.push(pcm):
                await self._hear(sound)
            if self._timed_out():
                for sound in self._endpointer.finish():
                    await self._hear(sound)
                return True

    def _is_ended_by_fault(self) -> bool:
        """Raises RefusalError, or says that the stream is to be closed as if all were well."""
        fault = self._faults.pick("speech.audio")
        opening = self._fault
        if fault is None and opening and self._intake.received_s >= (opening.after_s or 0.0):
            fault, self._fault = opening, None
        if fault is None:
            return False
        if refusal := refusal_of(fault, SERVICE):
            raise refusal
        if fault.scenario == "duration_limit":
            raise RefusalError(grpc.StatusCode.ABORTED, TOO_LONG)
        if fault.scenario == "idle_limit":
            raise RefusalError(grpc.StatusCode.ABORTED, TOO_QUIET)
        if fault.scenario in MALFORMED:
            self._results.spoilt_by = fault.scenario
        elif fault.scenario == "stall":
            self._silent = True
        elif fault.scenario == "close":
            return True
        else:
            raise ValueError(f"speech has no scenario {fault.scenario}")
        return False

    async def _hear(self, sound: Sound) -> None:
        begins = sound.utterance != self._utterance
        if begins:
            self._utterance, self._said, self._looked_s = sound.utterance, (), 0.0
            if self._asked.events:
                await self._tell("SPEECH_ACTIVITY_BEGIN", sound.speech_start)
        heard = await self._ear.listen(sound)
        decoded_s = sound.end / SAMPLE_RATE_HZ
        if sound.ends:
            if self._asked.events:
                await self._tell("SPEECH_ACTIVITY_END", sound.speech_end)
            if heard.words:
                self._counts.finals += 1
                await self._answer(self._results.final(heard, decoded_s), "final")
        elif self._is_news(heard, decoded_s):
            self._counts.interims += 1
            await self._answer(self._results.interim(heard, decoded_s), "interim")

    def _is_news(self, heard: Heard, decoded_s: float) -> bool:
        rules = self._rules
        sparse = self._asked.model.startswith("chirp")
        every_s = rules.sparse_interim_every_s if sparse else rules.interim_every_s
        texts = tuple(word.text for word in heard.words)
        if not self._asked.interims or not texts or texts == self._said:
            return False
        if decoded_s - self._looked_s < every_s:
            return False
        self._said, self._looked_s = texts, decoded_s
        return True

    async def _tell(self, kind: str, sample: int) -> None:
        await self._answer(self._results.event(kind, sample / SAMPLE_RATE_HZ), "interim")

    async def _answer(self, response: speech.StreamingRecognizeResponse, leg: str) -> None:
        if not self._silent:
            # In order, whatever the delays: a final never overtakes an interim.
            now = asyncio.get_running_loop().time()
            self._due = max(self._due, now + self._delays.draw(leg))
            await self._answers.put((self._due, response))

    async def _send(self) -> None:
        while (waiting := await self._answers.get()) is not None:
            due, response = waiting
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._context.write(response)

    def _timed_out(self) -> bool:
        """Whether a voice activity timeout that the client asked for is over."""
        asked, quiet_s = self._asked, self._endpointer.quiet / SAMPLE_RATE_HZ
        limit_s = asked.start_timeout_s if self._utterance < 0 else asked.end_timeout_s
        return limit_s is not None and quiet_s >= limit_s
