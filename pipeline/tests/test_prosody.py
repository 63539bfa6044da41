"""Measured prosody and the style that comes of comparing clauses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sound.prosody import (
    ENERGY_LIMIT_DB,
    PITCH_LIMIT_SEMITONES,
    RANGE_LIMITS,
    RATE_LIMITS,
    Prosody,
    SpeakerProsody,
    measure,
    register_of,
    robust_spread,
)
from pipeline.types import NEUTRAL_STYLE, SAMPLE_RATE_HZ, Pcm

USUAL = Prosody(
    level_db=-22.0, pitch_hz=120.0, pitch_spread=2.0, words_per_s=2.5, duration_s=4.0, words=10
)


def buzz(pitch_hz: float, *, amplitude: float = 0.2, wobble_semitones: float = 0.0) -> Pcm:
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    f0 = pitch_hz * 2 ** (wobble_semitones * np.sin(2 * np.pi * time_s) / 12)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE_HZ
    wave = sum(np.sin(h * phase) / h for h in range(1, 9))
    return np.asarray(wave * amplitude * 20_000).astype(np.int16)


def changed(**fields: float) -> Prosody:
    values = {name: getattr(USUAL, name) for name in Prosody.__slots__}
    return Prosody(**(values | fields))


@pytest.mark.parametrize("pitch_hz", [90.0, 130.0, 220.0, 300.0])
def test_the_pitch_of_a_steady_voice_is_measured(pitch_hz: float) -> None:
    measured = measure(buzz(pitch_hz), 4)
    assert measured.pitch_hz == pytest.approx(pitch_hz, rel=0.02)
    assert measured.pitch_spread < 0.3
    assert measured.words_per_s == pytest.approx(2.0)


def test_a_livelier_voice_has_a_wider_spread() -> None:
    # A sine's standard deviation is its amplitude over the square root of two.
    spread = measure(buzz(150.0, wobble_semitones=3.0), 4).pitch_spread
    assert spread == pytest.approx(3 / np.sqrt(2), rel=0.15)


def test_octave_errors_do_not_change_the_spread() -> None:
    values = np.random.default_rng(1).normal(80.0, 2.0, 4000)
    assert robust_spread(values) == pytest.approx(2.0, rel=0.05)
    wrong = np.concatenate([values, values[:100] - 12.0, values[:100] + 12.0])
    assert robust_spread(wrong) == pytest.approx(2.0, rel=0.1)
    # Where the standard deviation is half as large again.
    assert np.std(wrong) > 3.0
    assert robust_spread(values[:0]) == 0.0


def test_twice_the_amplitude_is_six_decibels_more() -> None:
    soft, loud = measure(buzz(150.0, amplitude=0.1), 4), measure(buzz(150.0), 4)
    assert loud.level_db - soft.level_db == pytest.approx(6.02, abs=0.1)


def test_pauses_do_not_lower_the_level() -> None:
    pcm = buzz(150.0)
    paused = np.concatenate([pcm, np.zeros(2 * SAMPLE_RATE_HZ, np.int16)])
    assert measure(paused, 4).level_db == pytest.approx(measure(pcm, 4).level_db, abs=0.5)


@pytest.mark.parametrize("samples", [0, 1, 100, 16_000])
def test_silence_and_scraps_have_no_pitch(samples: int) -> None:
    measured = measure(np.zeros(samples, np.int16), 0)
    assert measured.pitch_hz == 0.0
    assert measured.words_per_s == 0.0
    assert measured.level_db == -120.0


@pytest.mark.parametrize(
    ("speaker", "low_hz", "high_hz"), [("2033", 110, 160), ("367", 200, 280), ("1998", 165, 240)]
)
def test_real_speakers_lie_where_their_voices_lie(
    speech_data: Path, speaker: str, low_hz: float, high_hz: float
) -> None:
    file = sorted((speech_data / "librispeech").glob(f"{speaker}-*.flac"))[1]
    pcm, _ = soundfile.read(file, dtype="int16")
    assert low_hz < measure(pcm, 10).pitch_hz < high_hz


@pytest.mark.parametrize(
    ("pitch_hz", "register"),
    [(0.0, "mid"), (95.0, "low"), (139.9, "low"), (140.0, "mid"), (185.0, "mid"), (210.0, "high")],
)
def test_register_is_read_off_the_pitch(pitch_hz: float, register: str) -> None:
    assert register_of(pitch_hz) == register


def test_a_first_clause_is_neutral() -> None:
    assert SpeakerProsody().style_of(USUAL) == NEUTRAL_STYLE


def test_a_clause_like_all_others_is_neutral() -> None:
    speaker = SpeakerProsody()
    for _ in range(3):
        style = speaker.style_of(USUAL)
    assert style.energy_db == pytest.approx(0.0)
    assert style.pitch_semitones == pytest.approx(0.0)
    assert style.pitch_range == pytest.approx(1.0)
    assert style.rate == pytest.approx(1.0)
    assert speaker.pitch_hz == pytest.approx(120.0)


def test_style_moves_the_way_the_clause_differs() -> None:
    speaker = SpeakerProsody()
    speaker.style_of(USUAL)
    excited = speaker.style_of(
        changed(level_db=-18.0, pitch_hz=140.0, pitch_spread=3.0, words_per_s=2.9)
    )
    assert excited.energy_db > 1.0
    assert excited.pitch_semitones > 1.0
    assert excited.pitch_range > 1.1
    assert excited.rate > 1.05
    speaker = SpeakerProsody()
    speaker.style_of(USUAL)
    subdued = speaker.style_of(
        changed(level_db=-26.0, pitch_hz=105.0, pitch_spread=1.2, words_per_s=2.1)
    )
    assert subdued.energy_db < -1.0
    assert subdued.pitch_semitones < -1.0
    assert subdued.pitch_range < 0.9
    assert subdued.rate < 0.95


def test_a_short_clause_moves_the_style_less() -> None:
    def energy(words: int) -> float:
        speaker = SpeakerProsody()
        speaker.style_of(USUAL)
        return speaker.style_of(changed(level_db=-18.0, words=words)).energy_db

    assert energy(1) < energy(12) / 2


def test_voiceless_clauses_leave_the_pitch_alone() -> None:
    speaker = SpeakerProsody()
    speaker.style_of(USUAL)
    style = speaker.style_of(changed(pitch_hz=0.0, pitch_spread=0.0))
    assert (style.pitch_semitones, style.pitch_range) == (0.0, 1.0)
    assert speaker.pitch_hz == pytest.approx(120.0)


def test_the_usual_follows_a_speaker_who_changes() -> None:
    speaker = SpeakerProsody()
    speaker.style_of(USUAL)
    for _ in range(60):
        style = speaker.style_of(changed(level_db=-16.0))
    assert abs(style.energy_db) < 0.5


@given(
    st.lists(
        st.builds(
            Prosody,
            level_db=st.floats(-120, 0),
            pitch_hz=st.one_of(st.just(0.0), st.floats(50, 600)),
            pitch_spread=st.floats(0, 12),
            words_per_s=st.floats(0, 20),
            duration_s=st.floats(0, 30),
            words=st.integers(0, 60),
        ),
        max_size=12,
    )
)
def test_style_stays_within_its_limits_whatever_is_said(clauses: list[Prosody]) -> None:
    speaker = SpeakerProsody()
    for clause in clauses:
        style = speaker.style_of(clause)
        assert abs(style.energy_db) <= ENERGY_LIMIT_DB
        assert abs(style.pitch_semitones) <= PITCH_LIMIT_SEMITONES
        assert RANGE_LIMITS[0] <= style.pitch_range <= RANGE_LIMITS[1]
        assert RATE_LIMITS[0] <= style.rate <= RATE_LIMITS[1]


def test_habits_go_on_from_their_averages() -> None:
    habits = SpeakerProsody()
    habits.style_of(USUAL)
    louder = replace(USUAL, level_db=-18.0, pitch_hz=140.0)
    again = SpeakerProsody(*habits.export())
    assert again.style_of(louder) == habits.style_of(louder) != NEUTRAL_STYLE
