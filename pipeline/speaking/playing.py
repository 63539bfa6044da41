"""Turns a clip into a cue on the media clock and sends its sound as it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from pipeline.bounds import NEXT_SOUND_S
from pipeline.events import CueAudio, CueEnded, CueScheduled, Event, Latencies
from pipeline.ports import EngineError
from pipeline.sound.stretch import TimeStretcher
from pipeline.speaking.making import Clip, in_time
from pipeline.speaking.scheduler import Placement, Scheduler
from pipeline.types import Line, Pcm, Voice

TEMPO_DEADBAND = 0.02
"""A tempo nearer to 1 than this is not heard and not worth stretching."""

FASTEST = 1.45
"""Ratio to natural speech beyond which a dub is no longer followed with ease."""

BLOCK_MAX_S = 0.2
"""Sound is sent in blocks no longer than what the client already has, and at most this."""
_NOTHING: Pcm = np.zeros(0, dtype=np.int16)

Emit = Callable[[Event | CueAudio], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Timing:
    """Moments of a line on the run's clock, seconds."""

    arrived_at: float
    """When the last source word had come in."""
    decided_at: float
    recognized_at: float


@dataclass(frozen=True, slots=True)
class Begun:
    """A cue that has its place, with what it takes to send the same one again."""

    number: int
    start_s: float
    duration_s: float
    """Expected; what it really lasts is known at its end."""
    sample_rate: int
    tempo: float
    """Asked of the engine."""
    stretch: float
    """What is left to time stretching; 1 for nothing."""


@dataclass(frozen=True, slots=True)
class Played:
    """A cue that was sent. ``failure`` is set when its sound broke off."""

    start_s: float
    duration_s: float
    tempo: float
    latencies: Latencies
    failure: EngineError | None
    voice: Voice
    """Whose sound the listener has; the last one's, where another stood in."""


def begin(clip: Clip, number: int, placement: Placement) -> Begun:
    """The cue of a clip that has its first sound."""
    assert clip.stream is not None
    stream = clip.stream
    # The engine already hurried by what the backlog asked for when it began.
    wanted = placement.tempo / clip.tempo * stream.tempo_left
    residual = min(wanted, max(1.0, FASTEST / stream.rate))
    if abs(residual - 1) <= TEMPO_DEADBAND:
        residual = 1.0
    return Begun(
        number=number,
        start_s=placement.start_s,
        duration_s=stream.expected_s / residual,
        sample_rate=stream.sample_rate_hz,
        tempo=clip.tempo,
        stretch=residual,
    )


async def play(
    clip: Clip,
    *,
    cue: Begun,
    line: Line,
    timing: Timing,
    scheduler: Scheduler,
    emit: Emit,
    clock: Callable[[], float],
    skip: int = 0,
) -> Played:
    """Send one cue: its event, its sound, its end.

    ``skip`` samples at the beginning are with the client already, and so is the event.
    """
    assert clip.stream is not None
    assert clip.blocks is not None
    rate_hz = clip.stream.sample_rate_hz
    stretcher = TimeStretcher(rate_hz, cue.stretch) if cue.stretch != 1.0 else None
    scheduler.occupy(start_s=cue.start_s, duration_s=cue.duration_s)
    latencies = _latencies(clip, line, timing, cue.start_s, cue.duration_s, clock())
    tempo = round(clip.stream.rate * cue.stretch, 3)
    if not skip:
        await emit(
            CueScheduled(
                cue=cue.number,
                line=line.sequence,
                speaker=line.speaker.speaker,
                start_s=round(cue.start_s, 3),
                duration_s=round(cue.duration_s, 3),
                sample_rate=rate_hz,
                tempo=tempo,
                engine=clip.stream.voice.engine,
                voice=clip.stream.voice.id,
                latencies=latencies,
            )
        )
    samples = 0

    async def send(pcm: Pcm, *, last: bool = False) -> None:
        nonlocal samples
        rest = pcm[max(0, skip - samples) :]
        samples += len(pcm)
        if len(rest) or last:
            await emit(
                CueAudio(
                    cue=cue.number,
                    start_s=cue.start_s + (max(samples, skip) - len(rest)) / rate_hz,
                    sample_rate=rate_hz,
                    pcm=rest.astype("<i2", copy=False).tobytes(),
                    last=last,
                )
            )

    failure: EngineError | None = None
    held: list[Pcm] = []
    async with aclosing(clip):
        try:
            block = clip.first
            while block is not None:
                held.append(stretcher.push(block) if stretcher else block)
                # The first sound goes out at once; what follows costs less in fewer messages.
                wanted_s = min(BLOCK_MAX_S, samples / rate_hz)
                if sum(map(len, held)) >= wanted_s * rate_hz:
                    await send(np.concatenate(held))
                    held.clear()
                async with in_time(NEXT_SOUND_S, "The voice engine stopped in a line."):
                    block = await anext(clip.blocks, None)
        except EngineError as error:
            failure = error
    if stretcher:
        held.append(stretcher.flush())
    await send(np.concatenate([*held, _NOTHING]), last=True)
    # A clip made again may be shorter than what the client has of the first one.
    duration_s = max(samples, skip) / rate_hz
    scheduler.occupy(start_s=cue.start_s, duration_s=duration_s)
    await emit(CueEnded(cue=cue.number, duration_s=round(duration_s, 3)))
    return Played(cue.start_s, duration_s, tempo, latencies, failure, clip.stream.voice)


def _latencies(
    clip: Clip, line: Line, timing: Timing, start_s: float, duration_s: float, now: float
) -> Latencies:
    clause = line.clause
    lag_s = start_s + duration_s / 2 - (clause.start_s + clause.end_s) / 2
    return Latencies(
        endpoint_ms=_ms(timing.decided_at - timing.arrived_at),
        recognition_ms=_ms(timing.recognized_at - timing.decided_at),
        translation_ms=round(clip.translation_ms, 1),
        synthesis_ms=round(clip.synthesis_ms, 1),
        total_ms=_ms(now - timing.arrived_at),
        lag_ms=round(lag_s * 1000, 1),
    )


def _ms(seconds: float) -> float:
    # Word times are estimates: a word may seem to end after it was committed.
    return round(max(0.0, seconds) * 1000, 1)
