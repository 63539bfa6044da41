"""ElevenLabs' engines, one function per role."""

from __future__ import annotations

from pipeline.ports import EngineError, Synthesizer, VoiceBank, VoiceCloner
from pipeline.providers.elevenlabs.bank import ElevenLabsBank
from pipeline.providers.elevenlabs.checking import check
from pipeline.providers.elevenlabs.cloner import ElevenLabsCloner
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.settings import ElevenLabsAccess, EngineSettings

__all__ = ["bank", "banked_voice", "check", "cloner", "synthesizer"]


def synthesizer(settings: EngineSettings) -> Synthesizer:
    return ElevenLabsSynthesizer(
        _access(settings),
        stability=settings.voice_stability,
        clarity=settings.voice_clarity,
    )


def cloner(settings: EngineSettings) -> VoiceCloner:
    return ElevenLabsCloner(_access(settings))


def bank(settings: EngineSettings) -> VoiceBank:
    return ElevenLabsBank(_access(settings))


def _access(settings: EngineSettings) -> ElevenLabsAccess:
    if settings.elevenlabs is None or not settings.elevenlabs.api_key:
        raise EngineError(
            "key_missing",
            "ElevenLabs needs a key; enter the one from your account there.",
            recoverable=False,
        )
    return settings.elevenlabs


banked_voice = ElevenLabsBank.voice
