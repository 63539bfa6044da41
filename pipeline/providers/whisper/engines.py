"""The Whisper provider's engine, for operators who have weights."""

from __future__ import annotations

from pipeline.ports import Recognizer
from pipeline.providers.settings import EngineSettings
from pipeline.providers.whisper.recognizer import WhisperRecognizer


def recognizer(settings: EngineSettings) -> Recognizer:
    """Raises EngineError: engine_missing, model_missing, model_unusable."""
    return WhisperRecognizer(settings.whisper_model, streams_max=settings.streams_max)
