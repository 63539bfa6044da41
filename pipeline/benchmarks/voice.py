"""How close shaped voices come to the people they follow, and what that costs.

Run ``python -m pipeline.benchmarks.voice [DATA]`` with DATA the folder of recordings
(default ``$DUBBING_SPEECH_DATA``, then ``../shared/data``). For six LibriSpeech speakers
it learns a profile from 3 to 6 s of speech and speaks English and Spanish lines through
the very synthesiser that production uses. Similarity is Resemblyzer's cosine to the
centroid of *other* clips of the speaker; intelligibility is pocketsphinx's word error rate.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from pipeline.ports import SpeechRequest
from pipeline.providers.offline.shaping import DEFAULT_STRENGTH, Shaping, WorldCloner
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.sound.prosody import measure, register_of
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

SPEAKERS = ("1688", "1998", "2033", "367", "3080", "2609")
LINES = {
    "en": (
        "The committee will publish its final report on the reform next Tuesday.",
        "I never thought that we would see so many people here tonight.",
        "Please remember to close the windows before you leave the house.",
        "He walked slowly along the river and thought about the letter.",
    ),
    "es": (
        "El comité publicará su informe final sobre la reforma el próximo martes.",
        "Nunca pensé que veríamos a tanta gente aquí esta noche.",
        "Por favor, recuerda cerrar las ventanas antes de salir de casa.",
        "Caminó despacio por el río y pensó en la carta.",
    ),
}
PROFILE_S = 6.0
CENTROID_CLIPS = 4


@dataclass
class Spoken:
    speaker: str
    language: str
    text: str
    shaped: bool
    pcm: Pcm
    first_block_ms: float
    total_ms: float
    voiceprint: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(256, np.float32))


@dataclass
class Person:
    name: str
    centroid: npt.NDArray[np.float32]
    stock: Voice
    shaped: Voice
    clone_ms: float


def read_clips(folder: Path, name: str) -> list[Pcm]:
    files = sorted(folder.glob(f"{name}-*.flac"))
    return [soundfile.read(file, dtype="int16")[0] for file in files]


async def meet(
    name: str,
    folder: Path,
    encoder: ResemblyzerEncoder,
    synthesizer: EspeakSynthesizer,
    cloner: WorldCloner,
) -> Person:
    """Learn a speaker: the profile from the shortest fitting clips, the centroid from others."""
    by_length = sorted(read_clips(folder, name), key=len)
    sample, used = np.zeros(0, np.int16), 0
    while len(sample) < 3.0 * SAMPLE_RATE_HZ:
        sample = np.concatenate([sample, by_length[used]])
        used += 1
    sample = sample[: round(PROFILE_S * SAMPLE_RATE_HZ)]
    prints = [
        await encoder.embed(clip[: 10 * SAMPLE_RATE_HZ])
        for clip in by_length[used : used + CENTROID_CLIPS]
    ]
    centroid = np.mean(prints, axis=0)
    register = register_of(measure(sample, 0).pitch_hz)
    voices = synthesizer.voices("en")
    stock = next((voice for voice in voices if voice.register == register), voices[0])
    started = time.perf_counter()
    shaped = await cloner.clone(sample, stock)
    return Person(
        name=name,
        centroid=centroid / np.linalg.norm(centroid),
        stock=stock,
        shaped=shaped,
        clone_ms=(time.perf_counter() - started) * 1000,
    )


async def speak(
    synthesizer: EspeakSynthesizer, person: Person, language: str, text: str, *, shaped: bool
) -> Spoken:
    voice = person.shaped if shaped else person.stock
    started = time.perf_counter()
    stream = await synthesizer.synthesize(SpeechRequest(text=text, language=language, voice=voice))
    blocks: list[Pcm] = []
    first_ms = 0.0
    async for block in stream:
        first_ms = first_ms or (time.perf_counter() - started) * 1000
        blocks.append(block)
    total_ms = (time.perf_counter() - started) * 1000
    return Spoken(person.name, language, text, shaped, np.concatenate(blocks), first_ms, total_ms)


def report_likeness(people: Sequence[Person], lines: Iterable[Spoken]) -> None:
    for language in LINES:
        scores: dict[bool, list[tuple[float, bool]]] = {False: [], True: []}
        for line in lines:
            if line.language != language:
                continue
            cosines = {p.name: float(p.centroid @ line.voiceprint) for p in people}
            nearest = max(cosines, key=cosines.__getitem__)
            scores[line.shaped].append((cosines[line.speaker], nearest == line.speaker))
        mean = {kind: float(np.mean([c for c, _ in rows])) for kind, rows in scores.items()}
        right = {kind: float(np.mean([r for _, r in rows])) for kind, rows in scores.items()}
        print(
            f"{language}: cosine to own speaker unshaped {mean[False]:.3f}, shaped {mean[True]:.3f}"
            f" (gain {mean[True] - mean[False]:+.3f}, target +0.100); nearest of six is the right"
            f" one: unshaped {right[False]:.0%}, shaped {right[True]:.0%} (target 80 %)"
        )


def report_cost(people: Sequence[Person], lines: Sequence[Spoken]) -> None:
    for shaped in (False, True):
        rows = [line for line in lines if line.shaped == shaped]
        first = [line.first_block_ms for line in rows]
        factor = sum(line.total_ms for line in rows) / sum(
            len(line.pcm) / SAMPLE_RATE_HZ * 1000 for line in rows
        )
        print(
            f"{'shaped' if shaped else 'unshaped'}: first block p50 {np.percentile(first, 50):.0f}"
            f" ms, p95 {np.percentile(first, 95):.0f} ms (target 150); RTF {factor:.3f}"
        )
    clones = [person.clone_ms for person in people]
    print(f"clone: median {np.median(clones):.0f} ms, worst {max(clones):.0f} ms (target 500)")


def report_intelligibility(lines: Sequence[Spoken]) -> None:
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", fwdflat=False)
    for shaped in (False, True):
        wrong = words = 0
        for line in lines:
            if line.language != "en" or line.shaped != shaped:
                continue
            decoder.start_utt()
            decoder.process_raw(line.pcm.tobytes(), full_utt=True)
            decoder.end_utt()
            heard = decoder.hyp().hypstr.split() if decoder.hyp() else []
            said = line.text.lower().replace(".", "").replace(",", "").split()
            wrong += word_errors(said, heard)
            words += len(said)
        print(f"word error rate, {'shaped' if shaped else 'unshaped'}: {wrong / words:.2f}")


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        previous, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (word != other)))
    return row[-1]


async def stalls(stop: asyncio.Event) -> list[float]:
    """How late a 2 ms tick of the event loop is, in ms, until ``stop`` is set."""
    late: list[float] = []
    while not stop.is_set():
        started = time.perf_counter()
        await asyncio.sleep(0.002)
        late.append((time.perf_counter() - started) * 1000 - 2.0)
    return late


async def run(data: Path, models: Path, strength: float) -> None:
    encoder = ResemblyzerEncoder(models / "resemblyzer-0.1.4-fp32.onnx")
    synthesizer = EspeakSynthesizer(shaping=Shaping(strength=strength))
    await synthesizer.prepare("es")
    cloner = WorldCloner()
    folder = data / "librispeech"
    try:
        people = [await meet(name, folder, encoder, synthesizer, cloner) for name in SPEAKERS]
        stop = asyncio.Event()
        watch = asyncio.create_task(stalls(stop))
        lines = [
            await speak(synthesizer, person, language, text, shaped=shaped)
            for shaped in (False, True)
            for person in people
            for language, texts in LINES.items()
            for text in texts
        ]
        stop.set()
        late = await watch
    finally:
        await synthesizer.aclose()
    for line in lines:
        line.voiceprint = await encoder.embed(line.pcm)
    print(f"strength {strength:.2f}; {len(people)} speakers, {len(lines)} lines")
    report_likeness(people, lines)
    report_cost(people, lines)
    print(f"event loop late by p99 {np.percentile(late, 99):.1f} ms, worst {max(late):.1f} ms")
    report_intelligibility(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("DUBBING_SPEECH_DATA", "../shared/data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--strength", type=float, default=DEFAULT_STRENGTH)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.data, arguments.models, arguments.strength))


if __name__ == "__main__":
    main()
