"""What tests of Google's engines share: the emulated cloud, speech that is a clock, and ears.

Word n of the clock lasts from 0.4 n to 0.4 (n + 1) seconds of media, so a word that was lost
or said twice shows by its number.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.committing.committer import Committer
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.emulators.google.speech_rules import SpeechRules
from pipeline.emulators.marks import marked
from pipeline.emulators.scripted_ear import ScriptedEar
from pipeline.hearing.segmenter import Segmenter
from pipeline.ports import RecognitionOptions, Recognizer
from pipeline.providers.google.pacing import Pacing
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.scripted.hearing import ScriptedDetector
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.settings import GoogleAccess
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Hypothesis, Pcm, SpeechPiece, Word

WORD_S = 0.4
CHUNK = 1024
QUICK = Pacing(speed=None)
ENGLISH = RecognitionOptions(languages=("en",))


@asynccontextmanager
async def cloud(folder: Path, **given: Any) -> AsyncIterator[GoogleEmulator]:
    """As quick as the test can be: audio may come at any speed."""
    given.setdefault("speech_rules", SpeechRules(pace=None))
    async with GoogleEmulator(folder, **given) as emulator:
        yield emulator


def access(emulator: GoogleEmulator, **changed: Any) -> GoogleAccess:
    settled: dict[str, Any] = {
        "credentials": Path(emulator.account.path).read_text(encoding="utf-8"),
        "region": emulator.speech.rules.region,
        "speech_endpoint": emulator.address,
        "translation_endpoint": emulator.address,
        "root_certificates": emulator.certificate.certificate,
    }
    return GoogleAccess(**settled | changed)


@asynccontextmanager
async def recognizer(
    emulator: GoogleEmulator, pacing: Pacing = QUICK, **changed: Any
) -> AsyncIterator[GoogleRecognizer]:
    engine = GoogleRecognizer(access(emulator, **changed), pacing=pacing)
    try:
        await engine.connect()
        yield engine
    finally:
        await engine.aclose()


def speech(*seconds: float, pause_s: float = 0.0) -> Pcm:
    """Tones that carry their positions, each followed by a pause; a little longer where one
    would begin or end in the middle of a word, which is a matter of taste then."""
    parts, at_s = [], 0.0
    for one in seconds:
        spoken_s = _clear(at_s + one) - at_s
        paused_s = _clear(at_s + spoken_s + pause_s) - at_s - spoken_s
        parts += [tone(spoken_s), silence(paused_s)]
        at_s += spoken_s + paused_s
    return marked(np.concatenate([*parts, silence(0.6)]))


def _clear(at_s: float) -> float:
    return at_s + 0.1 if 0.35 < at_s / WORD_S % 1 < 0.65 else at_s


def ear_for(pcm: Pcm) -> ScriptedEar:
    """Hears the clock where it is loud: pauses may be cut out or sent."""
    words = (int(text.removeprefix("word")) for text in clock_words(pcm))
    return ScriptedEar(words=[Word(f"word{n}", n * WORD_S, (n + 1) * WORD_S) for n in words])


async def cut(pcm: Pcm) -> list[SpeechPiece]:
    """Pieces as the pipeline cuts them."""
    segmenter, detector = Segmenter(), ScriptedDetector().open()
    pieces: list[SpeechPiece] = []
    for n, at in enumerate(range(0, len(pcm), CHUNK)):
        part = pcm[at : at + CHUNK]
        pieces += segmenter.push(AudioChunk(n, at, part), await detector.push(part))
    return pieces + segmenter.flush()


async def hear(
    engine: Recognizer,
    pieces: Sequence[SpeechPiece],
    options: RecognitionOptions = ENGLISH,
    *,
    live: bool = False,
) -> list[Hypothesis]:
    """All hypotheses; ``live``: pieces come when their last sample would."""
    stream = await engine.open(options)
    began = time.monotonic() - (pieces[0].start / SAMPLE_RATE_HZ if pieces else 0.0)

    async def feed() -> None:
        for piece in pieces:
            if live:
                due = began + piece.end / SAMPLE_RATE_HZ
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await stream.push(piece)
        await stream.finish()

    feeding = asyncio.create_task(feed())
    try:
        async with asyncio.timeout(60):
            return [hypothesis async for hypothesis in stream]
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await stream.aclose()


def committed(hypotheses: Sequence[Hypothesis]) -> list[str]:
    """What the committer makes of them, word by word, without marks and capitals."""
    committer = Committer()
    clauses = [clause for one in hypotheses for clause in committer.update(one)]
    return [plain(word.text) for clause in clauses for word in clause.words]


def finals(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    return [one for one in hypotheses if one.is_final]


def said(hypotheses: Sequence[Hypothesis]) -> list[str]:
    return [plain(word.text) for one in finals(hypotheses) for word in one.words]


def plain(text: str) -> str:
    return re.sub(r"\W", "", text).lower()


def clock_words(pcm: Pcm) -> list[str]:
    """The words whose middle is loud."""
    count = int(len(pcm) / SAMPLE_RATE_HZ / WORD_S)
    middles = [(n, round((n + 0.5) * WORD_S * SAMPLE_RATE_HZ)) for n in range(count)]
    return [f"word{n}" for n, at in middles if np.abs(pcm[at - 160 : at + 160]).max() > 1000]
