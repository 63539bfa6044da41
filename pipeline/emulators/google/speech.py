"""Google's Speech-to-Text v2, ``StreamingRecognize`` only, as a service of a grpc.aio server.

Its messages are the SDK's own classes. Scenarios of a ``Fault`` on the leg ``speech``:
those of ``google_status.SCENARIOS``; ``duration_limit`` and ``idle_limit``, the two ways in
which the service ends streams; ``stall``, no answer any more; ``close``, the end without the
results that are due; ``no_alternatives``, ``words_out_of_order``, ``no_language``, results
that are not what the documents say. They happen with the first audio message, or once
``after_s`` of audio has come; a refusal with ``after_s=0`` happens before anything is read,
which grpc's client often reports as ``INTERNAL``. On ``speech.audio`` they happen at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.emulators.behaviour import Delays, Faults
from pipeline.emulators.ears import Ear
from pipeline.emulators.google.access import Access
from pipeline.emulators.google.counts import GoogleCounts
from pipeline.emulators.google.speech_intake import TOO_QUIET
from pipeline.emulators.google.speech_rules import SERVICE, Asked, SpeechRules, read_config
from pipeline.emulators.google.speech_stream import SpeechStream
from pipeline.emulators.google.status import RefusalError, abort, refusal_of
from pipeline.ports import EngineError

NAME = "google.cloud.speech.v2.Speech"


class SpeechService:
    def __init__(
        self,
        *,
        ear: Ear,
        access: Access,
        rules: SpeechRules,
        delays: Delays,
        faults: Faults,
        counts: GoogleCounts,
    ) -> None:
        self.ear = ear
        """What the next stream hears with; may be replaced at any time."""
        self.rules = rules
        self._access = access
        self._delays = delays
        self._faults = faults
        self._counts = counts

    def handler(self) -> Any:
        method = grpc.stream_stream_rpc_method_handler(
            self._recognize,
            request_deserializer=speech.StreamingRecognizeRequest.deserialize,
            response_serializer=speech.StreamingRecognizeResponse.serialize,
        )
        return grpc.method_handlers_generic_handler(NAME, {"StreamingRecognize": method})

    # grpc looks at the signature: a coroutine with a context that reads and writes.
    async def _recognize(self, _requests: Any, context: Any) -> None:
        counts = self._counts
        counts.call("StreamingRecognize", context.peer())
        counts.open_stream()
        try:
            await self._serve(context)
        except RefusalError as refusal:
            counts.statuses[refusal.status.name] += 1
            await abort(context, refusal)
        finally:
            counts.close_stream()

    async def _serve(self, context: Any) -> None:
        rules = self.rules
        fault = self._faults.pick("speech")
        if fault and fault.after_s == 0 and (refusal := refusal_of(fault, SERVICE)):
            raise refusal
        await asyncio.sleep(self._delays.draw("accept"))
        try:
            asked = await self._asked(context)
        except RefusalError:
            await self._read_on(context)
            raise
        try:
            ear = await self.ear.open()
        except EngineError as error:
            # The engine inside has no room: what a service of few machines would say.
            raise RefusalError(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        try:
            stream = SpeechStream(
                context,
                asked,
                ear,
                rules=rules,
                delays=self._delays,
                faults=self._faults,
                fault=fault,
                counts=self._counts,
            )
            await stream.run()
        except EngineError as error:
            raise RefusalError(grpc.StatusCode.INTERNAL, str(error)) from error
        finally:
            await ear.aclose()

    async def _asked(self, context: Any) -> Asked:
        self._access.check_caller(context, SERVICE)
        reading = asyncio.ensure_future(context.read())
        done, _ = await asyncio.wait({reading}, timeout=self.rules.idle_s)
        if not done:
            reading.cancel()
            raise RefusalError(grpc.StatusCode.ABORTED, TOO_QUIET)
        request = reading.result()
        if request is grpc.aio.EOF:
            raise RefusalError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "The first message of a streaming request must have a streaming_config.",
            )
        asked = read_config(request, self.rules)
        self._access.check_project(request.recognizer, SERVICE, "speech.recognizers.recognize")
        return asked

    async def _read_on(self, context: Any) -> None:
        """Let the client finish what it is writing, so that it sees the status."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.rules.first_read_s
        for _ in range(2):
            reading = asyncio.ensure_future(context.read())
            done, _waiting = await asyncio.wait({reading}, timeout=max(0.0, end - loop.time()))
            if not done:
                reading.cancel()
                return
            if reading.result() is grpc.aio.EOF:
                return
