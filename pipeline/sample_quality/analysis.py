"""One recording from its samples to the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.sample_quality import measures as m
from pipeline.sample_quality.measures import Measures
from pipeline.sample_quality.recording import Recording
from pipeline.sample_quality.room_and_rate import reverberation_s, syllables_per_s
from pipeline.sample_quality.speakers_heard import Embed, Stretch, people, seconds, stretches
from pipeline.sample_quality.verdict import Reason, Verdict, judge
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

Detect = Callable[[Pcm], Sequence[float]]
"""Speech probability of every frame of 512 samples at 16 kHz, of one recording from its start."""
PRINT_S = 6.0
"""About how much speech a voiceprint of a sample is made of."""


@dataclass(frozen=True, slots=True)
class StretchPrint:
    """How the main speaker sounds in a part of the recording."""

    embedding: Embedding
    """Shape (256,), L2 norm 1: the mean over the part's stretches, by their lengths."""
    speech_s: float
    at_s: float
    duration_s: float
    """From its beginning to its end, pauses included."""


@dataclass(frozen=True, slots=True)
class Analysis:
    measures: Measures
    verdict: Verdict
    reasons: list[Reason]
    prints: list[StretchPrint]
    """Of the one who speaks most; none where the verdict is ``unusable``."""


def analyse(recording: Recording, *, detect: Detect, embed: Embed) -> Analysis:
    pcm = recording.speech_rate
    probabilities = np.asarray(detect(pcm), np.float64)
    speech = probabilities > m.SPEECH_FROM
    powers = m.frame_powers(pcm, len(probabilities))
    found = stretches(pcm, probabilities, embed)
    groups = people(found)
    speech_s = float(np.count_nonzero(speech)) * m.FRAME_SAMPLES / SAMPLE_RATE_HZ
    pitch = m.pitch_hz(pcm, speech) if speech.any() else None
    figures = Measures(
        duration_s=round(recording.duration_s, 3),
        sample_rate_hz=recording.rate_hz,
        speech_s=round(speech_s, 2),
        speech_share=round(min(1.0, speech_s / max(recording.duration_s, 1e-9)), 3),
        snr_db=m.snr_db(powers, probabilities),
        clipped_share=round(m.clipped_share(recording.samples), 6),
        loudness_lufs=m.loudness_lufs(recording),
        peak_dbfs=m.peak_dbfs(recording.samples),
        bandwidth_hz=m.bandwidth_hz(recording, speech),
        speakers=len(groups) if groups else int(speech.any()),
        main_speaker_share=round(seconds(groups[0]) / seconds(found), 3) if groups else 0.0,
        pitch_median_hz=pitch[0] if pitch else None,
        pitch_low_hz=pitch[1] if pitch else None,
        pitch_high_hz=pitch[2] if pitch else None,
        reverberation_s=reverberation_s(pcm) if speech.any() else None,
        syllables_per_s=syllables_per_s(pcm, speech, m.FRAME_SAMPLES / SAMPLE_RATE_HZ),
    )
    verdict, reasons = judge(figures)
    prints = _prints(groups[0]) if groups and verdict != "unusable" else []
    return Analysis(figures, verdict, reasons, prints)


def _prints(main: Sequence[Stretch]) -> list[StretchPrint]:
    """Neighbouring stretches together: a voiceprint of two seconds is a rough one."""
    parts: list[list[Stretch]] = [[]]
    for stretch in main:
        if seconds(parts[-1]) >= PRINT_S:
            parts.append([])
        parts[-1].append(stretch)
    if len(parts) > 1 and seconds(parts[-1]) < PRINT_S / 2:
        rest = parts.pop()
        parts[-1] += rest
    return [_print(part) for part in parts if part]


def _print(part: Sequence[Stretch]) -> StretchPrint:
    mean = np.sum([one.embedding * one.duration_s for one in part], axis=0)
    begin, end = part[0].begin / SAMPLE_RATE_HZ, part[-1].end / SAMPLE_RATE_HZ
    return StretchPrint(
        embedding=np.asarray(mean / np.linalg.norm(mean), np.float32),
        speech_s=round(seconds(part), 2),
        at_s=round(begin, 2),
        duration_s=round(end - begin, 2),
    )
