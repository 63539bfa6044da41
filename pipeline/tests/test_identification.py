"""The rule by which a speaker is taken for an actor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.speakers.identification import (
    Band,
    Candidate,
    Context,
    Heard,
    Known,
    Mean,
    Rules,
    identify,
    mean_of,
    score_of,
    shares,
)
from pipeline.types import Embedding

RULES = Rules()


def direction(number: int) -> Embedding:
    made = np.zeros(256, np.float32)
    made[number] = 1.0
    return made


def mean(similarity: float = 1.0, *, axis: int = 1, speech_s: float = 20.0) -> Mean:
    """A voice of that cosine to ``SPOKEN``."""
    other = np.sqrt(1 - similarity**2)
    return Mean((similarity * direction(0) + other * direction(axis)).astype(np.float32), speech_s)


def actor(name: str, similarity: float, *, axis: int = 1, band: Band = "wide") -> Candidate[str]:
    return Candidate(name, {band: mean(similarity, axis=axis)})


def spoken(speech_s: float = 4.0, band: Band = "wide") -> dict[Band, Mean]:
    return {band: Mean(direction(0), speech_s)}


def test_a_voice_like_an_actors_is_confirmed_and_one_less_like_it_suggested() -> None:
    states = [
        identify(spoken(), [actor("Ana", similarity)], actors=6).state
        for similarity in (0.9, 0.75, 0.6)
    ]
    assert states == ["confirmed", "suggested", "unknown"]


def test_the_unknown_stay_unknown_and_name_nobody() -> None:
    match = identify(spoken(), [actor("Ana", 0.55), actor("Ben", 0.5, axis=2)], actors=6)
    assert (match.state, match.actor) == ("unknown", None)
    assert identify(spoken(), [], actors=0).state == "unknown"


def test_two_actors_who_sound_alike_are_not_told_apart_by_a_hair() -> None:
    close = [actor("Ana", 0.9), actor("Ben", 0.89, axis=2)]
    assert identify(spoken(), close, actors=2).state == "unknown"
    nearly = [actor("Ana", 0.9), actor("Ben", 0.86, axis=2)]
    assert identify(spoken(), nearly, actors=2).state == "suggested"


def test_little_speech_suggests_at_most_and_less_says_nothing() -> None:
    states = [
        identify(spoken(seconds), [actor("Ana", 0.95)], actors=6).state
        for seconds in (2.0, 1.9, 1.4)
    ]
    assert states == ["confirmed", "suggested", "unknown"]


def test_the_same_cosine_means_more_of_less_speech() -> None:
    scores = [
        identify(spoken(seconds), [actor("Ana", 0.78)], actors=6).deviations
        for seconds in (8.0, 4.0, 2.0)
    ]
    assert scores == sorted(scores)


def test_the_more_actors_there_are_the_more_like_one_a_voice_must_be() -> None:
    scores = [
        identify(spoken(), [actor("Ana", 0.82)], actors=actors).score
        for actors in (1, 10, 100, 10_000)
    ]
    assert scores == sorted(scores, reverse=True)
    states = [identify(spoken(), [actor("Ana", 0.86)], actors=n).state for n in (10, 1000, 10**6)]
    assert states == ["confirmed", "suggested", "unknown"]


def test_telephones_are_compared_with_telephones_only() -> None:
    wide_only = actor("Ana", 0.95)
    assert identify(spoken(band="narrow"), [wide_only], actors=1).state == "unknown"
    both = Candidate("Ana", {"wide": mean(0.95), "narrow": mean(0.95)})
    match = identify(spoken(band="narrow"), [both], actors=1)
    assert match.actor == "Ana"
    # On a telephone everybody is alike: the same cosine is worth less.
    assert match.deviations < identify(spoken(), [both], actors=1).deviations


def test_context_raises_who_is_likely_but_never_confirms_alone() -> None:
    candidates = [actor("Ana", 0.79)]
    plain = identify(spoken(), candidates, actors=1000)
    likely = identify(
        spoken(), candidates, actors=1000, context=Context(in_title=frozenset({"Ana"}))
    )
    assert likely.score > plain.score
    weak = [actor("Ana", 0.7)]
    context = Context(in_title=frozenset({"Ana"}), beside=frozenset({"Ana"}))
    assert identify(spoken(), weak, actors=1_000_000, context=context).state != "confirmed"


@given(st.integers(1, 10**6), st.integers(0, 100))
def test_shares_never_exceed_the_budget(actors: int, likely: int) -> None:
    likely = min(likely, actors)
    favoured, other = shares(actors, frozenset(range(likely)), RULES)
    assert 0 < other <= RULES.likeliest_share
    assert other <= favoured <= RULES.likeliest_share
    assert favoured <= RULES.context_max / actors + 1e-12 or not likely
    assert favoured * likely + other * (actors - likely) <= 1 + 1e-9


def test_the_score_tells_where_suggestions_and_confirmations_begin() -> None:
    points = [score_of(deviations, 1 / 6, RULES) for deviations in (-3.0, 0.0, 2.58, 3.59, 9.0)]
    assert points == pytest.approx([0.0, 0.0, 0.5, 0.8, 1.0], abs=0.01)


def test_a_stricter_threshold_confirms_less_and_suggests_the_rest() -> None:
    candidates = [actor("Ana", 0.84)]
    assert identify(spoken(), candidates, actors=6).state == "confirmed"
    strict = identify(spoken(), candidates, actors=6, confirm_at=0.99)
    assert (strict.state, strict.actor) == ("suggested", "Ana")
    never = identify(spoken(), [actor("Ana", 1.0)], actors=1, confirm_at=1.01)
    assert never.state == "suggested"


def test_what_a_person_confirmed_is_final() -> None:
    match = identify(spoken(), [actor("Ana", 0.99)], actors=2, known=Known(is_actor="Ben"))
    assert (match.state, match.actor, match.by_person) == ("confirmed", "Ben", True)


def test_whom_a_person_rejected_never_comes_again_and_lends_nobody_their_place() -> None:
    rejected: Known[str] = Known(is_not=frozenset({"Ana"}))
    candidates = [actor("Ana", 0.95), actor("Ben", 0.8, axis=2)]
    assert identify(spoken(), candidates, actors=2, known=rejected).state == "unknown"
    clear = [actor("Ana", 0.6), actor("Ben", 0.9, axis=2)]
    assert identify(spoken(), clear, actors=2, known=rejected).actor == "Ben"


def test_a_mean_is_weighted_by_clean_speech_and_quality() -> None:
    made = mean_of(
        [
            Heard(direction(0), 6.0),
            Heard(direction(1), 6.0, quality=0.5),
            Heard(direction(2), 6.0, quality=0.0),
            Heard(np.full(256, np.nan, np.float32), 6.0),
        ]
    )
    assert made is not None
    assert made.speech_s == 12.0
    assert made.embedding[:3] == pytest.approx(np.array([2, 1, 0]) / np.sqrt(5), abs=1e-6)
    assert mean_of([]) is None


def test_a_voice_heard_in_noise_must_be_nearer() -> None:
    """Noise makes everybody more alike: the same cosine says less."""
    clean = identify(spoken(), [actor("Ana", 0.78)], actors=6)
    heard: dict[Band, Mean] = {"wide": Mean(direction(0), 4.0, quality=0.4)}
    assert identify(heard, [actor("Ana", 0.78)], actors=6).deviations < clean.deviations
    # What noise was in the speech that is known does not matter a second time.
    known = Candidate("Ana", {"wide": Mean(actor("Ana", 0.78).voice["wide"].embedding, 20.0, 0.4)})
    assert identify(spoken(), [known], actors=6).deviations == clean.deviations


def test_the_quality_of_a_mean_is_that_of_its_speech_on_average() -> None:
    parts = [Heard(direction(0), 3.0, 1.0), Heard(direction(0), 1.0, 0.2)]
    found = mean_of(parts)
    assert found is not None
    assert found.quality == pytest.approx(0.8)
