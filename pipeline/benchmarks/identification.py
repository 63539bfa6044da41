"""How well known actors are recognised, and strangers left alone.

    python -m pipeline.benchmarks.identification [DATA] [--models var/models]

Each of six LibriSpeech speakers is enrolled from two of their clips, clean, in all fifteen
choices of two; the others are what is heard in later sessions. Strangers: each of the six is
left out in turn and heard among the other five. The rules were set on other recordings. A
dub is the same person in another language: their offline voice, shaped after two clips,
speaks Spanish.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.benchmarks.channels import Noise, read, telephone
from pipeline.benchmarks.speakers import utterances
from pipeline.benchmarks.voice import LINES
from pipeline.ports import SpeechRequest
from pipeline.providers.offline.shaping import DEFAULT_STRENGTH, Shaping, WorldCloner
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.sound.prosody import measure, register_of
from pipeline.speakers.identification import (
    SUGGEST_AT,
    Band,
    Candidate,
    Heard,
    Match,
    Mean,
    Rules,
    identify,
    mean_of,
)
from pipeline.speakers.voiceprinting import SpeechRefusedError, voiceprints_of
from pipeline.types import SAMPLE_RATE_HZ, Pcm

SECONDS = (1.5, 2.0, 4.0)
ENROLLED_CLIPS = 2
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PROBES_A_CLIP = 6
Channel = Callable[[Pcm], Pcm]
Bands = Mapping[Band, Heard]


@dataclass(frozen=True, slots=True)
class Probe:
    person: str
    clip: str
    voice: Bands


class Recordings:
    def __init__(self, data: Path) -> None:
        self.speech: dict[str, Pcm] = {}
        for path in sorted((data / "librispeech").glob("*.flac")):
            spoken = list(utterances(read(path)))
            self.speech[path.stem] = np.concatenate(spoken)
        self.clips: defaultdict[str, list[str]] = defaultdict(list)
        for clip in self.speech:
            self.clips[person_of(clip)].append(clip)
        noise = Noise(read(data / "noise" / "speechbrain_noise3.wav"), 10.0)
        self.channels: dict[str, Channel] = {
            "clean": lambda pcm: pcm,
            "noise 10 dB": noise,
            "telephone": telephone,
        }

    @property
    def people(self) -> list[str]:
        return sorted(self.clips)


def person_of(clip: str) -> str:
    return clip.split("-")[0]


async def bands_of(encoder: ResemblyzerEncoder, pcm: Pcm) -> Bands | None:
    try:
        return (await voiceprints_of(encoder, pcm)).heard
    except SpeechRefusedError:
        return None


async def enrolled_bands(encoder: ResemblyzerEncoder, pcm: Pcm) -> Bands | None:
    """As ``bands_of``, of what is kept of somebody."""
    try:
        return (await voiceprints_of(encoder, pcm)).kept
    except SpeechRefusedError:
        return None


async def probes_of(
    encoder: ResemblyzerEncoder, recordings: Recordings, channel: Channel, seconds: float
) -> list[Probe]:
    probes, size = [], int(seconds * SAMPLE_RATE_HZ)
    for clip, pcm in recordings.speech.items():
        starts = list(range(0, len(pcm) - size + 1, size))[:PROBES_A_CLIP]
        for start in starts:
            voice = await bands_of(encoder, channel(pcm[start : start + size]))
            probes.append(Probe(person_of(clip), clip, voice or {}))
    return probes


def means(several: Sequence[Bands]) -> dict[Band, Mean]:
    bands = {band for one in several for band in one}
    found = {band: mean_of(one[band] for one in several if band in one) for band in bands}
    return {band: mean for band, mean in found.items() if mean is not None}


def as_heard(voice: Bands) -> dict[Band, Mean]:
    return {band: Mean(one.embedding, one.speech_s, one.quality) for band, one in voice.items()}


@dataclass
class Counts:
    """``known`` and ``strangers``: (state, whether it is the right one, score)."""

    known: list[tuple[str, bool, float]]
    strangers: list[tuple[str, float]]

    def row(self) -> str:
        kinds = Counter((state, right) for state, right, _ in self.known)
        of = max(len(self.known), 1)
        wrong = sum(n for (state, right), n in kinds.items() if state != "unknown" and not right)
        stay = sum(state == "unknown" for state, _ in self.strangers)
        confirmed = sum(state == "confirmed" for state, _ in self.strangers)
        confirmed += kinds["confirmed", False]
        right = kinds["confirmed", True] + kinds["suggested", True]
        return (
            f"{len(self.known):6} {right / of:6.1%} {kinds['confirmed', True] / of:9.1%} "
            f"{wrong / of:6.1%}   {len(self.strangers):6} "
            f"{stay / max(len(self.strangers), 1):6.1%} {confirmed:9}"
        )

    def rates(self) -> str:
        """False rejects and false accepts when ``SUGGEST_AT`` were at each threshold."""
        known = np.array([score if right else 0.0 for _, right, score in self.known])
        strange = np.array([score for _, score in self.strangers])
        return "  ".join(
            f"{np.mean(known < at):6.1%}/{np.mean(strange >= at):6.2%}" for at in THRESHOLDS
        )


def trial(
    probes: Sequence[Probe],
    enrolment: Mapping[str, Bands],
    recordings: Recordings,
    rules: Rules,
) -> Counts:
    counts = Counts([], [])
    for chosen in itertools.combinations(range(6), ENROLLED_CLIPS):
        enrolled = {
            person: Candidate(person, means([enrolment[clips[n]] for n in chosen]))
            for person, clips in recordings.clips.items()
        }
        for probe in probes:
            if recordings.clips[probe.person].index(probe.clip) in chosen:
                continue
            voice = as_heard(probe.voice)
            everybody = list(enrolled.values())
            match = identify(voice, everybody, actors=len(everybody), rules=rules)
            score, right = best(voice, everybody, probe.person, rules)
            counts.known.append((match.state, match.actor == probe.person, score if right else 0.0))
            others = [one for one in everybody if one.actor != probe.person]
            match = identify(voice, others, actors=len(others), rules=rules)
            counts.strangers.append((match.state, best(voice, others, "", rules)[0]))
    return counts


def best(
    voice: Mapping[Band, Mean], candidates: Sequence[Candidate[str]], person: str, rules: Rules
) -> tuple[float, bool]:
    """The best score by itself, without margin, and whether it is ``person``'s."""
    found: tuple[float, str] = (0.0, "")
    for one in candidates:
        alone: Match[str] = identify(voice, [one], actors=len(candidates), rules=rules)
        found = max(found, (alone.score, one.actor))
    return found[0], found[1] == person


