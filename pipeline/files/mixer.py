"""A dub laid over its original: ducking, mixing, limiting, in one pass over the file."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from pipeline.sound.media import MediaError, MediaInfo
from pipeline.types import Pcm

DUCK_DOWN_S = 0.110
DUCK_UP_S = 0.600
DUCK_HOLD_S = 0.520
DUCK_FLOOR = 0.15
CEILING = 0.98
"""Highest sample that the limiter lets through, of full scale."""
_LIMITER_REACH_S = 0.010
_BLOCK_S = 1.0

Signal = npt.NDArray[np.float32]
"""Shape (frames, channels), full scale is 1."""


class Cue(Protocol):
    """A piece of dubbed speech and when it is heard; ``pcm`` may be read only when asked for."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def pcm(self) -> Pcm: ...
    @property
    def sample_rate_hz(self) -> int: ...


@dataclass(frozen=True, slots=True)
class DubCue:
    """A piece of dubbed speech and when it is heard."""

    start_s: float
    pcm: Pcm
    sample_rate_hz: int

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.pcm) / self.sample_rate_hz


class Mixer:
    """Writes the ducked mix and the dub alone; memory holds the cues and one second.

    Cues that read their sound when asked for it are held only while they are heard.
    """

    def __init__(self, cues: Sequence[Cue]) -> None:
        self._cues = sorted(cues, key=lambda cue: cue.start_s)
        self._spans = duck_spans([(cue.start_s, cue.end_s) for cue in self._cues])

    def write(
        self,
        original: MediaInfo,
        mix_path: Path,
        dub_path: Path,
        *,
        rate_hz: int | None = None,
        length_s: float | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Mix and write both tracks; WAV or FLAC, by the names' endings.

        The rate is the original's own, 16 to 48 kHz, unless given; an original of
        two or more channels gives a stereo mix. Both tracks last ``length_s``, or without it as
        long as the original or the last cue, whichever ends later. ``check`` is called every
        second of media and may raise.
        """
        rate_hz = rate_hz or min(48_000, max(16_000, original.sample_rate_hz))
        channels = 1 if original.channels == 1 else 2
        mix_limiter, dub_limiter = Limiter(rate_hz, channels), Limiter(rate_hz, 1)
        with (
            _writer(mix_path, rate_hz, channels) as mix_file,
            _writer(dub_path, rate_hz, 1) as dub_file,
        ):
            for source, dub, gain in self._blocks(original, rate_hz, channels, length_s):
                check()
                mix_file.write(mix_limiter.push(source * gain[:, None] + dub[:, None]))
                dub_file.write(dub_limiter.push(dub[:, None]))
            mix_file.write(mix_limiter.flush())
            dub_file.write(dub_limiter.flush())

    def _blocks(
        self, original: MediaInfo, rate_hz: int, channels: int, length_s: float | None
    ) -> Iterator[tuple[Signal, Signal, Signal]]:
        """Original (frames, channels), dub (frames,) and duck gain (frames,), in step."""
        dub = _DubTrack(self._cues, rate_hz)
        block_frames = round(_BLOCK_S * rate_hz)
        source_blocks = original.samples(rate_hz=rate_hz, channels=channels, block_s=_BLOCK_S)
        start = 0
        end = None if length_s is None else round(length_s * rate_hz)
        for block in source_blocks:
            source = _full_scale(block if end is None else block[: end - start])
            if not len(source):
                break
            yield source, dub.read(len(source)), self._gain(start, len(source), rate_hz)
            start += len(source)
        while start < end if end is not None else not dub.finished:
            frames = block_frames if end is None else min(block_frames, end - start)
            yield (
                np.zeros((frames, channels), np.float32),
                dub.read(frames),
                np.ones(frames, np.float32),
            )
            start += frames

    def _gain(self, start: int, frames: int, rate_hz: int) -> Signal:
        times = (start + np.arange(frames)) / rate_hz
        return duck_gain(self._spans, times)


def write_track(
    cues: Sequence[Cue],
    path: Path,
    *,
    rate_hz: int,
    length_s: float,
    check: Callable[[], None] = lambda: None,
) -> None:
    """The cues alone on a mono track of ``length_s``; ``check`` is as of ``Mixer.write``."""
    dub = _DubTrack(sorted(cues, key=lambda cue: cue.start_s), rate_hz)
    limiter = Limiter(rate_hz, 1)
    left = round(length_s * rate_hz)
    with _writer(path, rate_hz, 1) as file:
        while left > 0:
            check()
            frames = min(left, round(_BLOCK_S * rate_hz))
            file.write(limiter.push(dub.read(frames)[:, None]))
            left -= frames
        file.write(limiter.flush())


def duck_spans(speech: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans (start_s, end_s) during which the original is at the floor.

    From the start of each cue to the hold time after its end; touching spans
    become one.
    """
    spans: list[tuple[float, float]] = []
    for start, end in sorted(speech):
        held = end + DUCK_HOLD_S
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], held)
        else:
            spans.append((start, held))
    return spans


