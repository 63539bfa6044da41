"""What a recogniser makes of a synthesizer's speech: how far that tells good lines from bad.

    python -m pipeline.benchmarks.listening [DATA] [--lines 30] [--voices 2]

Sentences of the shared recordings' transcripts are spoken by the offline synthesizer in English
and heard by the offline recogniser, as the step ``check`` of a project does. A good line is
compared with what it says, a bad one with what another line says, or lacks half of its sound.
From this come the thresholds of ``pipeline.batch.checking``.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import numpy as np

from pipeline.batch.checking import letter_errors, word_errors
from pipeline.batch.hearing import hear
from pipeline.benchmarks.word_errors import clean_recordings
from pipeline.plan import Engines
from pipeline.ports import RecognitionOptions, SpeechRequest
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.offline.voice_activity import SileroDetector
from pipeline.providers.scripted.hearing import ScriptedEncoder
from pipeline.providers.scripted.speaking import ScriptedCloner, ScriptedTranslator
from pipeline.types import Pcm, Voice

LANGUAGE = "en"
WORDS = range(5, 26)
"""Of a sentence: as lines of dubs have them."""


async def spoken(engines: Engines, text: str, voice: Voice) -> Pcm:
    request = SpeechRequest(text=text, language=LANGUAGE, voice=voice, whole=True)
    stream = engines.synthesizer.synthesize(request)
    return np.concatenate([block async for block in await stream])


async def heard(engines: Engines, pcm: Pcm) -> str:
    options = RecognitionOptions(languages=(LANGUAGE,))
    lines = await hear(pcm, 0, engines, options, language=LANGUAGE)
    return " ".join(one.text for one in lines)


async def measure(texts: list[str], voices: int) -> dict[str, list[tuple[str, str]]]:
    """Kind → what should have been said, and what was heard."""
    engines = Engines(
        detector=SileroDetector(),
        recognizer=PocketSphinxRecognizer(streams_max=2),
        translator=ScriptedTranslator(),
        synthesizer=EspeakSynthesizer(),
        # Who speaks is not asked.
        encoder=ScriptedEncoder(),
        cloner=ScriptedCloner(),
    )
    found: dict[str, list[tuple[str, str]]] = {"right": [], "another": [], "half": []}
    try:
        for voice in engines.synthesizer.voices(LANGUAGE)[:voices]:
            for number, text in enumerate(texts):
                pcm = await spoken(engines, text, voice)
                said = await heard(engines, pcm)
                found["right"].append((text, said))
                found["another"].append((texts[number - 1], said))
                found["half"].append((text, await heard(engines, pcm[: len(pcm) // 2])))
    finally:
        await engines.synthesizer.aclose()
        await engines.recognizer.aclose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--voices", type=int, default=2)
    given = parser.parse_args()
    sentences = [" ".join(one.transcript) for one in clean_recordings(given.data)]
    texts = [one for one in dict.fromkeys(sentences) if len(one.split()) in WORDS][: given.lines]
    found = asyncio.run(measure(texts, given.voices))
    print(f"{len(texts)} sentences, {given.voices} voices")
    for errors in (word_errors, letter_errors):
        report(errors.__name__, {n: [errors(*one) for one in pairs] for n, pairs in found.items()})


def report(title: str, found: dict[str, list[float]]) -> None:
    print(f"{title}: 5, 25, 50, 75 and 95 of a hundred are below")
    for name, rates in found.items():
        shares = np.quantile(rates, (0.05, 0.25, 0.5, 0.75, 0.95))
        print(f"  {name:8}", "  ".join(f"{one:.2f}" for one in shares))
    for threshold in np.arange(0.3, 1.05, 0.05):
        marked = {n: float(np.mean(np.array(r) > threshold)) for n, r in found.items()}
        print(f"  > {threshold:.2f}", "  ".join(f"{n} {share:4.0%}" for n, share in marked.items()))


if __name__ == "__main__":
    main()
