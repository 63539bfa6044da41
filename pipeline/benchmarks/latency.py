"""Latency of the whole offline pipeline on real speech at the pace of real time.

Run: ``python -m pipeline.benchmarks.latency [--to es] [--clips a.wav b.flac …]``
Prints every line, then p50 and p95 of each stage beside its target.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import numpy as np

from pipeline.dubber import Dubber
from pipeline.events import Failure, Latencies, Skipped, SpeakerHeard, Summary
from pipeline.plan import DubbingPlan
from pipeline.providers.registry import make_engines
from pipeline.providers.settings import EngineSettings
from pipeline.reporting.record import LineRecord
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Pcm

CHUNK_SAMPLES = 1024
PAUSE_S = 0.6
TARGETS_MS = {
    "endpoint_ms": (300, None),
    "recognition_ms": (None, 300),
    "translation_ms": (None, 20),
    "synthesis_ms": (None, 150),
    "total_ms": (600, 1000),
    "lag_ms": (2500, 4000),
}
CLEAN_CLIPS = (
    "en/sense_and_sensibility_01_austen_64kb-0870.wav",
    "en/sense_and_sensibility_01_austen_64kb-0880.wav",
    "en/LJ001-0001.flac",
    "en/sense_and_sensibility_01_austen_64kb-0890.wav",
    "en/leopard_en.wav",
    "librispeech/1688-142285-0002.flac",
    "librispeech/2609-156975-0002.flac",
    "en/LJ001-0005.flac",
    "librispeech/1998-15444-0001.flac",
    "en/sense_and_sensibility_01_austen_64kb-0920.wav",
    "en/jfk.flac",
    "librispeech/2033-164914-0001.flac",
)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", default="es")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--clips", type=Path, nargs="*")
    arguments = parser.parse_args()
    clips = arguments.clips or [arguments.data / name for name in CLEAN_CLIPS]
    source = joined(clips)

    engines = make_engines(EngineSettings(models=arguments.models))
    plan = DubbingPlan(session_id="benchmark", source_language="en", target_language=arguments.to)
    dubber = Dubber(plan, engines)
    await dubber.start()
    print(f"{len(clips)} clips, {len(source) / SAMPLE_RATE_HZ:.0f} s at the pace of real time")
    feeding = asyncio.create_task(pace(dubber, source))
    lines: list[LineRecord] = []
    cpu_s, began = time.process_time(), time.monotonic()
    async for event in dubber.events():
        match event:
            case LineRecord():
                lines.append(event)
                _print_line(event)
            case Skipped() | Failure() | SpeakerHeard() | Summary():
                print("   ", event)
            case _:
                pass
    await feeding
    await dubber.aclose()
    await engines.aclose()
    elapsed_s = time.monotonic() - began
    print(f"server process: {(time.process_time() - cpu_s) / elapsed_s:.1%} of a core")
    _print_stages([line.latencies for line in lines if line.latencies])
    _print_clauses(lines)


def joined(clips: list[Path]) -> Pcm:
    """One recording, with a pause behind each clip."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), dtype=np.int16)
    parts = [part for clip in clips for part in (*open_media(clip).blocks(), pause)]
    return np.concatenate(parts)


async def pace(dubber: Dubber, source: Pcm) -> None:
    """The source as fast as it is spoken, to its end."""
    began = time.monotonic()
    for start in range(0, len(source), CHUNK_SAMPLES):
        pcm = source[start : start + CHUNK_SAMPLES]
        due_s = (start + len(pcm)) / SAMPLE_RATE_HZ - (time.monotonic() - began)
        await asyncio.sleep(max(0.0, due_s))
        dubber.push(AudioChunk(start // CHUNK_SAMPLES, start, pcm))
    await dubber.finish()


def _print_line(line: LineRecord) -> None:
    figures = line.latencies
    if figures is None:
        return
    print(
        f"{line.start_s:7.2f}–{line.end_s:6.2f} {line.speaker or '–':<3} "
        f"end {figures.endpoint_ms:4.0f} rec {figures.recognition_ms:4.0f} "
        f"mt {figures.translation_ms:3.0f} tts {figures.synthesis_ms:4.0f} "
        f"total {figures.total_ms:5.0f} lag {figures.lag_ms:5.0f} ×{line.tempo:.2f}  "
        f"{line.source_text} → {line.target_text}"
    )


def _print_stages(latencies: list[Latencies]) -> None:
    print(f"{'stage':<16}{'p50':>8}{'p95':>8}{'max':>8}   target p50 / p95")
    for name, targets in TARGETS_MS.items():
        values = [getattr(figures, name) for figures in latencies]
        p50, p95 = np.percentile(values, [50, 95])
        wanted = " / ".join("–" if target is None else f"≤ {target}" for target in targets)
        print(f"{name:<16}{p50:8.0f}{p95:8.0f}{max(values):8.0f}   {wanted}")


def _print_clauses(lines: list[LineRecord]) -> None:
    p50, p95 = np.percentile([line.end_s - line.start_s for line in lines], [50, 95])
    speakers = len({line.speaker for line in lines})
    print(f"{len(lines)} lines of {p50:.1f} s (p95 {p95:.1f} s), {speakers} speakers")


if __name__ == "__main__":
    asyncio.run(main())
