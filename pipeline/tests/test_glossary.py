"""Glossary terms are hidden from an engine and come back as the required terms."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from pipeline.bounds import TERMS_MAX
from pipeline.text import glossary
from pipeline.text.glossary import lost, protect, restore, word_token

WORDS = st.text(alphabet="abcdeé'+ßZxq", min_size=1, max_size=6)
TERMS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
GLOSSARIES = st.dictionaries(TERMS, st.text(min_size=1, max_size=12), max_size=6)
TEXTS = st.lists(WORDS | st.sampled_from([",", ".", "?"]), max_size=20).map(" ".join)


def test_a_long_glossary_holds_nobody_up() -> None:
    terms = {f"term number {n} of very many {'x' * 20}": f"término {n}" for n in range(2000)}
    re.purge()
    begun = time.thread_time()
    hidden, placeholders = protect("we sell live  dubbing", {**terms, "Live Dubbing": "doblaje"})
    # All terms in one pattern took 200 to 2000 ms to compile, on everybody's event loop.
    assert time.thread_time() - begun < 0.1
    assert restore(hidden, placeholders) == "we sell doblaje"


def test_a_term_becomes_the_required_target_term() -> None:
    hidden, placeholders = protect("Send it to the back office.", {"back office": "trastienda"})
    assert "back office" not in hidden
    assert restore(hidden, placeholders) == "Send it to the trastienda."


def test_equal_strings_mean_do_not_translate() -> None:
    hidden, placeholders = protect("i love open house", {"Open House": "Open House"})
    assert restore(hidden, placeholders) == "i love Open House"


def test_the_longest_term_wins() -> None:
    terms = {"new": "nuevo", "new york": "Nueva York", "york": "York"}
    hidden, placeholders = protect("a new york house, a new house", terms)
    assert restore(hidden, placeholders) == "a Nueva York house, a nuevo house"


def test_only_whole_words_match() -> None:
    assert protect("scatter cats concat", {"cat": "gato"}) == ("scatter cats concat", {})


def test_terms_may_end_in_a_sign_and_span_any_white_space() -> None:
    hidden, placeholders = protect("C++ and big\n data", {"c++": "C++", "big data": "macrodatos"})
    assert restore(hidden, placeholders) == "C++ and macrodatos"


def test_a_token_is_found_in_any_case_and_with_an_ending_glued_to_it() -> None:
    hidden, placeholders = protect("Bob's dog", {"Bob": "Bob"})
    token = next(iter(placeholders))
    assert restore(f"{token.lower()}ha gos de {token.upper()}", placeholders) == "Bobha gos de Bob"
    assert hidden == f"{token}'s dog"


def test_lost_names_the_tokens_that_a_translation_dropped() -> None:
    _, placeholders = protect("cat and dog", {"cat": "x", "dog": "y"})
    first, second = placeholders
    assert lost(f"and {first.lower()}", placeholders) == [second]


def test_every_occurrence_gets_its_own_token_so_that_engines_may_reorder() -> None:
    hidden, placeholders = protect("cat cat cat", {"cat": "gato"})
    assert len(placeholders) == 3
    assert len(set(hidden.split())) == 3


def test_more_occurrences_than_there_are_tokens_are_left_as_they_are() -> None:
    text = " ".join(["cat"] * (TERMS_MAX + 5))
    hidden, placeholders = protect(text, {"cat": "gato"})
    assert len(placeholders) == TERMS_MAX
    assert restore(hidden, placeholders).split().count("cat") == 5


def test_word_tokens_are_distinct_and_none_contains_another() -> None:
    tokens = [word_token(index) for index in range(TERMS_MAX)]
    assert len(set(tokens)) == TERMS_MAX
    assert len({len(token) for token in tokens}) == 1


@given(text=TEXTS, terms=GLOSSARIES)
def test_an_identity_glossary_changes_nothing_but_case_and_white_space(
    text: str, terms: dict[str, str]
) -> None:
    identity = {term: term for term in terms}
    hidden, placeholders = protect(text, identity)
    restored = restore(hidden, placeholders)
    assert " ".join(restored.split()).casefold() == " ".join(text.split()).casefold()


@given(text=TEXTS, terms=GLOSSARIES)
def test_tokens_are_new_to_the_text_and_each_stands_exactly_once(
    text: str, terms: dict[str, str]
) -> None:
    hidden, placeholders = protect(text, terms)
    assert not lost(hidden, placeholders)
    for placeholder, target in placeholders.items():
        assert placeholder.lower() not in text.lower()
        assert hidden.count(placeholder) == 1
        assert target in terms.values()


@given(text=TEXTS, terms=GLOSSARIES)
def test_protected_terms_are_no_longer_in_the_text(text: str, terms: dict[str, str]) -> None:
    hidden, _ = protect(text, terms)
    assert protect(hidden, terms) == (hidden, {})


def test_the_module_is_pure() -> None:
    terms = {"cat": "gato"}
    assert protect("a cat", terms) == protect("a cat", terms)
    assert terms == {"cat": "gato"}
    assert glossary.restore("a cat", {}) == "a cat"
