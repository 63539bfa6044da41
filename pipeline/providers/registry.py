"""Which engines there are: one row per provider, found by name.

A provider is a folder; its ``engines`` module has one function per role that it
fills, each taking EngineSettings. Deleting a provider is deleting its folder and row.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pipeline.plan import Engines
from pipeline.ports import EngineError
from pipeline.providers.settings import EngineSettings

PROVIDERS = {
    "google": "pipeline.providers.google.engines",
    "elevenlabs": "pipeline.providers.elevenlabs.engines",
    "offline": "pipeline.providers.offline.engines",
    "scripted": "pipeline.providers.scripted.engines",
    "whisper": "pipeline.providers.whisper.engines",
}
ROLES = ("detector", "recognizer", "translator", "synthesizer", "encoder", "cloner")


def make_engines(settings: EngineSettings, choice: Mapping[str, str] | None = None) -> Engines:
    """Engines for every role; ``choice`` names a provider per role, "offline" by default.

    Raises EngineError for a provider or a role that does not exist, and when an
    engine lacks what it needs on this machine.
    """
    made: dict[str, Any] = {}
    for role in ROLES:
        provider = (choice or {}).get(role, "offline")
        if provider not in PROVIDERS:
            raise EngineError(
                "engine_unknown",
                f"There is no engine “{provider}”; there are: {', '.join(sorted(PROVIDERS))}.",
                recoverable=False,
            )
        factory = getattr(import_module(PROVIDERS[provider]), role, None)
        if factory is None:
            raise EngineError(
                "engine_role_unknown",
                f"“{provider}” cannot serve as {role}.",
                recoverable=False,
            )
        made[role] = factory(settings)
    return Engines(**made)
