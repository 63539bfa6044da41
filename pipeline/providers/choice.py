"""Which provider fills which role: the installation's setting, the session's wish, the keys.

Pure. What is not chosen is never imported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.util import find_spec

from pipeline.ports import EngineError
from pipeline.providers.catalogue import (
    CLOUD,
    NAMED_ROLES,
    PROVIDERS,
    VENDORS,
    parse_engines,
    providers_of,
)

Choice = dict[str, str]
"""Role → provider, for every role."""


def choose(
    setting: str, *, given: Collection[str], wish: Mapping[str, str] | None = None
) -> Choice:
    """The provider of every role.

    ``given`` are the needs that are met: vendors with a key, and "whisper" with a model.
    ``wish`` is a session's, by the names of ``ready.engines``, and goes before the setting.
    Raises EngineError: engine_unknown, engine_role_unknown, key_missing, engine_missing,
    model_missing.
    """
    refuse_unknown(wish or {})
    chosen = parse_engines(setting)
    for role, name in chosen.items():
        if name == "auto":
            chosen[role] = CLOUD[role] if PROVIDERS[CLOUD[role]].needs in given else "offline"
    for role, name in (wish or {}).items():
        chosen[NAMED_ROLES[role]] = name
    for name in dict.fromkeys(chosen.values()):
        lacking = lack_of(name, given=given)
        if lacking is not None:
            raise lacking
    # Who hears by script needs a detector and an encoder that do, and a clone is a voice of
    # the engine that is to speak with it.
    ears = "scripted" if chosen["recognizer"] == "scripted" else "offline"
    return {**chosen, "detector": ears, "encoder": ears, "cloner": chosen["synthesizer"]}


def refuse_unknown(wish: Mapping[str, str]) -> None:
    """Raise EngineError for a role or engine that a session cannot ask for."""
    for role, name in wish.items():
        if role not in NAMED_ROLES:
            raise EngineError(
                "engine_role_unknown",
                f"There is no role “{role[:32]}” to choose an engine for; there are: "
                f"{', '.join(NAMED_ROLES)}.",
                recoverable=False,
            )
        able = ", ".join(providers_of(NAMED_ROLES[role]))
        if name not in PROVIDERS:
            raise EngineError(
                "engine_unknown",
                f"There is no engine “{name[:32]}”; for {role} there are: {able}.",
                recoverable=False,
            )
        if NAMED_ROLES[role] not in PROVIDERS[name].roles:
            raise EngineError(
                "engine_role_unknown",
                f"“{name}” cannot serve as {role}; these can: {able}.",
                recoverable=False,
            )


def lack_of(name: str, *, given: Collection[str]) -> EngineError | None:
    """What keeps a provider from being used here; None when nothing does that can be told
    without loading it."""
    provider = PROVIDERS[name]
    if provider.package and find_spec(provider.package) is None:
        return EngineError(
            "engine_missing",
            f"“{name}” needs the Python package {provider.package}, which is not installed here.",
            recoverable=False,
        )
    if not provider.needs or provider.needs in given:
        return None
    if provider.needs not in VENDORS:
        return EngineError(
            "model_missing",
            f"“{name}” needs a model, and the setting {name.upper()}_MODEL names none.",
            recoverable=False,
        )
    return EngineError(
        "key_missing",
        f"“{name}” needs a key from {VENDORS[provider.needs]}, and none was given.",
        recoverable=False,
    )
