"""Recognisers under contract, and the speech that each can be given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from pipeline.emulators.marks import marked
from pipeline.ports import Recognizer
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.scripted.hearing import ClockRecognizer, ScriptedRecognizer
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.settings import GoogleAccess
from pipeline.providers.whisper.recognizer import WhisperRecognizer
from pipeline.tests.contracts.checking import given, google_keys
from pipeline.tests.google_cloud import cloud
from pipeline.tests.google_cloud import recognizer as google_recognizer
from pipeline.tests.whisper_model import make_whisper_model
from pipeline.types import SAMPLE_RATE_HZ, Pcm, SpeechPiece

Voicing = Literal["tones", "noise", "people"]

PIECE = SAMPLE_RATE_HZ // 10
PRE_ROLL_S = 0.2
PAUSE_S = 0.3
"""Before the segmenter takes a pause for an utterance's end."""
BETWEEN_S = 0.6
_SENTENCES = ("harvard_spk1_snt1", "harvard_spk1_snt5", "harvard_spk1_snt3")


@dataclass(frozen=True)
class Subject:
    name: str
    connected: Callable[[Path], AbstractAsyncContextManager[Recognizer]]
    """The engine, closed at the end; the folder is its own."""
    voicing: Voicing
    """What it takes for speech."""
    repeats: bool = True
    """Whether the same audio always makes the same words, however fast it comes."""
    times_settle: bool = False
    """Whether a word's times may move until it has stood still: it is searched for anew."""
    language: str = "en"
    """What is spoken in the speech that it is given."""


@dataclass(frozen=True)
class Speech:
    """Utterances on the media clock, cut into pieces as the segmenter does."""

    pieces: tuple[SpeechPiece, ...]

    @property
    def utterances(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(piece.utterance for piece in self.pieces))

    def span_s(self, utterance: int) -> tuple[float, float]:
        own = [piece for piece in self.pieces if piece.utterance == utterance]
        return own[0].start / SAMPLE_RATE_HZ, own[-1].end / SAMPLE_RATE_HZ


def speech(spoken: Sequence[Pcm], *, first: int = 0, from_s: float = 20.0) -> Speech:
    """Each of ``spoken`` as an utterance, numbered from ``first`` on."""
    pieces: list[SpeechPiece] = []
    at = round(from_s * SAMPLE_RATE_HZ)
    for number, pcm in enumerate(spoken, first):
        pieces += _cut(number, at, pcm)
        at = pieces[-1].end + round(BETWEEN_S * SAMPLE_RATE_HZ)
    return Speech(tuple(pieces))


def _cut(utterance: int, start: int, pcm: Pcm) -> Iterator[SpeechPiece]:
    heard = np.concatenate([silence(PRE_ROLL_S), pcm, silence(PAUSE_S)])
    heard = marked(heard, start)
    for at in range(0, len(heard), PIECE):
        yield SpeechPiece(utterance, start + at, heard[at : at + PIECE])
    end = start + len(heard)
    speech_end = end - round(PAUSE_S * SAMPLE_RATE_HZ)
    yield SpeechPiece(utterance, end, heard[:0], ends=True, speech_end=speech_end)


def said(voicing: Voicing, saying: int, folder: Path) -> Pcm:
    """One to three seconds that such an engine takes for speech; ``folder`` has the recordings."""
    if voicing == "people":
        name = _SENTENCES[saying % len(_SENTENCES)]
        pcm, rate = soundfile.read(folder / "en" / f"{name}.wav", dtype="int16")
        assert rate == SAMPLE_RATE_HZ
        # Enough for some words; recognising takes real time on a busy machine.
        return np.asarray(pcm[: round(1.8 * SAMPLE_RATE_HZ)])
    hum = tone(2.0 + 0.4 * (saying % 3), 120.0 + 20.0 * saying)
    if voicing == "tones":
        return hum
    time_s = np.arange(len(hum)) / SAMPLE_RATE_HZ
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s + saying)
    noise = np.random.default_rng(saying).normal(0, 1_500, len(hum))
    return np.asarray((hum + noise) * syllables).clip(-32_768, 32_767).astype(np.int16)


@asynccontextmanager
async def _scripted(_: Path) -> AsyncIterator[Recognizer]:
    engine: Recognizer = ScriptedRecognizer(
        script=(
            "the quick brown fox jumps over the lazy dog",
            "the birch canoe slid on the smooth planks",
            "glue the sheet to the dark blue background",
        ),
    )
    await engine.connect()
    yield engine
    await engine.aclose()


@asynccontextmanager
async def _polyglot(_: Path) -> AsyncIterator[Recognizer]:
    engine: Recognizer = ScriptedRecognizer(
        script=("buenos dias a todos los que han venido",),
        said_in=("es",),
        languages=frozenset({"en", "es", "fr", "de"}),
        candidates_max=3,
        finds_any=True,
    )
    await engine.connect()
    yield engine
    await engine.aclose()


@asynccontextmanager
async def _clock(_: Path) -> AsyncIterator[Recognizer]:
    engine: Recognizer = ClockRecognizer(final_delay_s=0.01)
    await engine.connect()
    yield engine
    await engine.aclose()


@asynccontextmanager
async def _pocketsphinx(_: Path) -> AsyncIterator[Recognizer]:
    engine: Recognizer = PocketSphinxRecognizer(streams_max=3)
    await engine.connect()
    try:
        yield engine
    finally:
        await engine.aclose()


@asynccontextmanager
async def _whisper(folder: Path) -> AsyncIterator[Recognizer]:
    model = folder / "whisper"
    if not model.exists():
        make_whisper_model(model)
    engine: Recognizer = WhisperRecognizer(str(model), streams_max=3)
    await engine.connect()
    try:
        yield engine
    finally:
        await engine.aclose()


@asynccontextmanager
async def _google_emulated(folder: Path) -> AsyncIterator[Recognizer]:
    async with cloud(folder) as emulator, google_recognizer(emulator) as engine:
        checked: Recognizer = engine
        yield checked


@asynccontextmanager
async def _google(_: Path) -> AsyncIterator[Recognizer]:
    engine: Recognizer = GoogleRecognizer(GoogleAccess(credentials=google_keys()))
    await engine.connect()
    try:
        yield engine
    finally:
        await engine.aclose()


SUBJECTS = (
    Subject("scripted", _scripted, "tones"),
    Subject("scripted languages", _polyglot, "tones", language="es"),
    Subject("clock", _clock, "tones"),
    Subject("pocketsphinx", _pocketsphinx, "people", times_settle=True),
    # The model's weights are made up: its words are garbage that depends on every cut.
    Subject("whisper", _whisper, "noise", repeats=False, language="fr"),
    Subject("google emulated", _google_emulated, "tones"),
) + (
    (Subject("google", _google, "people", repeats=False),)
    if given("GOOGLE_CLOUD_CREDENTIALS_PATH")
    else ()
)
