"""Engines by the names of their providers, which ``catalogue`` lists; loaded when chosen."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from pipeline.plan import Engines
from pipeline.ports import BankedVoice, EngineError
from pipeline.providers.catalogue import BANKS, PROVIDERS, ROLES
from pipeline.providers.settings import EngineSettings
from pipeline.types import Voice, VoiceTuning


def make_engines(settings: EngineSettings, choice: Mapping[str, str] | None = None) -> Engines:
    """Engines for every role; ``choice`` names a provider per role, "offline" by default.

    Raises EngineError for a provider or a role that does not exist, and when an
    engine lacks what it needs on this machine.
    """
    return Engines(
        **{
            role: make_engine(settings, role, (choice or {}).get(role, "offline")) for role in ROLES
        },
        actor_encoder=make_engine(settings, "encoder", "wsi") if settings.wsi_model else None,
    )


def make_engine(settings: EngineSettings, role: str, provider: str) -> Any:
    """One engine. Raises EngineError as ``make_engines`` does."""
    factory = getattr(module_of(provider), role, None)
    if factory is None:
        raise EngineError(
            "engine_role_unknown",
            f"“{provider}” cannot serve as {role}.",
            recoverable=False,
        )
    return factory(settings)


def banked_voice(
    engine: str, banked: BankedVoice, base: Voice, tuning: VoiceTuning
) -> Voice | None:
    """``base`` with the sound of a voice from the engine's bank; None where there is no such
    voice any more. Quick, and asks no vendor."""
    if engine not in BANKS:
        return None
    made: Voice | None = module_of(BANKS[engine]).banked_voice(banked, base, tuning)
    return made


def module_of(provider: str) -> ModuleType:
    """The provider's ``engines`` module. Raises EngineError."""
    if provider not in PROVIDERS:
        raise EngineError(
            "engine_unknown",
            f"There is no engine “{provider}”; there are: {', '.join(sorted(PROVIDERS))}.",
            recoverable=False,
        )
    try:
        return import_module(PROVIDERS[provider].module)
    except ModuleNotFoundError as error:
        raise EngineError(
            "engine_missing",
            f"“{provider}” needs {error.name}, which is not installed here.",
            recoverable=False,
        ) from error
