from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipeline.emulators.behaviour import Delays, Fault
from pipeline.emulators.google.speech_rules import SpeechRules
from pipeline.emulators.scripted_ear import ScriptedEar
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.google.pacing import Pacing
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.settings import GoogleAccess
from pipeline.tests.google_cloud import (
    ENGLISH,
    QUICK,
    clock_words,
    cloud,
    committed,
    cut,
    ear_for,
    finals,
    hear,
    recognizer,
    said,
    speech,
)
from pipeline.tests.waiting import until


async def test_every_utterance_has_its_words_and_one_final(tmp_path: Path) -> None:
    pcm = speech(2.0, 1.6, 2.4, pause_s=0.4)
    async with cloud(tmp_path, ear=ear_for(pcm)) as emulator, recognizer(emulator) as engine:
        heard = await hear(engine, await cut(pcm))
    assert [one.utterance for one in finals(heard)] == [0, 1, 2]
    assert said(heard) == clock_words(pcm)
    assert committed(heard) == clock_words(pcm)
    assert {one.language for one in heard} == {""}


async def test_times_that_were_given_stay_and_are_in_order(tmp_path: Path) -> None:
    pcm = speech(6.0, 5.0, pause_s=0.3)
    async with cloud(tmp_path, ear=ear_for(pcm)) as emulator, recognizer(emulator) as engine:
        heard = await hear(engine, await cut(pcm))
    given: dict[str, float] = {}
    for one in heard:
        starts = [word.start_s for word in one.words]
        assert starts == sorted(starts)
        for word in one.words:
            assert given.setdefault(word.text.lower().rstrip("."), word.start_s) == word.start_s
    assert len(given) == len(clock_words(pcm))
    for text, start_s in given.items():
        assert start_s == pytest.approx(0.4 * int(text.removeprefix("word")), abs=0.45)


@pytest.mark.parametrize(
    "spoken",
    [(40.0,), (7.0, 6.5, 3.0, 8.0, 9.0, 6.0), (0.9,) * 18],
    ids=["without a pause", "with pauses", "short"],
)
async def test_streams_are_handed_over_with_nothing_lost_or_doubled(
    tmp_path: Path, spoken: tuple[float, ...]
) -> None:
    pcm = speech(*spoken, pause_s=0.15)
    rules = SpeechRules(pace=None, limit_by="audio", stream_limit_s=9.0)
    async with cloud(tmp_path, ear=ear_for(pcm), speech_rules=rules) as emulator:
        async with recognizer(emulator, Pacing(speed=None, stream_s=6.0)) as engine:
            heard = await hear(engine, await cut(pcm))
        assert emulator.counts.streams_opened >= len(pcm) / 16_000 / 9
        assert not emulator.counts.statuses
    assert committed(heard) == clock_words(pcm)


async def test_streams_that_the_vendor_ends_are_resumed(tmp_path: Path) -> None:
    pcm = speech(30.0)
    rules = SpeechRules(pace=None, limit_by="audio", stream_limit_s=7.0)
    async with (
        cloud(tmp_path, ear=ear_for(pcm), speech_rules=rules) as emulator,
        recognizer(emulator) as engine,
    ):
        heard = await hear(engine, await cut(pcm))
        assert emulator.counts.statuses["ABORTED"] >= 3
    assert committed(heard) == clock_words(pcm)


@pytest.mark.parametrize("scenario", ["unavailable", "drop", "internal", "aborted", "close"])
async def test_a_stream_that_breaks_midway_is_resumed(tmp_path: Path, scenario: str) -> None:
    pcm = speech(4.0)
    async with cloud(tmp_path, ear=ear_for(pcm)) as emulator, recognizer(emulator) as engine:
        emulator.faults.add(Fault(scenario=scenario, legs=("speech",), after_s=2.4, times=1))
        heard = await hear(engine, await cut(pcm), live=scenario == "close")
        assert emulator.counts.streams_opened == 2
    assert committed(heard) == clock_words(pcm)


async def test_broken_connections_are_dialled_again(tmp_path: Path) -> None:
    pcm = speech(3.0, pause_s=0.2)
    async with cloud(tmp_path, ear=ear_for(pcm)) as emulator, recognizer(emulator) as engine:
        hearing = asyncio.create_task(hear(engine, await cut(pcm), live=True))
        await asyncio.sleep(1.5)
        await emulator.drop_connections()
        heard = await hearing
    assert committed(heard) == clock_words(pcm)


