"""How dubbed lines are made to fit, where they are heard, and what is marked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch.checking import clipped_share, marks_of, missing_terms, word_errors
from pipeline.batch.fitting import FASTEST, GUARD_S, HURRIED, Place, fit, wanted_share
from pipeline.batch.placing import place
from pipeline.batch.speaking import speak, trimmed
from pipeline.ports import TranslationRequest
from pipeline.providers.scripted.speaking import ScriptedSynthesizer, ScriptedTranslator
from pipeline.types import NEUTRAL_STYLE

THREE_SECONDS = Place(10.0, 13.0, next_start_s=14.05)
"""The original takes three; with the silence after it there is room for four."""


@pytest.mark.parametrize(
    ("natural_s", "how", "speed"),
    [
        (0.4, "natural", 1.0),
        (3.0, "natural", 1.0),
        (3.5, "borrowed", 1.0),
        (4.0, "borrowed", 1.0),
        (4.4, "hurried", 1.1),
        (4.8, "hurried", 1.2),
        (5.2, "fastest", 1.3),
        (6.0, "fastest", 1.5),
        (6.1, "overflow", 1.5),
    ],
)
def test_silence_is_borrowed_before_anything_is_hurried(
    natural_s: float, how: str, speed: float
) -> None:
    found = fit(natural_s, THREE_SECONDS, reworded=True)
    assert found.how == how
    assert found.speed == pytest.approx(speed)


def test_another_wording_is_asked_for_only_where_a_little_hurry_does_not_do() -> None:
    assert fit(4.8, THREE_SECONDS).how == "hurried"
    assert fit(4.9, THREE_SECONDS).how == "reworded"
    assert wanted_share(4.9, THREE_SECONDS) == pytest.approx(HURRIED * 4.0 / 4.9)


@given(
    st.floats(0.05, 60),
    st.floats(0.05, 30),
    st.one_of(st.none(), st.floats(-1, 30)),
    st.booleans(),
)
def test_no_line_is_ever_slowed_down_or_hurried_beyond_what_one_can_follow(
    natural_s: float, own_s: float, gap_s: float | None, reworded: bool
) -> None:
    where = Place(5.0, 5.0 + own_s, None if gap_s is None else max(5.0, 5.0 + own_s + gap_s))
    found = fit(natural_s, where, reworded=reworded)
    assert 1.0 <= found.speed <= FASTEST
    if found.how in {"natural", "borrowed", "hurried", "fastest"}:
        assert natural_s / found.speed <= where.room_s + 1e-6
        if where.next_start_s is not None and found.how != "natural":
            assert 5.0 + natural_s / found.speed <= where.next_start_s - GUARD_S + 1e-6


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 10)), max_size=30))
def test_lines_are_heard_one_after_the_other_and_none_before_its_original(
    lines: list[tuple[float, float]],
) -> None:
    placed = place([(n, start, length) for n, (start, length) in enumerate(lines)])
    assert sorted(one.key for one in placed) == list(range(len(lines)))
    assert all(a.end_s <= b.start_s for a, b in pairwise(placed))
    assert all(one.start_s >= lines[one.key][0] for one in placed)


class Shortening(ScriptedTranslator):
    """Says the same in fewer words."""

    async def shorter(self, request: TranslationRequest, *, characters: int) -> str | None:
        return request.text[:characters]


async def test_a_translator_that_offers_it_shortens_what_is_too_long() -> None:
    text = "x" * 100  # six seconds for the scripted voice
    synthesizer = ScriptedSynthesizer()
    request = TranslationRequest("y" * 100, "en", "es")
    for translator, how in ((Shortening(), "reworded"), (ScriptedTranslator(), "fastest")):
        spoken = await speak(
            synthesizer,
            text=text,
            language="es",
            voice=synthesizer.voices("es")[0],
            style=NEUTRAL_STYLE,
            place=THREE_SECONDS,
            translator=translator,
            request=request,
        )
        assert spoken.how == how
        assert spoken.duration_s <= THREE_SECONDS.room_s
    assert synthesizer.open_streams == 0


async def test_what_cannot_fit_is_spoken_as_fast_as_may_be() -> None:
    synthesizer = ScriptedSynthesizer()
    spoken = await speak(
        synthesizer,
        text="x" * 200,
        language="es",
        voice=synthesizer.voices("es")[0],
        style=NEUTRAL_STYLE,
        place=THREE_SECONDS,
    )
    assert (spoken.how, spoken.speed) == ("overflow", FASTEST)
    assert spoken.duration_s == pytest.approx(12.0 / FASTEST, rel=0.02)


def test_silence_around_speech_is_cut_off() -> None:
    pcm = np.concatenate([np.zeros(8000), np.full(1600, 5000), np.zeros(8000)]).astype(np.int16)
    assert len(trimmed(pcm, 16_000)) == 1600 + 2 * 160
    assert len(trimmed(np.zeros(100, np.int16), 16_000)) == 100


def test_marks_name_what_to_listen_to() -> None:
    loud = np.full(1000, 32_767, np.int16)
    assert clipped_share(loud) == 1.0
    found = marks_of(overflows=True, pcm=loud, similarity=0.3, missing=["Anna"], errors=0.9)
    assert found == ["overflow", "clipping", "unlike", "term_missing", "misheard"]
    assert marks_of(overflows=False, pcm=np.zeros(10, np.int16)) == ["silent"]
    assert marks_of(overflows=False, pcm=np.full(1000, 900, np.int16), similarity=0.8) == []


def test_terms_are_looked_for_as_whole_words_in_any_case() -> None:
    terms = {"Hale": "Hale", "shop boy": "dependiente", "iron": "hierro"}
    source = "Mister Hale had been a Shop Boy."
    assert missing_terms(source, "El señor Hale fue dependiente.", terms) == []
    assert missing_terms(source, "El señor hall fue vendedor.", terms) == ["Hale", "shop boy"]
    assert missing_terms("environment", "entorno", terms) == []


@pytest.mark.parametrize(
    ("wanted", "heard", "rate"),
    [
        ("one two three", "One, two, three!", 0.0),
        ("one two three four", "one two four", 0.25),
        ("one two", "three four five", 1.5),
        ("", "", 0.0),
        ("one", "", 1.0),
    ],
)
def test_word_errors_are_counted_as_everybody_does(wanted: str, heard: str, rate: float) -> None:
    assert word_errors(wanted, heard) == rate
