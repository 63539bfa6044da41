from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.dubber import DubbingPlan
from pipeline.emulators.behaviour import Fault
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.events import CommittedTranscript, Summary, Translated
from pipeline.guards.usage import Meter
from pipeline.ports import EngineError, TranslationRequest
from pipeline.providers.google.translator import GoogleTranslator
from pipeline.providers.registry import make_engines
from pipeline.providers.settings import EngineSettings, GoogleAccess
from pipeline.tests.google_cloud import (
    access,
    clock_words,
    cloud,
    ear_for,
    plain,
    recognizer,
    speech,
)
from pipeline.tests.test_dubber import dub, of, scripted_engines
from pipeline.tests.waiting import until


@asynccontextmanager
async def translator(emulator: GoogleEmulator, **given: Any) -> AsyncIterator[GoogleTranslator]:
    engine = GoogleTranslator(access(emulator), **given)
    try:
        await engine.connect()
        yield engine
    finally:
        await engine.aclose()


def ask(text: str = "the door", source: str = "en", target: str = "es") -> TranslationRequest:
    return TranslationRequest(text, source, target)


def metered(request: TranslationRequest, meter: Meter) -> TranslationRequest:
    return replace(request, attempt=partial(meter.request, "google-translate", "translation"))


def counted(meter: Meter) -> tuple[float, int]:
    """Characters and requests since it was asked last."""
    used = meter.take()
    return sum(one.amount for one in used), sum(one.requests for one in used)


async def code_of(engine: GoogleTranslator, request: TranslationRequest) -> str:
    with pytest.raises(EngineError) as caught:
        await engine.translate(request)
    return caught.value.code


async def test_texts_come_back_as_plain_text(tmp_path: Path) -> None:
    # The emulator's first look for a language takes a while on a busy machine.
    slow = {"attempt_s": 20.0, "total_s": 25.0}
    async with cloud(tmp_path) as emulator, translator(emulator, **slow) as engine:
        assert await engine.translate(ask("Don't <go> & stay")) == "[es] Don't <go> & stay"
        assert await engine.translate(ask("hola", "", "en")) == "[en] hola"
        assert await engine.translate(ask("hola", "zh", "he"))
        assert await engine.translate(ask("今 日 は。 晴 れ", "ja", "en")) == "[en] 今日は。晴れ"
        assert await engine.translate(ask(" … ")) == "…"
        assert emulator.counts.connections == 1
        assert {("en", "es"), ("zh", "he"), ("ja", "pt")} <= engine.pairs()
        assert ("en", "en") not in engine.pairs()


async def test_terms_are_kept(tmp_path: Path) -> None:
    terms: Mapping[str, str] = {"red door": "puerta roja", "Ada": "Ada"}
    async with cloud(tmp_path) as emulator, translator(emulator) as engine:
        request = TranslationRequest("Ada opens the Red Door.", "en", "es", terms)
        assert await engine.translate(request) == "[es] Ada opens the puerta roja."


class Forgetful:
    """Loses one word of every text that it knows."""

    async def translate(self, text: str, source: str, target: str, terms: Mapping[str, str]) -> str:
        return " ".join(word for word in text.split() if not word.startswith("Zxq"))

    async def aclose(self) -> None:
        pass


async def test_where_a_term_was_lost_the_text_is_translated_without(tmp_path: Path) -> None:
    async with cloud(tmp_path, engine=Forgetful()) as emulator, translator(emulator) as engine:
        request = TranslationRequest("open the door", "en", "es", {"door": "puerta"})
        assert await engine.translate(request) == "open the door"


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("unauthenticated", "key_refused"),
        ("permission_denied", "key_refused"),
        ("billing_disabled", "plan_too_small"),
        ("invalid_argument", "vendor_refused"),
        ("not_found", "vendor_refused"),
        ("unknown", "vendor_failed"),
        ("empty", "vendor_malformed"),
        ("resource_exhausted", "vendor_busy"),
        ("unavailable", "vendor_unreachable"),
        ("internal", "vendor_failed"),
        ("deadline_exceeded", "engine_timeout"),
        ("stall", "engine_timeout"),
    ],
)
async def test_every_failure_is_told_by_its_code_and_in_time(
    tmp_path: Path, scenario: str, code: str
) -> None:
    async with (
        cloud(tmp_path) as emulator,
        translator(emulator, attempt_s=0.5, total_s=1.2) as engine,
    ):
        emulator.faults.always(scenario, "translation")
        async with asyncio.timeout(15):
            assert await code_of(engine, ask()) == code
        emulator.faults.clear()
        assert await engine.translate(ask()) == "[es] the door"


@pytest.mark.parametrize("scenario", ["unavailable", "resource_exhausted", "internal"])
async def test_what_passes_is_tried_again(tmp_path: Path, scenario: str) -> None:
    async with cloud(tmp_path) as emulator, translator(emulator) as engine:
        emulator.faults.add(Fault(scenario=scenario, legs=("translation",), times=2))
        assert await engine.translate(ask()) == "[es] the door"


BILLED_SCENARIOS = ("internal", "unknown", "deadline_exceeded", "stall", "empty")


