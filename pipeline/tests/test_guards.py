"""Engines behind guards: another one stands in, and the first comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from pipeline.dubber import Dubber, Output
from pipeline.events import CommittedTranscript, CueAudio, CueScheduled, Notice, Skipped
from pipeline.guards.breaker import BreakerRules
from pipeline.guards.cache import CachedTranslator, cache_key
from pipeline.guards.guarding import Guards, guarded
from pipeline.guards.synthesizer import rest_of
from pipeline.guards.usage import Meter
from pipeline.guards.voices import with_stand_ins
from pipeline.plan import Engines
from pipeline.ports import EngineError, RecognitionOptions, SpeechRequest, TranslationRequest
from pipeline.providers.scripted.hearing import (
    ClockRecognizer,
    ScriptedDetector,
    ScriptedEncoder,
    TimedRecognizerStream,
)
from pipeline.providers.scripted.sounds import silence, tone, utterances
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSpeech,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.tests.test_dubber import chunks, of, plan
from pipeline.tests.waiting import until
from pipeline.types import Hypothesis, Pcm, SpeechPiece, Voice

QUICK = BreakerRules(failures=2, within_s=20.0, open_s=0.05, open_most_s=0.2)
LASTING = BreakerRules(failures=2, within_s=600.0, open_s=600.0, open_most_s=600.0)
"""For what is asked while the circuit is open, however long that takes here."""


@dataclass
class Weather:
    """How a vendor is just now; "" is well."""

    now: str = ""
    met: int = 0

    async def meet(self) -> None:
        self.met += 1
        if self.now == "stall":
            await asyncio.sleep(60)
        if self.now:
            raise EngineError(
                self.now, "the vendor is unwell", recoverable=self.now != "key_refused"
            )


@dataclass
class VendorTranslator(ScriptedTranslator):
    weather: Weather = field(default_factory=Weather)

    async def translate(self, request: TranslationRequest) -> str:
        with request.attempt(len(request.text)):
            await self.weather.meet()
        return f"cloud {request.text}"


class VendorSpeech(ScriptedSpeech):
    def __init__(
        self, engine: ScriptedSynthesizer, request: SpeechRequest, weather: Weather
    ) -> None:
        super().__init__(engine, request)
        self._weather = weather

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        async for block in super().__aiter__():
            await self._weather.meet()
            yield block


@dataclass
class VendorSynthesizer(ScriptedSynthesizer):
    weather: Weather = field(default_factory=Weather)

    async def synthesize(self, request: SpeechRequest) -> ScriptedSpeech:
        if request.voice.engine != self.name:
            raise EngineError("voice_unknown", "not a voice of mine", recoverable=False)
        self.requests.append(request)
        return VendorSpeech(self, request, self.weather)


@dataclass
class VendorRecognizer(ClockRecognizer):
    weather: Weather = field(default_factory=Weather)
    opened: int = 0

    async def connect(self) -> None:
        await self.weather.meet()

    async def open(self, options: RecognitionOptions) -> TimedRecognizerStream:
        self.opened += 1
        return VendorStream(self, options.languages[0])


class VendorStream(TimedRecognizerStream):
    async def __aiter__(self) -> AsyncIterator[Hypothesis]:
        async for hypothesis in super().__aiter__():
            assert isinstance(self._engine, VendorRecognizer)
            await self._engine.weather.meet()
            yield hypothesis

    async def push(self, piece: SpeechPiece) -> None:
        await super().push(piece)


CLOUD_VOICES = tuple(
    Voice(f"cloud-{register}", "cloud-voice", register, (), register)
    for register in ("low", "high", "mid")
)


@dataclass
class House:
    """A cloud vendor for every leg, and offline engines behind."""

    hearing: Weather = field(default_factory=Weather)
    translating: Weather = field(default_factory=Weather)
    speaking: Weather = field(default_factory=Weather)
    notices: list[Notice] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    rules: BreakerRules = QUICK

    def __post_init__(self) -> None:
        common: dict[str, Any] = {"detector": ScriptedDetector(), "encoder": ScriptedEncoder()}
        self.cloud = Engines(
            recognizer=VendorRecognizer(weather=self.hearing, name="cloud-ears"),
            translator=VendorTranslator(weather=self.translating, name="cloud-words"),
            synthesizer=VendorSynthesizer(
                weather=self.speaking, name="cloud-voice", stock=CLOUD_VOICES
            ),
            cloner=ScriptedCloner(),
            **common,
        )
        self.offline = Engines(
            recognizer=ClockRecognizer(),
            translator=ScriptedTranslator(),
            synthesizer=ScriptedSynthesizer(),
            cloner=ScriptedCloner(),
            **common,
        )
        self.guards = Guards({"cloud-voice": 4, "cloud-words": 4}, rules=self.rules)
        self.engines = guarded(
            self.cloud,
            [self.offline],
            self.guards,
            meter=self.meter,
            user="u1",
            tell=self.notices.append,
        )


def asked(text: str = "good morning") -> TranslationRequest:
    return TranslationRequest(text, "en", "es")


# Translation --------------------------------------------------------------------------


async def test_a_translation_comes_from_the_next_engine_when_the_first_fails() -> None:
    house = House(rules=LASTING)
    translator = house.engines.translator
    assert await translator.translate(asked()) == "cloud good morning"
    house.translating.now = "vendor_unreachable"
    assert await translator.translate(asked()) == "es good morning"
    assert await translator.translate(asked()) == "es good morning"
    assert house.guards.states()["cloud-words translation"] == "open"
    met = house.translating.met
    assert await translator.translate(asked()) == "es good morning"
    assert house.translating.met == met, "an open circuit asks nothing"
    assert [notice.code for notice in house.notices] == ["engine_stands_in"]
    assert "vendor_unreachable" in house.notices[0].message
    await translator.aclose()


async def test_it_comes_back_by_itself_and_nobody_waits_for_the_probe() -> None:
    house = House()
    translator = house.engines.translator
    house.translating.now = "vendor_failed"
    for _ in range(3):
        await translator.translate(asked())
    house.translating.now = ""
    await asyncio.sleep(0.06)
    house.meter.take()
    # This one sends the probe, and does not wait for it.
    assert await translator.translate(asked()) == "es good morning"
    await until(lambda: house.guards.states()["cloud-words translation"] == "closed")
    used = {one.engine: one.amount for one in house.meter.take()}
    assert used["cloud-words"] == len("good morning"), "a vendor bills for a probe too"
    assert await translator.translate(asked()) == "cloud good morning"
    assert [notice.code for notice in house.notices] == ["engine_stands_in", "engine_back"]
    await translator.aclose()


@pytest.mark.parametrize(("code", "billed"), [("vendor_unreachable", 0), ("vendor_failed", 1)])
async def test_a_probe_of_speech_is_counted_where_the_vendor_took_it(
    code: str, billed: int
) -> None:
    house = House()
    synthesizer = house.engines.synthesizer
    asked = SpeechRequest("buenos días", "es", CLOUD_VOICES[0])
    house.speaking.now = code
    for _ in range(2):
        await (await synthesizer.synthesize(asked)).aclose()
    assert house.guards.states()["cloud-voice synthesis"] == "open"
    await asyncio.sleep(0.06)
    house.meter.take()
    met = house.speaking.met
    await (await synthesizer.synthesize(asked)).aclose()
    await until(lambda: house.speaking.met > met)
    await until(lambda: house.guards.states()["cloud-voice synthesis"] == "open")
    used = {one.engine: one.amount for one in house.meter.take()}
    assert used.get("cloud-voice", 0) == billed * len("buenos días")
    await synthesizer.aclose()


async def test_a_vendor_that_stalls_holds_a_line_up_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.guards.translator.TRANSLATION_LEG_S", 0.1)
    house = House(rules=LASTING)
    house.translating.now = "stall"
    # It would take a minute.
    async with asyncio.timeout(30):
        assert await house.engines.translator.translate(asked()) == "es good morning"
    assert house.guards.states()["cloud-words translation"] == "open"
    await house.engines.translator.aclose()


async def test_when_all_fail_the_failure_is_told() -> None:
    house = House()
    house.translating.now = "key_refused"
    assert isinstance(house.offline.translator, ScriptedTranslator)
    house.offline.translator.fail_on = {"good morning"}
    with pytest.raises(EngineError, match="the script says so"):
        await house.engines.translator.translate(asked())
    await house.engines.translator.aclose()


async def test_a_pair_that_only_one_engine_knows_goes_to_that_engine() -> None:
    house = House()
    assert isinstance(house.cloud.translator, VendorTranslator)
    house.cloud.translator.pair_set = frozenset({("en", "de")})
    assert await house.engines.translator.translate(asked()) == "es good morning"
    assert (
        await house.engines.translator.translate(TranslationRequest("good morning", "en", "de"))
        == "cloud good morning"
    )
    assert ("en", "de") in house.engines.translator.pairs()
    await house.engines.translator.aclose()


# Synthesis ----------------------------------------------------------------------------


def speech(house: House, voice: Voice | None = None) -> SpeechRequest:
    return SpeechRequest(
        "one two three four five six", "es", voice or house.engines.synthesizer.voices("es")[0]
    )


async def all_of(stream: Any) -> Pcm:
    blocks = [block async for block in stream]
    await stream.aclose()
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


async def test_every_voice_has_a_stand_in_of_its_own_near_in_pitch() -> None:
    house = House()
    voices = house.engines.synthesizer.voices("es")
    assert [voice.engine for voice in voices] == ["cloud-voice"] * 3
    stand_ins = [voice.stand_ins[0].id for voice in voices]
    assert len(set(stand_ins)) >= 2
    assert stand_ins[0] == "hum-low"
    assert with_stand_ins(CLOUD_VOICES, ()) == CLOUD_VOICES


async def test_the_speakers_stand_in_speaks_while_the_vendor_is_away() -> None:
    house = House()
    synthesizer = house.engines.synthesizer
    request = speech(house)
    house.speaking.now = "vendor_unreachable"
    stream = await synthesizer.synthesize(request)
    assert stream.voice == request.voice.stand_ins[0]
    assert len(await all_of(stream)) > 1000
    house.speaking.now = ""
    again = await synthesizer.synthesize(request)
    assert again.voice.engine == "cloud-voice", "one failure does not open the circuit"
    await all_of(again)
    await synthesizer.aclose()


async def test_what_breaks_in_the_middle_is_spoken_to_its_end() -> None:
    house = House()
    whole = await all_of(await house.engines.synthesizer.synthesize(speech(house)))
    stream = await house.engines.synthesizer.synthesize(speech(house))
    heard = []
    async for block in stream:
        heard.append(block)
        if sum(map(len, heard)) > len(whole) // 2:
            house.speaking.now = "vendor_unreachable"
    await stream.aclose()
    assert isinstance(house.offline.synthesizer, ScriptedSynthesizer)
    (request,) = house.offline.synthesizer.requests
    assert request.text in ("three four five six", "four five six")
    assert len(np.concatenate(heard)) == pytest.approx(len(whole), rel=0.35)
    await house.engines.synthesizer.aclose()


async def test_without_anybody_to_go_on_the_first_failure_is_told() -> None:
    house = House()
    alone = guarded(
        house.cloud, [], house.guards, meter=Meter(), user="u1", tell=house.notices.append
    )
    stream = await alone.synthesizer.synthesize(speech(house))
    blocks = aiter(stream)
    assert len(await anext(blocks))
    house.speaking.now = "vendor_failed"
    with pytest.raises(EngineError) as failure:
        await anext(blocks)
    assert failure.value.code == "vendor_failed"
    await stream.aclose()
    await alone.synthesizer.aclose()


@pytest.mark.parametrize(
    ("spoken_s", "rest"),
    [(0.0, "one two three"), (0.9, "one two three"), (1.7, "two three"), (9.0, "")],
)
def test_the_rest_begins_at_the_word_that_broke_off(spoken_s: float, rest: str) -> None:
    assert rest_of("one two three", spoken_s, 5.2) == rest


async def test_a_clone_takes_its_stand_ins_along() -> None:
    house = House()
    base = house.engines.synthesizer.voices("es")[0]
    made = await house.engines.cloner.clone(tone(4.0), base)
    assert made.profile is not None
    assert [voice.profile is not None for voice in made.stand_ins] == [True]
    await house.engines.cloner.forget(made)
    assert isinstance(house.cloud.cloner, ScriptedCloner)
    assert isinstance(house.offline.cloner, ScriptedCloner)
    assert house.cloud.cloner.forgotten == [base.id]
    assert house.offline.cloner.forgotten == [base.stand_ins[0].id]


@pytest.mark.parametrize(("plan", "at_once"), [(None, 4), (2, 2), (9, 4)])
async def test_no_more_lines_are_asked_for_at_once_than_there_are_places(
    plan: int | None, at_once: int
) -> None:
    """The installation's four, or what the vendor's plan allows where that is less."""
    house = House()
    assert isinstance(house.cloud.synthesizer, VendorSynthesizer)
    house.cloud.synthesizer.at_once = plan
    gate = house.guards.gates["cloud-voice"]
    most = 0

    async def speak() -> None:
        nonlocal most
        speaking = asyncio.create_task(house.engines.synthesizer.synthesize(speech(house)))
        while not speaking.done():
            most = max(most, gate.inside)
            await asyncio.sleep(0)
        await (await speaking).aclose()

    await asyncio.gather(*(speak() for _ in range(12)))
    assert most == at_once
    assert (gate.inside, gate.waiting) == (0, 0)
    await house.engines.synthesizer.aclose()


# The whole run ------------------------------------------------------------------------


async def run(house: House, pcm: Pcm, change: Callable[[float], None]) -> list[Output]:
    dubber = Dubber(plan(), house.engines)
    await dubber.start()
    told: list[Output] = []

    async def feed() -> None:
        for chunk in chunks(pcm):
            change(chunk.start / 16_000)
            await dubber.feed(chunk)
            await asyncio.sleep(0.004)
        await dubber.finish()

    feeding = asyncio.create_task(feed())
    try:
        async with asyncio.timeout(40):
            async for output in dubber.events():
                told.append(output)
        await feeding
    finally:
        feeding.cancel()
        await dubber.aclose()
        for engine in (
            house.engines.recognizer,
            house.engines.translator,
            house.engines.synthesizer,
        ):
            await engine.aclose()
    return told


@pytest.mark.parametrize("leg", ["hearing", "translating", "speaking"])
async def test_a_run_lives_through_the_death_of_a_vendor(leg: str) -> None:
    house = House()
    weather: Weather = getattr(house, leg)
    spoken = utterances(*[(1.9, 140.0)] * 12, pause_s=0.9)
    end_s = len(spoken) / 16_000

    def change(at_s: float) -> None:
        weather.now = "vendor_unreachable" if 0.3 * end_s < at_s < 0.6 * end_s else ""

    told = await run(house, spoken, change)
    words = [word for line in of(CommittedTranscript, told) for word in line.text.split()]
    numbers = [int(word.strip(".").lower().removeprefix("word")) for word in words]
    assert numbers == sorted(set(numbers)), "every word once and in order"
    healthy = House()
    whole = await run(healthy, spoken, lambda at_s: None)
    expected = [word for line in of(CommittedTranscript, whole) for word in line.text.split()]
    assert len(words) >= len(expected) - 1
    cues = of(CueScheduled, told)
    assert [cue.line for cue in cues] == [line.line for line in of(CommittedTranscript, told)]
    assert not of(Skipped, told)
    heard = {audio.cue for audio in of(CueAudio, told) if audio.pcm}
    assert heard == {cue.cue for cue in cues}
    codes = [notice.code for notice in house.notices]
    assert codes[0] == "engine_stands_in"
    assert codes[-1] == "engine_back"
    if leg == "speaking":
        assert {cue.engine for cue in cues} == {"cloud-voice", "scripted-synthesizer"}
        assert cues[-1].engine == "cloud-voice"


async def test_usage_is_counted_by_engine_and_leg_and_given_out_once() -> None:
    house = House()
    pcm = np.concatenate([silence(0.3), tone(2.0), silence(1.0)])
    await run(house, pcm, lambda at_s: None)
    used = {(one.engine, one.leg): one.amount for one in house.meter.take()}
    assert set(used) == {
        ("cloud-ears", "recognition"),
        ("cloud-words", "translation"),
        ("cloud-voice", "synthesis"),
    }
    assert 2.0 <= used["cloud-ears", "recognition"] <= 3.3
    assert used["cloud-words", "translation"] > 10
    assert house.meter.take() == ()


# Cache --------------------------------------------------------------------------------


class Store:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def put(self, key: str, text: str) -> None:
        self.kept[key] = text


async def test_what_was_translated_before_is_not_asked_for_again() -> None:
    store, inner = Store(), ScriptedTranslator()
    cached = CachedTranslator(inner, store, owner="u1", secret=b"s")
    assert await cached.translate(asked("good  morning")) == "es good  morning"
    await cached.translate(asked("good morning"))
    assert len(inner.requests) == 1
    assert "morning" not in "".join(store.kept), "keys tell nothing"
    other = CachedTranslator(inner, store, owner="u2", secret=b"s")
    await other.translate(asked("good morning"))
    assert len(inner.requests) == 2, "what another had translated is not to be found out"


async def test_what_a_stand_in_translated_is_not_kept_as_the_engine_s_own() -> None:
    house, store = House(translating=Weather("vendor_unreachable")), Store()
    engines = guarded(
        house.cloud,
        [house.offline],
        house.guards,
        meter=house.meter,
        user="u1",
        tell=house.notices.append,
        cached=lambda inner: CachedTranslator(inner, store, owner="u1", secret=b"s"),
    )
    assert await engines.translator.translate(asked("good morning")) == "es good morning"
    house.translating.now = ""
    assert await engines.translator.translate(asked("good morning")) == "cloud good morning"
    assert list(store.kept.values()) == ["cloud good morning"]
    await engines.aclose()


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "good evening"},
        {"source": "fr"},
        {"target": "de"},
        {"glossary": {"morning": "alba"}},
    ],
)
def test_keys_differ_with_everything_that_changes_the_translation(
    changed: dict[str, Any],
) -> None:
    def key(request: TranslationRequest, *, uses_context: bool = False, owner: str = "u") -> str:
        return cache_key(request, engine="e", uses_context=uses_context, owner=owner, secret=b"s")

    assert key(asked()) != key(replace(asked(), **changed))
    with_context = replace(asked(), previous=("before",))
    assert key(asked()) == key(with_context)
    assert key(asked(), uses_context=True) != key(with_context, uses_context=True)
    assert key(asked()) != key(asked(), owner="v")
