"""What the analysis of voice samples says of real recordings, and what it costs.

    python -m pipeline.benchmarks.samples [--models var/models] [--data ../shared/data]

First every recording as it is, then LibriSpeech speakers made worse in known ways, then how
far the noise estimate is off, then how many people are found, then the cost of three ways
to find the pitch.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.voice_activity import SileroDetector, SileroStream
from pipeline.runtime.world import pyworld
from pipeline.sample_quality import Analysis, Recording, analyse, read_recording
from pipeline.sample_quality.measures import FRAME_SAMPLES
from pipeline.sample_quality.recording import recording_of
from pipeline.sound.media import MediaError
from pipeline.types import SAMPLE_RATE_HZ, Pcm

Analyser = Callable[[Recording], Analysis]


def detect(pcm: Pcm) -> list[float]:
    stream = SileroDetector().open()
    assert isinstance(stream, SileroStream)
    return stream.detect(pcm)


def row(name: str, found: Analysis) -> str:
    one = found.measures
    figures = (
        f"{one.duration_s:6.1f} {one.speech_s:6.1f} {_or_dash(one.snr_db):>5} "
        f"{one.clipped_share:8.5f} {_or_dash(one.loudness_lufs):>6} {one.bandwidth_hz:6d} "
        f"{one.speakers:2d} {_or_dash(one.pitch_median_hz):>6}"
    )
    return f"{name:44.44} {figures}  {found.verdict:8} {', '.join(r.code for r in found.reasons)}"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def as_they_are(data: Path, analyser: Analyser) -> None:
    print(f"{'recording':44}    s  speech   SNR  clipped   LUFS   band  n  pitch  verdict")
    for path in sorted(data.rglob("*.*")):
        if path.suffix in (".md", ".py", ".txt") or "librispeech" in str(path):
            continue
        try:
            print(row(str(path.relative_to(data)), analyser(read_recording(path))))
        except MediaError as error:
            print(f"{path.relative_to(data)!s:44} {error.code}")


def people_of(data: Path) -> dict[str, list[Pcm]]:
    clips: dict[str, list[Pcm]] = {}
    for path in sorted((data / "librispeech").glob("*.flac")):
        clips.setdefault(path.name[:4].rstrip("-"), []).append(read_recording(path).samples)
    return clips


def noisy(pcm: Pcm, decibels: float) -> Pcm:
    """White noise so far below the speech."""
    noise = np.random.default_rng(0).standard_normal(len(pcm))
    probabilities = np.asarray(detect(pcm))
    spoken = np.repeat(probabilities > 0.5, FRAME_SAMPLES)
    power = float(np.mean(pcm[: len(spoken)][spoken].astype(np.float64) ** 2))
    mixed = pcm + noise * np.sqrt(power / 10 ** (decibels / 10))
    return louder(mixed, 1.0)


def telephone(pcm: Pcm) -> Pcm:
    down = soxr.resample(pcm, SAMPLE_RATE_HZ, 7_000)
    return np.asarray(soxr.resample(down, 7_000, SAMPLE_RATE_HZ))


def louder(samples: npt.NDArray[Any], times: float) -> Pcm:
    return np.asarray(np.clip(samples * float(times), -32768, 32767), np.int16)


MADE_WORSE: dict[str, Callable[[Pcm], Pcm]] = {
    "as they are": lambda pcm: pcm,
    "15 dB of noise": lambda pcm: noisy(pcm, 15),
    "5 dB of noise": lambda pcm: noisy(pcm, 5),
    "telephone": telephone,
    "six times as loud, clipped": lambda pcm: louder(pcm, 6),
    "and then turned down": lambda pcm: louder(louder(pcm, 6), 0.6),
    "a hundredth as loud": lambda pcm: louder(pcm, 0.01),
    "the first two seconds": lambda pcm: pcm[: 2 * SAMPLE_RATE_HZ],
    "silence": np.zeros_like,
}


def made_worse(clips: dict[str, list[Pcm]], analyser: Analyser) -> None:
    print("\nSix speakers of LibriSpeech, all their clips joined")
    for name, change in MADE_WORSE.items():
        found = [
            analyser(recording_of(change(np.concatenate(each)), SAMPLE_RATE_HZ))
            for each in clips.values()
        ]
        verdicts = Counter(one.verdict for one in found)
        reasons = Counter(reason.code for one in found for reason in one.reasons)
        print(f"  {name:28} {dict(verdicts)}  {dict(reasons)}")


def noise_estimate(clips: dict[str, list[Pcm]], analyser: Analyser) -> None:
    print("\nNoise mixed in, and found (mean and worst of the two cleanest speakers' clips)")
    for level in (0, 5, 10, 15, 20, 30):
        found = [
            analyser(recording_of(noisy(clip, level), SAMPLE_RATE_HZ)).measures.snr_db
            for person in ("2033", "3080")
            for clip in clips[person]
        ]
        values = np.array([one for one in found if one is not None])
        worst = float(values[np.argmax(np.abs(values - level))])
        print(f"  {level:3d} dB: {values.mean():5.1f}, worst {worst:5.1f}")


def people_found(clips: dict[str, list[Pcm]], analyser: Analyser) -> None:
    print("\nPeople found, two clips of each")
    for count in (1, 2, 3):
        right, cases = 0, 0
        for group in itertools.combinations(clips, count):
            pcm = np.concatenate([clips[one][turn] for turn in (1, 2) for one in group])
            right += analyser(recording_of(pcm, SAMPLE_RATE_HZ)).measures.speakers == count
            cases += 1
        print(f"  {count}: right in {right} of {cases}")


def pitch_costs(clips: dict[str, list[Pcm]]) -> None:
    import librosa

    pcm = np.concatenate(clips["3080"])[: 15 * SAMPLE_RATE_HZ].astype(np.float64) / 32_768
    rate = SAMPLE_RATE_HZ

    def dio() -> np.ndarray:
        rough, times = pyworld.dio(pcm, rate, f0_floor=60, f0_ceil=500, frame_period=10)
        return np.asarray(pyworld.stonemask(pcm, rough, times, rate))

    def harvest() -> np.ndarray:
        return np.asarray(pyworld.harvest(pcm, rate, f0_floor=60, f0_ceil=500, frame_period=10)[0])

    def pyin() -> np.ndarray:
        found = librosa.pyin(pcm, fmin=60, fmax=500, sr=rate, frame_length=1024, hop_length=160)
        return np.asarray(np.nan_to_num(found[0]))

    print(f"\nPitch of {len(pcm) / rate:.0f} s")
    for way in (dio, harvest, pyin):
        way()
        begin = time.perf_counter()
        found = way()
        taken = time.perf_counter() - begin
        print(
            f"  {way.__name__:8} {taken * 1000:7.0f} ms, median {np.median(found[found > 0]):.0f}"
        )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--models", type=Path, default=Path("var/models"))
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    encoder = ResemblyzerEncoder.from_folder(chosen.models)
    spent = [0.0, 0.0]

    def analyser(recording: Recording) -> Analysis:
        begin = time.process_time()
        found = analyse(recording, detect=detect, embed=encoder.embed_now)
        spent[0] += time.process_time() - begin
        spent[1] += recording.duration_s
        return found

    as_they_are(chosen.data, analyser)
    clips = people_of(chosen.data)
    made_worse(clips, analyser)
    noise_estimate(clips, analyser)
    people_found(clips, analyser)
    pitch_costs(clips)
    print(f"\nThe analysis took {spent[0] / spent[1]:.1%} of the recordings' length on one core")


if __name__ == "__main__":
    main()
