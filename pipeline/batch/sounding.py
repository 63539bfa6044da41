"""What is heard and seen of a file before anybody works on it: its content, cut into stretches.

Blocking code, in blocks of a second: memory holds one stretch, however long the file is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np

from pipeline.batch.cutting import Cutter, Stretch
from pipeline.bounds import MEDIA_MAX_S
from pipeline.ports import SpeechDetector, SpeechDetectorStream
from pipeline.sound.media import MediaError, MediaInfo, open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm

PEAKS_PER_S = 20
_PEAK_SAMPLES = SAMPLE_RATE_HZ // PEAKS_PER_S
_SUFFIXES = (
    ("matroska", ".mkv"), ("mov", ".mp4"), ("mp3", ".mp3"), ("flac", ".flac"), ("ogg", ".ogg"),
    ("wav", ".wav"), ("avi", ".avi"), ("mpegts", ".ts"), ("mpeg", ".mpg"), ("asf", ".asf"),
    ("flv", ".flv"), ("aac", ".aac"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Media:
    info: MediaInfo
    video_s: float | None
    """How long the picture moves; None without one."""

    @property
    def suffix(self) -> str:
        """Of its container, whatever the file was called."""
        name = self.info.container
        return next((ending for part, ending in _SUFFIXES if part in name), ".media")


def look_into(path: Path) -> Media:
    """Raises MediaError with words for who has sent it: media_unreadable, media_without_audio,
    media_too_long."""
    try:
        info = open_media(path)
    except MediaError as error:
        if error.code == "media_without_audio":
            raise MediaError(
                error.code, "The file has no sound track: there is nothing to dub in it."
            ) from None
        raise MediaError(
            "media_unreadable",
            "This is no audio or video file that can be read. Send MP4, MKV, WebM, MP3, WAV, FLAC "
            "or the like, whole and not packed.",
        ) from error
    if info.duration_s is not None and info.duration_s > MEDIA_MAX_S:
        raise too_long()
    return Media(info, _video_s(path, info))


def too_long() -> MediaError:
    return MediaError(
        "media_too_long", f"The file is longer than {MEDIA_MAX_S / 3600:g} hours; cut it in parts."
    )


def _video_s(path: Path, info: MediaInfo) -> float | None:
    if not info.has_video:
        return None
    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            if video.duration is not None and video.time_base is not None:
                return float(video.duration * video.time_base)
    except (av.error.FFmpegError, ValueError, OSError, IndexError):
        pass
    return info.duration_s


@dataclass(frozen=True, slots=True)
class Sounded:
    duration_s: float
    """As decoded: what a header claims is not believed."""
    peaks: bytes
    """Of each twentieth of a second the highest level, 0 to 255."""
    stretches: int


def cut(
    info: MediaInfo,
    detector: SpeechDetector,
    *,
    keep: Callable[[Stretch], None],
    check: Callable[[], None] = lambda: None,
) -> Sounded:
    """Decode the whole file and give each of its stretches to ``keep``, in order.

    ``check`` is called every second of media and may raise. Raises MediaError.
    """
    stream = detector.open()
    cutter = Cutter()
    levels: list[bytes] = []
    samples = count = 0
    for block in info.blocks(block_s=1.0):
        check()
        samples += len(block)
        if samples > MEDIA_MAX_S * SAMPLE_RATE_HZ:
            raise too_long()
        levels.append(_peaks_of(block))
        for stretch in cutter.push(block, _probabilities(stream, block)):
            keep(stretch)
            count += 1
    for stretch in cutter.flush():
        keep(stretch)
        count += 1
    return Sounded(samples / SAMPLE_RATE_HZ, b"".join(levels), count)


def peaks(info: MediaInfo, *, check: Callable[[], None] = lambda: None) -> bytes:
    """Of each twentieth of a second of a file the highest level, 0 to 255.

    ``check`` is called every second of media and may raise. Raises MediaError.
    """
    found = []
    for block in info.blocks(block_s=1.0):
        check()
        found.append(_peaks_of(block))
    return b"".join(found)


def _peaks_of(block: Pcm) -> bytes:
    padded = np.zeros(-(-len(block) // _PEAK_SAMPLES) * _PEAK_SAMPLES, np.int32)
    padded[: len(block)] = np.abs(block.astype(np.int32))
    highest = padded.reshape(-1, _PEAK_SAMPLES).max(axis=1) >> 7
    return bytes(highest.clip(0, 255).astype("u1"))


def _probabilities(stream: SpeechDetectorStream, block: Pcm) -> list[float]:
    async def push() -> list[float]:
        return list(await stream.push(block))

    return asyncio.run(push())
