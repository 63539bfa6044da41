"""How good clones are: like the person, understood, tuned, and true to how something is said.

    python -m pipeline.benchmarks.clones [DATA] [--models var/models] [--only quality,knob,…]

Six LibriSpeech speakers. A clone is made of four clips of each, as a worker makes it; what it
is compared with are other clips. Settings are searched on sentences of their own and judged on
others (``JUDGED``), which neither search nor choice has heard. ``knob`` writes the trade-off
between likeness and intelligibility as a picture. ``style`` changes energy, pitch range and
tempo of real clips, has the dub follow, and ranks what went in against what came out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from pipeline.benchmarks.clone_style import report_style
from pipeline.benchmarks.voice import LINES, SPEAKERS
from pipeline.cloning.material import gather
from pipeline.cloning.quality import (
    SENTENCES,
    TUNING_SENTENCES,
    Quality,
    judged,
    word_errors,
    words_of,
)
from pipeline.cloning.tuning import SHAPING_AXES, search, settings_of
from pipeline.ports import SpeechRequest
from pipeline.providers.offline.bank import WorldBank
from pipeline.providers.offline.shaping import WorldCloner
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.offline.voice_activity import SileroDetector, SileroStream
from pipeline.sample_quality.recording import recording_of
from pipeline.sound.prosody import measure, register_of
from pipeline.types import NO_TUNING, SAMPLE_RATE_HZ, Embedding, Pcm, Voice, VoiceTuning

JUDGED = LINES["en"][:3]
BUDGET = 10
KNOB = (0.0, 0.25, 0.5, 0.7, 0.85, 1.0)
PLAIN_S = 6.0
"""Speech that plain shaping, as in a live session, is made of."""
PARTS = ("quality", "optimised", "knob", "style")


@dataclass(frozen=True)
class Person:
    name: str
    other: Embedding
    """Of clips that nothing was made of; L2 norm 1."""
    held_out: Embedding
    """Of speech that the search may compare with."""
    stock: Voice
    plain: Voice
    clone: Voice


class Bench:
    def __init__(self, data: Path, models: Path) -> None:
        from pocketsphinx import Decoder

        self._folder = data / "librispeech"
        self._encoder = ResemblyzerEncoder(models / "resemblyzer-0.1.4-fp32.onnx")
        self.synthesizer = EspeakSynthesizer()
        self._decoder = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", fwdflat=False)

    def embed(self, pcm: Pcm) -> Embedding:
        return self._encoder.embed_now(pcm)

    def clips(self, name: str) -> list[Pcm]:
        files = sorted(self._folder.glob(f"{name}-*.flac"))
        return [soundfile.read(file, dtype="int16")[0] for file in files]

    async def meet(self, name: str) -> Person:
        clips = self.clips(name)
        recordings = [recording_of(clip, SAMPLE_RATE_HZ) for clip in clips[:4]]
        material = gather(recordings, detect=_detect, embed=self.embed)
        others = [self.embed(clip[: 10 * SAMPLE_RATE_HZ]) for clip in clips[4:]]
        mean = np.mean(others, axis=0)
        first = np.concatenate(clips[:4])[: round(PLAIN_S * SAMPLE_RATE_HZ)]
        register = register_of(measure(first, 0).pitch_hz)
        voices = self.synthesizer.voices("en")
        stock = next((one for one in voices if one.register == register), voices[0])
        banked = await WorldBank().make(material.training, mark=name)
        clone = WorldBank.voice(banked, stock, NO_TUNING)
        assert clone is not None
        return Person(
            name=name,
            other=np.asarray(mean / np.linalg.norm(mean), np.float32),
            held_out=material.held_out,
            stock=stock,
            plain=await WorldCloner().clone(first, stock),
            clone=clone,
        )

    async def say(self, text: str, voice: Voice) -> Pcm:
        stream = await self.synthesizer.synthesize(SpeechRequest(text, "en", voice))
        return np.concatenate([block async for block in stream])

    def wrong(self, text: str, pcm: Pcm) -> tuple[int, int]:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp().hypstr.split() if self._decoder.hyp() else []
        said = words_of(text)
        return word_errors(said, heard), len(said)

    async def quality(
        self, voice: Voice, like: Embedding, texts: Sequence[str]
    ) -> tuple[Quality, list[Embedding]]:
        prints: list[Embedding] = []
        wrong = words = 0
        for text in texts:
            pcm = await self.say(text, voice)
            prints.append(self.embed(pcm))
            errors, count = self.wrong(text, pcm)
            wrong, words = wrong + errors, words + count
        pairs = [float(a @ b) for i, a in enumerate(prints) for b in prints[i + 1 :]]
        found = judged(
            similarity=float(np.mean([like @ one for one in prints])),
            word_error_rate=wrong / words,
            stability=float(np.mean(pairs)) if pairs else 1.0,
        )
        return found, prints


def _detect(pcm: Pcm) -> Sequence[float]:
    stream = SileroDetector().open()
    assert isinstance(stream, SileroStream)
    return stream.detect(pcm)


async def report_quality(bench: Bench, people: Sequence[Person]) -> None:
    """The clone against plain shaping and the stock voice."""
    print("voice            similarity  rank among six  first of six  recogniser's error")
    for kind in ("stock", "plain", "clone"):
        rows: list[tuple[Quality, float, float]] = []
        for person in people:
            voice: Voice = getattr(person, kind)
            found, prints = await bench.quality(voice, person.other, JUDGED)
            ranks = [
                1 + sum(float(one.other @ each) > float(person.other @ each) for one in people)
                for each in prints
            ]
            rows.append((found, float(np.mean(ranks)), float(np.mean([r == 1 for r in ranks]))))
        label = {"stock": "stock", "plain": "plain shaping", "clone": "clone"}[kind]
        errors = [found.word_error_rate or 0.0 for found, _, _ in rows]
        print(
            f"{label:<17}{np.mean([found.similarity for found, _, _ in rows]):>8.3f}"
            f"{np.mean([rank for _, rank, _ in rows]):>16.2f}"
            f"{np.mean([first for _, _, first in rows]):>14.0%}{np.mean(errors):>16.2f}",
            flush=True,
        )


async def report_optimised(bench: Bench, people: Sequence[Person]) -> None:
    """Optimised settings against the defaults on sentences that no search has heard."""
    print("speaker  default  optimised  settings")
    good = 0
    for person in people:

        async def score(tuning: VoiceTuning, person: Person = person) -> Quality:
            voice = replace(person.clone, tuning=tuning)
            return (await bench.quality(voice, person.held_out, TUNING_SENTENCES))[0]

        found = await search(score, SHAPING_AXES, budget=BUDGET)
        chosen = found.best
        if chosen != NO_TUNING:
            # As a worker does: on the usual sentences it has to be better.
            was, _ = await bench.quality(person.clone, person.held_out, SENTENCES)
            voice = replace(person.clone, tuning=chosen)
            if (await bench.quality(voice, person.held_out, SENTENCES))[0].score <= was.score:
                chosen = NO_TUNING
        default, _ = await bench.quality(person.clone, person.other, JUDGED)
        best = default
        if chosen != NO_TUNING:
            voice = replace(person.clone, tuning=chosen)
            best, _ = await bench.quality(voice, person.other, JUDGED)
        good += best.score >= default.score
        print(
            f"{person.name:<9}{default.score:>7.3f}{best.score:>11.3f}  {settings_of(chosen)}",
            flush=True,
        )
    print(f"at least as good: {good} of {len(people)} (target 5)")


async def report_knob(bench: Bench, people: Sequence[Person], picture: Path) -> None:
    """Likeness against intelligibility over the strength of shaping, as a picture."""
    print("strength  similarity  recogniser's error")
    points: list[tuple[float, float, float]] = []
    for strength in KNOB:
        rows = []
        for person in people:
            voice = replace(person.clone, tuning=VoiceTuning(similarity=strength))
            rows.append((await bench.quality(voice, person.other, JUDGED[:2]))[0])
        similarity = float(np.mean([one.similarity for one in rows]))
        error = float(np.mean([one.word_error_rate or 0.0 for one in rows]))
        points.append((strength, similarity, error))
        print(f"{strength:>8.2f}{similarity:>12.3f}{error:>14.2f}", flush=True)
    await asyncio.to_thread(_write, picture, _curve(points))
    print(f"the curve is in {picture}")


def _write(picture: Path, svg: str) -> None:
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg, encoding="utf-8")


def _curve(points: Sequence[tuple[float, float, float]]) -> str:
    """An SVG: intelligibility to the right, likeness upwards, each point its strength."""
    left, top, width, height = 70, 30, 480, 300
    low = min(similarity for _, similarity, _ in points) - 0.02
    high = max(similarity for _, similarity, _ in points) + 0.02
    worst = max(error for _, _, error in points) + 0.05
    least = max(0.0, min(error for _, _, error in points) - 0.05)

    def x(error: float) -> float:
        return round(left + width * (worst - error) / (worst - least), 1)

    def y(similarity: float) -> float:
        return round(top + height * (high - similarity) / (high - low), 1)

    line = " ".join(f"{x(error)},{y(similarity)}" for _, similarity, error in points)
    dots = "".join(
        f'<circle cx="{x(error)}" cy="{y(similarity)}" r="4"/>'
        f'<text x="{x(error) + 7}" y="{y(similarity) - 7}">{strength:g}</text>'
        for strength, similarity, error in points
    )
    ticks = "".join(
        f'<text x="8" y="{y(value) + 4}">{value:.2f}</text>' for value in np.linspace(low, high, 5)
    ) + "".join(
        f'<text x="{x(value) - 12}" y="{top + height + 20}">{value:.2f}</text>'
        for value in np.linspace(least, worst, 5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 40} '
        f'{top + height + 60}" font-family="sans-serif" font-size="12">'
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>{dots}{ticks}'
        f'<text x="{left}" y="18">similarity to the person</text>'
        f'<text x="{left}" y="{top + height + 42}">word error rate of the recogniser '
        "(better to the right); numbers: strength of shaping</text></svg>\n"
    )


async def run(data: Path, models: Path, parts: Sequence[str], picture: Path) -> None:
    bench = Bench(data, models)
    await bench.synthesizer.prepare("en")
    try:
        people = [await bench.meet(name) for name in SPEAKERS]
        if "quality" in parts:
            await report_quality(bench, people)
        if "optimised" in parts:
            await report_optimised(bench, people)
        if "knob" in parts:
            await report_knob(bench, people, picture)
        if "style" in parts:
            voices = {one.name: one.clone for one in people}
            await report_style(bench.synthesizer, voices, bench.clips)
    finally:
        await bench.synthesizer.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("DUBBING_SPEECH_DATA", "../shared/data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--picture", type=Path, default=Path("var/benchmarks/clone_knob.svg"))
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    asyncio.run(run(arguments.data, arguments.models, parts, arguments.picture))


if __name__ == "__main__":
    main()
