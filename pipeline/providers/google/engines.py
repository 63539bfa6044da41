"""Google's engines, one function per role; they need ``EngineSettings.google``."""

from __future__ import annotations

from pipeline.ports import EngineError, Recognizer, Translator
from pipeline.providers.google.checking import check
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.google.translator import GoogleTranslator
from pipeline.providers.settings import EngineSettings, GoogleAccess

__all__ = ["check", "recognizer", "translator"]


def recognizer(settings: EngineSettings) -> Recognizer:
    """Raises EngineError("key_missing")."""
    return GoogleRecognizer(_access(settings))


def translator(settings: EngineSettings) -> Translator:
    """Raises EngineError("key_missing")."""
    return GoogleTranslator(_access(settings))


def _access(settings: EngineSettings) -> GoogleAccess:
    if settings.google is None:
        raise EngineError(
            "key_missing",
            "Google's engines need a key: give a service account's JSON or an API key.",
            recoverable=False,
        )
    return settings.google
