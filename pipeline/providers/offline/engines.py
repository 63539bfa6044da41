"""The offline provider's engines, one function per role: no account, no network."""

from __future__ import annotations

from pipeline.ports import (
    Recognizer,
    SpeakerEncoder,
    SpeechDetector,
    Synthesizer,
    Translator,
    VoiceBank,
    VoiceCloner,
)
from pipeline.providers.offline.bank import WorldBank
from pipeline.providers.offline.checking import check
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.offline.shaping import Shaping, WorldCloner
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.synthesizer import EspeakSynthesizer
from pipeline.providers.offline.translator import ApertiumTranslator
from pipeline.providers.offline.voice_activity import SileroDetector
from pipeline.providers.settings import EngineSettings

__all__ = [
    "bank",
    "banked_voice",
    "check",
    "cloner",
    "detector",
    "encoder",
    "recognizer",
    "synthesizer",
    "translator",
]


def detector(settings: EngineSettings) -> SpeechDetector:
    return SileroDetector()


def recognizer(settings: EngineSettings) -> Recognizer:
    return PocketSphinxRecognizer(streams_max=settings.streams_max)


def translator(settings: EngineSettings) -> Translator:
    return ApertiumTranslator()


def synthesizer(settings: EngineSettings) -> Synthesizer:
    return EspeakSynthesizer(
        shaping=Shaping.from_settings(
            stability=settings.voice_stability, clarity=settings.voice_clarity
        )
    )


def encoder(settings: EngineSettings) -> SpeakerEncoder:
    return ResemblyzerEncoder.from_folder(settings.models)


def cloner(settings: EngineSettings) -> VoiceCloner:
    return WorldCloner()


def bank(settings: EngineSettings) -> VoiceBank:
    return WorldBank()


banked_voice = WorldBank.voice
