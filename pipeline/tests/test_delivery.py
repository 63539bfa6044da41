"""What a person did with their voice and what an engine is asked for: one mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.providers.offline.espeak_voices import VARIANTS
from pipeline.providers.offline.synthesizer import _styled_pitch
from pipeline.sound.prosody import PAUSES_LIMIT, Prosody, SpeakerProsody, arousal_of, measure
from pipeline.types import NEUTRAL_STYLE, SAMPLE_RATE_HZ, Pcm, Style
from pipeline.voices.delivery import (
    FIT,
    GAIN_DB,
    PITCH_RANGE,
    PITCH_SEMITONES,
    RATE,
    VENDOR_SPEED,
    Delivery,
    delivery_of,
    fitted_rate,
    vendor_pace,
    vendor_style,
)

styles = st.builds(
    Style,
    energy_db=st.floats(-20, 20),
    pitch_semitones=st.floats(-12, 12),
    pitch_range=st.floats(0.2, 3.0),
    rate=st.floats(0.3, 3.0),
    pauses=st.floats(-1, 1),
    arousal=st.floats(-2, 2),
)
shares = st.floats(0, 1)
FIELDS = [one.name for one in fields(Style)]


@given(shares, shares)
def test_neutral_asks_for_nothing(stability: float, clarity: float) -> None:
    delivery = delivery_of(NEUTRAL_STYLE)
    assert delivery == Delivery()
    assert arousal_of(NEUTRAL_STYLE) == 0
    asked = vendor_style(delivery, stability=stability, clarity=clarity)
    assert (asked.stability, asked.similarity_boost) == (round(stability, 2), round(clarity, 2))
    assert asked.style == 0
    pace = vendor_pace(delivery, natural_s=2.0, fit_s=None, tempo=1.0)
    assert (pace.speed, pace.left) == (1.0, 1.0)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.key)
def test_the_offline_engine_is_asked_for_what_it_was(variant: object) -> None:
    assert _styled_pitch(variant, delivery_of(NEUTRAL_STYLE)) == (variant.pitch, 50)  # type: ignore[arg-type,attr-defined]
    for style in (Style(4.0, 2.0, 1.4, 1.15), Style(-4.0, -2.0, 0.8, 0.9)):
        delivery = delivery_of(style)
        assert (delivery.gain_db, delivery.rate) == (style.energy_db, style.rate)
        assert delivery.pitch_range == style.pitch_range


@given(styles, shares, shares, st.floats(0.2, 20), st.floats(0.2, 20), st.floats(0.5, 2.0))
def test_everything_is_bounded(
    style: Style, stability: float, clarity: float, natural_s: float, fit_s: float, tempo: float
) -> None:
    delivery = delivery_of(style)
    assert abs(delivery.pitch_semitones) <= PITCH_SEMITONES
    assert PITCH_RANGE[0] <= delivery.pitch_range <= PITCH_RANGE[1]
    assert abs(delivery.gain_db) <= GAIN_DB
    assert RATE[0] <= delivery.rate <= RATE[1]
    assert abs(delivery.expression) <= 1
    asked = vendor_style(delivery, stability=stability, clarity=clarity)
    assert all(0 <= getattr(asked, one.name) <= 1 for one in fields(asked))
    pace = vendor_pace(delivery, natural_s=natural_s, fit_s=fit_s, tempo=tempo)
    assert VENDOR_SPEED[0] <= pace.speed <= VENDOR_SPEED[1]
    assert pace.speed * pace.left == pytest.approx(
        fitted_rate(natural_s, fit_s, delivery.rate) * tempo, rel=0.011
    )


def test_what_is_no_number_is_neutral() -> None:
    nothing = float("nan")
    delivery = delivery_of(Style(*[nothing] * len(FIELDS)))
    assert delivery == Delivery()


@given(styles, st.sampled_from(FIELDS), st.floats(0, 2))
def test_more_of_something_is_never_less(style: Style, field: str, more: float) -> None:
    raised = replace(style, **{field: getattr(style, field) + more})
    low, high = delivery_of(style), delivery_of(raised)
    for one in fields(Delivery):
        assert getattr(high, one.name) >= getattr(low, one.name)
    calm = vendor_style(low, stability=0.5, clarity=0.75)
    lively = vendor_style(high, stability=0.5, clarity=0.75)
    assert lively.stability <= calm.stability
    assert lively.style >= calm.style


@given(shares, shares)
def test_excitement_only_loosens(stability: float, clarity: float) -> None:
    def held(expression: float) -> float:
        return vendor_style(
            Delivery(expression=expression), stability=stability, clarity=clarity
        ).stability

    assert held(1.0) <= held(0.0) <= held(-1.0)


def test_a_slot_is_filled_but_never_overrun() -> None:
    assert fitted_rate(2.0, 1.0, 1.0) == FIT[1]
    assert fitted_rate(1.0, 2.0, 1.0) == FIT[0]
    assert fitted_rate(2.0, 2.04, 1.2) == 1.0
    assert fitted_rate(2.0, None, 1.1) == 1.1


raised: list[tuple[str, Callable[[Style], Style]]] = [
    ("louder", lambda style: replace(style, energy_db=4.0)),
    ("higher", lambda style: replace(style, pitch_semitones=2.0)),
    ("livelier", lambda style: replace(style, pitch_range=1.3)),
    ("faster", lambda style: replace(style, rate=1.15)),
    ("fewer pauses", lambda style: replace(style, pauses=-0.2)),
]


@pytest.mark.parametrize(("name", "change"), raised, ids=[name for name, _ in raised])
def test_arousal_rises_with(name: str, change: Callable[[Style], Style]) -> None:
    assert 0 < arousal_of(change(NEUTRAL_STYLE)) <= 0.5


def test_arousal_ends_at_one() -> None:
    assert arousal_of(Style(6.0, 4.0, 1.6, 1.25, -PAUSES_LIMIT)) == pytest.approx(1.0)
    assert arousal_of(Style(-6.0, -4.0, 0.6, 0.8, PAUSES_LIMIT)) >= -1.0


def test_pauses_are_measured_and_scraps_have_none() -> None:
    def buzz(seconds: float) -> Pcm:
        time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        return np.asarray(np.sin(2 * np.pi * 150 * time_s) * 8000).astype(np.int16)

    def silence(seconds: float) -> Pcm:
        return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16)

    spoken = np.concatenate([silence(0.5), buzz(1), silence(1), buzz(1), silence(0.5)])
    assert measure(spoken, 4).pause_share == pytest.approx(1 / 3, abs=0.03)
    stops = np.concatenate([buzz(1), silence(0.1), buzz(1)])
    assert measure(stops, 4).pause_share == 0
    assert measure(silence(1), 0).pause_share == measure(silence(0), 0).pause_share == 0


def test_pauses_and_arousal_are_relative_to_the_speaker() -> None:
    usual = Prosody(-22.0, 120.0, 2.0, 2.5, 4.0, 10, 0.2)
    speaker = SpeakerProsody()
    speaker.style_of(usual)
    assert speaker.style_of(usual).arousal == pytest.approx(0.0)
    halting = speaker.style_of(replace(usual, pause_share=0.5))
    assert 0 < halting.pauses <= PAUSES_LIMIT
    assert halting.arousal < 0
    again = SpeakerProsody(*speaker.export())
    assert again.export() == speaker.export()


def test_a_style_of_an_older_version_is_read() -> None:
    old = msgspec.json.decode(
        b'{"energy_db":1.0,"pitch_semitones":2.0,"pitch_range":1.1,"rate":0.9}', type=Style
    )
    assert old == Style(1.0, 2.0, 1.1, 0.9)
    assert len(SpeakerProsody(*[1.0] * 6).export()) == 7
