"""Does the dub follow how something was said? Real clips, said otherwise; ranks in and out.

Energy, pitch range and tempo of a clip are changed one after another and all together, from
calm to excited: WORLD moves the pitch, libsonic the tempo. The clip is measured as in a live
session, its style goes into the dub, and the dub is measured in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from pipeline.ports import SpeechRequest
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.runtime.world import pyworld
from pipeline.sound.prosody import SpeakerProsody, measure
from pipeline.sound.stretch import stretch
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Style, Voice

SAID = "I never thought that we would see so many people here tonight."
STEPS = (-1.0, -0.66, -0.33, 0.0, 0.33, 0.66, 1.0)
"""From calm to excited."""
ENERGY_DB, RANGE, TEMPO = 6.0, 0.6, 0.25
"""Of a step of 1: decibels, and exponents of the ratios."""
CLIP_S = 5.0


@dataclass(frozen=True, slots=True)
class Change:
    energy_db: float = 0.0
    pitch_range: float = 1.0
    tempo: float = 1.0


def changes(step: float) -> dict[str, Change]:
    """One at a time, and all of them."""
    energy = ENERGY_DB * step
    wide, quick = float(np.exp(RANGE * step)), float(np.exp(TEMPO * step))
    return {
        "energy": Change(energy_db=energy),
        "range": Change(pitch_range=wide),
        "tempo": Change(tempo=quick),
        "all": Change(energy, wide, quick),
    }


def said_otherwise(pcm: Pcm, change: Change) -> Pcm:
    samples = pcm.astype(np.float64) / 32_768
    if change.pitch_range != 1.0:
        f0, times = pyworld.harvest(samples, SAMPLE_RATE_HZ)
        envelope = pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE_HZ)
        noise = pyworld.d4c(samples, f0, times, SAMPLE_RATE_HZ)
        voiced = f0 > 0
        centre = np.median(np.log(f0[voiced]))
        f0[voiced] = np.exp(centre + (np.log(f0[voiced]) - centre) * change.pitch_range)
        samples = pyworld.synthesize(f0, envelope, noise, SAMPLE_RATE_HZ)
    samples = samples * 10 ** (change.energy_db / 20) * 0.4
    changed = (np.clip(samples, -1, 1) * 32_767).astype(np.int16)
    return stretch(changed, SAMPLE_RATE_HZ, change.tempo) if change.tempo != 1.0 else changed


def style_of(usual: Sequence[float], pcm: Pcm, words: int) -> Style:
    """As in a session in which the speaker's ways are known."""
    return SpeakerProsody(*usual).style_of(measure(pcm, words))


async def report_style(
    synthesizer: EspeakSynthesizer,
    voices: Mapping[str, Voice],
    clips_of: Callable[[str], list[Pcm]],
) -> None:
    print("rank correlation of what was said with the dub (target 0.7 each)")
    print("speaker    energy  F0 range  rate    all: energy  F0 range  rate")
    found: dict[str, list[float]] = {}
    for name, voice in voices.items():
        clip = np.concatenate(clips_of(name)[:2])[: round(CLIP_S * SAMPLE_RATE_HZ)]
        words = round(len(clip) / SAMPLE_RATE_HZ * 2.6)
        known = SpeakerProsody()
        for _ in range(3):
            known.style_of(measure(said_otherwise(clip, Change()), words))
        heard: dict[str, list[tuple[float, float, float]]] = {}
        for step in STEPS:
            for kind, change in changes(step).items():
                style = style_of(known.export(), said_otherwise(clip, change), words)
                stream = await synthesizer.synthesize(SpeechRequest(SAID, "en", voice, style))
                dub = np.concatenate([block async for block in stream])
                told = measure(dub, 12)
                heard.setdefault(kind, []).append(
                    (told.level_db, told.pitch_spread, 12 / (len(dub) / SAMPLE_RATE_HZ))
                )
        row = [
            _rank([one[place] for one in heard[kind]])
            for place, kind in enumerate(("energy", "range", "tempo"))
        ] + [_rank([one[place] for one in heard["all"]]) for place in range(3)]
        for place, value in enumerate(row):
            found.setdefault(str(place), []).append(value)
        print(f"{name:<10}" + "".join(f"{value:>9.2f}" for value in row), flush=True)
    print(f"{'mean':<10}" + "".join(f"{np.mean(one):>9.2f}" for one in found.values()))


def _rank(values: Sequence[float]) -> float:
    """Spearman's, of the steps with what came out; 0 where nothing moved."""
    if len(set(values)) < 2:
        return 0.0
    return float(spearmanr(STEPS, values).statistic)
