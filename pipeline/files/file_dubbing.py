"""Dubs a whole file with the same pipeline as a live stream, as fast as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.dubber import Dubber
from pipeline.events import CueAudio, CueScheduled, Failure, Summary
from pipeline.files.mixer import DubCue, Mixer
from pipeline.files.muxer import mux, video_suffix
from pipeline.files.subtitles import srt
from pipeline.plan import DubbingPlan, Engines
from pipeline.reporting.record import LineRecord
from pipeline.sound.media import MediaInfo
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

Progress = Callable[[float], None]
"""Called with the media time reached, seconds."""


@dataclass(slots=True)
class DubbedMedia:
    """Everything one dubbing of a file gave, in source order."""

    lines: list[LineRecord] = field(default_factory=list)
    cues: list[DubCue] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    summary: Summary | None = None

    def subtitles(self) -> list[tuple[float, float, str]]:
        """Start, end (s) and text of the translation, at the times at which it is heard."""
        shown = []
        for line in self.lines:
            start_s = line.start_s if line.cue_start_s is None else line.cue_start_s
            length_s = line.cue_duration_s or line.end_s - line.start_s
            shown.append((start_s, start_s + length_s, line.target_text))
        return shown


@dataclass(frozen=True, slots=True)
class DubbedFiles:
    dub: Path
    mix: Path
    srt: Path
    video: Path | None = None


async def dub_media(
    blocks: Iterable[Pcm], plan: DubbingPlan, engines: Engines, progress: Progress
) -> DubbedMedia:
    """Dub 16 kHz mono audio; raises EngineError when it cannot even begin."""
    dubber = Dubber(plan, engines)
    await dubber.start()
    feeding = asyncio.create_task(_feed(dubber, blocks, progress))
    dubbed = DubbedMedia()
    sound: dict[int, list[Pcm]] = {}
    cues: dict[int, CueScheduled] = {}
    try:
        async with aclosing(dubber.events()) as events:
            async for event in events:
                match event:
                    case CueScheduled():
                        cues[event.cue] = event
                        sound[event.cue] = []
                    case CueAudio():
                        sound[event.cue].append(np.frombuffer(event.pcm, dtype="<i2"))
                    case LineRecord():
                        dubbed.lines.append(event)
                    case Failure():
                        dubbed.failures.append(event)
                    case Summary():
                        dubbed.summary = event
                    case _:
                        pass
        await feeding
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await dubber.aclose()
    dubbed.cues = [
        DubCue(cues[number].start_s, np.concatenate(parts), cues[number].sample_rate)
        for number, parts in sound.items()
        if parts
    ]
    return dubbed


async def _feed(dubber: Dubber, blocks: Iterable[Pcm], progress: Progress) -> None:
    start = 0
    iterator = iter(blocks)
    try:
        # Decoding blocks: it runs in a thread, one block ahead at a time.
        while (pcm := await asyncio.to_thread(next, iterator, None)) is not None:
            await dubber.feed(AudioChunk(0, start, pcm))
            start += len(pcm)
            progress(start / SAMPLE_RATE_HZ)
    finally:
        await dubber.finish()


def write_files(
    media: MediaInfo,
    cues: list[DubCue],
    subtitles: list[tuple[float, float, str]],
    folder: Path,
    *,
    source_language: str,
    target_language: str,
) -> DubbedFiles:
    """Write the dub alone, the ducked mix, subtitles and, for video, the muxed file.

    Blocks for as long as the media is being read again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{media.path.stem}.{target_language}"
    dub, mix = folder / f"{stem}.dub.wav", folder / f"{stem}.mix.wav"
    srt_path = folder / f"{stem}.srt"
    Mixer(cues).write(media, mix, dub)
    srt_path.write_text(srt(subtitles), encoding="utf-8")
    video = None
    if media.has_video:
        video = folder / f"{stem}{video_suffix(media.path)}"
        mux(
            media.path,
            mix,
            srt_path,
            video,
            source_language=source_language,
            target_language=target_language,
        )
    return DubbedFiles(dub, mix, srt_path, video)
