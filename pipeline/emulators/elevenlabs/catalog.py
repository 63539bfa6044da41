"""ElevenLabs' models and plans as its documents give them (engines_cloud.md, C.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["flash", "multilingual"]
"""Models of one family share the places that a plan gives at a time."""

_V2_LANGUAGES = tuple(
    "en ja zh de hi fr ko pt it es id nl tr fil pl sv bg ro ar cs el fi hr ms sk da ta uk "
    "ru".split()
)
_V2_5_LANGUAGES = (*_V2_LANGUAGES, "hu", "no", "vi")


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    name: str
    family: Family
    languages: tuple[str, ...]
    """ISO 639 codes."""
    characters: int
    """Longest text of one request."""
    cost: float
    """Credits a character."""
    takes_language: bool
    """Whether ``language_code`` may be given; the others hear it from the text."""
    sockets: bool = True
    """Whether the text-to-speech sockets speak with it."""


MODELS = {
    model.id: model
    for model in (
        Model(
            "eleven_flash_v2_5", "Eleven Flash v2.5", "flash", _V2_5_LANGUAGES, 40_000, 0.5, True
        ),
        Model(
            "eleven_turbo_v2_5", "Eleven Turbo v2.5", "flash", _V2_5_LANGUAGES, 40_000, 0.5, True
        ),
        Model("eleven_flash_v2", "Eleven Flash v2", "flash", ("en",), 30_000, 0.5, True),
        Model("eleven_turbo_v2", "Eleven Turbo v2", "flash", ("en",), 30_000, 0.5, True),
        Model(
            "eleven_multilingual_v2",
            "Eleven Multilingual v2",
            "multilingual",
            _V2_LANGUAGES,
            10_000,
            1.0,
            takes_language=False,
        ),
        Model(
            "eleven_v3",
            "Eleven v3",
            "multilingual",
            _V2_5_LANGUAGES,
            3_000,
            1.0,
            takes_language=True,
            sockets=False,
        ),
    )
}
DEFAULT_MODEL = "eleven_multilingual_v2"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an account has bought. Other plans: ``dataclasses.replace``."""

    tier: str
    characters: int
    """Credits a month."""
    voices: int
    """Slots for voices of one's own."""
    clones: bool
    """Whether instant voice cloning is included."""
    flash: int
    """Requests at a time with models of that family."""
    multilingual: int
    high_rates: bool = False
    """Whether PCM at 44.1 and 48 kHz is included."""

    def places(self, family: Family) -> int:
        return self.flash if family == "flash" else self.multilingual


PLANS = {
    plan.tier: plan
    for plan in (
        Plan("free", 10_000, 3, clones=False, flash=4, multilingual=2),
        Plan("starter", 30_000, 10, clones=True, flash=6, multilingual=3),
        Plan("creator", 100_000, 30, clones=True, flash=10, multilingual=5),
        Plan("pro", 500_000, 160, clones=True, flash=20, multilingual=10, high_rates=True),
        Plan("scale", 2_000_000, 660, clones=True, flash=30, multilingual=15, high_rates=True),
        Plan("business", 11_000_000, 660, clones=True, flash=30, multilingual=15, high_rates=True),
    )
}