async def recognise(encoder: ResemblyzerEncoder, recordings: Recordings, rules: Rules) -> None:
    enrolment = {}
    for clip, pcm in recordings.speech.items():
        found = await enrolled_bands(encoder, pcm)
        # A clip that is too noisy would not have been enrolled; none of these is.
        enrolment[clip] = found or {}
    print(
        "                        known                          never enrolled\n"
        "channel      seconds  tried  right  confirmed  wrong    tried  unknown  confirmed wrong"
    )
    rates = []
    for name, channel in recordings.channels.items():
        for seconds in SECONDS:
            probes = await probes_of(encoder, recordings, channel, seconds)
            counts = trial(probes, enrolment, recordings, rules)
            print(f"{name:11}  {seconds:7.1f} {counts.row()}")
            rates.append(f"{name:11}  {seconds:7.1f}  {counts.rates()}")
    print("\nfalse rejects / false accepts (a stranger as anybody), by score alone, at")
    print(" " * 22 + "  ".join(f"{at:13.1f}" for at in THRESHOLDS))
    print("\n".join(rates))


async def dubs(encoder: ResemblyzerEncoder, recordings: Recordings, rules: Rules) -> None:
    """Spanish dubs recognised as their speakers, and one actor's dubs in two sessions."""
    synthesizer = EspeakSynthesizer(shaping=Shaping(strength=DEFAULT_STRENGTH))
    await synthesizer.prepare("es")
    spoken: dict[tuple[str, int], list[Bands]] = {}
    try:
        for person, clips in recordings.clips.items():
            # The voice is the actor's; the speech that it is shaped after is each session's.
            pitch = measure(recordings.speech[clips[0]], 0).pitch_hz
            voices = synthesizer.voices("es")
            stock = next((v for v in voices if v.register == register_of(pitch)), voices[0])
            for session, chosen in enumerate((clips[:2], clips[2:4])):
                sample = np.concatenate([recordings.speech[clip] for clip in chosen])
                shaped = await WorldCloner().clone(sample[: 6 * SAMPLE_RATE_HZ], stock)
                lines = []
                for text in LINES["es"]:
                    request = SpeechRequest(text=text, language="es", voice=shaped)
                    stream = await synthesizer.synthesize(request)
                    pcm = np.concatenate([block async for block in stream])
                    voice = await bands_of(encoder, pcm)
                    lines.append(voice or {})
                spoken[person, session] = lines
    finally:
        await synthesizer.aclose()
    enrolled = []
    for person, clips in recordings.clips.items():
        found = [await enrolled_bands(encoder, recordings.speech[clip]) for clip in clips[4:6]]
        enrolled.append(Candidate(person, means([one for one in found if one])))
    counts = Counts([], [])
    for (person, _), lines in spoken.items():
        for line in lines:
            sounding = as_heard(line)
            match = identify(sounding, enrolled, actors=len(enrolled), rules=rules)
            score, right = best(sounding, enrolled, person, rules)
            counts.known.append((match.state, match.actor == person, score if right else 0.0))
            others = [one for one in enrolled if one.actor != person]
            match = identify(sounding, others, actors=len(others), rules=rules)
            counts.strangers.append((match.state, best(sounding, others, "", rules)[0]))
    print(f"\nSpanish dub, a line   {counts.row()}\n{'':22}{counts.rates()}")
    dub = {key: means(lines)["wide"].embedding for key, lines in spoken.items() if means(lines)}
    people = sorted({person for person, _ in dub})
    same = [float(dub[p, 0] @ dub[p, 1]) for p in people]
    two = [float(dub[p, 0] @ dub[q, 1]) for p in people for q in people if p != q]
    print(
        f"\ndubs of one actor in two sessions: cosine {np.mean(same):.3f} (least {min(same):.3f}); "
        f"of two actors: {np.mean(two):.3f} (most {max(two):.3f})"
    )