async def test_a_stall_is_noticed_and_the_speech_heard_again(tmp_path: Path) -> None:
    pcm = speech(3.0)
    async with (
        cloud(tmp_path, ear=ear_for(pcm)) as emulator,
        recognizer(emulator, Pacing(speed=None, stall_s=1.0, end_s=3.0)) as engine,
    ):
        emulator.faults.add(Fault(scenario="stall", legs=("speech",), after_s=1.5, times=1))
        pieces = await cut(pcm)
        heard = await hear(engine, pieces, live=True)
        assert committed(heard) == clock_words(pcm)
        emulator.faults.always("stall", "speech")
        with pytest.raises(EngineError) as caught:
            await hear(engine, pieces, live=True)
    assert (caught.value.code, caught.value.recoverable) == ("engine_timeout", True)


async def test_unsteady_interims_lose_and_double_nothing(tmp_path: Path) -> None:
    pcm = speech(7.0, 9.0, 4.0, pause_s=0.5)
    rules = SpeechRules(pace=None, unsteady=True, seed=4)
    async with (
        cloud(tmp_path, ear=ear_for(pcm), speech_rules=rules) as emulator,
        recognizer(emulator) as engine,
    ):
        heard = await hear(engine, await cut(pcm))
    assert said(heard) == clock_words(pcm)


async def test_silence_is_not_sent_and_streams_do_not_idle(tmp_path: Path) -> None:
    pcm = speech(1.0, 1.0, pause_s=1.4)
    rules = SpeechRules(pace=None, idle_s=1.2)
    async with (
        cloud(tmp_path, ear=ear_for(pcm), speech_rules=rules) as emulator,
        recognizer(emulator) as engine,
    ):
        heard = await hear(engine, await cut(pcm), live=True)
        assert emulator.counts.streams_opened == 2
        assert not emulator.counts.statuses
        assert emulator.counts.audio_s < 3.2
    assert committed(heard) == clock_words(pcm)


async def test_a_source_that_halts_in_mid_word_goes_on(tmp_path: Path) -> None:
    pcm = speech(4.0)
    rules = SpeechRules(pace=None, idle_s=0.3)
    async with (
        cloud(tmp_path, ear=ear_for(pcm), speech_rules=rules) as emulator,
        recognizer(emulator) as engine,
    ):
        pieces = await cut(pcm)
        stream = await engine.open(ENGLISH)

        async def feed() -> None:
            for n, piece in enumerate(pieces):
                await stream.push(piece)
                if n == 30:
                    await asyncio.sleep(1.0)
            await stream.finish()

        feeding = asyncio.create_task(feed())
        async with asyncio.timeout(30):
            heard = [one async for one in stream]
        await feeding
        await stream.aclose()
        assert emulator.counts.statuses["ABORTED"] >= 1
    assert committed(heard) == clock_words(pcm)


async def test_the_language_is_found_out_and_followed(tmp_path: Path) -> None:
    pcm = speech(0.8, 0.8, 0.8, pause_s=0.9)
    ear = ScriptedEar(languages=((0.0, "es"), (3.2, "fr")))
    async with cloud(tmp_path, ear=ear) as emulator, recognizer(emulator) as engine:
        pieces = await cut(pcm)
        several = RecognitionOptions(languages=("en", "es", "fr", "zh"))
        anything = RecognitionOptions(languages=())
        for heard in await asyncio.gather(
            hear(engine, pieces, several, live=True), hear(engine, pieces, anything, live=True)
        ):
            assert [one.language for one in finals(heard)] == ["es", "es", "fr"]


REFUSED = {
    "unauthenticated": "key_refused",
    "permission_denied": "key_refused",
    "billing_disabled": "plan_too_small",
    "resource_exhausted": "vendor_busy",
    "invalid_argument": "vendor_refused",
    "not_found": "vendor_refused",
    "internal": "vendor_failed",
    "unavailable": "vendor_unreachable",
    "deadline_exceeded": "engine_timeout",
    "out_of_range": "vendor_busy",
    "unknown": "vendor_failed",
    "cancelled": "vendor_unreachable",
}


