"""What the figures mean, in words that need no knowledge of sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.sample_quality.measures import Measures

Verdict = Literal["good", "usable", "unusable"]
_COUNTS = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}


@dataclass(frozen=True, slots=True)
class Rules:
    """From where on a figure makes a recording ``usable`` only, or not even that.

    Tried on real recordings: read speech of LibriSpeech and LJSpeech, commands, telephone,
    an advert with music, a hall, and speech in a café (``pipeline.benchmarks.samples``).
    """

    speech_good_s: float = 10.0
    speech_min_s: float = 3.0
    share_good: float = 0.4
    snr_good_db: float = 18.0
    snr_min_db: float = 10.0
    clipped_good: float = 0.0005
    clipped_max: float = 0.01
    loudness_good_lufs: float = -36.0
    loudness_min_lufs: float = -50.0
    bandwidth_good_hz: int = 4_500


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    message: str
    """What is wrong, and what to do."""
    fatal: bool


def judge(measures: Measures, rules: Rules | None = None) -> tuple[Verdict, list[Reason]]:
    """The verdict, and everything that keeps it from being better, worst first."""
    found = sorted(_problems(measures, rules or Rules()), key=lambda reason: not reason.fatal)
    if any(reason.fatal for reason in found):
        return "unusable", found
    return ("usable" if found else "good"), found


def _problems(found: Measures, rules: Rules) -> Iterator[Reason]:
    if found.speech_s < 0.5:
        yield Reason("no_speech", "Nobody speaks in it.", True)
        return
    if found.speakers > 1:
        count = _COUNTS.get(found.speakers, str(found.speakers))
        yield Reason(
            "several_speakers",
            f"{count} people speak. Cut out the others, so that one voice is left.",
            True,
        )
    if found.speech_s < rules.speech_min_s:
        yield Reason(
            "too_short",
            f"There are only {found.speech_s:.1f} s of speech; {rules.speech_min_s:.0f} s are the "
            f"least, {rules.speech_good_s:.0f} s are good.",
            True,
        )
    elif found.speech_s < rules.speech_good_s:
        yield Reason(
            "short",
            f"There are {found.speech_s:.1f} s of speech; {rules.speech_good_s:.0f} s or more "
            "are better.",
            False,
        )
    if found.speech_share < rules.share_good:
        yield Reason(
            "mostly_pauses",
            f"Only {found.speech_share:.0%} of it is speech. Cut the pauses.",
            False,
        )
    if found.snr_db is not None and found.snr_db < rules.snr_good_db:
        fatal = found.snr_db < rules.snr_min_db
        yield Reason(
            "noisy",
            f"The voice stands {found.snr_db:.0f} dB above the noise"
            + (", too little. " if fatal else ". ")
            + "Record where it is quiet, without music, close to the microphone.",
            fatal,
        )
    if found.clipped_share > rules.clipped_good:
        yield Reason(
            "clipped",
            "It was recorded too loud: the tops are cut off. Turn the input down and record again.",
            found.clipped_share > rules.clipped_max,
        )
    if found.loudness_lufs is None or found.loudness_lufs < rules.loudness_good_lufs:
        quiet = found.loudness_lufs
        yield Reason(
            "quiet",
            ("It is hardly audible" if quiet is None else f"It is quiet ({quiet:.0f} LUFS)")
            + ". Turn the input up, or speak closer to the microphone.",
            quiet is None or quiet < rules.loudness_min_lufs,
        )
    if found.bandwidth_hz < rules.bandwidth_good_hz:
        yield Reason(
            "narrow",
            f"There is no sound above {found.bandwidth_hz / 1000:.1f} kHz, as on a telephone. "
            "A voice made after it will sound dull.",
            False,
        )
