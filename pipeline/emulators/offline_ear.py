"""An ear that really recognises: the offline recogniser, English only."""

from __future__ import annotations

import asyncio
import contextlib

from pipeline.bounds import EMULATOR_EAR_S
from pipeline.emulators.ears import Heard, Sound
from pipeline.ports import EngineError, RecognitionOptions, RecognizerStream
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.types import Hypothesis, SpeechPiece

_LANGUAGE = "en"


class OfflineEar:
    """Each stream has a process of its own: ``streams_max`` at once, then EngineError."""

    def __init__(self, *, streams_max: int) -> None:
        self._recognizer = PocketSphinxRecognizer(streams_max=streams_max)

    async def open(self) -> OfflineEarStream:
        return OfflineEarStream(
            await self._recognizer.open(RecognitionOptions(languages=(_LANGUAGE,)))
        )

    async def aclose(self) -> None:
        await self._recognizer.aclose()


class OfflineEarStream:
    def __init__(self, stream: RecognizerStream) -> None:
        self._stream = stream
        self._latest = Hypothesis(-1, (), 0.0)
        self._changed = asyncio.Event()
        self._reader = asyncio.create_task(self._read(), name="emulated ear")

    async def listen(self, sound: Sound) -> Heard:
        """Interims have what was recognised so far, finals are waited for.

        Raises EngineError when the recogniser failed.
        """
        await self._stream.push(
            SpeechPiece(
                sound.utterance,
                sound.start,
                sound.pcm,
                ends=sound.ends,
                speech_end=sound.speech_end if sound.ends else None,
            )
        )
        if sound.ends:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EMULATOR_EAR_S):
                    await self._final_of(sound.utterance)
        latest = self._latest
        words = latest.words if latest.utterance == sound.utterance else ()
        return Heard(words, _LANGUAGE)

    async def _final_of(self, utterance: int) -> None:
        while not (self._latest.utterance == utterance and self._latest.is_final):
            if self._reader.done():
                self._reader.result()
                raise EngineError("engine_stopped", "The recogniser ended early.")
            self._changed.clear()
            waiting = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait({waiting, self._reader}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()

    async def _read(self) -> None:
        async for hypothesis in self._stream:
            self._latest = hypothesis
            self._changed.set()

    async def aclose(self) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, EngineError):
            await self._reader
        await self._stream.aclose()
