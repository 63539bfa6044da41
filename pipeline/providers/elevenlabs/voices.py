"""The account's voices and the models' languages, as the pipeline sees them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from pipeline.ports import EngineError
from pipeline.types import Register, Voice

if TYPE_CHECKING:
    from elevenlabs.types import Voice as VendorVoice

ENGINE = "elevenlabs"

_V2 = (
    "en ja zh de hi fr ko pt it es id nl tr tl pl sv bg ro ar cs el fi hr ms sk da ta uk ru"
).split()
_V2_5 = frozenset([*_V2, "hu", "no", "vi"])
_V3 = _V2_5 | frozenset(
    (
        "af hy as az be bn bs ca ceb et gl ka gu ha he is ga jv kn kk ky lv ln lt lb mk ml mr ne "
        "ps fa pa sr sd sl so sw te th ur cy"
    ).split()
)
_VENDOR_CODES = {"tl": "fil"}
"""ISO 639-1 → the vendor's code where it has another one."""


@dataclass(frozen=True, slots=True)
class Model:
    """What a model can do, by the vendor's documents (C.5 of the design's engine notes)."""

    languages: frozenset[str]
    """ISO 639-1 codes."""
    sockets: bool = True
    takes_language: bool = True
    """Whether ``language_code`` may be given; others hear it from the text."""

    def language_code(self, language: str) -> str:
        """What to call a language at the vendor; "" where it is not to be said."""
        return _VENDOR_CODES.get(language, language) if self.takes_language else ""


MODELS: Mapping[str, Model] = {
    "eleven_flash_v2_5": Model(_V2_5),
    "eleven_turbo_v2_5": Model(_V2_5),
    "eleven_flash_v2": Model(frozenset({"en"}), takes_language=False),
    "eleven_turbo_v2": Model(frozenset({"en"}), takes_language=False),
    "eleven_multilingual_v2": Model(frozenset(_V2), takes_language=False),
    "eleven_v3": Model(_V3, sockets=False),
}


def model_of(name: str) -> Model:
    """Raises EngineError("model_unknown")."""
    if name not in MODELS:
        raise EngineError(
            "model_unknown",
            f"ElevenLabs' model “{name}” is not known here; there are: {', '.join(MODELS)}.",
            recoverable=False,
        )
    return MODELS[name]


@dataclass(frozen=True, slots=True)
class Cloned:
    """``Voice.profile`` of a voice cloned at the vendor."""

    voice_id: str
    base: Voice
    """The stock voice to go back to should the clone be gone."""


_CATEGORIES = ("premade", "high_quality", "famous", "professional", "generated")
"""Voices made to be used by anyone, best first. A clone is somebody's own voice: it is never
given to a person whom it does not belong to."""


def stock_voices(voices: Iterable[VendorVoice], language: str, model: str) -> tuple[Voice, ...]:
    """Voices for a language, best first, registers alternating as far as they go: the first
    few are easy to tell apart."""
    usable = [one for one in voices if one.voice_id and one.category in _CATEGORIES]
    # Sorting is stable: among equals the vendor's own order counts.
    usable.sort(
        key=lambda one: (
            not _is_verified(one, language, model),
            _CATEGORIES.index(str(one.category)),
        )
    )
    by_register: defaultdict[Register, list[Voice]] = defaultdict(list)
    for one in usable:
        voice = Voice(
            id=f"{ENGINE}:{one.voice_id}",
            engine=ENGINE,
            name=one.name or one.voice_id,
            languages=(),
            register=register_of(one.labels or {}),
        )
        by_register[voice.register].append(voice)
    rounds = zip_longest(*by_register.values())
    return tuple(voice for turn in rounds for voice in turn if voice is not None)


def register_of(labels: Mapping[str, str]) -> Register:
    """Register by the vendor's labels: gender decides, age moves it by a step at the ends."""
    gender, age = labels.get("gender", "").lower(), labels.get("age", "").lower()
    if gender == "female":
        return "mid" if age == "old" else "high"
    if gender == "male":
        return "mid" if age == "young" else "low"
    return "mid"


def voice_id_of(voice: Voice) -> str:
    """The vendor's id; raises EngineError("voice_unknown") for another engine's voice."""
    if isinstance(voice.profile, Cloned):
        return voice.profile.voice_id
    if voice.engine != ENGINE or voice.profile is not None or not voice.id.startswith(f"{ENGINE}:"):
        raise EngineError(
            "voice_unknown",
            "This voice does not belong to ElevenLabs; choose one of its own.",
            recoverable=False,
        )
    return voice.id.removeprefix(f"{ENGINE}:")


def _is_verified(voice: VendorVoice, language: str, model: str) -> bool:
    verified = voice.verified_languages or []
    return any(
        one.language == language and (not one.model_id or one.model_id == model) for one in verified
    )
