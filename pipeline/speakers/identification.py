"""Which known actor a speaker is, if any: pure, no clock, no I/O, deterministic.

What is compared are mean voiceprints weighted by clean speech, of the speaker and of each
actor. A cosine alone means little: of two seconds it is lower than of ten, whoever speaks, and
on a telephone everybody is alike. So it is first told in standard deviations above what
strangers reach with as much speech in the same band (Z-norm: Auckenthaler, Carey and
Lloyd-Thomas, "Score normalization for text-independent speaker verification systems", 2000).

Then it is held against a share of an error budget. Of a thousand strangers one may be
confirmed as *somebody*, and thirty suggested; the more actors there are to be mistaken for,
the smaller each one's share (Bonferroni), because the likest of many strangers is likelier to
be like enough. What is known of the title moves shares, never the budget: see ``shares``.

The score is 0 at what strangers reach on average, 0.5 where an actor is suggested, 0.8 where
one is confirmed, and 1 two standard deviations beyond.

A speaker is confirmed or suggested only with a margin to the second-best actor; what a person
decided is final and never asked again: see ``Known``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Generic, Literal, TypeVar

import numpy as np

from pipeline.types import Embedding

ActorId = TypeVar("ActorId", bound=Hashable)

Band = Literal["wide", "narrow"]
"""``narrow``: as a telephone carries it. Voiceprints of the two are never compared."""
BANDS: tuple[Band, ...] = ("wide", "narrow")
"""Best first."""

State = Literal["unknown", "suggested", "confirmed"]

SUGGEST_AT = 0.5
CONFIRM_AT = 0.8
UNREACHABLE = 1.01
"""As ``confirm_at``: whoever is recognised is suggested."""
MEASURED = frozenset({"resemblyzer", "scripted"})
"""Encoders whose strangers ``Rules`` knows."""
_STANDARD = NormalDist()


@dataclass(frozen=True, slots=True)
class Heard:
    """A voiceprint and what it is worth."""

    embedding: Embedding
    speech_s: float
    """Clean speech that it was made of."""
    quality: float = 1.0
    """0 to 1, from the signal-to-noise ratio."""


@dataclass(frozen=True, slots=True)
class Mean:
    """What is known of a voice in one band."""

    embedding: Embedding
    """L2 norm 1."""
    speech_s: float
    quality: float = 1.0
    """0 to 1, of its speech on average."""


def mean_of(heard: Iterable[Heard]) -> Mean | None:
    """The mean voiceprint, each weighted by its clean speech and quality; None of nothing.

    Its seconds are those of the speech, whatever its quality.
    """
    total: np.ndarray | None = None
    speech_s = total_weight = 0.0
    for one in heard:
        weight = one.speech_s * one.quality
        if weight <= 0 or not np.isfinite(one.embedding).all():
            continue
        weighted = one.embedding.astype(np.float64) * weight
        total = weighted if total is None else total + weighted
        speech_s += one.speech_s
        total_weight += weight
    if total is None or not (norm := float(np.linalg.norm(total))):
        return None
    return Mean(np.asarray(total / norm, np.float32), speech_s, total_weight / speech_s)


@dataclass(frozen=True, slots=True)
class Strangers:
    """Cosines of voiceprints of two people: points (seconds, mean), and the deviation.

    Seconds are those of both together as of resistors in parallel, 1 / (1/a + 1/b): a
    voiceprint errs in inverse proportion to its speech, and the errors of both add up.
    """

    means: tuple[tuple[float, float], ...]
    deviation: float
    noise: float = 0.0
    """What noise adds to the mean, at quality 0: it makes everybody more alike."""

    def deviations(self, heard: Mean, known: Mean) -> float:
        """How far the two are above strangers."""
        together_s = 1.0 / (1.0 / max(heard.speech_s, 1e-3) + 1.0 / max(known.speech_s, 1e-3))
        seconds, means = zip(*self.means, strict=True)
        cosine = float(heard.embedding @ known.embedding)
        mean = float(np.interp(together_s, seconds, means)) + self.noise * (1.0 - heard.quality)
        return (cosine - mean) / self.deviation


@dataclass(frozen=True, slots=True)
class Rules:
    """Measured on Resemblyzer's voiceprints of recordings that the benchmark does not use:
    fourteen people, six languages. ``pipeline.benchmarks.identification`` tries them on others."""

    strangers: Mapping[Band, Strangers] = field(
        default_factory=lambda: {
            "wide": Strangers(
                (
                    (0.75, 0.456),
                    (1.0, 0.491),
                    (1.4, 0.516),
                    (2.0, 0.531),
                    (2.7, 0.546),
                    (4.0, 0.561),
                ),
                0.07,
                noise=0.02,
            ),
            "narrow": Strangers(
                ((0.75, 0.56), (1.0, 0.60), (1.4, 0.61), (2.0, 0.63), (2.7, 0.645), (4.0, 0.66)),
                0.085,
            ),
        }
    )
    confirmed_strangers: float = 0.001
    """Error budget: the share of strangers that may be confirmed as somebody."""
    suggested_strangers: float = 0.03
    context_share: float = 0.5
    """Part of the budget that goes to the actors whom the title makes likely."""
    context_max: float = 50.0
    """The most by which context may multiply an actor's share."""
    likeliest_share: float = 0.5
    """No actor's share is more: even alone they must sound like themselves."""
    usable_s: float = 1.5
    """Less clean speech of a speaker says nothing."""
    confirm_s: float = 2.0
    """Less never confirms."""
    suggest_margin: float = 0.4
    """Deviations by which the best is ahead of the second best."""
    confirm_margin: float = 0.8
    usable_snr_db: float = 3.0
    """Speech with more noise is left aside."""
    suppress_below_db: float = 16.0
    """From here down, noise is suppressed before a voiceprint is made."""
    trusted_snr_db: float = 20.0
    """From here on the quality of a voiceprint is 1."""
    consistent_at: float = 0.62
    """Least cosine of what comes before and after any moment: below, two people speak."""

    def quality(self, snr_db: float) -> float:
        """0 to 1."""
        span = self.trusted_snr_db - self.usable_snr_db
        return float(np.clip((snr_db - self.usable_snr_db) / span, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Candidate(Generic[ActorId]):
    """An actor who might be speaking, as far as their voice is known."""

    actor: ActorId
    voice: Mapping[Band, Mean]


@dataclass(frozen=True, slots=True)
class Context(Generic[ActorId]):
    """Who is likely, before anybody has spoken."""

    in_title: frozenset[ActorId] = frozenset()
    """Confirmed in this title before."""
    beside: frozenset[ActorId] = frozenset()
    """Confirmed before in one session with somebody who is confirmed in this one."""

    @property
    def likely(self) -> frozenset[ActorId]:
        return self.in_title | self.beside


@dataclass(frozen=True, slots=True)
class Known(Generic[ActorId]):
    """What people decided about this speaker; it is final."""

    is_actor: ActorId | None = None
    is_not: frozenset[ActorId] = frozenset()


@dataclass(frozen=True, slots=True)
class Match(Generic[ActorId]):
    """``actor`` is None unless suggested or confirmed."""

    state: State
    actor: ActorId | None = None
    score: float = 0.0
    """Of the best candidate, 0 to 1, whoever it is."""
    deviations: float = 0.0
    margin: float = 0.0
    """Deviations to the second best; to strangers' average where there is no second."""
    by_person: bool = False


UNKNOWN: Match[object] = Match("unknown")


def shares(
    actors: int, likely: frozenset[ActorId] | frozenset[object], rules: Rules
) -> tuple[float, float]:
    """Shares of the error budget: of an actor whom context makes likely, and of any other.

    Half of the budget is divided among those who are likely, the other half among all. An
    actor's log-odds before anybody has spoken so rise by ln(shares[0] · actors), at most by
    ln(50); as no share is above one half, context alone never confirms: at the budget of one
    in a thousand a voice must stay 3.3 deviations above strangers.
    """
    actors = max(actors, 1)
    even = 1.0 / actors
    if not likely:
        return min(even, rules.likeliest_share), min(even, rules.likeliest_share)
    other = (1 - rules.context_share) * even
    favoured = other + rules.context_share / len(likely)
    favoured = min(favoured, rules.context_max * even, rules.likeliest_share)
    return favoured, min(other, rules.likeliest_share)


def score_of(deviations: float, share: float, rules: Rules) -> float:
    """0 to 1 for an actor who has this share of the budget."""
    suggest = -_STANDARD.inv_cdf(rules.suggested_strangers * share)
    confirm = -_STANDARD.inv_cdf(rules.confirmed_strangers * share)
    points = (0.0, suggest, confirm, confirm + 2.0)
    return float(np.interp(deviations, points, (0.0, SUGGEST_AT, CONFIRM_AT, 1.0)))


def identify(
    voice: Mapping[Band, Mean],
    candidates: Sequence[Candidate[ActorId]],
    *,
    actors: int,
    context: Context[ActorId] | None = None,
    known: Known[ActorId] | None = None,
    confirm_at: float = CONFIRM_AT,
    rules: Rules | None = None,
) -> Match[ActorId]:
    """Who speaks.

    ``candidates`` are the nearest of ``actors`` whom they were searched among. A band that
    both sides have is used, the wide one before the narrow one. ``confirm_at`` is the score
    from which a match is confirmed, the setting VOICE_SIMILARITY_THRESHOLD.
    """
    context, known, rules = context or Context(), known or Known(), rules or Rules()
    if known.is_actor is not None:
        return Match("confirmed", known.is_actor, 1.0, by_person=True)
    speech_s = max((mean.speech_s for mean in voice.values()), default=0.0)
    if speech_s < rules.usable_s:
        return Match("unknown")
    actors = max(actors, len(candidates))
    favoured, other = shares(actors, context.likely, rules)
    scored = []
    for candidate in candidates:
        deviations = _deviations(voice, candidate.voice, rules)
        if deviations is not None:
            share = favoured if candidate.actor in context.likely else other
            scored.append((score_of(deviations, share, rules), deviations, candidate.actor))
    # Those who were refused still stand beside the others: a margin is one of sound.
    allowed = [one for one in scored if one[2] not in known.is_not]
    if not allowed:
        return Match("unknown")
    score, deviations, actor = max(allowed, key=lambda one: one[:2])
    margin = deviations - max((one[1] for one in scored if one[2] != actor), default=0.0)
    if score >= confirm_at and speech_s >= rules.confirm_s and margin >= rules.confirm_margin:
        return Match("confirmed", actor, score, deviations, margin)
    if score >= min(SUGGEST_AT, confirm_at) and margin >= rules.suggest_margin:
        # A suggestion never carries the score of a confirmation.
        return Match("suggested", actor, min(score, confirm_at - 0.01), deviations, margin)
    return Match("unknown", None, score, deviations, margin)


def _deviations(
    voice: Mapping[Band, Mean], other: Mapping[Band, Mean], rules: Rules
) -> float | None:
    for band in BANDS:
        if band in voice and band in other:
            return rules.strangers[band].deviations(voice[band], other[band])
    return None