async def overlapped(encoder: ResemblyzerEncoder, recordings: Recordings, rules: Rules) -> None:
    """Two enrolled people speaking at once, equally loud, for four seconds."""
    enrolled = []
    for person, clips in recordings.clips.items():
        found = [await enrolled_bands(encoder, recordings.speech[clip]) for clip in clips[:2]]
        enrolled.append(Candidate(person, means([one for one in found if one])))
    kinds: Counter[str] = Counter()
    for one, other in itertools.combinations(recordings.people, 2):
        for n in (2, 3):
            a = recordings.speech[recordings.clips[one][n]].astype(np.float64)
            b = recordings.speech[recordings.clips[other][n]].astype(np.float64)
            size = min(len(a), len(b), 4 * SAMPLE_RATE_HZ)
            a, b = a[:size], b[:size]
            mix = a + b * np.sqrt(np.mean(a**2) / np.mean(b**2))
            voice = await bands_of(encoder, np.clip(mix, -32768, 32767).astype(np.int16))
            match = identify(as_heard(voice or {}), enrolled, actors=len(enrolled), rules=rules)
            right = match.actor in (one, other)
            kinds[match.state if match.actor is None else f"{match.state} {right}"] += 1
    print(f"\ntwo at once: {dict(sorted(kinds.items()))} (True: as one of the two)")


async def run(data: Path, models: Path) -> None:
    rules = Rules()
    encoder = ResemblyzerEncoder.from_folder(models)
    recordings = Recordings(data)
    print(f"suggested from {SUGGEST_AT}, confirmed from 0.8\n")
    try:
        await recognise(encoder, recordings, rules)
        await overlapped(encoder, recordings, rules)
        await dubs(encoder, recordings, rules)
    finally:
        await encoder.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description="Known actors recognised, strangers left alone.")
    default = os.environ.get("DUBBING_SPEECH_DATA", "../shared/data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    arguments = parser.parse_args()
    asyncio.run(run(arguments.data, arguments.models))


if __name__ == "__main__":
    main()
