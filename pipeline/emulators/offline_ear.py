"""An ear that really recognises: the offline recogniser, English only."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from pipeline.bounds import EMULATOR_EAR_S
from pipeline.emulators.ears import Heard, Sound
from pipeline.ports import EngineError, RecognitionOptions, RecognizerStream
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.types import Hypothesis, SpeechPiece

_LANGUAGE = "en"


class OfflineEar:
    """``streams_max`` hear at once, then EngineError.

    A process takes a second of a core to load, and emulated streams are short: one that has
    heard a stream out hears the next.
    """

    def __init__(self, *, streams_max: int) -> None:
        self._recognizer = PocketSphinxRecognizer(streams_max=streams_max)
        self._idle: deque[_Listener] = deque(maxlen=streams_max)

    async def open(self) -> OfflineEarStream:
        while self._idle:
            listener = self._idle.pop()
            if listener.is_well:
                return OfflineEarStream(listener, self._idle)
            await listener.aclose()
        options = RecognitionOptions(languages=(_LANGUAGE,))
        return OfflineEarStream(_Listener(await self._recognizer.open(options)), self._idle)

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()
        await self._recognizer.aclose()


class _Listener:
    """One recogniser process and what it says; utterances count on over all its streams."""

    def __init__(self, stream: RecognizerStream) -> None:
        self.stream = stream
        self.utterance = -1
        self.is_amid = False
        """An utterance has begun and not ended."""
        self._latest = Hypothesis(-1, (), 0.0)
        self._changed = asyncio.Event()
        self._reader = asyncio.create_task(self._read(), name="emulated ear")

    @property
    def is_well(self) -> bool:
        return not self.is_amid and not self._reader.done()

    def latest(self) -> Hypothesis | None:
        """Of the utterance that was pushed last."""
        return self._latest if self._latest.utterance == self.utterance else None

    async def final(self) -> None:
        """Wait for the final of the utterance that was pushed last. Raises EngineError."""
        while not ((latest := self.latest()) and latest.is_final):
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
        async for hypothesis in self.stream:
            self._latest = hypothesis
            self._changed.set()

    async def aclose(self) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, EngineError):
            await self._reader
        await self.stream.aclose()


class OfflineEarStream:
    def __init__(self, listener: _Listener, idle: deque[_Listener]) -> None:
        self._listener = listener
        self._idle = idle
        self._before = listener.utterance + 1
        """Utterances of this stream are counted from here."""

    async def listen(self, sound: Sound) -> Heard:
        """Interims have what was recognised so far, finals are waited for.

        Raises EngineError when the recogniser failed.
        """
        listener = self._listener
        listener.utterance = self._before + sound.utterance
        listener.is_amid = True
        await listener.stream.push(
            SpeechPiece(
                listener.utterance,
                sound.start,
                sound.pcm,
                ends=sound.ends,
                speech_end=sound.speech_end if sound.ends else None,
            )
        )
        if sound.ends:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EMULATOR_EAR_S):
                    await listener.final()
                    listener.is_amid = False
        latest = listener.latest()
        return Heard(latest.words if latest else (), _LANGUAGE)

    async def aclose(self) -> None:
        if self._listener.is_well and len(self._idle) < (self._idle.maxlen or 0):
            self._idle.append(self._listener)
        else:
            await self._listener.aclose()
