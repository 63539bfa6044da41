"""What every translator keeps to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from pathlib import Path

import pytest
import pytest_asyncio

from pipeline.bounds import CHARACTERS_TRANSLATED_MAX
from pipeline.ports import EngineError, TranslationRequest, Translator
from pipeline.tests.contracts.checking import CONNECT_S, nothing_left, refused_for_good, within
from pipeline.tests.contracts.translators import SUBJECTS, Subject

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENTENCE = "The house is very big."


@pytest.fixture(scope="module", params=SUBJECTS, ids=attrgetter("name"))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(
    subject: Subject, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Translator]:
    async with subject.made(tmp_path_factory.mktemp("translator")) as engine:
        async with asyncio.timeout(CONNECT_S):
            await engine.connect()
            await engine.prepare(*subject.pair)
        yield engine


def asked(subject: Subject, text: str, **more: object) -> TranslationRequest:
    source, target = subject.pair
    fields: dict[str, object] = {"text": text, "source": source, "target": target, **more}
    return TranslationRequest(**fields)  # type: ignore[arg-type]


async def translated(engine: Translator, subject: Subject, text: str, **more: object) -> str:
    """Without what an echo puts in front."""
    return (await engine.translate(asked(subject, text, **more))).removeprefix(subject.echo)


@within(30)
async def test_the_port_has_its_attributes(engine: Translator, subject: Subject) -> None:
    assert engine.name
    assert isinstance(engine.detects, bool)
    assert isinstance(engine.uses_context, bool)
    assert subject.pair in engine.pairs()
    for source, target in engine.pairs():
        assert re.fullmatch("[a-z]{2}", source)
        assert re.fullmatch("[a-z]{2}", target)
        assert source != target


@within(30)
async def test_connecting_and_preparing_again_changes_nothing(
    engine: Translator, subject: Subject
) -> None:
    before = engine.pairs()
    for _ in range(2):
        await engine.connect()
        await engine.prepare(*subject.pair)
    assert engine.pairs() == before


@within(30)
async def test_a_sentence_comes_back_as_another_one(engine: Translator, subject: Subject) -> None:
    told = await engine.translate(asked(subject, SENTENCE))
    assert told != SENTENCE
    assert told == told.strip()
    assert not re.search(r"[<>*@#\\]|&\w+;|zxq", told, re.IGNORECASE)


@within(30)
@pytest.mark.parametrize("mark", [".", "?", "!"])
async def test_capital_and_final_mark_are_kept(
    engine: Translator, subject: Subject, mark: str
) -> None:
    told = await translated(engine, subject, f"Your house is very big{mark}")
    assert next(letter for letter in told if letter.isalpha()).isupper(), told
    assert told.endswith(mark), told


@within(30)
async def test_each_call_is_told_to_who_counts(engine: Translator, subject: Subject) -> None:
    told: list[int] = []

    def attempt(characters: int) -> AbstractContextManager[None]:
        told.append(characters)
        return nullcontext()

    await engine.translate(asked(subject, SENTENCE, attempt=attempt))
    assert told == [len(SENTENCE)]


@within(30)
async def test_a_fragment_gets_no_final_mark(engine: Translator, subject: Subject) -> None:
    told = await translated(engine, subject, "the house of my friend, and")
    assert told[-1] not in ".?!", told


@within(30)
async def test_apostrophes_and_quotes_are_text(engine: Translator, subject: Subject) -> None:
    told = await translated(engine, subject, 'I don\'t know where "the house" is & why.')
    assert "&#" not in told
    assert "&quot" not in told
    assert "&amp" not in told


@within(30)
@pytest.mark.parametrize(
    "text", ["The house is near the Redis office.", "Redis is big.", "It is near Redis"]
)
async def test_terms_come_out_as_required(engine: Translator, subject: Subject, text: str) -> None:
    kept = await translated(engine, subject, text, glossary={"Redis": "Redis"})
    assert "Redis" in kept.split(" ") or "Redis" in re.findall(r"\w+", kept)
    changed = await translated(engine, subject, text, glossary={"redis": "Valkirio Uno"})
    assert changed.count("Valkirio Uno") == 1
    assert "Redis" not in changed


@within(30)
async def test_a_term_that_is_not_said_adds_nothing(engine: Translator, subject: Subject) -> None:
    without = await translated(engine, subject, SENTENCE)
    assert await translated(engine, subject, SENTENCE, glossary={"Redis": "Valkirio"}) == without


@within(40)
async def test_many_at_once_get_their_own(engine: Translator, subject: Subject) -> None:
    texts = [f"The house number {number} is very big." for number in range(100, 120)]
    told = await asyncio.gather(*(translated(engine, subject, text) for text in texts))
    for number, text in zip(range(100, 120), told, strict=True):
        assert re.findall(r"\d+", text) == [str(number)]


@within(40)
async def test_one_that_is_cancelled_leaves_the_others_alone(
    engine: Translator, subject: Subject
) -> None:
    async with nothing_left():
        asking = [
            asyncio.create_task(translated(engine, subject, f"House number {number} is big."))
            for number in range(100, 108)
        ]
        await asyncio.sleep(0.001)
        asking[0].cancel()
        asking[5].cancel()
        told = await asyncio.gather(*asking, return_exceptions=True)
    for number, text in enumerate(told, 100):
        if number in (100, 105) and isinstance(text, asyncio.CancelledError):
            continue
        assert isinstance(text, str), repr(text)
        assert re.findall(r"\d+", text) == [str(number)]
    assert "104" in await translated(engine, subject, "House number 104 is big.")


@within(30)
async def test_a_pair_that_is_not_there_is_refused(engine: Translator, subject: Subject) -> None:
    source, _ = subject.pair
    for refuse in (
        lambda: engine.translate(asked(subject, SENTENCE, target="xx")),
        lambda: engine.translate(asked(subject, SENTENCE, source="xx")),
        lambda: engine.prepare(source, "xx"),
    ):
        with pytest.raises(EngineError) as refused:
            await refuse()
        refused_for_good(refused.value, {"pair_unsupported"})


@within(30)
async def test_a_source_that_is_left_open_is_found_or_refused(
    engine: Translator, subject: Subject
) -> None:
    if engine.detects:
        told = await engine.translate(asked(subject, SENTENCE, source=""))
        assert told.strip()
    else:
        with pytest.raises(EngineError) as refused:
            await engine.translate(asked(subject, SENTENCE, source=""))
        refused_for_good(refused.value, {"pair_unsupported"})


@within(30)
async def test_a_text_that_is_too_long_is_refused(engine: Translator, subject: Subject) -> None:
    most = ("word " * CHARACTERS_TRANSLATED_MAX)[:CHARACTERS_TRANSLATED_MAX]
    with pytest.raises(EngineError) as refused:
        await engine.translate(asked(subject, most + "words"))
    refused_for_good(refused.value, {"text_too_long"})


@within(30)
@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
async def test_nothing_is_translated_as_nothing(
    engine: Translator, subject: Subject, text: str
) -> None:
    assert (await engine.translate(asked(subject, text))).strip() == ""


@within(30)
async def test_previous_clauses_are_not_repeated(engine: Translator, subject: Subject) -> None:
    previous = ("I bought number 77.", "Then I went home.")
    told = await translated(engine, subject, SENTENCE, previous=previous)
    assert "77" not in told


@within(60)
async def test_closing_is_idempotent_and_leaves_nothing(subject: Subject, tmp_path: Path) -> None:
    async with nothing_left():
        async with subject.made(tmp_path) as engine:
            await engine.aclose()
        async with subject.made(tmp_path) as engine:
            await engine.connect()
            await engine.prepare(*subject.pair)
            asking = [
                asyncio.create_task(engine.translate(asked(subject, SENTENCE))) for _ in range(4)
            ]
            await asyncio.sleep(0.001)
            await engine.aclose()
            await engine.aclose()
            for told in await asyncio.gather(*asking, return_exceptions=True):
                assert isinstance(told, str | EngineError), repr(told)
