"""The parts of the Whisper recogniser that need no model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bounds import WHISPER_PROMPT_MAX_CHARS, WHISPER_WINDOW_S
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.providers.speech_messages import Piece
from pipeline.providers.whisper.cadence import STEP_S, Cadence, Unheard
from pipeline.providers.whisper.decoding import Context, Decoded
from pipeline.providers.whisper.ear import Ear
from pipeline.providers.whisper.guards import (
    is_no_speech,
    is_repetitive,
    is_silent,
    without_loops,
)
from pipeline.providers.whisper.languages import LANGUAGES, is_found, iso_code, likeliest, own_code
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, Pcm, SpeechPiece, Word

# --- Guards ----------------------------------------------------------------------------


def test_silence_is_told_from_quiet_speech() -> None:
    assert is_silent(silence(1.0))
    assert is_silent(np.zeros(0, np.int16))
    assert not is_silent(np.concatenate([silence(2.0), tone(0.2, level=200.0)]))


def test_no_speech_needs_both_signs() -> None:
    assert is_no_speech(0.9, -1.5)
    assert not is_no_speech(0.9, -0.3)
    assert not is_no_speech(0.2, -1.5)


def test_a_text_in_circles_is_repetitive() -> None:
    assert is_repetitive("and then we went home " * 8)
    assert not is_repetitive("The birch canoe slid on the smooth planks.")


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        ("no no no", "no no no"),
        ("no no no no no", "no"),
        ("so you know, you know. You know you know it", "so you know, it"),
        ("a b c a b c a b c", "a b c a b c a b c"),
        ("x a b c a b c a b c a b c a b", "x a b c a b"),
        ("", ""),
    ],
)
def test_what_is_said_over_and_over_is_said_once(said: str, stays: str) -> None:
    texts = said.split()
    assert [texts[number] for number in without_loops(texts)] == stays.split()


@given(st.lists(st.sampled_from("ab"), max_size=40))
def test_what_stays_is_in_order(texts: list[str]) -> None:
    kept = without_loops(texts)
    assert kept == sorted(set(kept))
    assert all(0 <= number < len(texts) for number in kept)


# --- Languages -------------------------------------------------------------------------


def test_languages_are_iso_codes_and_whispers_own_are_translated() -> None:
    assert {"en", "es", "zh", "jv"} <= LANGUAGES
    assert all(len(code) == 2 for code in LANGUAGES)
    assert (own_code("jv"), iso_code("jw"), own_code("fr")) == ("jw", "jv", "fr")


def test_the_likeliest_candidate_is_taken_whatever_else_is_likelier() -> None:
    heard = {"en": 0.6, "de": 0.3, "nl": 0.1}
    assert likeliest(heard, (), "")[0] == "en"
    language, probability = likeliest(heard, ("nl", "de"), "")
    assert language == "de"
    assert probability == pytest.approx(0.75)
    assert likeliest(heard, ("fi",), "")[0] == "fi"
    assert likeliest({}, (), "es") == ("es", 0.0)


def test_a_language_stays_against_a_weak_sign_and_changes_with_a_strong_one() -> None:
    assert likeliest({"en": 0.6, "de": 0.4}, ("en", "de"), "de")[0] == "de"
    assert likeliest({"en": 0.95, "de": 0.05}, ("en", "de"), "de")[0] == "en"


def test_little_speech_says_little_and_much_is_enough() -> None:
    assert not is_found(0.99, 0.5)
    assert is_found(0.8, 1.2)
    assert not is_found(0.5, 1.2)
    assert is_found(0.3, 3.0)


# --- Cadence ---------------------------------------------------------------------------


def test_ends_come_first_in_the_order_in_which_they_came() -> None:
    cadence = Cadence(0.1)
    assert cadence.next([Unheard(1, 9.0), Unheard(2, 0.1, ended=7), Unheard(3, 0.0, ended=4)]) == 3


def test_an_utterance_is_decoded_again_when_enough_has_come() -> None:
    cadence = Cadence(0.01)
    assert cadence.next([Unheard(1, STEP_S - 0.1)]) is None
    assert cadence.next([Unheard(1, STEP_S), Unheard(2, 2 * STEP_S)]) == 2
    assert cadence.next([]) is None


def test_a_slow_machine_decodes_less_often() -> None:
    cadence = Cadence(0.1)
    assert cadence.step_s(1) == STEP_S
    for _ in range(30):
        cadence.spent(2.0)
    assert cadence.step_s(1) == pytest.approx(2.0 / 0.6, rel=0.01)
    assert cadence.step_s(3) == pytest.approx(3 * 2.0 / 0.6, rel=0.01)


# --- One stream ------------------------------------------------------------------------


@dataclass
class Scripted:
    """Says the next of its texts at every decoding; "-" is no speech, "*" a loop."""

    texts: list[str]
    language: str = "en"
    probability: float = 0.9
    contexts: list[Context] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)

    def decode(self, pcm: Pcm, start_s: float, context: Context) -> Decoded:
        self.contexts.append(context)
        self.windows.append((start_s, len(pcm) / SAMPLE_RATE_HZ))
        text = self.texts.pop(0)
        language = context.language or self.language
        if text in {"-", "*"}:
            return Decoded((), language, self.probability, speech=text != "-", usable=text != "*")
        words = tuple(
            Word(one, start_s + 0.2 * at, start_s + 0.2 * at + 0.2)
            for at, one in enumerate(text.split())
        )
        return Decoded(words, language, self.probability)


def piece(utterance: int, at_s: float, length_s: float, *, ends: bool = False) -> Piece:
    start = round(at_s * SAMPLE_RATE_HZ)
    pcm = tone(length_s)
    end = start + len(pcm) if ends else None
    return Piece.of(SpeechPiece(utterance, start, pcm, ends, end))


def hear(ear: Ear, decoder: Scripted, *pieces: Piece) -> Hypothesis | None:
    for one in pieces:
        ear.push(one)
        ear.take()
    return ear.hear(decoder)


def text_of(hypothesis: Hypothesis | None) -> str | None:
    return " ".join(word.text for word in hypothesis.words) if hypothesis else None


def test_an_utterance_ends_with_one_final_and_the_next_waits_for_it() -> None:
    ear, decoder = Ear(("en",)), Scripted(["one two", "one two three"])
    hear(ear, decoder, piece(0, 5.0, 1.0))
    for one in (piece(0, 6.0, 0.5, ends=True), piece(1, 7.0, 1.0)):
        ear.push(one)
    assert ear.take() == 0
    assert (ear.ended, ear.waiting) == (True, 1)
    final = ear.hear(decoder)
    assert final is not None
    assert (final.utterance, final.is_final, final.decoded_s) == (0, True, 6.5)
    assert text_of(final) == "one two three"
    assert ear.take() == 1
    assert not ear.ended


def test_a_final_is_not_decoded_when_all_speech_was_decoded_before() -> None:
    ear, decoder = Ear(("en",)), Scripted(["one two"])
    hear(ear, decoder, piece(0, 5.0, 1.0))
    end = Piece(0, 6 * SAMPLE_RATE_HZ, silence(0.1).tobytes(), True, 6 * SAMPLE_RATE_HZ)
    assert text_of(hear(ear, decoder, end)) == "one two"
    assert len(decoder.contexts) == 1


def test_no_words_are_given_before_the_language_is_known() -> None:
    ear, decoder = Ear(("de", "fr")), Scripted(["ja", "ja gut", "ja gut dann"], "de", 0.5)
    assert hear(ear, decoder, piece(0, 0.0, 1.0)) is None
    assert hear(ear, decoder, piece(0, 1.0, 1.0)) is None
    told = hear(ear, decoder, piece(0, 2.0, 1.0))
    assert told is not None
    assert (told.language, text_of(told)) == ("de", "ja gut dann")
    assert [context.language for context in decoder.contexts] == ["", "", ""]


def test_the_language_is_found_again_in_every_utterance() -> None:
    ear, decoder = Ear(()), Scripted(["hallo du", "bonjour toi", "oui"], "de")
    assert (hear(ear, decoder, piece(0, 0.0, 1.5, ends=True)) or Hypothesis(0, (), 0)).is_final
    decoder.language = "fr"
    told = hear(ear, decoder, piece(1, 2.0, 1.5))
    assert told is not None
    assert told.language == "fr"
    assert (decoder.contexts[-1].language, decoder.contexts[-1].previous) == ("", "de")
    hear(ear, decoder, piece(1, 3.5, 0.5, ends=True))
    assert decoder.contexts[-1].language == "fr"


def test_what_was_said_becomes_the_prompt_bounded_and_never_out_of_a_loop() -> None:
    said = " ".join(f"word{number}" for number in range(20))
    ear, decoder = Ear(("en",)), Scripted([said] * 9 + ["a b", "*", "c"])
    for number in range(9):
        hear(ear, decoder, piece(number, 2.0 * number, 1.5, ends=True))
    assert decoder.contexts[1].text == said
    assert len(decoder.contexts[-1].text) <= 2 * WHISPER_PROMPT_MAX_CHARS
    hear(ear, decoder, piece(9, 30.0, 1.0))
    assert text_of(hear(ear, decoder, piece(9, 31.0, 1.0, ends=True))) == "a b"
    hear(ear, decoder, piece(10, 33.0, 1.0, ends=True))
    assert decoder.contexts[-1].text == ""


def test_noise_gives_an_empty_final() -> None:
    ear, decoder = Ear(("en",)), Scripted(["thank you", "-"])
    hear(ear, decoder, piece(0, 0.0, 1.0))
    assert text_of(hear(ear, decoder, piece(0, 1.0, 1.0, ends=True))) == ""


def test_an_utterance_without_sound_is_not_decoded() -> None:
    ear, decoder = Ear(()), Scripted([])
    final = hear(ear, decoder, Piece(0, 0, b"", True, 0))
    assert final is not None
    assert (final.is_final, final.words) == (True, ())


def test_a_long_utterance_is_decoded_in_a_window_and_loses_no_word() -> None:
    spoken = [f"w{number}" for number in range(300)]
    ear, decoder = Ear(("en",)), Scripted([])
    told: Hypothesis | None = None
    for second in range(45):
        ear.push(piece(0, float(second), 1.0, ends=second == 44))
        ear.take()
        window_s = ear._utterance._start / SAMPLE_RATE_HZ if ear._utterance else 0.0
        first = round(window_s * 5)
        decoder.texts = [" ".join(spoken[first : (second + 1) * 5])]
        told = ear.hear(decoder)
    assert text_of(told) == " ".join(spoken[: 45 * 5])
    assert all(length <= WHISPER_WINDOW_S for _, length in decoder.windows)
    assert "w1 " in decoder.contexts[-1].text
