"""What espeak-ng can speak: its languages by ISO 639-1 code, and our stock voices.

Read from espeak's own data folder, without loading the library.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.ports import EngineError
from pipeline.types import Register, Voice

ENGINE = "espeak"
MAX_PITCH = 100
UNITS_PER_SEMITONE = 6.0
"""Of espeak's pitch parameter, measured between 35 and 80 on several variants."""

_PREFERRED = {"en": "en-us", "zh": "cmn", "no": "nb"}
"""Where the plain code is missing or is not the common accent."""
_DATA_FOLDERS = (
    "/usr/lib/*/espeak-ng-data",
    "/usr/share/espeak-ng-data",
    "/usr/lib/espeak-ng-data",
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of espeak's voice variants with the pitch setting that we speak it at."""

    key: str
    name: str
    variant: str
    pitch: int
    pitch_hz: float
    """Median F0, measured; it hardly depends on the language."""
    register: Register


VARIANTS: tuple[Variant, ...] = (
    Variant("f2", "Clara", "f2", 50, 195.0, "high"),
    Variant("m3", "Bruno", "m3", 50, 104.0, "low"),
    Variant("f1", "Marta", "f1", 35, 154.0, "mid"),
    Variant("m7", "Paul", "m7", 84, 145.0, "mid"),
    Variant("f5", "Nina", "f5", 60, 229.0, "high"),
    Variant("m1", "Oscar", "m1", 35, 82.0, "low"),
    Variant("f4", "Ines", "f4", 55, 188.0, "high"),
    Variant("m6", "Hugo", "m6", 65, 118.0, "low"),
)
"""Best first, registers alternating so that the first few are easy to tell apart."""

SHAPING_BASE = VARIANTS[1]
"""What shaped voices are made from, whatever the person's register.

Measured over six speakers (``benchmarks.voice``): m3 comes as close to them as variants
of their own register do, and is told apart better. At a raised pitch it is not.
"""

BY_KEY = {variant.key: variant for variant in VARIANTS}


def data_folder() -> Path:
    """Where espeak's data lie; raises EngineError("engine_missing")."""
    configured = os.environ.get("ESPEAK_DATA_PATH")
    found = [Path(configured)] if configured else []
    for pattern in _DATA_FOLDERS:
        found.extend(sorted(Path("/").glob(pattern.lstrip("/"))))
    for folder in found:
        if (folder / "phontab").exists():
            return folder
    raise EngineError(
        "engine_missing",
        "espeak-ng is not installed: run `apt-get install espeak-ng`.",
        recoverable=False,
    )


def read_languages(folder: Path) -> dict[str, str]:
    """ISO 639-1 code → espeak's name of the language, for every language in ``folder``."""
    names: set[str] = set()
    for file in (folder / "lang").rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            names.update(re.findall(r"^language\s+(\S+)", text, re.MULTILINE))
    codes = {name: name for name in names if re.fullmatch("[a-z]{2}", name)}
    return codes | {code: name for code, name in _PREFERRED.items() if name in names}


def stock_voices(language: str) -> tuple[Voice, ...]:
    return tuple(
        Voice(
            id=f"{ENGINE}:{language}:{variant.key}",
            engine=ENGINE,
            name=variant.name,
            languages=(language,),
            register=variant.register,
            pitch_hz=variant.pitch_hz,
        )
        for variant in VARIANTS
    )


def variant_of(voice: Voice) -> Variant:
    """The variant behind a stock voice; raises EngineError("voice_unknown")."""
    variant = BY_KEY.get(voice.id.rsplit(":", 1)[-1])
    if variant is None or not voice.id.startswith(f"{ENGINE}:"):
        raise EngineError(
            "voice_unknown",
            "This voice does not belong to espeak-ng; choose one of its own.",
            recoverable=False,
        )
    return variant
