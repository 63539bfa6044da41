"""ElevenLabs' output formats: their names, and PCM made into them block by block."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.catalog import Plan
from pipeline.types import Pcm

Codec = Literal["pcm", "ulaw", "alaw", "mp3"]
DEFAULT_FORMAT = "mp3_44100_128"
_RATES: dict[Codec, frozenset[int]] = {
    "pcm": frozenset((8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)),
    "ulaw": frozenset((8000,)),
    "alaw": frozenset((8000,)),
    "mp3": frozenset((22_050, 24_000, 44_100)),
}
_CONTENT_TYPES: dict[Codec, str] = {
    "pcm": "audio/pcm",
    "ulaw": "audio/basic",
    "alaw": "audio/basic",
    "mp3": "audio/mpeg",
}
_AV_NAMES: dict[Codec, tuple[str, str]] = {
    "ulaw": ("pcm_mulaw", "s16"),
    "alaw": ("pcm_alaw", "s16"),
    "mp3": ("libmp3lame", "s16p"),
}


@dataclass(frozen=True, slots=True)
class OutputFormat:
    name: str
    codec: Codec
    rate_hz: int
    kbps: int
    """Of MP3; 0 for the others."""

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.codec]


def read_format(name: str, plan: Plan) -> OutputFormat:
    """Raises RefusalError: an unknown name, one not made here (opus, wav) or not in the plan."""
    match = re.fullmatch(r"(pcm|ulaw|alaw|mp3)_(\d+)(?:_(\d+))?", name)
    if match is None:
        raise errors.invalid_format(name)
    codec: Codec = match[1]  # type: ignore[assignment]  # the pattern lets no other through
    rate_hz, kbps = int(match[2]), int(match[3] or 0)
    if rate_hz not in _RATES[codec] or (kbps > 0) != (codec == "mp3") or kbps > 192:
        raise errors.invalid_format(name)
    if codec == "pcm" and rate_hz >= 44_100 and not plan.high_rates:
        raise errors.format_not_included(name)
    return OutputFormat(name, codec, rate_hz, kbps)


class Encoder(Protocol):
    def push(self, pcm: Pcm) -> bytes: ...

    def flush(self) -> bytes: ...


class RawEncoder:
    """16-bit little-endian samples as they are."""

    def push(self, pcm: Pcm) -> bytes:
        return pcm.astype("<i2", copy=False).tobytes()

    def flush(self) -> bytes:
        return b""


class CodecEncoder:
    """The other formats, by FFmpeg's encoders."""

    def __init__(self, wanted: OutputFormat) -> None:
        name, self._layout = _AV_NAMES[wanted.codec]
        self._codec = cast(AudioCodecContext, AudioCodecContext.create(name, "w"))
        self._codec.sample_rate = wanted.rate_hz
        self._codec.format = self._layout
        self._codec.layout = "mono"
        if wanted.kbps:
            self._codec.bit_rate = wanted.kbps * 1000
        self._fifo = av.AudioFifo()
        self._rate_hz = wanted.rate_hz
        self._codec.open()

    def push(self, pcm: Pcm) -> bytes:
        if not len(pcm):
            return b""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(pcm, np.int16).reshape(1, -1), format=self._layout, layout="mono"
        )
        frame.sample_rate = self._rate_hz
        self._fifo.write(frame)
        return self._encode(partial=False)

    def flush(self) -> bytes:
        made = self._encode(partial=True)
        return made + b"".join(bytes(packet) for packet in self._codec.encode(None))

    def _encode(self, *, partial: bool) -> bytes:
        # MP3 frames have one length, G.711 takes any.
        samples = self._codec.frame_size or max(1, self._fifo.samples)
        made = b""
        while self._fifo.samples >= samples or (partial and self._fifo.samples):
            frame = self._fifo.read(min(samples, self._fifo.samples))
            if frame is None:
                break
            made += b"".join(bytes(packet) for packet in self._codec.encode(frame))
        return made


def encoder_for(wanted: OutputFormat) -> Encoder:
    return RawEncoder() if wanted.codec == "pcm" else CodecEncoder(wanted)
