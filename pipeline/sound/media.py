"""Audio out of any file or message: 16 kHz mono PCM, decoded by FFmpeg's libraries.

Blocking code: call it from a thread or a worker, never from the event loop.
Playlist formats are refused, because they name further files and addresses.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import av.audio.resampler
import av.container
import av.error
import numpy as np
import numpy.typing as npt

from pipeline.bounds import CHANNELS_MAX, FILE_RATE_MAX_HZ
from pipeline.types import SAMPLE_RATE_HZ, Pcm

AudioContainer = Literal["wav", "flac", "ogg", "mp3"]
Samples = npt.NDArray[np.int16]
"""Shape (frames, channels)."""

_FORMATS = (
    "3gp,aac,ac3,aiff,amr,ape,asf,au,avi,caf,dv,eac3,flac,flv,matroska,webm,mov,mp4,m4a,mp3,mpeg,"
    "mpegts,mxf,ogg,rm,tta,w64,wav,wv"
)
_OPTIONS = {"protocol_whitelist": "file,pipe", "format_whitelist": _FORMATS}
_GAP_S = 0.2
"""Holes in a stream's timestamps from this length on are filled with silence."""
_GAP_MAX_S = 3600.0


class MediaError(Exception):
    """A file or message could not be read or written; ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file holds, as far as dubbing is concerned."""

    path: Path
    container: str
    duration_s: float | None
    sample_rate_hz: int
    channels: int
    audio_streams: int
    audio_codec: str
    has_video: bool
    language: str | None
    """Language tag of the first audio stream, as the file writes it."""

    def blocks(self, *, block_s: float = 0.1) -> Iterator[Pcm]:
        """16 kHz mono audio from media time 0 on, in blocks of one length but the last."""
        samples = self.samples(rate_hz=SAMPLE_RATE_HZ, channels=1, block_s=block_s)
        return (block[:, 0] for block in samples)

    def samples(self, *, rate_hz: int, channels: int, block_s: float = 1.0) -> Iterator[Samples]:
        """The first audio stream at the wanted rate, mono (1) or stereo (2) channels.

        Holds about one block in memory. Damaged packets are skipped; raises
        MediaError("media_unreadable") when nothing at all can be decoded.
        """
        frames = max(1, round(block_s * rate_hz))
        if self.container == "s16le":
            pieces = _raw_pieces(self.path, rate_hz, channels)
        else:
            pieces = _decoded_pieces(str(self.path), rate_hz, channels)
        return _in_blocks(pieces, frames)


def open_media(path: Path) -> MediaInfo:
    """Look into a file. ``.raw`` is 16 kHz mono PCM16 little-endian without a header.

    Raises MediaError: media_missing, media_unreadable or media_without_audio.
    """
    if not path.is_file():
        raise MediaError("media_missing", f"There is no file {path}.")
    if path.suffix.lower() == ".raw":
        seconds = path.stat().st_size / 2 / SAMPLE_RATE_HZ
        return MediaInfo(
            path,
            "s16le",
            seconds,
            SAMPLE_RATE_HZ,
            1,
            1,
            "pcm_s16le",
            has_video=False,
            language=None,
        )
    try:
        with av.open(str(path), options=dict(_OPTIONS)) as container:
            if not container.streams.audio:
                raise MediaError("media_without_audio", f"{path.name} has no audio track.")
            audio = container.streams.audio[0]
            has_video = any(
                # A cover picture is a video stream too.
                not stream.disposition & stream.disposition.attached_pic
                for stream in container.streams.video
            )
            return MediaInfo(
                path=path,
                container=container.format.name,
                duration_s=container.duration / 1e6 if container.duration else None,
                sample_rate_hz=audio.sample_rate,
                channels=audio.channels,
                audio_streams=len(container.streams.audio),
                audio_codec=audio.codec_context.name,
                has_video=has_video,
                language=audio.metadata.get("language"),
            )
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise MediaError(
            "media_unreadable", f"{path.name} is no audio or video file that can be read."
        ) from error


def audio_container(data: bytes) -> AudioContainer | None:
    """Which container ``data`` is, by its first bytes; None for raw samples."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:4] == b"OggS":
        return "ogg"
    if data[:3] == b"ID3" or _begins_with_mp3_frames(data):
        return "mp3"
    return None


def decode_audio_blob(data: bytes, *, max_seconds: float) -> Pcm:
    """A WAV, FLAC, OGG or MP3 message as 16 kHz mono PCM.

    Raises MediaError: audio_format_unknown (no such container: perhaps raw
    samples), audio_unreadable or audio_too_long.
    """
    container = audio_container(data)
    if container is None:
        raise MediaError("audio_format_unknown", "The audio is not WAV, FLAC, OGG or MP3.")
    pieces: list[Pcm] = []
    frames = 0
    try:
        for piece in _decoded_pieces(io.BytesIO(data), SAMPLE_RATE_HZ, 1, container):
            pieces.append(piece[:, 0])
            frames += len(piece)
            if frames > max_seconds * SAMPLE_RATE_HZ:
                raise MediaError(
                    "audio_too_long", f"The audio is longer than {max_seconds:g} seconds."
                )
    except MediaError as error:
        if error.code == "audio_too_long":
            raise
        raise MediaError(
            "audio_unreadable", f"The audio looks like {container.upper()} but cannot be decoded."
        ) from error
    return np.concatenate(pieces)


_MP3_KBPS = {
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5
}
_MP3_RATES_HZ = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}


def _mp3_frame_bytes(header: bytes) -> int | None:
    """Length of the MPEG layer III frame that ``header`` begins, or None (ISO 11172-3)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return None
    kbps = _MP3_KBPS[3 if version == 3 else 2][bitrate - 1]
    samples = 144 if version == 3 else 72
    return samples * 1000 * kbps // _MP3_RATES_HZ[version][rate] + (header[2] >> 1 & 1)


