"""From one person's speech to voiceprints that can be kept and compared later.

Sound is made comparable first: steady noise is suppressed where there is much of it, and a
second voiceprint is made of what a telephone would have left of the speech, so that somebody
known from a film is recognised on a telephone and the other way round. What is kept of clean
speech is the mean with a copy of it in noise, from which noise was suppressed again: so it is
near to both (multi-condition enrolment: Garcia-Romero, Zhou and Espy-Wilson, "Multicondition
training of Gaussian PLDA models in i-vector space for noise and reverberation robust speaker
recognition", 2012). Speech that fits together badly is refused: more than one person speaks.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from pipeline.bounds import ENCODER_MAX_S
from pipeline.ports import SpeakerEncoder
from pipeline.runtime.beside import beside
from pipeline.speakers.identification import Band, Heard, Rules
from pipeline.speakers.speech_quality import is_narrow, narrowed, noise_suppressed, noisy, snr_db
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

IN_NOISE_DB = 10.0
"""How far speech stands above the noise in the copy that is kept of it."""
IN_NOISE_SHARE = 0.4
"""Of that copy in what is kept: with more of it, clean speech is confirmed later."""
PIECE_S = 1.6
"""Pieces that are compared with one another."""


@dataclass(frozen=True, slots=True)
class Voiceprints:
    """One stretch of speech, in every band it can be had in."""

    heard: dict[Band, Heard]
    """As it is compared with what is kept of others."""
    kept: dict[Band, Heard]
    """As it is kept, for later speech to be compared with."""
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
    keep: bool = True,
) -> Voiceprints:
    """Voiceprints of speech without its pauses, 16 kHz; of its first 30 s at most.

    ``consistent_by`` finds out whether one person speaks, where ``encoder`` is a slow one.
    Without ``keep`` nothing is made that only serves later comparisons: ``kept`` is ``heard``.

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
    made_of = functools.partial(encoder.embed, urgent=False, brief=not keep)
    clean = await beside(noise_suppressed, pcm) if snr < rules.suppress_below_db else pcm
    try:
        if await _is_mixed(consistent_by or encoder, clean, rules):
            raise SpeechRefusedError("mixed", "more than one person speaks")
        narrow = await beside(is_narrow, pcm)
        band: Band = "narrow" if narrow else "wide"
        heard = {band: Heard(await made_of(clean), speech_s, quality)}
        if not narrow:
            by_telephone = await made_of(await beside(narrowed, clean))
            heard["narrow"] = Heard(by_telephone, speech_s, quality)
        kept = dict(heard)
        if keep and not narrow and snr >= rules.suppress_below_db:
            in_noise = await made_of(await beside(in_noise_of, clean))
            kept[band] = Heard(blended(heard[band].embedding, in_noise), speech_s, quality)
    except SpeechRefusedError:
        raise
    except ValueError as error:
        raise SpeechRefusedError("short", str(error)) from error
    return Voiceprints(heard, kept, snr)


def in_noise_of(pcm: Pcm) -> Pcm:
    """Clean speech as a noisy place would have brought it, after its noise was suppressed."""
    return noise_suppressed(noisy(pcm, IN_NOISE_DB))


def blended(clean: Embedding, in_noise: Embedding) -> Embedding:
    """What is kept of both, L2 norm 1."""
    both = (1.0 - IN_NOISE_SHARE) * clean.astype(np.float64) + IN_NOISE_SHARE * in_noise
    return np.asarray(both / max(float(np.linalg.norm(both)), 1e-9), np.float32)


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
