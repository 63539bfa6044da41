from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.handover.snapshot import CastVoice
from pipeline.types import Register, Voice
from pipeline.voices.casting import Casting


def voice(key: str, register: Register, pitch_hz: float) -> Voice:
    return Voice(key, "engine", key.title(), (), register, pitch_hz)


VOICES = (
    voice("clara", "high", 195.0),
    voice("bruno", "low", 104.0),
    voice("paul", "mid", 145.0),
    voice("nina", "high", 229.0),
    voice("oscar", "low", 82.0),
)


def test_a_speaker_gets_the_nearest_register_at_once() -> None:
    casting = Casting(VOICES)
    assert casting.assign("S1", 105.0).id == "bruno"
    assert casting.assign("S2", 205.0).id == "clara"
    assert casting.assign("S3", 150.0).id == "paul"


def test_a_later_pitch_does_not_change_the_voice() -> None:
    casting = Casting(VOICES)
    first = casting.assign("S1", 105.0)
    assert casting.assign("S1", 230.0) == first


def test_the_unknown_speaker_has_a_voice_that_others_get_last() -> None:
    casting = Casting(VOICES)
    narrator = casting.assign(None)
    others = [casting.assign(f"S{n}", narrator.pitch_hz) for n in range(1, len(VOICES))]
    assert narrator not in others


def test_voices_are_shared_by_least_recent_use_once_all_are_taken() -> None:
    casting = Casting(VOICES)
    for n in range(1, 6):
        casting.assign(f"S{n}")
    first = casting.assign("S1")
    second = casting.stock_voice("S2")
    assert casting.assign("S6", first.pitch_hz) == second


def test_a_shaped_voice_replaces_the_stock_voice_of_its_speaker_only() -> None:
    casting = Casting(VOICES)
    stock, other = casting.assign("S1", 105.0), casting.assign("S2", 105.0)
    shaped = voice("bruno", "low", 110.0)
    casting.replace("S1", shaped)
    assert casting.assign("S1", 105.0) is shaped
    assert casting.stock_voice("S1") is stock
    assert casting.assign("S2") is other


def test_a_pin_outlasts_shaping_and_keeps_its_voice_from_others() -> None:
    casting = Casting(VOICES, pinned={"S2": VOICES[1]})
    assert casting.assign("S1", 104.0) != VOICES[1]
    casting.replace("S2", voice("own", "low", 100.0))
    assert casting.assign("S2", 230.0) == VOICES[1]
    casting.pin("S1", VOICES[3])
    assert casting.assign("S1") == VOICES[3]


def test_no_voices_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one voice"):
        Casting(())


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "S1", "S2", "S3", "S4", "S5", "S6"]),
            st.one_of(st.just(0.0), st.just(float("nan")), st.floats(50, 500)),
        )
    )
)
def test_voices_stay_and_differ_as_long_as_they_last(heard: list[tuple[str | None, float]]) -> None:
    casting = Casting(VOICES)
    cast: dict[str | None, str] = {}
    for speaker, pitch_hz in heard:
        given_voice = casting.assign(speaker, pitch_hz).id
        assert cast.setdefault(speaker, given_voice) == given_voice
        if len(cast) <= len(VOICES):
            assert len(set(cast.values())) == len(cast)


def test_a_restored_casting_keeps_everyones_voice_and_order() -> None:
    casting = Casting(VOICES)
    casting.assign("S1", 105.0)
    casting.assign("S2", 205.0)
    casting.pin("S3", VOICES[2])
    casting.assign("S3")
    casting.replace("S1", Voice("bruno", "engine", "Bruno", (), profile=object()))
    restored = Casting(VOICES)
    restored.restore(casting.export())
    assert [restored.assign(f"S{n}").id for n in (1, 2, 3)] == ["bruno", "clara", "paul"]
    assert restored.assign("S1").profile is None
    restored.replace("S3", VOICES[0])
    assert restored.assign("S3").id == "paul"


def test_a_voice_that_is_gone_is_chosen_again() -> None:
    restored = Casting(VOICES[1:])
    restored.restore([CastVoice("S1", "clara", pinned=False)])
    assert restored.assign("S1", 205.0).id == "nina"


def test_a_known_actors_voice_is_taken_over_and_given_back() -> None:
    casting = Casting(adoptable)
    own = casting.assign("S1")
    theirs = next(voice for voice in adoptable if voice.id != own.id)
    assert casting.adopt("S1", theirs)
    assert casting.assign("S1") == theirs
    assert not casting.adopt("S1", theirs)
    assert casting.release("S1")
    assert casting.assign("S1") == own
    assert not casting.release("S1")


def test_a_voice_pinned_to_an_actor_is_not_shaped_but_one_adopted_is() -> None:
    casting = Casting(adoptable)
    casting.assign("S1")
    shaped = replace(adoptable[1], profile=object())
    casting.adopt("S1", adoptable[1])
    casting.replace("S1", shaped)
    assert casting.assign("S1").profile is shaped.profile
    casting.adopt("S1", adoptable[0], pinned=True)
    casting.replace("S1", shaped)
    assert casting.assign("S1") == adoptable[0]


def test_what_a_person_pinned_in_the_session_goes_before_the_actors_voice() -> None:
    casting = Casting(adoptable)
    casting.pin("S1", adoptable[1])
    assert not casting.adopt("S1", adoptable[0])
    assert casting.assign("S1") == adoptable[1]


adoptable = tuple(Voice(name, "engine", name, ()) for name in ("low", "high", "mid"))
