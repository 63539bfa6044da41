"""From one person's speech to voiceprints that can be kept and compared later.

Sound is made comparable first: steady noise is suppressed where there is much of it, and a
second voiceprint is made of what a telephone would have left of the speech, so that somebody
known from a film is recognised on a telephone and the other way round (multi-condition
enrolment). Speech that fits together badly is refused: more than one person speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.beside import beside
from pipeline.bounds import ENCODER_MAX_S
from pipeline.identification import Band, Heard, Rules
from pipeline.ports import SpeakerEncoder
from pipeline.speech_quality import is_narrow, narrowed, noise_suppressed, snr_db
from pipeline.types import SAMPLE_RATE_HZ, Pcm

PIECE_S = 1.6
"""Pieces that are compared with one another."""


@dataclass(frozen=True, slots=True)
class Voiceprints:
    """One stretch of speech, in every band it can be had in."""

    heard: dict[Band, Heard]
    snr_db: float


class SpeechRefusedError(ValueError):
    """The speech says nothing of a voice; ``reason`` is a code: short, noisy, mixed."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def voiceprints_of(
    encoder: SpeakerEncoder,
    pcm: Pcm,
    rules: Rules | None = None,
    *,
    consistent_by: SpeakerEncoder | None = None,
) -> Voiceprints:
    """Voiceprints of speech without its pauses, 16 kHz; of its first 30 s at most.

    ``consistent_by`` finds out whether one person speaks, where ``encoder`` is a slow one.

    Raises SpeechRefusedError when it is too short, too noisy, or of several people.
    """
    rules = rules or Rules()
    pcm = pcm[: int(ENCODER_MAX_S * SAMPLE_RATE_HZ)]
    speech_s = len(pcm) / SAMPLE_RATE_HZ
    if speech_s < rules.usable_s:
        raise SpeechRefusedError("short", f"a voiceprint needs {rules.usable_s} s of speech")
    snr = await beside(snr_db, pcm)
    if snr < rules.usable_snr_db:
        raise SpeechRefusedError("noisy", f"the speech is only {snr:.0f} dB above the noise")
    quality = max(rules.quality(snr), 0.1)
    clean = await beside(noise_suppressed, pcm) if snr < rules.suppress_below_db else pcm
    try:
        if await _is_mixed(consistent_by or encoder, clean, rules):
            raise SpeechRefusedError("mixed", "more than one person speaks")
        narrow = await beside(is_narrow, pcm)
        band: Band = "narrow" if narrow else "wide"
        heard = {band: Heard(await encoder.embed(clean, urgent=False), speech_s, quality)}
        if not narrow:
            clean = await beside(narrowed, clean)
            heard["narrow"] = Heard(await encoder.embed(clean, urgent=False), speech_s, quality)
    except SpeechRefusedError:
        raise
    except ValueError as error:
        raise SpeechRefusedError("short", str(error)) from error
    return Voiceprints(heard, snr)


async def _is_mixed(encoder: SpeakerEncoder, pcm: Pcm, rules: Rules) -> bool:
    """Whether somebody else speaks from some moment on; never of less than two pieces."""
    pieces = np.array_split(pcm, max(1, int(len(pcm) / (PIECE_S * SAMPLE_RATE_HZ))))
    if len(pieces) < 2:
        return False
    prints = np.stack([await encoder.embed(piece, urgent=False) for piece in pieces])
    return consistency(prints) < rules.consistent_at


def consistency(prints: np.ndarray) -> float:
    """The least cosine of what was said before some moment to what was said after it."""
    cosines = []
    for moment in range(1, len(prints)):
        before, after = prints[:moment].sum(axis=0), prints[moment:].sum(axis=0)
        norms = float(np.linalg.norm(before) * np.linalg.norm(after))
        cosines.append(float(before @ after) / max(norms, 1e-9))
    return min(cosines, default=1.0)