def duck_gain(spans: Sequence[tuple[float, float]], times: npt.NDArray[np.float64]) -> Signal:
    """Gain of the original at ``times`` (seconds, ascending), DUCK_FLOOR to 1.

    The way down ends when the cue begins, so that its first word is heard clearly.
    """
    gain = np.ones(len(times))
    if not len(times):
        return gain.astype(np.float32)
    # Of hours of spans those that reach into these times; they are in order, and apart.
    first = bisect_left(spans, times[0] - DUCK_UP_S, key=lambda span: span[1])
    for start, end in itertools.islice(spans, first, None):
        if start - DUCK_DOWN_S > times[-1]:
            break
        corners = (start - DUCK_DOWN_S, start, end, end + DUCK_UP_S)
        np.minimum(gain, np.interp(times, corners, (1, DUCK_FLOOR, DUCK_FLOOR, 1)), out=gain)
    return gain.astype(np.float32)


class _DubTrack:
    """The cues summed on one time line, read from its start to its end."""

    def __init__(self, cues: Sequence[Cue], rate_hz: int) -> None:
        self._waiting = list(reversed(cues))
        self._rate_hz = rate_hz
        self._position = 0
        self._playing: list[tuple[int, Signal]] = []

    @property
    def finished(self) -> bool:
        return not self._waiting and not self._playing

    def read(self, frames: int) -> Signal:
        start, end = self._position, self._position + frames
        while self._waiting and self._waiting[-1].start_s * self._rate_hz < end:
            cue = self._waiting.pop()
            samples = _full_scale(cue.pcm)
            if cue.sample_rate_hz != self._rate_hz and len(samples):
                samples = soxr.resample(samples, cue.sample_rate_hz, self._rate_hz)
            self._playing.append((max(start, round(cue.start_s * self._rate_hz)), samples))
        block = np.zeros(frames, np.float32)
        for cue_start, samples in self._playing:
            first, last = max(start, cue_start), min(end, cue_start + len(samples))
            if first < last:
                block[first - start : last - start] += samples[first - cue_start : last - cue_start]
        self._playing = [cue for cue in self._playing if cue[0] + len(cue[1]) > end]
        self._position = end
        return block


class Limiter:
    """Look-ahead peak limiter: no sample leaves above CEILING, quiet audio is untouched.

    The gain a sample needs is held over the reach to both sides and then averaged
    over the same window, so it is reached smoothly and in time. Output is delayed
    inside, and complete after ``flush``.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._reach = round(_LIMITER_REACH_S * rate_hz)
        self._channels = channels
        self._buffer: Signal = np.zeros((2 * self._reach, channels), np.float32)

    def push(self, block: Signal) -> Signal:
        """Take frames, give those whose future is known; shapes (frames, channels)."""
        context = 2 * self._reach
        samples = np.concatenate([self._buffer, block])
        ready = len(samples) - 2 * context
        if ready <= 0:
            self._buffer = samples
            return samples[:0]
        self._buffer = samples[ready:]
        peaks = np.abs(samples).max(axis=1)
        out = samples[context : context + ready]
        if peaks.max() <= CEILING:
            return out
        needed = np.minimum(1.0, CEILING / np.maximum(peaks, CEILING))
        window = 2 * self._reach + 1
        held = _sliding_minimum(needed, window)
        sums = np.concatenate([[0.0], np.cumsum(held, dtype=np.float64)])
        gain = (sums[window:] - sums[:-window]) / window
        limited: Signal = (out * gain[:ready, None]).astype(np.float32)
        return np.clip(limited, -CEILING, CEILING)

    def flush(self) -> Signal:
        return self.push(np.zeros((2 * self._reach, self._channels), np.float32))


def _full_scale(samples: npt.NDArray[np.int16]) -> Signal:
    return np.divide(samples, 32768, dtype=np.float32)


def _sliding_minimum(values: npt.NDArray[np.floating], window: int) -> npt.NDArray[np.floating]:
    """Minimum of every ``window`` neighbours, by doubling; len(values) - window + 1 of them."""
    size = 1
    while 2 * size <= window:
        values = np.minimum(values[:-size], values[size:])
        size *= 2
    rest = window - size
    return np.minimum(values[:-rest], values[rest:]) if rest else values


def _writer(path: Path, rate_hz: int, channels: int) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(path, "w", rate_hz, channels, subtype="PCM_16")
    except (soundfile.SoundFileError, TypeError, ValueError, OSError) as error:
        raise MediaError(
            "media_unwritable", f"{path} cannot be written: give a .wav or .flac file in a folder."
        ) from error
