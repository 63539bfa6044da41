"""Who says each line of a file, in which voice and style: over all its lines, in order. Pure
but for the shaping of voices, which is asked of an engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.batch.hearing import HeardLine, voiceprint_of
from pipeline.sound.prosody import SpeakerProsody
from pipeline.speakers.clustering import SpeakerRegistry
from pipeline.types import SpeakerMatch, Style, Voice
from pipeline.voices.casting import Casting

REFERENCE_S = 12.0
"""Speech that a voice is shaped after; more does not make it more alike."""
REFERENCE_LINE_S = 1.5
"""Shorter lines are no reference: their speaker is a guess."""


@dataclass(frozen=True, slots=True)
class SaidBy:
    speaker: str
    """"S1", "S2", … in order of appearance; "" while nobody is known yet."""
    similarity: float
    certain: bool
    style: Style


@dataclass(frozen=True, slots=True)
class Cast:
    """One speaker of the file."""

    speaker: str
    pitch_hz: float
    voice: Voice
    """The stock voice they are cast with."""
    reference: tuple[int, ...]
    """Indexes of the lines that their voice may be shaped after, best first."""


def who_says(lines: Sequence[HeardLine]) -> list[SaidBy]:
    """The speaker and the manner of every line; ``lines`` are in order of time."""
    registry = SpeakerRegistry()
    matches: list[SpeakerMatch] = []
    for line in lines:
        matches.append(
            registry.observe(
                voiceprint_of(line), duration_s=line.end_s - line.start_s, at_s=line.start_s
            )
        )
    habits: defaultdict[str, SpeakerProsody] = defaultdict(SpeakerProsody)
    said = []
    for line, match in zip(lines, matches, strict=True):
        # Two who were taken for two may have turned out to be one later on.
        speaker = (registry.known_as(match.speaker) if match.speaker else None) or ""
        style = habits[speaker].style_of(line.prosody)
        said.append(SaidBy(speaker, match.similarity, match.certain, style))
    return said


def cast(lines: Sequence[HeardLine], said: Sequence[SaidBy], voices: Sequence[Voice]) -> list[Cast]:
    """A stock voice for everybody, nearest in pitch, in order of appearance."""
    casting = Casting(voices)
    own: dict[str, list[int]] = {}
    for index, one in enumerate(said):
        own.setdefault(one.speaker, []).append(index)
    made = []
    for speaker, indexes in own.items():
        pitches = [lines[i].prosody.pitch_hz for i in indexes if lines[i].prosody.pitch_hz > 0]
        pitch_hz = float(np.median(pitches)) if pitches else 0.0
        voice = casting.assign(speaker or None, pitch_hz)
        made.append(Cast(speaker, pitch_hz, voice, _reference(lines, said, indexes)))
    return made


def _reference(
    lines: Sequence[HeardLine], said: Sequence[SaidBy], indexes: Sequence[int]
) -> tuple[int, ...]:
    usable = [
        index
        for index in indexes
        if said[index].speaker
        and said[index].certain
        and lines[index].end_s - lines[index].start_s >= REFERENCE_LINE_S
    ]
    best = sorted(usable, key=lambda index: -lines[index].snr_db)
    chosen: list[int] = []
    speech_s = 0.0
    for index in best:
        if speech_s >= REFERENCE_S:
            break
        chosen.append(index)
        speech_s += lines[index].end_s - lines[index].start_s
    return tuple(chosen)
