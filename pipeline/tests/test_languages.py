"""The source language is found out while people speak, and may change."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from pipeline.dubber import Dubber
from pipeline.events import CommittedTranscript, CueScheduled, LanguageFound, Skipped, Translated
from pipeline.handover.snapshot import RunSnapshot
from pipeline.plan import AUTO
from pipeline.ports import EngineError
from pipeline.providers.scripted.hearing import ScriptedRecognizer
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import ScriptedTranslator
from pipeline.reporting.record import LineRecord
from pipeline.tests.test_dubber import dub, of, plan, scripted_engines
from pipeline.types import Word, joined

SCRIPT = ("good morning", "bonjour a tous", "nous sommes ici", "hola a todos", "and now on")
SPOKEN = ("en", "fr", "fr", "es", "en")
PAIRS = frozenset({("en", "es"), ("fr", "es")})
SOUND = utterances(*[(1.5, 140.0)] * len(SCRIPT))


def polyglot(**changed: object) -> ScriptedRecognizer:
    engine = ScriptedRecognizer(
        script=SCRIPT,
        said_in=SPOKEN,
        languages=frozenset({"en", "fr", "es", "de"}),
        punctuates=True,
        candidates_max=3,
        finds_any=True,
    )
    return dataclasses.replace(engine, **changed)  # type: ignore[arg-type]


async def test_lines_are_translated_from_the_language_that_was_found() -> None:
    translator = ScriptedTranslator(pair_set=PAIRS)
    engines = scripted_engines(recognizer=polyglot(), translator=translator)
    told = await dub(SOUND, engines, plan(source_language=AUTO, speculate=False))
    assert [line.language for line in of(CommittedTranscript, told)] == list(SPOKEN)
    assert [found.language for found in of(LanguageFound, told)] == ["en", "fr", "es", "en"]
    assert [request.source for request in translator.requests] == ["en", "fr", "fr", "en"]
    assert [record.source_language for record in of(LineRecord, told)] == list(SPOKEN)


async def test_the_change_is_told_before_the_first_line_in_the_new_language() -> None:
    engines = scripted_engines(recognizer=polyglot(), translator=ScriptedTranslator(pair_set=PAIRS))
    told = await dub(SOUND, engines, plan(source_language=AUTO))
    order = [one for one in told if isinstance(one, LanguageFound | CommittedTranscript)]
    assert len(order) == len(SPOKEN) + 4  # changes
    now = ""
    for one in order:
        if isinstance(one, LanguageFound):
            now = one.language
        else:
            assert one.language == now


async def test_what_is_spoken_in_the_target_language_is_left_as_it_is() -> None:
    engines = scripted_engines(recognizer=polyglot(), translator=ScriptedTranslator(pair_set=PAIRS))
    told = await dub(SOUND, engines, plan(source_language=AUTO))
    (skipped,) = of(Skipped, told)
    assert (skipped.line, skipped.reason, skipped.text) == (3, "same_language", SCRIPT[3])
    assert [cue.line for cue in of(CueScheduled, told)] == [0, 1, 2, 4]
    assert 3 not in [line.line for line in of(Translated, told) if line.text != SCRIPT[3]]


async def test_a_known_language_is_not_found_out() -> None:
    recognizer = polyglot(said_in=())
    told = await dub(SOUND, scripted_engines(recognizer=recognizer), plan())
    assert not of(LanguageFound, told)
    assert {line.language for line in of(CommittedTranscript, told)} == {"en"}


async def test_before_a_language_is_found_the_likeliest_is_taken() -> None:
    recognizer = polyglot(said_in=(), finds_any=False)
    engines = scripted_engines(recognizer=recognizer, translator=ScriptedTranslator(pair_set=PAIRS))
    settled = plan(source_language=AUTO, candidates=("fr", "en"))
    # This engine never says which; lines must be dubbed all the same.
    told = await dub(SOUND, engines, settled)
    assert {line.language for line in of(CommittedTranscript, told)} == {"fr"}


@pytest.mark.parametrize(
    ("changed", "candidates", "said"),
    [
        ({"finds_any": False}, (), "which must be named"),
        ({"finds_any": False, "candidates_max": 1}, (), "name the source"),
        ({}, ("en", "fr", "es", "de"), "at most 3"),
        ({}, ("en", "xx"), "does not recognise “xx”"),
        ({}, ("en", "de"), "does not translate de"),
    ],
)
def test_engines_that_cannot_find_it_say_so(
    changed: dict[str, object], candidates: tuple[str, ...], said: str
) -> None:
    engines = scripted_engines(
        recognizer=polyglot(**changed), translator=ScriptedTranslator(pair_set=PAIRS)
    )
    with pytest.raises(EngineError, match=said):
        Dubber(plan(source_language=AUTO, candidates=candidates), engines)


async def test_another_process_goes_on_in_the_language_found_last() -> None:
    engines = scripted_engines(recognizer=polyglot(), translator=ScriptedTranslator(pair_set=PAIRS))
    dubber = Dubber(plan(source_language=AUTO), engines)
    await dubber.start()
    try:
        snapshot = dubber.snapshot()
    finally:
        await dubber.aclose()
    kept = msgspec.structs.replace(
        snapshot, committing=msgspec.structs.replace(snapshot.committing, language="fr")
    )
    moved = msgspec.json.decode(msgspec.json.encode(kept), type=RunSnapshot)
    again = Dubber(plan(source_language=AUTO), engines, continues=moved)
    assert again.snapshot().committing.language == "fr"


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (("good", "morning,", "all"), "good morning, all"),
        (("今日", "は", "、", "良い", "日"), "今日は、良い日"),
        (("こんにちは", "Tokyo", "の", "皆さん"), "こんにちは Tokyo の皆さん"),
        (("ฉัน", "ไป"), "ฉันไป"),
        ((), ""),
    ],
)
def test_words_are_joined_as_their_script_is_written(texts: tuple[str, ...], written: str) -> None:
    assert joined(Word(text, 0.0, 0.1) for text in texts) == written
