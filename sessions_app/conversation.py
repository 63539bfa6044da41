"""What a client says and what becomes of it: messages and audio in, runs and answers out.

Knows no socket. ``receive`` never waits, because a consumer's messages are handled one
after another: what takes time is done by tasks of this object, in the order it came.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from dataclasses import replace

import msgspec
import numpy as np
from django.conf import settings

from pipeline.dubber import Output
from pipeline.events import (
    CommittedTranscript,
    CueAudio,
    CueEnded,
    CueScheduled,
    Event,
    Failure,
    Notice,
    Ready,
    Skipped,
    Summary,
    Translated,
)
from pipeline.media import MediaError, audio_container, decode_audio_blob
from pipeline.ports import EngineError
from pipeline.record import LineRecord
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import (
    AnyClientMessage,
    AudioChunkMessage,
    AudioFrame,
    CreateVoiceClone,
    Ping,
    StartDubbing,
    StopDubbing,
    WireError,
)
from sessions_app.cloning_request import voice_verdict
from sessions_app.intake import Intake, IntakeError, Taken
from sessions_app.journal import Journal
from sessions_app.messages import Pong
from sessions_app.outbox import Outbox
from sessions_app.run import Run, RunRequest

log = logging.getLogger(__name__)

RUNS_MAX = 4
"""Runs that wait for the one before them to end."""
SLOW_MAX = 64
"""Messages that wait for a blob before them to be decoded."""
_LANGUAGE = re.compile(r"(auto|[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)")


class Conversation:
    def __init__(
        self,
        session_id: uuid.UUID,
        *,
        outbox: Outbox,
        journal: Journal,
        protocol: str,
        first_line: int = 0,
    ) -> None:
        self._session_id = str(session_id)
        self._outbox = outbox
        self._journal = journal
        self._protocol = protocol
        self._lines = first_line
        self._cues = 0
        self._line_base = first_line
        self._cue_base = 0
        self._run: Run | None = None
        """Takes the audio; runs before it may still be dubbing what they took."""
        self._conducted: Run | None = None
        self._intake: Intake | None = None
        self._media_s = 0.0
        self._runs: asyncio.Queue[Run] = asyncio.Queue(RUNS_MAX)
        self._slow: asyncio.Queue[AnyClientMessage | AudioFrame] = asyncio.Queue(SLOW_MAX)
        self._slow_left = 0
        self._said_not_started = False
        self._cloning: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._journal.start()
        self._tasks = [
            asyncio.create_task(work, name=f"{name} {self._session_id}")
            for name, work in (
                ("send", self._outbox.send_all()),
                ("runs", self._conduct()),
                ("slow", self._take_slowly()),
            )
        ]

    async def aclose(self) -> None:
        """Stop everything at once; what was written is kept. Idempotent."""
        tasks = [*self._tasks, *([self._cloning] if self._cloning else [])]
        self._tasks, self._cloning = [], None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            await self._journal.aclose(media_s=self._media_s)

    def fail(self, code: str, message: str) -> None:
        """Tell the client that its message was no good; the session lives on."""
        self._outbox.offer(Failure(code=code, message=message))

    # In ----------------------------------------------------------------------------

    def receive(self, message: AnyClientMessage | AudioFrame) -> None:
        """Take a message; never waits, and keeps their order."""
        blob = isinstance(message, AudioChunkMessage) and audio_container(message.audio_data)
        if not blob and not self._slow_left:
            self._take(message, None)
            return
        try:
            self._slow.put_nowait(message)
            self._slow_left += 1
        except asyncio.QueueFull:
            self.fail("too_fast", "Messages come faster than they can be decoded; one was lost.")

    async def _take_slowly(self) -> None:
        while True:
            message = await self._slow.get()
            pcm: Pcm | None = None
            try:
                if isinstance(message, AudioChunkMessage) and audio_container(message.audio_data):
                    pcm = await asyncio.to_thread(
                        decode_audio_blob,
                        message.audio_data,
                        # Lossy formats pad their ends.
                        max_seconds=settings.MAX_CHUNK_DURATION + 0.2,
                    )
                self._take(message, pcm)
            except MediaError as error:
                self.fail(error.code, str(error))
            except Exception:
                log.exception("message failed", extra={"session": self._session_id})
                self.fail("internal_error", "The server could not handle that message.")
            finally:
                self._slow_left -= 1

    def _take(self, message: AnyClientMessage | AudioFrame, decoded: Pcm | None) -> None:
        try:
            match message:
                case AudioFrame():
                    self._take_frame(message)
                case AudioChunkMessage():
                    self._take_chunk(message, decoded)
                case StartDubbing():
                    self._start_dubbing(message)
                case StopDubbing():
                    self._stop_dubbing()
                case CreateVoiceClone():
                    self._check_voice(message)
                case Ping():
                    self._outbox.offer(Pong(id=message.id))
        except (WireError, IntakeError) as error:
            self.fail(error.code, str(error))

    def _start_dubbing(self, message: StartDubbing) -> None:
        intake = Intake(message.sample_rate or settings.SAMPLE_RATE)
        self._open_run(
            RunRequest(
                session_id=self._session_id,
                source_language=_language(message.source_language, "source_language"),
                target_language=_target(message.target_language),
                preserve_voice=message.preserve_voice,
                sample_rate=intake.sample_rate_hz,
                glossary=message.glossary,
                protocol=self._protocol,
            ),
            intake,
        )

    def _open_run(self, request: RunRequest, intake: Intake) -> Run:
        run = Run(request, tell=self._tell, begin=self._begin)
        try:
            self._runs.put_nowait(run)
        except asyncio.QueueFull:
            raise WireError(
                "too_many_runs", "Dubbing is being restarted too often; wait for the summary."
            ) from None
        self._finish_run()
        self._run, self._intake = run, intake
        self._said_not_started = False
        return run

    def _stop_dubbing(self) -> None:
        if self._run is None or self._run.over:
            raise WireError("not_started", "There is nothing to stop: dubbing has not started.")
        self._finish_run()

    def _finish_run(self) -> None:
        run, intake = self._run, self._intake
        if run is None or intake is None or run.over:
            return
        if rest := intake.flush():
            run.push(rest)
        run.finish()

    def _take_frame(self, frame: AudioFrame) -> None:
        self._take_audio(
            np.frombuffer(frame.pcm, dtype="<i2").astype(np.int16, copy=False),
            sequence=frame.sequence,
            media_s=frame.media_time_us / 1_000_000,
        )

    def _take_chunk(self, message: AudioChunkMessage, decoded: Pcm | None) -> None:
        self._start_implicitly(message)
        pcm = decoded
        if pcm is None:
            if len(message.audio_data) % 2:
                raise WireError(
                    "audio_odd", "PCM16 has two bytes a sample; the chunk holds an odd number."
                )
            pcm = np.frombuffer(message.audio_data, dtype="<i2").astype(np.int16, copy=False)
        elif self._intake and self._intake.sample_rate_hz != SAMPLE_RATE_HZ:
            # Files know their rate and come decoded at 16 kHz; so does the rest of the run.
            self._intake = Intake(SAMPLE_RATE_HZ)
        if message.media_time is not None and not 0 <= message.media_time < 2**33:
            raise WireError("media_time_invalid", "The media time is not a position in seconds.")
        if message.sequence is not None and not 0 <= message.sequence < 2**53:
            raise WireError("sequence_invalid", "The sequence is not a count from 0.")
        self._take_audio(pcm, sequence=message.sequence, media_s=message.media_time)

    def _start_implicitly(self, message: AudioChunkMessage) -> None:
        """A chunk that names a target starts dubbing, or changes what is being dubbed."""
        if message.target_language is None:
            return
        source = _language(message.source_language or "auto", "source_language")
        target = _target(message.target_language)
        keep = True if message.preserve_voice is None else message.preserve_voice
        run = self._run
        if run is not None:
            now = run.request
            same = (now.source_language, now.target_language, now.preserve_voice)
            source = now.source_language if message.source_language is None else source
            keep = now.preserve_voice if message.preserve_voice is None else keep
            # A refused run is not tried again with every chunk, nor a stopped one revived.
            if same == (source, target, keep):
                return
            request = replace(
                now, source_language=source, target_language=target, preserve_voice=keep
            )
            self._open_run(request, Intake(now.sample_rate))
            return
        request = RunRequest(
            session_id=self._session_id,
            source_language=source,
            target_language=target,
            preserve_voice=keep,
            sample_rate=settings.SAMPLE_RATE,
            protocol=self._protocol,
        )
        self._open_run(request, Intake(settings.SAMPLE_RATE))

    def _take_audio(self, pcm: Pcm, *, sequence: int | None, media_s: float | None) -> None:
        run, intake = self._run, self._intake
        if run is None or intake is None or run.over:
            if not self._said_not_started:
                self._said_not_started = True
                self.fail("not_started", "Audio came while nothing is dubbed; send start_dubbing.")
            return
        duration_s = len(pcm) / intake.sample_rate_hz
        if duration_s > settings.MAX_CHUNK_DURATION + 0.2:
            raise WireError(
                "chunk_too_long",
                f"A chunk holds at most {settings.MAX_CHUNK_DURATION:g} s of audio.",
            )
        taken: Taken = intake.take(pcm, sequence=sequence, media_s=media_s)
        if taken.missing:
            self._outbox.offer(
                Notice(code="chunks_missing", message=f"{taken.missing} chunks never came.")
            )
        for chunk in taken.before:
            run.push(chunk)
        if taken.seek:
            # Closed here: the intake already holds audio of the run to come.
            run.finish()
            run = self._open_run(run.request, intake)
        for chunk in taken.chunks:
            run.push(chunk)
        self._media_s += duration_s
        self._outbox.acknowledge(intake.acknowledged)

    def _check_voice(self, message: CreateVoiceClone) -> None:
        if self._cloning is not None and not self._cloning.done():
            raise WireError("voice_check_busy", "Other samples are being checked; wait for them.")
        rate_hz = self._intake.sample_rate_hz if self._intake else settings.SAMPLE_RATE
        self._cloning = asyncio.create_task(self._answer_voice(message, rate_hz))

    async def _answer_voice(self, message: CreateVoiceClone, rate_hz: int) -> None:
        try:
            self._outbox.offer(await voice_verdict(message, rate_hz=rate_hz))
        except (MediaError, EngineError, WireError) as error:
            self.fail(error.code, str(error))
        except Exception:
            log.exception("voice check failed", extra={"session": self._session_id})
            self.fail("internal_error", "The samples could not be checked.")

    # Out ---------------------------------------------------------------------------

    async def _conduct(self) -> None:
        """Runs one after another."""
        while True:
            run = await self._runs.get()
            self._conducted = run
            self._line_base, self._cue_base = self._lines, self._cues
            try:
                await run.execute()
            except Exception:
                log.exception("run failed", extra={"session": self._session_id})
                run.failed = True
                self.fail("internal_error", "Dubbing stopped because of a fault in the server.")
            if run.started and run.summary is None:
                await self._journal.end(None, failed=True, media_s=self._media_s)
                self._media_s = 0.0

    async def _begin(self, ready: Ready) -> None:
        if not await self._journal.begin(ready):
            await self._say_record_incomplete()

    async def _tell(self, output: Output) -> None:
        """Pass on what a run says; lines and cues are counted over all runs."""
        match output:
            case LineRecord():
                record = replace(output, sequence=self._line_base + output.sequence)
                self._lines = max(self._lines, record.sequence + 1)
                if not self._journal.line(record):
                    await self._say_record_incomplete()
            case CueScheduled():
                self._cues = max(self._cues, self._cue_base + output.cue + 1)
                await self._outbox.put(
                    msgspec.structs.replace(
                        output,
                        cue=self._cue_base + output.cue,
                        line=self._line_base + output.line,
                    )
                )
            case CueAudio() | CueEnded():
                await self._outbox.put(
                    msgspec.structs.replace(output, cue=self._cue_base + output.cue)
                )
            case CommittedTranscript() | Translated() | Skipped():
                await self._outbox.put(
                    msgspec.structs.replace(output, line=self._line_base + output.line)
                )
            case Summary():
                # Written first: who reads the summary may ask for the session at once.
                failed = self._conducted is not None and self._conducted.failed
                if not await self._journal.end(output, failed=failed, media_s=0.0):
                    await self._say_record_incomplete()
                self._media_s = 0.0
                await self._outbox.put(output)
            case Event():
                await self._outbox.put(output)

    async def _say_record_incomplete(self) -> None:
        message = "The database is away: dubbing goes on, but parts of the record are missing."
        await self._outbox.put(Notice(code="record_incomplete", message=message))


def _language(text: str, field: str) -> str:
    """The primary language of a tag: “es-MX” is es. Raises WireError."""
    if not _LANGUAGE.fullmatch(text):
        raise WireError("language_invalid", f"{field} is not a language code such as “es”.")
    return re.split("[-_]", text)[0].lower()


def _target(text: str) -> str:
    if text == "auto":
        raise WireError("language_invalid", "target_language must name a language.")
    return _language(text, "target_language")
