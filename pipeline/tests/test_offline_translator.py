"""The Apertium translator, on the real engine: pairs, routes, terms, failures, processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipeline.bounds import CHARACTERS_TRANSLATED_MAX as TEXT_MAX_CHARACTERS
from pipeline.ports import EngineError, TranslationRequest
from pipeline.providers.offline.apertium_modes import Mode, installed_modes, read_stages, routes
from pipeline.providers.offline.apertium_pipe import ApertiumPipe, PipePool
from pipeline.providers.offline.translator import ApertiumTranslator

REPOSITORY = Path(__file__).resolve().parents[2]

# Sentences with one term in the middle, one at an end, for every source language.
TERM_SENTENCES = {
    "en": ["I gave the Foo to a friend of Bar Baz", "Foo is bigger than we use", "Foo"],
    "es": ["le di el Foo a un amigo de Bar Baz", "Foo es muy grande", "Foo"],
    "fr": ["j'ai donné le Foo à un ami de Bar Baz", "Foo est grand", "l'eau de Foo"],
    "it": ["ho dato il Foo a un amico di Bar Baz", "Foo è grande", "Foo"],
    "pt": ["eu dei o Foo para um amigo de Bar Baz", "Foo é grande", "Foo"],
    "ca": ["vaig donar el Foo a un amic de Bar Baz", "Foo és gran", "Foo"],
    "gl": ["deille o Foo a un amigo de Bar Baz", "Foo é grande", "Foo"],
    "eo": ["mi donis la Foo al amiko de Bar Baz", "Foo estas granda", "Foo"],
}


@pytest.fixture
async def translator() -> AsyncIterator[ApertiumTranslator]:
    engine = ApertiumTranslator()
    yield engine
    await engine.aclose()


def members(group: int) -> list[int]:
    """Running processes of a group; those that wait to be reaped do not count."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of_group, *_ = status.read_text().rpartition(")")[2].split()
            if int(of_group) == group and state != "Z":
                found.append(int(status.parent.name))
    return found


def group_alive(group: int) -> bool:
    return bool(members(group))