def _begins_with_mp3_frames(data: bytes) -> bool:
    # Raw samples can begin like a frame, but not have another where that one ends.
    length = _mp3_frame_bytes(data[:4])
    if length is None:
        return False
    following = data[length : length + 4]
    return not following or (
        _mp3_frame_bytes(following) is not None and following[1] & 0xFE == data[1] & 0xFE
    )


def _decoded_pieces(
    source: str | io.BytesIO, rate_hz: int, channels: int, container_format: str | None = None
) -> Iterator[Samples]:
    """Decode the first audio stream; time before it starts, and holes in it, are silence."""
    try:
        container = av.open(source, "r", format=container_format, options=dict(_OPTIONS))
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise MediaError("media_unreadable", "The file cannot be opened.") from error
    done = 0
    with container:
        if not container.streams.audio:
            raise MediaError("media_without_audio", "There is no audio track.")
        stream = container.streams.audio[0]
        origin_s = (container.start_time or 0) / 1e6
        resampler = av.audio.resampler.AudioResampler(
            format="s16", layout="mono" if channels == 1 else "stereo", rate=rate_hz
        )
        for frame in _frames(container, stream):
            if frame is not None and frame.time is not None:
                gap_s = min(frame.time - origin_s - done / rate_hz, _GAP_MAX_S)
                if gap_s > _GAP_S or (done == 0 and gap_s > 0):
                    silence = np.zeros((round(gap_s * rate_hz), channels), np.int16)
                    done += len(silence)
                    yield silence
            if frame is not None:
                _refuse_unheard_of(frame)
            try:
                resampled = resampler.resample(frame)
            except (av.error.FFmpegError, ValueError):
                continue
            for piece in resampled:
                samples = _samples(piece, channels)
                done += len(samples)
                yield samples
    if done == 0:
        raise MediaError("media_unreadable", "The audio track cannot be decoded.")


def _frames(
    container: av.container.InputContainer, stream: av.AudioStream
) -> Iterator[av.AudioFrame | None]:
    """Decoded frames, without those that are damaged; a last None flushes the resampler."""
    packets = container.demux(stream)
    decoded_any = False
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            break
        try:
            for frame in packet.decode():
                decoded_any = True
                yield frame
        except av.error.FFmpegError:
            continue
    # Nothing was put in, so there is nothing to flush out.
    if decoded_any:
        yield None


def _refuse_unheard_of(frame: av.AudioFrame) -> None:
    """What headers may claim, and FFmpeg's resampler cannot take: of more channels it writes
    past its tables and the process dies; a rate of gigahertz costs it a minute and a gigabyte.
    """
    if frame.layout.nb_channels > CHANNELS_MAX:
        raise MediaError("media_unreadable", f"The audio has more than {CHANNELS_MAX} channels.")
    if frame.sample_rate > FILE_RATE_MAX_HZ:
        raise MediaError("media_unreadable", f"The audio has more than {FILE_RATE_MAX_HZ} Hz.")


def _samples(frame: av.AudioFrame, channels: int) -> Samples:
    """A resampled frame: packed 16-bit samples by construction."""
    return frame.to_ndarray().astype(np.int16, copy=False).reshape(-1, channels)


def _raw_pieces(path: Path, rate_hz: int, channels: int) -> Iterator[Samples]:
    resampler = av.audio.resampler.AudioResampler(
        format="s16", layout="mono" if channels == 1 else "stereo", rate=rate_hz
    )
    with path.open("rb") as file:
        while data := file.read(2 * SAMPLE_RATE_HZ):
            pcm = np.frombuffer(data[: len(data) // 2 * 2], "<i2").reshape(1, -1)
            if not pcm.size:
                break
            frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE_HZ
            for piece in resampler.resample(frame):
                yield _samples(piece, channels)
        for piece in resampler.resample(None):
            yield _samples(piece, channels)


def _in_blocks(pieces: Iterator[Samples], frames: int) -> Iterator[Samples]:
    waiting: list[Samples] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece)
        if count < frames:
            continue
        joined = np.concatenate(waiting)
        whole = count // frames * frames
        for start in range(0, whole, frames):
            yield joined[start : start + frames]
        waiting = [joined[whole:]]
        count -= whole
    if count:
        yield np.concatenate(waiting)
