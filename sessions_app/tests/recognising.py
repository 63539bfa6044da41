"""Real voices in sessions of which all but the ears is scripted."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from django.conf import settings

from pipeline.plan import Engines
from pipeline.providers.elevenlabs.cloner import ElevenLabsCloner
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.offline.shaping import WorldCloner
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.speaker_encoder_export import export
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.offline.voice_activity import SileroDetector
from pipeline.providers.scripted.hearing import ScriptedRecognizer
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.types import SAMPLE_RATE_HZ, Pcm

SCRIPT = tuple(f"line number {n} of the script is said by somebody here" for n in range(40))


@functools.cache
def _encoder() -> ResemblyzerEncoder:
    export(Path(settings.DUBBING_MODELS))
    return ResemblyzerEncoder.from_folder(Path(settings.DUBBING_MODELS))


def listening_engines() -> Engines:
    return Engines(
        detector=SileroDetector(),
        recognizer=ScriptedRecognizer(script=SCRIPT),
        translator=ScriptedTranslator(),
        synthesizer=ScriptedSynthesizer(),
        encoder=_encoder(),
        cloner=ScriptedCloner(),
    )


class Voices:
    """Recordings of LibriSpeech, by the speaker's number."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "librispeech"

    def clip(self, person: str, number: int, seconds: float | None = None) -> Pcm:
        """A recording and a second of silence."""
        (path,) = self._folder.glob(f"{person}-*-{number:04d}.flac")
        pcm = soundfile.read(path, dtype="int16")[0]
        if seconds is not None:
            pcm = pcm[: int(seconds * SAMPLE_RATE_HZ)]
        return np.concatenate([pcm, np.zeros(SAMPLE_RATE_HZ, np.int16)])


def speaking_engines() -> Engines:
    """The same with the offline engine's real voices."""
    return replace(listening_engines(), synthesizer=EspeakSynthesizer(), cloner=WorldCloner())


def vendor_engines() -> Engines:
    """The same with ElevenLabs' voices, where the settings say that it is."""
    access = ElevenLabsAccess(
        api_key=settings.ELEVENLABS_API_KEY,
        base_url=settings.ELEVENLABS_BASE_URL,
        root_certificates=settings.CLOUD_ROOT_CERTIFICATES,
    )
    return replace(
        listening_engines(),
        synthesizer=ElevenLabsSynthesizer(access),
        cloner=ElevenLabsCloner(access),
    )
