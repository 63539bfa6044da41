"""What is likely to be committed is translated beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.committing.committer import Committer
from pipeline.committing.speculation import Speculation
from pipeline.events import CueScheduled, Translated
from pipeline.ports import EngineError, RecognitionOptions, TranslationRequest
from pipeline.providers.scripted.hearing import (
    ScriptedRecognizer,
    ScriptedRecognizerStream,
)
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import ScriptedTranslator
from pipeline.speaking.making import Translation, translate
from pipeline.tests.test_committer import growing, words
from pipeline.tests.test_dubber import dub, of, plan, scripted_engines
from pipeline.tests.waiting import until
from pipeline.types import Hypothesis

WORDS = st.lists(
    st.sampled_from(["we", "open", "the", "door,", "nobody", "inside.", "and", "then", "slowly"]),
    min_size=1,
    max_size=30,
)


@given(WORDS, st.floats(0.0, 0.5))
def test_what_is_foreseen_at_a_pause_is_what_the_endpoint_commits(
    tokens: list[str], pause_s: float
) -> None:
    spoken = words(" ".join(tokens))
    committer = Committer()
    for hypothesis in growing(spoken)[:-1]:
        committer.update(hypothesis)
    end_s = spoken[-1].end_s
    committer.update(Hypothesis(0, tuple(spoken), end_s + pause_s))
    foreseen = committer.foresee(end_s + pause_s)
    committed = committer.update(Hypothesis(0, tuple(spoken), end_s + 0.6, is_final=True))
    assert len(foreseen) <= 2
    at_endpoint = [clause for clause in foreseen if clause.ends_utterance]
    if at_endpoint:
        assert committed == at_endpoint
    if pause_s >= 0.1 and committed:
        assert committed[0] in foreseen


@given(WORDS)
def test_foreseeing_may_move_a_cut_but_neither_loses_nor_doubles_words(tokens: list[str]) -> None:
    committer = Committer()
    told: list[str] = []
    for hypothesis in growing(words(" ".join(tokens))):
        told += [word.text for clause in committer.update(hypothesis) for word in clause.words]
        if not hypothesis.is_final:
            committer.foresee(hypothesis.decoded_s)
    assert told == tokens


def test_a_clause_that_gets_too_long_is_cut_where_it_was_foreseen() -> None:
    spoken = words("one two three four five six seven eight nine ten eleven twelve")
    committer = Committer()
    guesses: list[str] = []
    for hypothesis in growing(spoken)[:-1]:
        for clause in committer.update(hypothesis):
            assert clause.text == guesses[-1]
            return
        guesses += [clause.text for clause in committer.foresee(hypothesis.decoded_s)]
    raise AssertionError("it is never cut")


def test_a_plan_whose_words_change_is_given_up() -> None:
    spoken = words("one two three four five six seven eight nine ten eleven twelve")
    committer = Committer()
    for hypothesis in growing(spoken)[:-1]:
        committer.update(hypothesis)
        if foreseen := committer.foresee(hypothesis.decoded_s):
            break
    changed = [replace(spoken[0], text="once"), *spoken[1:]]
    later_s = spoken[-1].end_s
    committer.update(Hypothesis(0, tuple(changed), later_s))
    (clause, *_) = committer.update(Hypothesis(0, tuple(changed), later_s + 0.3))
    assert clause.text.startswith("once")
    assert clause.text != foreseen[0].text


def test_a_finished_sentence_is_foreseen_before_it_is_certain() -> None:
    spoken = words("This is the first. And")
    committer = Committer()
    assert not committer.update(Hypothesis(0, tuple(spoken[:3]), 0.96))
    now_s = spoken[3].end_s + 0.05
    assert not committer.update(Hypothesis(0, tuple(spoken), now_s))
    (foreseen,) = committer.foresee(now_s)
    assert foreseen.text == "This is the first."
    assert not foreseen.ends_utterance


def speculation(translator: ScriptedTranslator) -> Speculation:
    async def work(request: TranslationRequest) -> Translation:
        return await translate(translator, request)

    return Speculation(work, asyncio.get_running_loop().time)


async def answered(ahead: Speculation) -> None:
    """Wait until every guess is, well or not."""
    await until(lambda: all(guess.task.done() for guess in ahead._guesses.values()))


def request(text: str, *previous: str) -> TranslationRequest:
    return TranslationRequest(text, "en", "es", previous=previous)


async def test_a_guess_that_comes_true_costs_no_second_request() -> None:
    translator = ScriptedTranslator(delay_s=0.5)
    ahead = speculation(translator)
    ahead.expect([request("good morning")])
    ahead.expect([request("good morning")])
    await answered(ahead)
    done = await ahead.translate(request("good morning"))
    assert done.text == "es good morning"
    assert done.took_ms < 400
    assert len(translator.requests) == 1
    await ahead.aclose()


async def test_a_newer_guess_cancels_the_older_one() -> None:
    finished: list[str] = []

    class Counting(ScriptedTranslator):
        async def translate(self, request: TranslationRequest) -> str:
            text = await super().translate(request)
            finished.append(request.text)
            return text

    ahead = speculation(Counting(delay_s=0.3))
    for text in ("good", "good morning", "good morning all"):
        ahead.expect([request(text)])
        await asyncio.sleep(0.01)
    assert (await ahead.translate(request("good morning all"))).text == "es good morning all"
    await until(lambda: not ahead._ending)
    assert finished == ["good morning all"]
    await ahead.aclose()


async def test_two_guesses_are_kept_and_the_other_is_dropped() -> None:
    translator = ScriptedTranslator(delay_s=0.5)
    ahead = speculation(translator)
    ahead.expect([request("good"), request("good morning")])
    await answered(ahead)
    ahead.expect([request("good morning")])
    done = await ahead.translate(request("good morning"))
    assert done.took_ms < 400
    assert [one.text for one in translator.requests] == ["good", "good morning"]
    await ahead.aclose()


@pytest.mark.parametrize(
    ("guessed", "said", "heard"),
    [
        ("good morning", "Good morning.", "Es good morning."),
        ("Good morning.", "good morning", "es Good morning"),
        ("Good morning.", "Good morning.", "es Good morning."),
    ],
)
async def test_a_guess_counts_when_only_capital_and_full_stop_differ(
    guessed: str, said: str, heard: str
) -> None:
    translator = ScriptedTranslator()
    ahead = speculation(translator)
    ahead.expect([request(guessed)])
    done = await ahead.translate(request(said))
    assert len(translator.requests) == 1
    if guessed != said:
        assert done.text == heard
    await ahead.aclose()


@pytest.mark.parametrize(
    "said", ["Good morning?", "Good Morning.", "good mornings", "good, morning"]
)
async def test_a_guess_with_other_words_or_marks_is_none(said: str) -> None:
    translator = ScriptedTranslator()
    ahead = speculation(translator)
    ahead.expect([request("good morning")])
    assert (await ahead.translate(request(said))).text == f"es {said}"
    await ahead.aclose()


async def test_other_context_is_another_guess() -> None:
    translator = ScriptedTranslator()
    ahead = speculation(translator)
    ahead.expect([request("good morning", "before")])
    await ahead.translate(request("good morning", "something else"))
    assert [one.previous for one in translator.requests][-1] == ("something else",)
    await ahead.aclose()


async def test_a_guess_that_failed_is_asked_for_again() -> None:
    translator = ScriptedTranslator(fail_on={"good morning"})
    ahead = speculation(translator)
    ahead.expect([request("good morning")])
    await answered(ahead)
    translator.fail_on = ()
    assert (await ahead.translate(request("good morning"))).text == "es good morning"
    await ahead.aclose()


async def test_giving_the_line_up_gives_the_guess_up() -> None:
    translator = ScriptedTranslator(delay_s=5.0)
    ahead = speculation(translator)
    ahead.expect([request("good morning")])
    line = asyncio.create_task(ahead.translate(request("good morning")))
    await asyncio.sleep(0.02)
    line.cancel()
    with pytest.raises(asyncio.CancelledError):
        await line
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others
    await ahead.aclose()


async def test_a_failing_vendor_is_the_lines_failure() -> None:
    ahead = speculation(ScriptedTranslator(fail_on={"no"}))
    ahead.expect([request("no")])
    with pytest.raises(EngineError):
        await ahead.translate(request("no"))
    await ahead.aclose()


@pytest.mark.parametrize("speculate", [True, False])
async def test_a_run_waits_less_for_translations_that_were_begun(speculate: bool) -> None:
    translator = ScriptedTranslator(delay_s=0.4)
    recognizer = ScriptedRecognizer(
        script=("we open the door",), word_s=0.3, final_delay_s=0.6, punctuates=False
    )
    engines = scripted_engines(recognizer=recognizer, translator=translator)
    told = await dub(utterances((1.45, 140), (1.45, 140)), engines, plan(speculate=speculate))
    assert len(of(Translated, told)) == 2
    waited = [cue.latencies.translation_ms for cue in of(CueScheduled, told)]
    if speculate:
        assert max(waited) < 350
        assert len({one.text for one in translator.requests}) >= 1
    else:
        assert min(waited) >= 350
        assert len(translator.requests) == 2


async def test_the_form_of_a_final_is_guessed_too() -> None:
    class Late(ScriptedRecognizer):
        """Its interims are plain, its finals are written."""

        async def open(self, options: RecognitionOptions) -> ScriptedRecognizerStream:
            return Written(self, options.languages[0])

    class Written(ScriptedRecognizerStream):
        async def __aiter__(self) -> AsyncIterator[Hypothesis]:
            async for one in super().__aiter__():
                words = list(one.words)
                if one.is_final and words:
                    words[0] = replace(words[0], text=words[0].text.capitalize())
                    words[-1] = replace(words[-1], text=f"{words[-1].text}.")
                yield replace(one, words=tuple(words))

    translator = ScriptedTranslator(delay_s=0.4)
    recognizer = Late(script=("we open the door",), word_s=0.3, final_delay_s=0.6, punctuates=True)
    engines = scripted_engines(recognizer=recognizer, translator=translator)
    told = await dub(utterances((1.45, 140), (1.45, 140)), engines, plan())
    assert {line.text.lower() for line in of(Translated, told)} == {"es we open the door."}
    waited = [cue.latencies.translation_ms for cue in of(CueScheduled, told)]
    assert max(waited) < 350, "begun while the final was awaited"


@pytest.mark.parametrize("late_s", [0.0, 0.04, 0.08])
def test_a_cut_is_foreseen_though_the_next_hypothesis_comes_a_little_late(late_s: float) -> None:
    committer = Committer()
    spoken = words("one two three four five six seven")
    times = [0.4, 0.8, 1.2, 1.6, 2.08 - late_s, 2.5]
    said = [
        replace(word, start_s=before, end_s=after)
        for word, before, after in zip(spoken, [0.0, *times], times, strict=False)
    ]
    foreseen = []
    for count, at_s in enumerate(times, 1):
        clauses = committer.update(Hypothesis(0, tuple(said[:count]), at_s))
        if clauses:
            break
        foreseen = committer.foresee(at_s)
    assert clauses
    assert [clause.text for clause in clauses] == [clause.text for clause in foreseen]
