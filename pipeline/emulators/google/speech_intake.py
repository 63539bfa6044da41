"""What a client sends into one stream, held against the limits of streams."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import numpy as np
from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.emulators.google.counts import GoogleCounts
from pipeline.emulators.google.speech_rules import Asked, SpeechRules
from pipeline.emulators.google.status import SCENARIOS, RefusalError
from pipeline.types import SAMPLE_RATE_HZ, Pcm

TOO_LONG = "Max duration of 5 minutes reached for stream."
TOO_QUIET = "Stream timed out after receiving no more client requests."
_LOOK_S = 0.1
"""How often the stream's age is looked at where nothing comes."""


class Intake:
    def __init__(
        self, context: Any, asked: Asked, rules: SpeechRules, counts: GoogleCounts
    ) -> None:
        self._context = context
        self._asked = asked
        self._rules = rules
        self._counts = counts
        self._opened_at = rules.clock()
        self.received_s = 0.0
        """Audio taken so far."""

    async def next(self, sender: asyncio.Task[None]) -> Pcm | None:
        """The next audio at the ears' rate; None once the client has half-closed.

        Raises RefusalError at a limit, and what ``sender`` failed with.
        """
        request = await self._read(sender)
        if request is None:
            return None
        self._check(request)
        return self._decoded(request.audio)

    async def _read(self, sender: asyncio.Task[None]) -> speech.StreamingRecognizeRequest | None:
        reading = asyncio.ensure_future(self._context.read())
        try:
            idle_s = 0.0
            while not reading.done():
                if sender.done():
                    await sender
                # Right after a message, when the client is not writing, it sees the status.
                self._refuse_old(self._rules.first_read_s if idle_s else 0.0)
                if idle_s >= self._rules.idle_s:
                    raise RefusalError(grpc.StatusCode.ABORTED, TOO_QUIET)
                wait_s = min(_LOOK_S, self._rules.idle_s - idle_s)
                await asyncio.wait({reading}, timeout=wait_s)
                idle_s += wait_s
        finally:
            if not reading.done():
                reading.cancel()
        request = reading.result()
        return None if request is grpc.aio.EOF else request

    def _refuse_old(self, grace_s: float) -> None:
        by_audio = self._rules.limit_by == "audio"
        age_s = self.received_s if by_audio else self._rules.clock() - self._opened_at
        if age_s >= self._rules.stream_limit_s + grace_s:
            raise RefusalError(grpc.StatusCode.ABORTED, TOO_LONG)

    def _check(self, request: speech.StreamingRecognizeRequest) -> None:
        rules = self._rules
        if "streaming_config" in request:
            raise RefusalError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "Only the first message of a streaming request may have a streaming_config.",
            )
        if len(request.audio) > rules.message_bytes:
            raise RefusalError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Audio chunk can be of a a maximum of {rules.message_bytes} bytes.",
            )
        audio_s = len(request.audio) / 2 / self._asked.rate_hz
        self.received_s += audio_s
        self._counts.audio_s += audio_s
        if rules.pace is not None:
            age_s = rules.clock() - self._opened_at
            if self.received_s > rules.pace_burst_s + rules.pace * age_s:
                raise RefusalError(grpc.StatusCode.OUT_OF_RANGE, SCENARIOS["out_of_range"].message)

    def _decoded(self, audio: bytes) -> Pcm:
        """At the ears' rate; an odd byte at the end of a message is lost, as it would be."""
        pcm: Pcm = np.frombuffer(audio[: len(audio) // 2 * 2], dtype="<i2").astype(np.int16)
        if self._asked.rate_hz == SAMPLE_RATE_HZ or not len(pcm):
            return pcm
        count = round(len(pcm) * SAMPLE_RATE_HZ / self._asked.rate_hz)
        at = np.linspace(0, len(pcm) - 1, count)
        return np.interp(at, np.arange(len(pcm)), pcm).astype(np.int16)
