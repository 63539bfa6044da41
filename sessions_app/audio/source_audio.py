"""A client's sound on its way into the run that takes it; opens and closes runs with it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from django.conf import settings

from pipeline.client_messages import AudioChunkMessage, Recognition, SourceTextMessage, StartDubbing
from pipeline.events import Notice
from pipeline.plan import AUTO
from pipeline.ports import EngineError
from pipeline.providers.choice import refuse_unknown
from pipeline.text.source_text import Subtitle
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import AudioFrame, WireError
from sessions_app.audio.intake import Intake, Taken
from sessions_app.engines.languages import candidates_of, language_of, target_of
from sessions_app.running.outbox import Outbox
from sessions_app.running.run import Run, RunRequest
from sessions_app.running.runs import Runs

PADDING_S = 0.2
"""Lossy formats pad their ends: so much longer than allowed may a decoded chunk be."""


class SourceAudio:
    """``on_heard`` is told the seconds of every chunk taken."""

    def __init__(
        self,
        session_id: str,
        runs: Runs,
        outbox: Outbox,
        *,
        protocol: str,
        user_id: int = 0,
        on_heard: Callable[[float], None],
        chunk: int = -1,
    ) -> None:
        self.chunk = chunk
        """The last chunk that was taken, over all runs; -1: none."""
        self._session_id = session_id
        self._runs = runs
        self._outbox = outbox
        self._protocol = protocol
        self._user_id = user_id
        self._on_heard = on_heard
        self._intake: Intake | None = None
        self._said_not_started = False
        self._finish_after: int | None = None
        self._counted = -1
        """The last chunk of the run in hand that another process has counted."""

    @property
    def sample_rate_hz(self) -> int:
        """Rate of samples that do not say theirs."""
        return self._intake.sample_rate_hz if self._intake else settings.SAMPLE_RATE

    # Runs --------------------------------------------------------------------------

    def start(self, message: StartDubbing) -> None:
        """Raises WireError, IntakeError."""
        intake = Intake(message.sample_rate or settings.SAMPLE_RATE, after=self.chunk)
        source = language_of(message.source_language, "source_language")
        wish = message.recognition or Recognition()
        _refuse_unknown(message.engines)
        self._open(
            RunRequest(
                session_id=self._session_id,
                user_id=self._user_id,
                source_language=source,
                target_language=target_of(message.target_language),
                preserve_voice=message.preserve_voice,
                sample_rate=intake.sample_rate_hz,
                glossary=message.glossary,
                protocol=self._protocol,
                engines=message.engines,
                model=wish.model,
                region=wish.region,
                endpointing=wish.endpointing,
                candidates=candidates_of(message.source_candidates, source),
                team=message.team,
                title="".join(filter(str.isprintable, message.title or "")).strip(),
                speakers=message.speakers or "",
                source_text=message.source_text,
                number=message.number,
            ),
            intake,
            discard=message.discard,
        )

    def stop(self, *, discard: bool = False) -> None:
        """``discard``: what was said is not dubbed any more, not even of a run that was stopped
        before. Raises WireError when nothing is dubbed."""
        current = self._runs.current
        if discard and current is not None and not current.ended:
            self._runs.discard()
            return
        if current is None or current.over:
            raise WireError("not_started", "There is nothing to stop: dubbing has not started.")
        self.finish()

    def finish(self) -> None:
        """The run in hand gets no more audio; what it has is still dubbed. Idempotent."""
        run, intake = self._runs.current, self._intake
        if run is None or run.over:
            return
        if intake is not None and (rest := intake.flush()):
            run.push(rest)
        run.finish()

    def go_on(self, *, after: int, start: int, counted: int, finish: bool) -> None:
        """Take the audio of a run that began in another process, from behind ``after``.

        ``start`` is the media position (samples at 16 kHz) of the first of it, for clients
        that send no media time. The other process took chunks up to ``counted``; when the
        run was to ``finish`` with that one, it does so once it has come again.
        """
        self.chunk, self._counted = after, counted
        finish_after = counted if finish else None
        run = self._runs.current
        if run is None:
            return
        self._intake = Intake(run.request.sample_rate, after=self.chunk, start=start, goes_on=True)
        self._finish_after = finish_after
        self._finish_when_due()

    def _open(self, request: RunRequest, intake: Intake, *, discard: bool = False) -> Run:
        previous, its_intake = self._runs.current, self._intake
        before = self._runs.unended
        run = self._runs.open(request, after_chunk=self.chunk)
        if discard:
            for one in before:
                one.discard()
        elif previous is not None and not previous.over and its_intake is not None:
            if its_intake is not intake and (rest := its_intake.flush()):
                previous.push(rest)
            previous.finish()
        self._intake = intake
        self._counted = -1
        self._said_not_started = False
        return run

    # Text --------------------------------------------------------------------------

    def take_text(self, message: SourceTextMessage) -> None:
        """Text of what is said, for the run whose media times it has. Raises WireError."""
        language = language_of(message.language, "language")
        run = self._runs.current
        if run is None or _is_following(run):
            raise WireError("not_started", "Text came while nothing is dubbed; send start_dubbing.")
        request = run.request
        if message.run is not None and message.run != request.number:
            return  # it crossed with the message that ended its run
        if request.source_language not in (AUTO, language):
            raise WireError(
                "source_text_invalid",
                f"The text is in “{language}”, but what is dubbed is in "
                f"“{request.source_language}”.",
            )
        run.take_text(
            [
                Subtitle(start_s=cue.start_s, end_s=cue.end_s, text=cue.text, language=language)
                for cue in message.cues
            ],
            message.from_s,
            message.until_s,
        )

    # Sound -------------------------------------------------------------------------

    def take_frame(self, frame: AudioFrame) -> None:
        """Raises WireError, IntakeError."""
        self._take(
            np.frombuffer(frame.pcm, dtype="<i2").astype(np.int16, copy=False),
            sequence=frame.sequence,
            media_s=frame.media_time_us / 1_000_000,
        )

    def take_message(self, message: AudioChunkMessage, decoded: Pcm | None) -> None:
        """``decoded`` is the sound of a message that held a file. Raises WireError,
        IntakeError."""
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
            self._intake = Intake(SAMPLE_RATE_HZ, after=self.chunk)
        if message.media_time is not None and not 0 <= message.media_time < 2**33:
            raise WireError("media_time_invalid", "The media time is not a position in seconds.")
        if message.sequence is not None and not 0 <= message.sequence < 2**53:
            raise WireError("sequence_invalid", "The sequence is not a count from 0.")
        self._take(pcm, sequence=message.sequence, media_s=message.media_time)

    def _start_implicitly(self, message: AudioChunkMessage) -> None:
        """A chunk that names a target starts dubbing, or changes what is being dubbed."""
        run = self._runs.current
        if message.target_language is None or _is_following(run):
            return
        source = language_of(message.source_language or "auto", "source_language")
        target = target_of(message.target_language)
        keep = True if message.preserve_voice is None else message.preserve_voice
        if run is not None and not run.request.follows:
            now = run.request
            same = (now.source_language, now.target_language, now.preserve_voice)
            source = now.source_language if message.source_language is None else source
            keep = now.preserve_voice if message.preserve_voice is None else keep
            # A refused run is not tried again with every chunk, nor a stopped one revived.
            if same == (source, target, keep):
                return
            request = msgspec.structs.replace(
                now,
                source_language=source,
                target_language=target,
                preserve_voice=keep,
                candidates=now.candidates if source == AUTO else (),
            )
            self._open(request, Intake(now.sample_rate, after=self.chunk))
            return
        request = RunRequest(
            session_id=self._session_id,
            user_id=self._user_id,
            source_language=source,
            target_language=target,
            preserve_voice=keep,
            sample_rate=settings.SAMPLE_RATE,
            protocol=self._protocol,
        )
        self._open(request, Intake(settings.SAMPLE_RATE, after=self.chunk))

    def _take(self, pcm: Pcm, *, sequence: int | None, media_s: float | None) -> None:
        run, intake = self._runs.current, self._intake
        if _is_following(run):
            if not self._said_not_started:
                self._said_not_started = True
                raise WireError("following", "Sound is not taken while a session is followed.")
            return
        if run is None or intake is None or run.over:
            if not self._said_not_started:
                self._said_not_started = True
                raise WireError(
                    "not_started", "Audio came while nothing is dubbed; send start_dubbing."
                )
            return
        duration_s = len(pcm) / intake.sample_rate_hz
        if duration_s > settings.MAX_CHUNK_DURATION + PADDING_S:
            raise WireError(
                "chunk_too_long",
                f"A chunk holds at most {settings.MAX_CHUNK_DURATION:g} s of audio.",
            )
        taken: Taken = intake.take(pcm, sequence=sequence, media_s=media_s)
        if taken.known:
            return
        if taken.missing:
            self._outbox.offer(
                Notice(code="chunks_missing", message=f"{taken.missing} chunks never came.")
            )
        for chunk in taken.before:
            run.push(chunk)
        if taken.seek:
            # The intake already holds audio of the run to come, so it is not flushed.
            run.finish()
            run = self._open(run.request, intake)
        for chunk in taken.chunks:
            run.push(chunk)
        self.chunk = intake.acknowledged
        # What is heard again after a move was counted by the process before.
        if self.chunk > self._counted:
            self._on_heard(duration_s)
        self._finish_when_due()

    def _finish_when_due(self) -> None:
        if self._finish_after is not None and self.chunk >= self._finish_after:
            self._finish_after = None
            self.finish()


def _is_following(run: Run | None) -> bool:
    return run is not None and bool(run.request.follows) and not run.over


def _refuse_unknown(engines: dict[str, str]) -> None:
    """What is wrong whatever keys there are is said before the run in hand ends for it."""
    try:
        refuse_unknown(engines)
    except EngineError as error:
        raise WireError(error.code, str(error)) from None
