"""What every client of a load test says: one stream, cut into frames once for all.

With scripted engines it is a tone and a pause, over and over: each tone is one
utterance, which the server commits at its endpoint. Which frame the endpoint is decided
by is found by running the server's own segmenter over the same sound.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.emulators.marks import marked
from pipeline.hearing.segmenter import Segmenter
from pipeline.providers.scripted.engines import detector
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.settings import EngineSettings
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

FRAME_SAMPLES = 1024
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
TONE_FRAMES = 31
PAUSE_FRAMES = 16
"""About two seconds of tone and one of pause, in whole frames so that all repeat alike."""
APART_SAMPLES = 7200 * SAMPLE_RATE_HZ
"""From one session's sound to the next one's, in the emulated vendors' script."""
_HEARD_TOLERANCE_S = 0.001
"""Positions in messages are rounded to milliseconds."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What made the server commit a clause."""

    frame: int
    """Number of the frame whose audio did it."""
    at_endpoint: bool
    """False when the clause was cut out of a moving hypothesis: no final was waited for."""


@dataclass(frozen=True, slots=True)
class Source:
    """One period of sound without end.

    ``lead`` is the client's phase, in frames of a tone's period.
    """

    frames: tuple[bytes, ...]
    quiet: bytes
    """A frame of silence, mono PCM16 little-endian like the others."""
    endpoint_frame: int | None = None
    """Frame of the period at which a tone's end is decided; None for speech."""

    def pcm(self, number: int, lead: int, session: int) -> bytes:
        """Sound of a client's frame. The first tone is whole, speech begins anywhere.

        It says where it is from, each session's from a place of its own: emulated vendors
        hear other words in each, as they would of real people.
        """
        if self.endpoint_frame is None:
            shift = lead * len(self.frames) // (TONE_FRAMES + PAUSE_FRAMES)
            sound = self.frames[(number + shift) % len(self.frames)]
        else:
            tone = self.frames[(number - lead) % len(self.frames)]
            sound = self.quiet if number < lead else tone
        start = session * APART_SAMPLES + number * FRAME_SAMPLES
        return marked(np.frombuffer(sound, "<i2"), start).astype("<i2").tobytes()

    def decision(
        self, *, heard_s: float | None, start_s: float, end_s: float, lead: int
    ) -> Decision | None:
        """Which frame made the server commit the clause from ``start_s`` to ``end_s``.

        ``heard_s`` is what the server says of it: the media time of the newest audio it
        had heard. Without it the segmenter's rule says, for tones; None: unknown.
        """
        period = len(self.frames)
        heard = None if heard_s is None else math.ceil((heard_s - _HEARD_TOLERANCE_S) / FRAME_S) - 1
        if self.endpoint_frame is None:
            return None if heard is None else Decision(heard, at_endpoint=True)
        middle = round((start_s + end_s) / 2 / FRAME_S) - lead
        begins = lead + middle // period * period
        endpoint = begins + self.endpoint_frame
        if heard is None:
            return Decision(endpoint, at_endpoint=True)
        return Decision(heard, at_endpoint=heard >= begins + TONE_FRAMES)


def tones() -> Source:
    """The source for scripted engines."""
    pcm = np.concatenate(
        [tone(TONE_FRAMES * FRAME_S), silence(PAUSE_FRAMES * FRAME_S)],
    )
    return Source(_cut(pcm), bytes(2 * FRAME_SAMPLES), asyncio.run(_endpoint_frame(pcm)))


def speech(clip: Path) -> Source:
    """The source for engines that understand: a 16 kHz mono recording, again and again."""
    import soundfile

    pcm, rate_hz = soundfile.read(clip, dtype="int16")
    if rate_hz != SAMPLE_RATE_HZ or pcm.ndim != 1:
        raise ValueError(f"{clip} is not a mono recording at {SAMPLE_RATE_HZ} Hz")
    return Source(_cut(pcm), bytes(2 * FRAME_SAMPLES))


def _cut(pcm: Pcm) -> tuple[bytes, ...]:
    whole = len(pcm) // FRAME_SAMPLES
    return tuple(
        pcm[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES].astype("<i2").tobytes()
        for n in range(whole)
    )


async def _endpoint_frame(period: Pcm) -> int:
    """Frame of the period by which the segmenter closes its utterance."""
    segmenter = Segmenter()
    listening = detector(EngineSettings(models=Path())).open()
    # The second period counts: the first has less sound before it than all later ones.
    pcm = np.concatenate([period, period])
    for number in range(len(pcm) // FRAME_SAMPLES):
        start = number * FRAME_SAMPLES
        block = pcm[start : start + FRAME_SAMPLES]
        pieces = segmenter.push(AudioChunk(number, start, block), await listening.push(block))
        if any(piece.ends for piece in pieces) and start >= len(period):
            return number - len(period) // FRAME_SAMPLES
    raise AssertionError("the segmenter hears no end of a tone")