async def test_what_is_refused_at_the_start_is_told_by_its_code(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator, recognizer(emulator) as engine:
        pieces = await cut(speech(1.0))
        for scenario, code in REFUSED.items():
            for after_s in (None, 0.0):
                emulator.faults.clear()
                emulator.faults.add(Fault(scenario=scenario, legs=("speech",), after_s=after_s))
                with pytest.raises(EngineError) as caught:
                    await hear(engine, pieces)
                assert caught.value.code == code, scenario
        emulator.faults.clear()
        assert said(await hear(engine, pieces)) == clock_words(speech(1.0))


async def test_wrong_keys_and_projects_are_told_by_their_names(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator:
        pieces = await cut(speech(1.0))

        async def code_with(**changed: Any) -> str:
            async with recognizer(emulator, **changed) as engine:
                with pytest.raises(EngineError) as caught:
                    await hear(engine, pieces)
                return caught.value.code

        named: dict[str, Any] = {"credentials": "", "project": emulator.project}
        assert await code_with(**named, api_key="AIzaWrong") == "key_refused"
        assert await code_with(project="another-project") == "key_refused"
        assert await code_with(region="eu") == "vendor_refused"
        emulator.access.disabled.add("speech.googleapis.com")
        assert await code_with() == "key_refused"
        emulator.access.disabled.clear()
        async with recognizer(emulator, **named, api_key=emulator.api_key) as engine:
            assert said(await hear(engine, pieces)) == clock_words(speech(1.0))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "key_missing"),
        ({"api_key": "AIzaSomething"}, "key_missing"),
        ({"credentials": "{}"}, "key_refused"),
        ({"credentials": '{"type": "service_account", "private_key": "no"}'}, "key_refused"),
    ],
)
async def test_useless_keys_are_refused_before_anything_is_dialled(
    given: dict[str, Any], code: str
) -> None:
    with pytest.raises(EngineError) as caught:
        await GoogleRecognizer(GoogleAccess(**given)).connect()
    assert caught.value.code == code


async def test_nobody_there_is_told_in_time() -> None:
    engine = GoogleRecognizer(
        GoogleAccess(api_key="AIzaSomething", project="p", speech_endpoint="localhost:1")
    )
    await engine.open(ENGLISH)
    stream = await engine.open(ENGLISH)
    for piece in await cut(speech(1.0)):
        await stream.push(piece)
    with pytest.raises(EngineError) as caught:
        async with asyncio.timeout(30):
            [one async for one in stream]
    assert caught.value.code == "vendor_unreachable"
    await engine.aclose()


async def test_malformed_answers_are_told_after_another_try(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator, recognizer(emulator) as engine:
        emulator.faults.always("no_alternatives", "speech")
        with pytest.raises(EngineError) as caught:
            await hear(engine, await cut(speech(2.0)))
    assert caught.value.code == "vendor_malformed"


async def test_many_utterances_use_one_connection(tmp_path: Path) -> None:
    pcm = speech(*(0.5,) * 50, pause_s=0.5)
    async with cloud(tmp_path, ear=ear_for(pcm)) as emulator, recognizer(emulator, QUICK) as engine:
        pieces = await cut(pcm)
        for part in range(5):
            some = [piece for piece in pieces if piece.utterance % 5 == part]
            assert len(finals(await hear(engine, some))) == 10
        assert emulator.counts.connections == 1


async def test_an_utterance_ends_though_nothing_follows_it(tmp_path: Path) -> None:
    """The final waits for the patience and the vendor's own delay, and for no more sound."""
    pcm = speech(0.9, 0.9, pause_s=0.7)
    delays = Delays(interim=0.15, final=0.15)
    async with (
        cloud(tmp_path, ear=ear_for(pcm), delays=delays) as emulator,
        recognizer(emulator) as engine,
    ):
        pieces = await cut(pcm)
        stream = await engine.open(ENGLISH)
        told: list[int] = []

        async def feed() -> None:
            for piece in pieces:
                await asyncio.sleep(len(piece.pcm) / 16_000)
                await stream.push(piece)
                if piece.ends:
                    await until(lambda: len(told) == piece.utterance + 1)  # noqa: B023 - at once
            await stream.finish()

        feeding = asyncio.create_task(feed())
        async with asyncio.timeout(60):
            async for one in stream:
                if one.is_final:
                    told.append(one.utterance)
        await feeding
        await stream.aclose()
    assert told == [0, 1]


def test_offered_languages_depend_on_model_and_region() -> None:
    assert GoogleRecognizer(GoogleAccess(region="eu")).finds_any
    assert GoogleRecognizer(GoogleAccess(region="us-central1", model="chirp_2")).finds_any
    assert not GoogleRecognizer(GoogleAccess(region="us-central1")).finds_any