@pytest.mark.parametrize("times", [1, 2, None])
@pytest.mark.parametrize("scenario", [*BILLED_SCENARIOS, "unavailable", "resource_exhausted"])
async def test_every_call_is_counted_as_it_is_billed(
    tmp_path: Path, scenario: str, times: int | None
) -> None:
    meter, text = Meter(), "the door of the house"
    async with (
        cloud(tmp_path) as emulator,
        translator(emulator, attempt_s=0.2, total_s=0.7) as engine,
    ):
        emulator.faults.add(Fault(scenario=scenario, legs=("translation",), times=times))
        with suppress(EngineError):
            await engine.translate(metered(ask(text), meter))
        calls, billed = emulator.counts.calls["translate_text"], emulator.counts.characters
        assert counted(meter) == (billed, billed // len(text))
        if scenario in BILLED_SCENARIOS:
            assert billed == calls * len(text), "what was sent is billed"
        passing = scenario not in ("unknown", "empty")
        assert (calls > 1) == passing, "what may pass is tried again"


async def test_a_text_that_is_asked_for_without_its_terms_is_counted_twice(tmp_path: Path) -> None:
    meter = Meter()
    async with cloud(tmp_path, engine=Forgetful()) as emulator, translator(emulator) as engine:
        asked = TranslationRequest("open the  door", "en", "es", {"door": "puerta"})
        await engine.translate(metered(asked, meter))
        assert emulator.counts.calls["translate_text"] == 2
        assert counted(meter) == (emulator.counts.characters, 2)


async def test_a_call_that_is_cancelled_is_counted_and_none_that_was_not_made(
    tmp_path: Path,
) -> None:
    meter = Meter()
    async with cloud(tmp_path) as emulator, translator(emulator) as engine:
        emulator.faults.always("stall", "translation")
        asking = asyncio.create_task(engine.translate(metered(ask(), meter)))
        await until(lambda: emulator.counts.characters > 0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert counted(meter) == (emulator.counts.characters, 1)
        for refused in (ask("word " * 1000), ask(target="xx")):
            await code_of(engine, metered(refused, meter))
        assert await engine.translate(metered(ask(" … "), meter)) == "…"
        assert counted(meter) == (0, 0)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
async def test_a_call_that_is_cancelled_as_it_begins_is_counted_as_it_is_billed(
    tmp_path: Path, steps: int
) -> None:
    meter, times = Meter(), 20
    async with cloud(tmp_path) as emulator, translator(emulator) as engine:
        await engine.translate(ask())
        before = emulator.counts.characters
        for _ in range(times):
            asking = asyncio.create_task(engine.translate(metered(ask(), meter)))
            for _ in range(steps):
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        expected = times * len(ask().text)
        await until(lambda: emulator.counts.characters - before == expected)
        assert counted(meter) == (expected, times)


async def test_what_cannot_be_translated_is_refused_here(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator, translator(emulator) as engine:
        assert await code_of(engine, ask("word " * 1000)) == "text_too_long"
        assert await code_of(engine, ask(target="xx")) == "pair_unsupported"
        assert await code_of(engine, ask(source="es", target="es")) == "pair_unsupported"
        assert emulator.counts.calls["translate_text"] == 0


async def test_connecting_tells_a_refused_key_and_bears_a_missing_list(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator:
        emulator.faults.once("unavailable", "administration")
        async with translator(emulator) as engine:
            assert await engine.translate(ask()) == "[es] the door"
        emulator.access.revoked = True
        engine = GoogleTranslator(access(emulator))
        with pytest.raises(EngineError) as caught:
            await engine.connect()
        assert caught.value.code == "key_refused"
        await engine.aclose()


async def test_many_texts_at_once_come_back_to_their_askers(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator, translator(emulator) as engine:
        texts = [f"text {n}" for n in range(50)]
        replies = await asyncio.gather(*(engine.translate(ask(text)) for text in texts))
        assert replies == [f"[es] {text}" for text in texts]
        assert emulator.counts.connections == 1


async def test_a_whole_run_with_google_s_ears_and_words(tmp_path: Path) -> None:
    pcm = speech(3.0, 2.5, 4.0, pause_s=0.6)
    async with (
        cloud(tmp_path, ear=ear_for(pcm)) as emulator,
        recognizer(emulator) as ears,
        translator(emulator) as words,
    ):
        plan = DubbingPlan(
            session_id="test", source_language="en", target_language="es", live=False
        )
        told = await dub(np.asarray(pcm), scripted_engines(recognizer=ears, translator=words), plan)
    said = [plain(word) for line in of(CommittedTranscript, told) for word in line.text.split()]
    assert said == clock_words(pcm)
    assert all(line.text.startswith("[es] ") for line in of(Translated, told))
    assert isinstance(told[-1], Summary)
    assert (told[-1].skipped, told[-1].errors) == (0, 0)


async def test_engines_are_made_by_name_and_need_a_key(tmp_path: Path) -> None:
    choice = {"recognizer": "google", "translator": "google"}
    base = EngineSettings(models=tmp_path)
    for role in choice:
        with pytest.raises(EngineError) as caught:
            make_engines(base, {**dict.fromkeys(ROLES, "scripted"), role: "google"})
        assert caught.value.code == "key_missing"
    given = EngineSettings(models=tmp_path, google=GoogleAccess(api_key="AIza", project="p"))
    engines = make_engines(given, {**dict.fromkeys(ROLES, "scripted"), **choice})
    assert engines.names()["recognition"] == "google-speech"
    assert engines.names()["translation"] == "google-translate"


ROLES = ("detector", "recognizer", "translator", "synthesizer", "encoder", "cloner")
OFFLINE_ONLY = """
import sys
import pipeline.dubber, pipeline.providers.registry, pipeline.providers.offline.engines
found = {name.split(".")[0] for name in sys.modules} & {"grpc", "google", "elevenlabs"}
sys.exit(f"imports {sorted(found)}" if found else 0)
"""


def test_the_offline_path_imports_no_cloud() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE_ONLY],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
