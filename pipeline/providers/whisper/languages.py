"""Which languages Whisper knows, and which one is spoken: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LANGUAGES = frozenset(
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha he hi "
    "hr ht hu hy id is it ja jv ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl "
    "nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur "
    "uz vi yi yo zh".split()
)
"""ISO 639-1 codes. Hawaiian and Cantonese, which Whisper knows too, have none."""
_OWN_CODES = {"jv": "jw"}
_ISO_CODES = {own: iso for iso, own in _OWN_CODES.items()}

CERTAIN = 0.7
"""Probability from which on the language counts as found."""
CERTAIN_S = 1.0
"""Less speech than this says too little."""
SETTLED_S = 3.0
"""After so much speech the likeliest language is taken, however unlikely."""
STAYS = 4.0
"""How much likelier it is that people go on in the language they spoke in than that they
change to a given other one: a "no" or "okay" must not change it, a sentence must."""


def own_code(iso: str) -> str:
    """Whisper's code of a language."""
    return _OWN_CODES.get(iso, iso)


def iso_code(own: str) -> str:
    return _ISO_CODES.get(own, own)


def likeliest(
    probabilities: Mapping[str, float], candidates: Sequence[str], previous: str
) -> tuple[str, float]:
    """The language that is spoken and how likely it is among the candidates.

    ``probabilities`` by ISO code; no candidates are any; ``previous`` is the language of the
    utterance before, or "". Of candidates that the model does not know, the first.
    """
    usable = [code for code in candidates or LANGUAGES if probabilities.get(code, 0.0) > 0.0]
    if not usable:
        return (candidates or (previous or "en",))[0], 0.0
    weights = {code: probabilities[code] * (STAYS if code == previous else 1) for code in usable}
    best = max(usable, key=lambda code: weights[code])
    return best, weights[best] / sum(weights.values())


def is_found(probability: float, heard_s: float) -> bool:
    """Whether a language may be relied on after so much speech."""
    return heard_s >= SETTLED_S or (heard_s >= CERTAIN_S and probability >= CERTAIN)
