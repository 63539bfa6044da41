"""From what a person did with their voice to what an engine is asked to do: one mapping.

``Style`` (measured, relative to how the speaker usually speaks) → ``Delivery`` (what the dub
should do, whoever speaks it) → an engine's own parameters. Pure; every step is monotone in
each of its inputs and bounded, and a neutral style asks for nothing.

=====================  =======================================================================
of the person          of the dub
=====================  =======================================================================
pitch level            ``pitch_semitones``, to 6 either way
pitch range            ``pitch_range``, a ratio of 0.4 to 2
energy                 ``gain_db``, to 6 either way
rate and pauses        ``rate``: the pace *between* pauses, for engines pause by themselves.
                       Words a second fall with every pause; what share of the clause was
                       paused more than usual is taken out again. 0.8 to 1.25
arousal                ``expression``, -1 to 1
=====================  =======================================================================

ElevenLabs has no pitch or level; it has how freely it may act. ``stability`` falls with
expression from the installation's own (an excited clause may vary, a subdued one is held);
``style`` exaggeration rises above 0 only for clearly excited clauses, because anything above
0 costs the vendor time; ``speed`` takes the rate as far as the slot has room for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.types import Style

PITCH_SEMITONES = 6.0
PITCH_RANGE = (0.4, 2.0)
GAIN_DB = 6.0
RATE = (0.8, 1.25)

FIT = (0.95, 1.35)
"""How far a dub may be slowed or hurried to last as long as its source: drawn out it sounds
sleepy and is heard later."""

VENDOR_SPEED = (0.7, 1.2)
"""ElevenLabs' own limits."""
STABILITY_SWING = 0.3
STABILITY = (0.15, 0.95)
"""Where expression may take it; an installation's base outside of that is left alone."""
STYLE_FROM = 0.4
"""Expression below this is left to stability, which costs no time."""
STYLE_MOST = 0.3


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a clause is to be spoken, relative to the voice's own neutral way."""

    pitch_semitones: float = 0.0
    pitch_range: float = 1.0
    gain_db: float = 0.0
    rate: float = 1.0
    expression: float = 0.0


@dataclass(frozen=True, slots=True)
class VendorStyle:
    """ElevenLabs' voice settings but for the speed; each 0 to 1."""

    stability: float
    similarity_boost: float
    style: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to speak."""

    speed: float
    """For the engine, within its limits."""
    left: float
    """Ratio that its limits left undone; 1 for nothing."""


def delivery_of(style: Style) -> Delivery:
    """What the dub of a clause said in ``style`` should do."""
    pauses = _within(style.pauses, (-0.5, 0.5))
    return Delivery(
        pitch_semitones=_within(style.pitch_semitones, (-PITCH_SEMITONES, PITCH_SEMITONES)),
        pitch_range=_within(style.pitch_range, PITCH_RANGE, 1.0),
        gain_db=_within(style.energy_db, (-GAIN_DB, GAIN_DB)),
        rate=_within(style.rate / (1.0 - pauses), RATE, 1.0),
        expression=_within(style.arousal, (-1.0, 1.0)),
    )


def vendor_style(delivery: Delivery, *, stability: float, clarity: float) -> VendorStyle:
    """ElevenLabs' settings; ``stability`` and ``clarity`` (0 to 1) are the installation's.

    Settings are rounded to hundredths: a vendor that caches by settings finds them again.
    """
    base = _within(stability, (0.0, 1.0), 0.5)
    low, high = STABILITY
    # The limits give way to a base outside of them, so that neutral stays neutral.
    held = _within(base - STABILITY_SWING * delivery.expression, (min(low, base), max(high, base)))
    over = max(0.0, delivery.expression - STYLE_FROM) / (1.0 - STYLE_FROM)
    return VendorStyle(
        stability=round(held, 2),
        similarity_boost=round(_within(clarity, (0.0, 1.0), 0.75), 2),
        style=round(STYLE_MOST * over, 2),
    )


def fitted_rate(natural_s: float, fit_s: float | None, wanted: float) -> float:
    """Ratio to the natural pace at which a clip of ``natural_s`` lasts ``fit_s``.

    A speaker's own haste (``wanted`` > 1) counts only where the slot has room: it may end
    the clip early, never late. Without a slot ``wanted`` decides.
    """
    if fit_s is None or fit_s <= 0:
        return _within(wanted, FIT, 1.0)
    needed = _within(natural_s / fit_s, FIT)
    if needed >= 1.0:
        return needed
    return min(needed * max(wanted, 1.0), 1.0)


def vendor_pace(delivery: Delivery, *, natural_s: float, fit_s: float | None, tempo: float) -> Pace:
    """ElevenLabs' ``speed`` for a clip expected to last ``natural_s`` at speed 1."""
    wanted = fitted_rate(natural_s, fit_s, delivery.rate) * _within(tempo, (0.5, 2.0), 1.0)
    speed = round(_within(wanted, VENDOR_SPEED), 2)
    left = wanted / speed
    return Pace(speed, left if abs(left - 1.0) > 0.01 else 1.0)


def _within(value: float, limits: tuple[float, float], otherwise: float = 0.0) -> float:
    """``value`` kept in ``limits``; ``otherwise`` where it is not a number."""
    if math.isnan(value):
        return otherwise
    return min(max(value, limits[0]), limits[1])
