"""Words that two successive hypotheses agree on stay, with their times."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.committing.committer import Committer
from pipeline.providers.whisper.agreement import WORD_MIN_S, LocalAgreement
from pipeline.types import Hypothesis, Word


def spoken(text: str, *, begin_s: float = 0.0, word_s: float = 0.3) -> list[Word]:
    """Words of equal length, one after the other."""
    return [
        Word(one, begin_s + at * word_s, begin_s + (at + 1) * word_s)
        for at, one in enumerate(text.split())
    ]


def text_of(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)


def steady_after(*texts: str) -> list[str]:
    """What is steady after each of the hypotheses."""
    agreement = LocalAgreement(0.0)
    steady = []
    for text in texts:
        agreement.update(spoken(text))
        steady.append(text_of(agreement.steady))
    return steady


def test_words_become_steady_when_two_hypotheses_agree() -> None:
    assert steady_after(
        "The birch",
        "The birch canoe slid.",
        "The birch canoe slid on the",
        "The birch canoe slid on the smooth planks.",
    ) == ["", "The birch", "The birch canoe slid", "The birch canoe slid on the"]


def test_the_last_word_is_not_steady_because_the_audio_cuts_it() -> None:
    assert steady_after("I like", "I like", "I like cakes") == ["", "I", "I like"]


def test_marks_and_capitals_are_no_difference_and_the_newest_spelling_counts() -> None:
    assert steady_after("i like.", "I like cake") == ["", "I like"]


def test_what_differs_is_not_steady_until_it_was_heard_twice() -> None:
    assert steady_after(
        "Ice cream",
        "I scream for",
        "I scream for ice",
        "I scream for ice cream.",
    ) == ["", "", "I scream for", "I scream for ice"]


def test_a_hypothesis_that_takes_steady_words_back_goes_on_behind_them() -> None:
    agreement = LocalAgreement(0.0)
    agreement.update(spoken("we went to their house"))
    agreement.update(spoken("we went to their house and"))
    assert text_of(agreement.steady) == "we went to their house"
    words = agreement.update(spoken("we want to there house and waited outside"))
    assert text_of(words) == "we went to their house and waited outside"


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ("to their house and waited", "we went to their house and waited"),  # two words lost
        ("so we went to their house and waited", "we went to their house and waited"),
        ("we went to to their house and waited", "we went to their house and waited"),
        ("", "we went to their house"),
    ],
)
def test_steady_words_are_found_again(newest: str, expected: str) -> None:
    agreement = LocalAgreement(0.0)
    agreement.update(spoken("we went to their house"))
    agreement.update(spoken("we went to their house and"))
    assert text_of(agreement.update(spoken(newest))) == expected


def test_words_said_twice_are_not_lost() -> None:
    agreement = LocalAgreement(0.0)
    agreement.update(spoken("no no"))
    agreement.update(spoken("no no no"))
    assert text_of(agreement.update(spoken("no no no never"))) == "no no no never"


def test_given_words_keep_their_times_when_the_model_moves_them() -> None:
    agreement = LocalAgreement(10.0)
    first = agreement.update(spoken("one two three", begin_s=10.0))
    second = agreement.update(spoken("one two three four", begin_s=10.2))
    assert [(w.start_s, w.end_s) for w in second[:3]] == [(w.start_s, w.end_s) for w in first]
    assert second[3].start_s >= second[2].end_s


def test_a_word_behind_a_change_keeps_its_times_where_it_was_said_at_the_same_time() -> None:
    agreement = LocalAgreement(0.0)
    before = agreement.update(spoken("eye scream for ice"))
    after = agreement.update(
        [Word("I", 0.0, 0.2), *(Word(w.text, w.start_s + 0.05, w.end_s + 0.05) for w in before[1:])]
    )
    assert [(w.start_s, w.end_s) for w in after[1:]] == [(w.start_s, w.end_s) for w in before[1:]]


def test_a_final_keeps_what_is_steady_and_takes_all_the_rest() -> None:
    agreement = LocalAgreement(0.0)
    agreement.update(spoken("the end is"))
    agreement.update(spoken("the end is near"))
    words = agreement.update(spoken("the end is nearly here."), final=True)
    assert text_of(words) == "the end is nearly here."


def test_what_was_not_speech_goes_and_what_is_steady_stays() -> None:
    agreement = LocalAgreement(0.0)
    agreement.update(spoken("good night"))
    agreement.update(spoken("good night everybody"))
    agreement.drop_guess()
    assert text_of(agreement.words) == "good night"


def test_words_before_the_window_are_not_looked_for_any_more() -> None:
    agreement = LocalAgreement(0.0)
    agreement.update(spoken("one two three four five"))
    agreement.update(spoken("one two three four five six"))
    agreement.trim(0.9)
    assert text_of(agreement.outside) == "one two three"
    words = agreement.update(spoken("four five six seven", begin_s=0.9))
    assert text_of(words) == "one two three four five six seven"
    agreement.trim(100.0)
    assert agreement.outside == agreement.words


def test_the_committer_says_every_word_once_through_revisions() -> None:
    heard = [
        "The quick",
        "The quick brown. Fox",
        "the quick brown fox jumped",
        "The quick brown fox jumps over the",
        "The quick brown fox jumps over the lazy dog. And",
        "The quick brown fox jumps over the lazy dog. And then it",
        "The quick brown fox jumps over the lazy dog and then it slept",
    ]
    agreement, committer = LocalAgreement(5.0), Committer()
    clauses = []
    for number, text in enumerate(heard, 1):
        is_final = number == len(heard)
        # The times of a model wobble.
        wobble_s = 0.07 * (-1) ** number
        words = agreement.update(spoken(text, begin_s=5.0 + wobble_s), final=is_final)
        decoded_s = 5.0 + 0.3 * len(text.split())
        clauses += committer.update(Hypothesis(0, words, decoded_s, is_final))
    said = " ".join(clause.text for clause in clauses)
    core = said.lower().replace(".", "")
    assert core == "the quick brown fox jumps over the lazy dog and then it slept"


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["a", "A,", "b", "b.", "c", "c?", "d"]),
        st.floats(-0.5, 6.0),
        st.floats(0.0, 1.5),
    ),
    max_size=9,
).map(lambda found: [Word(text, at, at + length) for text, at, length in found])


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_whatever_comes_steady_words_stay_and_times_are_in_order(
    hypotheses: list[list[Word]],
) -> None:
    agreement = LocalAgreement(0.0)
    given_out: list[tuple[Word, ...]] = []
    steady: list[tuple[Word, ...]] = []
    for number, hypothesis in enumerate(hypotheses, 1):
        given_out.append(agreement.update(hypothesis, final=number == len(hypotheses)))
        steady.append(agreement.steady)
    for before, after in pairwise(steady):
        assert after[: len(before)] == before
    for words, kept in zip(given_out, steady, strict=True):
        assert words[: len(kept)] == kept
        ends_s = 0.0
        for word in words:
            assert word.start_s >= ends_s
            # Its middle must lie behind the word before: the committer looks at that.
            assert word.end_s - word.start_s >= WORD_MIN_S / 2
            ends_s = word.end_s
    for before, after in pairwise(given_out):
        for old, new in zip(before, after, strict=False):
            if old.text.strip(",.?").lower() != new.text.strip(",.?").lower():
                break
            assert (old.start_s, old.end_s) == (new.start_s, new.end_s)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20), st.data())
def test_a_text_that_only_grows_is_steady_but_for_its_newest_part(
    text: list[str], data: st.DataObject
) -> None:
    lengths = sorted(data.draw(st.lists(st.integers(1, len(text)), min_size=2, max_size=6)))
    agreement = LocalAgreement(0.0)
    for length in lengths:
        words = agreement.update(spoken(" ".join(text[:length])))
        assert [word.text for word in words] == text[:length]
    agreed = min(lengths[-2], lengths[-1] - 1)
    assert len(agreement.steady) >= agreed
