"""Speech recognition with Whisper weights that the operator has (faster-whisper)."""

from __future__ import annotations

import asyncio
import os

from pipeline.bounds import WHISPER_PROCESSES_MAX
from pipeline.ports import EngineError, RecognitionOptions, RecognizerStream
from pipeline.providers.process_stream import ProcessStream
from pipeline.providers.whisper.languages import LANGUAGES
from pipeline.providers.whisper.messages import Load
from pipeline.providers.whisper.model_files import check_installed, check_named
from pipeline.providers.whisper.process import SharedProcess


class WhisperRecognizer:
    """Fills ``Recognizer``. Streams share a process, since a model may take gigabytes.

    ``model``: a folder with a converted model, or the name of one in faster-whisper's cache;
    nothing is ever fetched. ``beam_size``: how many texts are followed at once; 1 is quickest.
    ``threads`` of a process: all cores but one by default, which the server itself needs.

    Raises EngineError: engine_missing, model_missing, model_unusable.
    """

    name = "whisper"
    punctuates = True

    def __init__(
        self,
        model: str,
        *,
        streams_max: int,
        processes_max: int = 1,
        threads: int = 0,
        beam_size: int = 2,
        device: str = "auto",
        compute_type: str = "auto",
    ) -> None:
        check_installed()
        check_named(model)
        self._load = Load(
            model=model,
            device=device,
            compute_type=compute_type,
            threads=threads or max(1, (os.cpu_count() or 1) - 1),
            beam_size=beam_size,
        )
        self._streams_max = streams_max
        self._processes_max = min(processes_max, WHISPER_PROCESSES_MAX)
        self._streams: set[ProcessStream] = set()
        self._opening = 0
        self._processes: list[SharedProcess] = []
        self._closed = False
        self._know_languages(multilingual=not model.endswith(".en"))

    async def connect(self) -> None:
        """Load the model now. Raises EngineError: model_missing, model_unusable,
        engine_stopped."""
        self._refuse_closed()
        alive = self._alive()
        loaded = await (alive[0] if alive else self._begin()).loaded()
        self._know_languages(multilingual=loaded.multilingual)

    async def open(self, options: RecognitionOptions) -> RecognizerStream:
        """Raises EngineError: language_unsupported, recognizer_busy, and as ``connect``."""
        self._refuse_unknown(options.languages)
        self._refuse_closed()
        lane = self._process_with_room().lane()
        self._opening += 1
        try:
            loaded = await lane.process.loaded()
            self._know_languages(multilingual=loaded.multilingual)
            self._refuse_unknown(options.languages)
            await lane.open(options.languages)
        except BaseException:
            await lane.leave()
            raise
        finally:
            self._opening -= 1
        stream = ProcessStream(lane, on_closed=self._streams.discard)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """End all streams and processes. Idempotent."""
        self._closed = True
        await asyncio.gather(*(stream.aclose() for stream in tuple(self._streams)))
        await asyncio.gather(*(process.aclose() for process in self._processes))

    def _process_with_room(self) -> SharedProcess:
        taken = len(self._streams) + self._opening
        alive = self._alive()
        with_room = next((process for process in alive if process.has_room), None)
        full = with_room is None and len(alive) >= self._processes_max
        if full or taken >= self._streams_max:
            raise EngineError(
                "recognizer_busy",
                f"All {taken} places for speech recognition are taken: "
                "end another session or raise the number of recogniser streams.",
            )
        return with_room or self._begin()

    def _alive(self) -> list[SharedProcess]:
        self._processes = [process for process in self._processes if not process.ended]
        return [process for process in self._processes if process.alive]

    def _begin(self) -> SharedProcess:
        process = SharedProcess(self._load)
        self._processes.append(process)
        return process

    def _refuse_closed(self) -> None:
        if self._closed:
            raise EngineError("engine_stopped", "The recogniser is shut down.", recoverable=False)

    def _know_languages(self, *, multilingual: bool) -> None:
        self.languages = LANGUAGES if multilingual else frozenset({"en"})
        self.candidates_max = len(self.languages)
        self.finds_any = multilingual

    def _refuse_unknown(self, languages: tuple[str, ...]) -> None:
        unknown = [language for language in languages if language not in self.languages]
        if unknown:
            raise EngineError(
                "language_unsupported",
                f"This Whisper model does not know “{unknown[0]}”.",
                recoverable=False,
            )
