"""How well speakers are told apart, and what a voiceprint costs.

    python -m pipeline.benchmarks.speakers [--models var/models] [--data ../shared/data]

Lines are what the real segmenter cuts out of LibriSpeech clips, longer ones halved until
they are at most 4.5 s. Streams alternate clip by clip, line by line, and at random.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from pipeline.hearing.segmenter import Segmenter
from pipeline.providers.offline.speaker_encoder import Precision, ResemblyzerEncoder
from pipeline.providers.offline.speaker_encoder_export import export
from pipeline.providers.offline.voice_activity import SileroDetector, SileroStream
from pipeline.speakers.clustering import SpeakerRegistry
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Embedding, Pcm

LONG_S = 1.5
LINE_MAX_S = 4.5
CHUNK = 1024
PAUSE_S = 0.3
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


@dataclass(frozen=True, slots=True)
class SpokenLine:
    person: str
    clip: str
    duration_s: float
    voiceprints: dict[Precision, Embedding]


def utterances(pcm: Pcm) -> Iterator[Pcm]:
    """Utterances as the live pipeline cuts them, without their closing silence."""
    stream = SileroDetector().open()
    assert isinstance(stream, SileroStream)
    padded = np.concatenate([pcm, np.zeros(SAMPLE_RATE_HZ // 2, np.int16)])
    segmenter, starts = Segmenter(), dict[int, int]()
    pieces = []
    for start in range(0, len(padded), CHUNK):
        block = padded[start : start + CHUNK]
        pieces += segmenter.push(AudioChunk(start // CHUNK, start, block), stream.detect(block))
    for piece in pieces + segmenter.flush():
        starts.setdefault(piece.utterance, piece.start)
        if piece.ends:
            end = piece.speech_end if piece.speech_end is not None else piece.end
            yield padded[starts[piece.utterance] : end]


def halved(pcm: Pcm) -> list[Pcm]:
    if len(pcm) <= LINE_MAX_S * SAMPLE_RATE_HZ:
        return [pcm]
    return [part for half in np.array_split(pcm, 2) for part in halved(half)]


def read_lines(data: Path, encoders: dict[Precision, ResemblyzerEncoder]) -> list[SpokenLine]:
    lines = []
    for path in sorted((data / "librispeech").glob("*.flac")):
        pcm = soundfile.read(path, dtype="int16")[0]
        for part in (part for whole in utterances(pcm) for part in halved(whole)):
            if len(part) >= 0.4 * SAMPLE_RATE_HZ:
                prints = {p: encoder.embed_now(part) for p, encoder in encoders.items()}
                person = path.name.split("-")[0]
                lines.append(SpokenLine(person, path.stem, len(part) / SAMPLE_RATE_HZ, prints))
    return lines


def streams(lines: Sequence[SpokenLine], people: Sequence[str]) -> dict[str, list[SpokenLine]]:
    mine = {person: [line for line in lines if line.person == person] for person in people}
    by_clip: dict[str, list[list[SpokenLine]]] = {
        person: [list(group) for _, group in itertools.groupby(said, key=lambda line: line.clip)]
        for person, said in mine.items()
    }
    turns = itertools.chain.from_iterable(itertools.zip_longest(*by_clip.values(), fillvalue=[]))
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*mine.values()))
    mixed = [line for said in mine.values() for line in said]
    random.Random(" ".join(people)).shuffle(mixed)
    return {
        "clip by clip": [line for turn in turns for line in turn],
        "line by line": [line for line in rounds if line is not None],
        "at random": mixed,
    }


def follow(stream: Sequence[SpokenLine], precision: Precision) -> tuple[int, float, float]:
    """Speakers found, and the right share of the long lines and of all."""
    registry, at_s, heard = SpeakerRegistry(), 0.0, []
    for line in stream:
        match = registry.observe(line.voiceprints[precision], duration_s=line.duration_s, at_s=at_s)
        heard.append((line, match.speaker))
        at_s += line.duration_s + PAUSE_S
    # Each person is the speaker id that most of their long lines have; no id serves twice.
    votes = Counter((line.person, s) for line, s in heard if s and line.duration_s >= LONG_S)
    names: dict[str, str] = {}
    for (person, speaker), _ in votes.most_common():
        if person not in names and speaker not in names.values():
            names[person] = speaker
    right = [(line.duration_s >= LONG_S, names.get(line.person) == s) for line, s in heard]
    long = [ok for is_long, ok in right if is_long]
    return registry.count, sum(long) / len(long), sum(ok for _, ok in right) / len(right)


def print_diarisation(lines: Sequence[SpokenLine]) -> None:
    people = sorted({line.person for line in lines})
    print("people  stream         model  runs  found          right >=1.5 s (worst)  right, all")
    for count in (2, 3, 6):
        for precision in PRECISIONS:
            results = defaultdict(list)
            for group in itertools.combinations(people, count):
                for name, stream in streams(lines, group).items():
                    results[name].append(follow(stream, precision))
            for name, runs in results.items():
                found = dict(sorted(Counter(run[0] for run in runs).items()))
                long, every = [run[1] for run in runs], [run[2] for run in runs]
                print(
                    f"{count:6}  {name:13}  {precision:5}  {len(runs):4}  {found!s:13}  "
                    f"{np.mean(long):9.3f} ({min(long):.3f})      {np.mean(every):9.3f}"
                )


def equal_error(same: Sequence[float], different: Sequence[float]) -> tuple[float, float]:
    """Equal error rate and the threshold where it is met."""
    thresholds = np.unique([*same, *different])
    misses = np.array([np.mean(np.array(same) < t) for t in thresholds])
    alarms = np.array([np.mean(np.array(different) >= t) for t in thresholds])
    best = int(np.argmin(np.abs(misses - alarms)))
    return float((misses[best] + alarms[best]) / 2), float(thresholds[best])


def print_encoder(data: Path, encoders: dict[Precision, ResemblyzerEncoder]) -> None:
    speech: dict[str, Pcm] = {}
    for path in sorted((data / "librispeech").glob("*.flac")):
        spoken = list(utterances(soundfile.read(path, dtype="int16")[0]))
        speech[path.name] = np.concatenate(spoken) if spoken else np.zeros(0, np.int16)
    print("\nlength  model  EER    at    embed ms p50  p95")
    for seconds in (1, 2, 4):
        size = seconds * SAMPLE_RATE_HZ
        for precision, encoder in encoders.items():
            prints, costs = [], []
            for name, pcm in speech.items():
                for start in list(range(0, len(pcm) - size + 1, size))[:3]:
                    begun = time.perf_counter()
                    voiceprint = encoder.embed_now(pcm[start : start + size])
                    costs.append(1000 * (time.perf_counter() - begun))
                    prints.append((name.split("-")[0], voiceprint))
            pairs = [
                (a[0] == b[0], float(a[1] @ b[1])) for a, b in itertools.combinations(prints, 2)
            ]
            rate, at = equal_error(
                [cosine for is_same, cosine in pairs if is_same],
                [cosine for is_same, cosine in pairs if not is_same],
            )
            p50, p95 = np.percentile(costs, [50, 95])
            print(f"{seconds:4} s  {precision:5}  {rate:5.1%}  {at:.3f}  {p50:12.1f}  {p95:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Speakers told apart, and the encoder's cost.")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    export(arguments.models)
    encoders = {p: ResemblyzerEncoder.from_folder(arguments.models, p) for p in PRECISIONS}
    lines = read_lines(arguments.data, encoders)
    print(f"{len(lines)} lines, {sum(line.duration_s >= LONG_S for line in lines)} of >= 1.5 s\n")
    print_diarisation(lines)
    print_encoder(arguments.data, encoders)


if __name__ == "__main__":
    main()
