"""What is left of a speaker on the tape."""

from __future__ import annotations

import numpy as np

from pipeline.bounds import SPOKEN_STRETCHES_MAX
from pipeline.hearing.recent_speech import RecentSpeech
from pipeline.tests.test_tape import fill
from pipeline.types import SAMPLE_RATE_HZ

SECOND = SAMPLE_RATE_HZ


def test_a_speakers_clauses_stand_one_behind_the_other() -> None:
    tape = fill([SECOND] * 6)
    recent = RecentSpeech(tape, lambda speaker: speaker)
    recent.note("S1", 0.0, 1.0, "en")
    recent.note("S2", 1.0, 2.5, "de")
    recent.note("S1", 3.0, 5.0, "fr")
    spoken = recent.of("S1")
    assert np.array_equal(spoken.pcm, np.concatenate([tape.read(0, 1), tape.read(3, 5)]))
    assert spoken.language == "fr"
    assert len(recent.of("S2").pcm) == 1.5 * SECOND


def test_what_the_tape_has_forgotten_is_gone() -> None:
    recent = RecentSpeech(fill([SECOND] * 10, keep_s=4.0), lambda speaker: speaker)
    recent.note("S1", 0.0, 2.0, "en")
    assert len(recent.of("S1").pcm) == 0
    assert recent.of("S1").language == ""
    recent.note("S1", 5.0, 8.0, "en")
    assert len(recent.of("S1").pcm) == 2 * SECOND


def test_a_speaker_folded_into_another_one_is_found_under_both_names() -> None:
    folded = {"S2": "S1"}
    recent = RecentSpeech(fill([SECOND] * 4), lambda speaker: folded.get(speaker, speaker))
    recent.note("S1", 0.0, 1.0, "en")
    recent.note("S2", 2.0, 3.0, "en")
    assert len(recent.of("S1").pcm) == len(recent.of("S2").pcm) == 2 * SECOND
    assert len(recent.of("S3").pcm) == 0


def test_only_so_many_clauses_are_remembered() -> None:
    recent = RecentSpeech(fill([SECOND] * 2), lambda speaker: speaker)
    recent.note("S1", 0.0, 1.0, "en")
    for _ in range(SPOKEN_STRETCHES_MAX):
        recent.note("S2", 1.0, 1.01, "en")
    assert len(recent.of("S1").pcm) == 0