async def gone(group: int, *, within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while group_alive(group):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def fake_mode(folder: Path, pair: str, line: str) -> None:
    (folder / f"{pair}.mode").write_text(line + "\n")


async def test_recogniser_words_come_back_as_a_written_sentence(
    translator: ApertiumTranslator,
) -> None:
    said = TranslationRequest("i don't know where she lives", "en", "es")
    assert await translator.translate(said) == "No sé donde vive."


async def test_a_spanish_question_is_opened_with_its_inverted_mark(
    translator: ApertiumTranslator,
) -> None:
    asked = await translator.translate(TranslationRequest("what is your name", "en", "es"))
    assert asked.startswith("¿")
    assert asked.endswith("?")
    assert asked[1].isupper()


async def test_a_fragment_stays_a_fragment(translator: ApertiumTranslator) -> None:
    part = await translator.translate(TranslationRequest("So that he could", "en", "es"))
    assert part[0].isupper()
    assert part[-1].isalpha()


async def test_unknown_words_carry_no_marks(translator: ApertiumTranslator) -> None:
    out = await translator.translate(TranslationRequest("the flurbish is here", "en", "fr"))
    assert "flurbish" in out
    assert not set("*#@") & set(out)


async def test_names_are_recognised_in_lower_case_words(translator: ApertiumTranslator) -> None:
    out = await translator.translate(
        TranslationRequest("and mister john dashwood came home", "en", "es")
    )
    assert "John Dashwood" in out


async def test_the_formats_own_signs_pass_as_text(translator: ApertiumTranslator) -> None:
    out = await translator.translate(
        TranslationRequest("The price is $5 [a] {b} <c> ^d/e\\f g.\0\n", "en", "es")
    )
    for sign in "$[]{}<>^/\\":
        assert sign in out


async def test_text_without_words_is_given_back(translator: ApertiumTranslator) -> None:
    assert await translator.translate(TranslationRequest("…", "en", "es")) == "…"
    assert await translator.translate(TranslationRequest("  ", "en", "es")) == ""


async def test_english_reaches_every_promised_language_and_back(
    translator: ApertiumTranslator,
) -> None:
    pairs = translator.pairs()
    promised = {"es", "ca", "fr", "it", "pt", "gl", "eo"}
    assert {("en", language) for language in promised} <= pairs
    assert {(language, "en") for language in promised} <= pairs
    assert translator.route("en", "fr") == ("en", "es", "fr")
    assert translator.route("en", "es") == ("en", "es")


@pytest.mark.parametrize("source", sorted(TERM_SENTENCES))
async def test_glossary_terms_survive_every_pair(
    translator: ApertiumTranslator, source: str
) -> None:
    targets = sorted(target for start, target in translator.pairs() if start == source)
    assert targets
    for target in targets:
        for sentence in TERM_SENTENCES[source]:
            out = await translator.translate(
                TranslationRequest(
                    sentence, source, target, {"foo": "FooX", "bar baz": "Qux de Quz"}
                )
            )
            assert out.count("FooX") == sentence.count("Foo"), (target, sentence)
            assert out.count("Qux de Quz") == sentence.count("Bar Baz"), (target, sentence)


async def test_an_unsupported_pair_is_refused_with_what_there_is(
    translator: ApertiumTranslator,
) -> None:
    with pytest.raises(EngineError, match="en-es") as refused:
        await translator.translate(TranslationRequest("hello", "en", "de"))
    assert refused.value.code == "pair_unsupported"
    assert not refused.value.recoverable
    with pytest.raises(EngineError):
        await translator.prepare("de", "en")


async def test_an_empty_installation_says_so(tmp_path: Path) -> None:
    engine = ApertiumTranslator(tmp_path)
    assert engine.pairs() == frozenset()
    with pytest.raises(EngineError, match="No Apertium language pair"):
        await engine.translate(TranslationRequest("hello", "en", "es"))


async def test_too_long_a_text_is_refused(translator: ApertiumTranslator) -> None:
    with pytest.raises(EngineError) as refused:
        await translator.translate(TranslationRequest("a " * TEXT_MAX_CHARACTERS, "en", "es"))
    assert refused.value.code == "text_too_long"


async def test_many_requests_at_once_get_each_its_own_answer(
    translator: ApertiumTranslator,
) -> None:
    texts = [f"the house number {number} is red" for number in range(40)]
    outs = await asyncio.gather(
        *(translator.translate(TranslationRequest(text, "en", "fr")) for text in texts)
    )
    for number, out in enumerate(outs):
        assert str(number) in "".join(c if c.isdigit() else " " for c in out).split()


async def test_requests_beyond_the_bound_are_refused_not_queued() -> None:
    pool = PipePool(installed_modes()["en", "es"], in_flight_max=3)
    results = await asyncio.gather(
        *(pool.exchange("hello.") for _ in range(20)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, EngineError)]
    assert refused
    assert {error.code for error in refused} == {"engine_busy"}
    assert len(results) - len(refused) >= 3
    await pool.aclose()


async def test_a_given_up_request_does_not_spoil_the_next_answer() -> None:
    pool = PipePool(installed_modes()["en", "es"])
    await pool.exchange("warm.")
    given_up = asyncio.create_task(pool.exchange("the dog."))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    given_up.cancel()
    answers = await asyncio.gather(pool.exchange("the cat."), pool.exchange("the house."))
    assert ["gato" in answers[0], "casa" in answers[1]] == [True, True]
    await pool.aclose()


async def test_a_killed_pipeline_is_restarted_within_the_request(
    translator: ApertiumTranslator,
) -> None:
    await translator.prepare("en", "es")
    (group,) = translator.process_groups()
    os.killpg(group, signal.SIGKILL)
    out = await translator.translate(TranslationRequest("the house is red", "en", "es"))
    assert "casa" in out
    assert translator.process_groups() != [group]


@pytest.mark.parametrize("stage", [1, 3, 6, -1])
async def test_a_dead_stage_is_noticed_and_replaced(
    translator: ApertiumTranslator, stage: int
) -> None:
    """The first process of the group holds the others together."""
    await translator.prepare("en", "es")
    (group,) = translator.process_groups()
    os.kill(sorted(members(group))[stage], signal.SIGKILL)
    # Those behind a dead stage may answer more than one request with nothing.
    for _ in range(3):
        out = await translator.translate(TranslationRequest("the house is red", "en", "es"))
        assert "casa" in out
    assert await gone(group)


async def test_an_engine_that_always_dies_raises_after_one_retry(tmp_path: Path) -> None:
    fake_mode(tmp_path, "eng-spa", "false")
    engine = ApertiumTranslator(tmp_path)
    with pytest.raises(EngineError) as failed:
        await engine.translate(TranslationRequest("hello", "en", "es"))
    assert failed.value.code == "engine_stopped"
    await engine.aclose()


async def test_an_engine_that_never_answers_times_out() -> None:
    silent = Mode("en", "es", (("sleep", "60"),))
    pool = PipePool(silent, timeout_s=0.05, start_timeout_s=0.1)
    with pytest.raises(EngineError) as failed:
        await pool.exchange("hello.")
    assert failed.value.code == "engine_timeout"
    assert pool.pids == []
    await pool.aclose()


async def test_idle_pipelines_are_closed_and_come_back_when_needed() -> None:
    pool = PipePool(installed_modes()["en", "es"], idle_s=0.05)
    await pool.exchange("hello.")
    (group,) = pool.pids
    assert await gone(group)
    assert pool.pids == []
    assert "casa" in await pool.exchange("the house.")
    await pool.aclose()


async def test_nothing_runs_after_closing_and_closing_twice_is_fine() -> None:
    engine = ApertiumTranslator()
    await engine.prepare("en", "fr")
    groups = engine.process_groups()
    assert len(groups) == 2
    await engine.aclose()
    await engine.aclose()
    # Stages that were killed are reaped by whoever adopted them, a moment later.
    for group in groups:
        assert await gone(group)
    with pytest.raises(EngineError) as closed:
        await engine.translate(TranslationRequest("hello", "en", "fr"))
    assert closed.value.code == "engine_closed"


async def test_nothing_is_left_when_the_parent_is_killed() -> None:
    program = """
import asyncio
from pipeline.providers.offline.translator import ApertiumTranslator
async def main():
    engine = ApertiumTranslator()
    await engine.prepare("en", "fr")
    print(*engine.process_groups(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert parent.stdout is not None
    groups = [int(group) for group in (await parent.stdout.readline()).split()]
    assert len(groups) == 2
    assert all(group_alive(group) for group in groups)
    parent.kill()
    await parent.communicate()
    for group in groups:
        assert await gone(group)


async def test_closing_kills_a_pipeline_that_ignores_end_of_file() -> None:
    pipe = await ApertiumPipe.start(Mode("en", "es", (("sleep", "600"),)))
    await pipe.aclose(grace_s=0.05)
    assert not pipe.alive
    assert await gone(pipe.pid)


def test_mode_lines_become_null_flushing_stages() -> None:
    line = "lt-proc -w '/a b/x.bin' | apertium-tagger -g $2 '/y.prob' | lt-proc $1 '/z.bin'"
    assert read_stages(line) == (
        ("lt-proc", "-z", "-w", "/a b/x.bin"),
        ("apertium-tagger", "-z", "-g", "/y.prob"),
        ("lt-proc", "-z", "-g", "/z.bin"),
    )


def test_variants_and_modes_with_missing_programs_are_left_out(tmp_path: Path) -> None:
    fake_mode(tmp_path, "eng-spa", "cat three")
    fake_mode(tmp_path, "en-es", "cat two")
    fake_mode(tmp_path, "eng-cat_valencia", "cat variant")
    fake_mode(tmp_path, "fr-es", "no-such-program-here x")
    (tmp_path / "spa-ita.mode").write_text("")
    modes = installed_modes(tmp_path)
    assert set(modes) == {("en", "es")}
    assert modes["en", "es"].stages == (("cat", "-z", "three"),)


def test_routes_prefer_the_direct_pair_then_spanish_then_catalan() -> None:
    pairs = ["en-es", "es-fr", "en-ca", "ca-fr", "ca-it", "en-it", "ro-es"]
    modes = {(p[:2], p[3:]): Mode(p[:2], p[3:], ()) for p in pairs}
    found = {pair: [mode.target for mode in steps] for pair, steps in routes(modes).items()}
    assert found["en", "fr"] == ["es", "fr"]
    assert found["en", "it"] == ["it"]
    assert found["ro", "fr"] == ["es", "fr"]
    assert ("fr", "en") not in found
    assert ("ro", "it") not in found
