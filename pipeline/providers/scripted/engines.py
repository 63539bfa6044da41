"""The scripted provider's engines, one function per role, with the delays of load tests."""

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
from pipeline.providers.scripted.hearing import (
    ClockRecognizer,
    ScriptedDetector,
    ScriptedEncoder,
)
from pipeline.providers.scripted.speaking import (
    ScriptedBank,
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.providers.settings import EngineSettings

RECOGNITION_S = 0.05
"""End of an utterance → its text."""
TRANSLATION_S = 0.08
SYNTHESIS_S = 0.15
"""Request → first block of sound."""


def detector(settings: EngineSettings) -> SpeechDetector:
    return ScriptedDetector()


def recognizer(settings: EngineSettings) -> Recognizer:
    return ClockRecognizer(final_delay_s=RECOGNITION_S)


def translator(settings: EngineSettings) -> Translator:
    return ScriptedTranslator(delay_s=TRANSLATION_S, keep_requests=False)


def synthesizer(settings: EngineSettings) -> Synthesizer:
    return ScriptedSynthesizer(delay_s=SYNTHESIS_S, keep_requests=False)


def encoder(settings: EngineSettings) -> SpeakerEncoder:
    return ScriptedEncoder()


def cloner(settings: EngineSettings) -> VoiceCloner:
    return ScriptedCloner()


def bank(settings: EngineSettings) -> VoiceBank:
    return ScriptedBank()


banked_voice = ScriptedBank.voice
