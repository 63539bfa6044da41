"""What engines cost: prices as the operator writes them, per so many units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.guards.usage import UNITS
from pipeline.plan import Leg

ENGINES: Mapping[Leg, tuple[str, ...]] = {
    "recognition": ("google-speech", "whisper", "pocketsphinx", "scripted-recognizer"),
    "translation": ("google-translate", "apertium", "scripted-translator"),
    "synthesis": ("elevenlabs", "espeak", "scripted-synthesizer"),
}
"""Whose price may be set. A name that is misspelt would cost nothing, and nobody would know."""

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_ENTRY = re.compile(rf"([a-z0-9-]+):([a-z]+)=({_NUMBER})/({_NUMBER})")
_FORM = (
    "engine:leg=money/units, comma-separated, such as google-speech:recognition=0.016/60, with "
    "money from 0 and units above 0 (seconds for recognition, characters for the others)"
)


@dataclass(frozen=True, slots=True)
class Price:
    """So much ``money`` for so many ``units``."""

    money: float
    units: float

    def of(self, amount: float) -> float:
        return self.money * amount / self.units


Prices = Mapping[tuple[str, str], Price]
"""Engine and leg → price."""


def parse_prices(setting: str) -> dict[tuple[str, str], Price]:
    """The setting ENGINE_PRICES; empty: nothing has a price.

    Raises ValueError that says what is allowed.
    """
    prices: dict[tuple[str, str], Price] = {}
    for entry in (entry.strip() for entry in setting.split(",")):
        if not entry:
            if setting.strip():
                raise ValueError(_FORM)
            continue
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise ValueError(_FORM)
        engine, leg, money, units = found.groups()
        if leg not in UNITS:
            raise ValueError(f"prices with one of the legs {', '.join(UNITS)}")
        known = next(names for each, names in ENGINES.items() if each == leg)
        if engine not in known:
            raise ValueError(f"prices for {leg} of: {', '.join(known)}")
        if (engine, leg) in prices:
            raise ValueError(f"one price for {engine}:{leg}")
        if not float(units):
            raise ValueError(_FORM)
        prices[engine, leg] = Price(float(money), float(units))
    return prices
