"""Which providers there are, what each can do, and what must be given for it.

A provider is a folder and a row here; deleting it is deleting both. Nothing is imported
from the folders, so that settings and lists can be read without loading any engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ROLES = ("detector", "recognizer", "translator", "synthesizer", "encoder", "cloner")

NAMED_ROLES: Mapping[str, str] = {
    "recognition": "recognizer",
    "translation": "translator",
    "synthesis": "synthesizer",
}
"""What people choose among, by the names of ``ready.engines`` → the role that fills it."""

Need = Literal["", "google", "elevenlabs", "whisper", "wsi"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    module: str
    """Has one function per role, each taking EngineSettings."""
    roles: frozenset[str]
    needs: Need = ""
    """What must be given before it can be used: a vendor's key, or a Whisper model."""
    package: str = ""
    """An importable name that is not among the product's own requirements."""


PROVIDERS: dict[str, Provider] = {
    "offline": Provider(module="pipeline.providers.offline.engines", roles=frozenset(ROLES)),
    "scripted": Provider(module="pipeline.providers.scripted.engines", roles=frozenset(ROLES)),
    "google": Provider(
        module="pipeline.providers.google.engines",
        roles=frozenset({"recognizer", "translator"}),
        needs="google",
    ),
    "elevenlabs": Provider(
        module="pipeline.providers.elevenlabs.engines",
        roles=frozenset({"synthesizer", "cloner"}),
        needs="elevenlabs",
    ),
    "wsi": Provider(
        module="pipeline.providers.wsi.engines",
        roles=frozenset({"encoder"}),
        needs="wsi",
        package="transformers",
    ),
    "whisper": Provider(
        module="pipeline.providers.whisper.engines",
        roles=frozenset({"recognizer"}),
        needs="whisper",
        package="faster_whisper",
    ),
}

STAND_INS = ("offline", "whisper", "google", "elevenlabs")
"""Providers that FAILOVER may name."""

BANKS: Mapping[str, str] = {
    "espeak": "offline",
    "elevenlabs": "elevenlabs",
    "scripted-synthesizer": "scripted",
}
"""Synthesiser → the provider whose ``bank`` makes voices that last for it."""

VENDORS: Mapping[str, str] = {"google": "Google", "elevenlabs": "ElevenLabs"}
"""Whose keys can be given → what people call them."""

CLOUD: Mapping[str, str] = {
    "recognizer": "google",
    "translator": "google",
    "synthesizer": "elevenlabs",
}
WORDS = ("auto", "offline", "scripted", "cloud", "emulated")


def providers_of(role: str) -> list[str]:
    """In order of the alphabet; scripted engines only hum, so nobody is offered them."""
    return sorted(
        name for name, one in PROVIDERS.items() if role in one.roles and name != "scripted"
    )


def parse_engines(setting: str) -> dict[str, str]:
    """Role → provider as the setting ENGINES names them; "auto" leaves a role open.

    Raises ValueError that says what is allowed.
    """
    if setting == "auto":
        return dict.fromkeys(CLOUD, "auto")
    if setting in {"offline", "scripted"}:
        return dict.fromkeys(CLOUD, setting)
    # The emulated cloud is the real engines, at the addresses that other settings give.
    if setting in {"cloud", "emulated"}:
        return dict(CLOUD)
    chosen = dict.fromkeys(CLOUD, "auto")
    for word in filter(None, (word.strip() for word in setting.split(","))):
        role, equals, name = (part.strip() for part in word.partition("="))
        if not equals or role not in CLOUD:
            raise ValueError(
                f"one of {', '.join(WORDS)}, or pairs such as "
                "recognizer=google,translator=google,synthesizer=elevenlabs"
            )
        if name not in PROVIDERS or role not in PROVIDERS[name].roles:
            raise ValueError(f"one of {', '.join(providers_of(role))} for {role}")
        chosen[role] = name
    return chosen
