"""Turns a clip into a cue on the media clock and sends its sound as it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from pipeline.events import CueAudio, CueEnded, CueScheduled, Event, Latencies
from pipeline.making import Clip
from pipeline.ports import EngineError
from pipeline.scheduler import Placement, Scheduler
from pipeline.stretch import TimeStretcher
from pipeline.types import Line, Pcm

TEMPO_DEADBAND = 0.02
"""A tempo nearer to 1 than this is not heard and not worth stretching."""

FASTEST = 1.45
"""Ratio to natural speech beyond which a dub is no longer followed with ease."""

Emit = Callable[[Event | CueAudio], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Timing:
    """Moments of a line on the run's clock, seconds."""

    arrived_at: float
    """When the last source word had come in."""
    decided_at: float
    recognized_at: float


@dataclass(frozen=True, slots=True)
class Played:
    """A cue that was sent. ``failure`` is set when its sound broke off."""

    start_s: float
    duration_s: float
    tempo: float
    latencies: Latencies
    failure: EngineError | None


async def play(
    clip: Clip,
    *,
    cue: int,
    line: Line,
    timing: Timing,
    placement: Placement,
    scheduler: Scheduler,
    emit: Emit,
    clock: Callable[[], float],
) -> Played:
    """Send one cue: its event, its sound, its end."""
    assert clip.stream is not None
    assert clip.blocks is not None
    rate_hz = clip.stream.sample_rate_hz
    # The engine already hurried by what the backlog asked for when it began.
    residual = min(placement.tempo / clip.tempo, max(1.0, FASTEST / clip.stream.rate))
    if abs(residual - 1) <= TEMPO_DEADBAND:
        residual = 1.0
    stretcher = TimeStretcher(rate_hz, residual) if residual != 1.0 else None
    expected_s = clip.stream.expected_s / residual
    scheduler.occupy(start_s=placement.start_s, duration_s=expected_s)
    latencies = _latencies(clip, line, timing, placement.start_s, expected_s, clock())
    tempo = round(clip.stream.rate * residual, 3)
    await emit(
        CueScheduled(
            cue=cue,
            line=line.sequence,
            speaker=line.speaker.speaker,
            start_s=round(placement.start_s, 3),
            duration_s=round(expected_s, 3),
            sample_rate=rate_hz,
            tempo=tempo,
            engine=line.voice.engine,
            voice=line.voice.id,
            latencies=latencies,
        )
    )
    samples = 0

    async def send(pcm: Pcm, *, last: bool = False) -> None:
        nonlocal samples
        if len(pcm) or last:
            await emit(
                CueAudio(
                    cue=cue,
                    start_s=placement.start_s + samples / rate_hz,
                    sample_rate=rate_hz,
                    pcm=pcm.astype("<i2", copy=False).tobytes(),
                    last=last,
                )
            )
            samples += len(pcm)

    failure: EngineError | None = None
    async with aclosing(clip):
        try:
            block = clip.first
            while block is not None:
                await send(stretcher.push(block) if stretcher else block)
                block = await anext(clip.blocks, None)
        except EngineError as error:
            failure = error
    await send(stretcher.flush() if stretcher else np.zeros(0, dtype=np.int16), last=True)
    duration_s = samples / rate_hz
    scheduler.occupy(start_s=placement.start_s, duration_s=duration_s)
    await emit(CueEnded(cue=cue, duration_s=round(duration_s, 3)))
    return Played(placement.start_s, duration_s, tempo, latencies, failure)


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
