"""A run that speaks another's lines, driven as the sessions drive it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest

from pipeline.dub import Dub
from pipeline.dubber import Dubber
from pipeline.events import CommittedTranscript, CueScheduled, Skipped, Summary, Translated
from pipeline.follower import Follower
from pipeline.handover.snapshot import Followed, RunSnapshot
from pipeline.plan import DubbingPlan, Engines
from pipeline.ports import EngineError
from pipeline.providers.scripted.hearing import ScriptedRecognizer
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.sharing.feeds import Aside, Feed, FeedFullError, Share
from pipeline.sharing.shared import (
    AnyShared,
    FeedClosed,
    RunBegan,
    SharedClock,
    SharedLine,
    SharedTranslation,
)
from pipeline.speaking.loop import Output
from pipeline.tests.test_dubber import chunks, scripted_engines
from pipeline.tests.waiting import until
from pipeline.types import NEUTRAL_STYLE, Pcm, SpeakerMatch, Voice
from pipeline.voices.kept_voices import KeptVoices

SPEECH = utterances((2.0, 140.0), (2.5, 220.0), (2.0, 140.0), (2.5, 220.0))
Told = TypeVar("Told")


def plan(**changed: Any) -> DubbingPlan:
    settled: dict[str, Any] = {
        "session_id": "test",
        "source_language": "en",
        "target_language": "es",
        "speculate": False,
    }
    return DubbingPlan(**settled | changed)


BEGAN = RunBegan(run="r1", source_language="en", target_language="es", preserve_voice=True)


def of(kind: type[Told], told: list[Output]) -> list[Told]:
    return [one for one in told if isinstance(one, kind)]


async def collect(run: Dub) -> list[Output]:
    return [output async for output in run.events()]


class Together:
    """A leader at six times the pace of real time, and whoever follows it."""

    def __init__(self, engines: Engines, **planned: Any) -> None:
        self.feed = Feed()
        self.engines = engines
        self.leader = Dubber(plan(**planned), engines, share=Share(self.feed, "r1", engines))

    def join(self, follower: Follower, after: Followed | None = None) -> None:
        self.feed.subscribe(follower, follower.push, after)

    async def speak(self, pcm: Pcm = SPEECH, *, pace: float = 6.0) -> None:
        for chunk in chunks(pcm):
            self.leader.push(chunk)
            await asyncio.sleep(0.064 / pace)
        await self.leader.finish()

    async def dub(self, *followers: Follower) -> list[list[Output]]:
        await self.leader.start()
        for follower in followers:
            await follower.start()
            self.join(follower)
        telling = [asyncio.create_task(collect(one)) for one in (self.leader, *followers)]
        await self.speak()
        async with asyncio.timeout(30):
            first = await telling[0]
            self.feed.end("r1", complete=True)
            told = [first, *(await asyncio.gather(*telling[1:]))]
        for run in (self.leader, *followers):
            await run.aclose()
        return told


def line(number: int, **changed: Any) -> SharedLine:
    fields: dict[str, Any] = {
        "run": "r1",
        "line": number,
        "text": f"Line {number}.",
        "language": "en",
        "start_s": number * 2.0,
        "end_s": number * 2.0 + 1.5,
        "heard_s": number * 2.0 + 1.8,
        "speaker": SpeakerMatch("S1", 0.9),
        "style": NEUTRAL_STYLE,
        "pitch_hz": 120.0,
        "stock": "hum-low",
        "engine": "scripted-synthesizer",
        "shaped": False,
        "arrived_ago_s": 0.3,
        "decided_ago_s": 0.1,
        "recognized_ago_s": 0.0,
    }
    return SharedLine(**fields | changed)


def translation(number: int) -> SharedTranslation:
    return SharedTranslation(run="r1", line=number, text=f"Línea {number}.", took_ms=7.0)


async def test_each_follower_speaks_every_line_in_its_own_way() -> None:
    engines = scripted_engines()
    together = Together(engines)
    own = ScriptedSynthesizer(name="other", stock=(Voice("bell", "other", "Bell", ()),))
    alike = Follower(plan(), engines, BEGAN, shares_voices=True)
    plain = Follower(plan(preserve_voice=False), engines, BEGAN, shares_voices=True)
    other = Follower(plan(), replace(engines, synthesizer=own), BEGAN)
    led, *followed = await together.dub(alike, plain, other)
    texts = [one.text for one in of(CommittedTranscript, led)]
    assert len(texts) > 3
    for told in followed:
        assert [one.text for one in of(CommittedTranscript, told)] == texts
        assert [one.line for one in of(Translated, told)] == list(range(len(texts)))
        summary = told[-1]
        assert isinstance(summary, Summary)
        assert summary.lines == len(texts)
        assert summary.media_s == pytest.approx(len(SPEECH) / 16_000, abs=0.3)
        assert summary.speakers == 2
    assert isinstance(engines.translator, ScriptedTranslator)
    assert [one.text for one in engines.translator.requests] == texts
    assert isinstance(engines.recognizer, ScriptedRecognizer)
    assert engines.recognizer.opened == 1
    heard = [{one.voice for one in of(CueScheduled, told)} for told in (led, *followed)]
    assert heard[0] >= {"hum-low", "hum-high"}
    assert heard == [heard[0]] * 3 + [{"bell"}]


async def test_a_voice_is_shaped_once_and_forgotten_after_the_last_who_speaks_with_it() -> None:
    engines = scripted_engines(cloner=ScriptedCloner(needs_s=1.0, enough_s=2.0))
    together = Together(engines)
    slow = ScriptedSynthesizer(delay_s=0.4)
    follower = Follower(plan(), replace(engines, synthesizer=slow), BEGAN, shares_voices=True)
    await together.leader.start()
    await follower.start()
    together.join(follower)
    telling = asyncio.create_task(collect(together.leader))
    following = asyncio.create_task(collect(follower))
    await together.speak(np.concatenate([SPEECH, SPEECH]), pace=4.0)
    await telling
    await together.leader.aclose()
    cloner: Any = engines.cloner
    assert cloner.clones >= 2
    assert cloner.forgotten == []
    together.feed.end("r1", complete=True)
    await following
    await follower.aclose()
    assert len(cloner.forgotten) == cloner.clones
    profiles = [one.voice.profile for one in slow.requests]
    assert sum(profile is not None for profile in profiles) >= 2


async def test_a_follower_with_another_engine_shapes_its_own_voices() -> None:
    engines = scripted_engines()
    other = scripted_engines(
        synthesizer=ScriptedSynthesizer(name="other", stock=(Voice("bell", "other", "Bell", ()),)),
        cloner=ScriptedCloner(needs_s=1.0, enough_s=2.0),
    )
    await Together(engines).dub(Follower(plan(), other, BEGAN))
    cloner: Any = other.cloner
    assert cloner.clones >= 1


async def test_voices_that_were_shaped_in_another_process_are_looked_up_there() -> None:
    """From there come no sounds and no voices, only that there is one by now."""

    class Store:
        content: dict[str, bytes] = {}  # noqa: RUF012

        async def get(self, key: str) -> bytes | None:
            return self.content.get(key)

        def put(self, key: str, content: bytes) -> None:
            self.content[key] = content

    engines, store = scripted_engines(), Store()
    kept = KeptVoices(store, owner="user 1", session_id="leader", secret=b"s")
    follower = Follower(plan(), engines, BEGAN, voices=kept)
    await follower.start()
    telling = asyncio.create_task(collect(follower))
    synthesizer: Any = engines.synthesizer
    base = synthesizer.voices("es")[0]

    def spoken_and_looked_up(number: int) -> bool:
        looks = follower._likeness._recalls.values()
        return len(synthesizer.requests) > number and all(look.done() for look in looks)

    for number in range(4):
        if number == 2:
            kept.keep(engines.cloner, "S1", base, replace(base, profile=77), 6.0)
        follower.push(SharedClock(media_s=number * 2.0 + 1.8))
        follower.push(line(number, shaped=number > 0))
        follower.push(translation(number))
        await until(partial(spoken_and_looked_up, number))
    follower.push(FeedClosed(moved=False))
    await telling
    await follower.aclose()
    assert [one.voice.profile for one in synthesizer.requests] == [None, None, None, 77]


async def test_a_translation_may_come_before_or_long_after_its_turn() -> None:
    follower = Follower(plan(), scripted_engines(), BEGAN)
    await follower.start()
    telling = asyncio.create_task(collect(follower))
    follower.push(SharedClock(media_s=6.0))
    for number in range(3):
        follower.push(line(number))
    for number in (2, 1):
        follower.push(translation(number))
    await asyncio.sleep(0.1)
    follower.push(translation(0))
    follower.push(FeedClosed(moved=False))
    told = await telling
    await follower.aclose()
    assert [one.text for one in of(Translated, told)] == ["Línea 0.", "Línea 1.", "Línea 2."]


async def test_what_is_not_translated_when_the_leader_ends_is_shown() -> None:
    follower = Follower(plan(), scripted_engines(), BEGAN)
    await follower.start()
    telling = asyncio.create_task(collect(follower))
    follower.push(SharedClock(media_s=2.0))
    follower.push(line(0))
    await asyncio.sleep(0.02)
    follower.push(FeedClosed(moved=False))
    told = await telling
    await follower.aclose()
    assert [(one.reason, one.text) for one in of(Skipped, told)] == [("leader_gone", "Line 0.")]


async def test_lines_that_nobody_takes_go_the_oldest_first_and_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.follower.FOLLOWING_WAITING_MAX", 3)
    follower = Follower(plan(), scripted_engines(), BEGAN)
    await follower.start()
    follower.push(SharedClock(media_s=2.0))
    for number in range(8):
        follower.push(line(number))
        follower.push(translation(number))
    telling = asyncio.create_task(collect(follower))
    follower.push(FeedClosed(moved=False))
    told = await telling
    await follower.aclose()
    lines = of(CommittedTranscript, told)
    assert [one.text for one in lines] == ["Line 5.", "Line 6.", "Line 7."]
    assert [one.line for one in lines] == [0, 1, 2]
    assert "lines_missed" in {getattr(one, "code", "") for one in told}


async def test_a_follower_goes_on_elsewhere_with_lines_that_are_not_translated_yet() -> None:
    first = Follower(plan(), scripted_engines(), BEGAN)
    await first.start()
    telling = asyncio.create_task(collect(first))
    first.push(SharedClock(media_s=3.0))
    for number in range(4, 7):
        first.push(line(number))
    first.push(translation(4))
    await until(lambda: first.followed.line == 6)
    snapshot = await first.wind_down(timeout_s=0.0)
    before = await telling
    snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=RunSnapshot)
    assert snapshot.followed is not None
    assert (snapshot.followed.line, snapshot.followed.untranslated) == (6, {5: 1, 6: 2})

    feed = Feed()
    feed.begin(BEGAN, None)
    voice = Voice("hum-low", "scripted-synthesizer", "Low hum", ())
    aside: Any = Aside(stock=voice, voice=voice, sound=None, pitch_hz=0.0, made=None)  # type: ignore[arg-type]
    for number in range(4, 9):
        feed.keep(line(number), aside)
        feed.translated(translation(number))
    second = Follower(plan(), scripted_engines(), BEGAN, continues=snapshot)
    await second.start()
    telling = asyncio.create_task(collect(second))
    feed.subscribe("second", second.push, snapshot.followed)
    feed.end("r1", complete=True)
    after = await telling
    await second.aclose()
    texts = {one.line: one.text for one in of(CommittedTranscript, before + after)}
    assert texts == {n: f"Line {n + 4}." for n in range(5)}
    translated = {one.line: one.text for one in of(Translated, before + after)}
    assert translated == {n: f"Línea {n + 4}." for n in range(5)}


async def test_a_language_that_the_followers_engine_does_not_speak_is_refused() -> None:
    engines = scripted_engines(synthesizer=ScriptedSynthesizer(language_set=frozenset({"fr"})))
    with pytest.raises(EngineError) as refused:
        Follower(plan(), engines, BEGAN)
    assert refused.value.code == "target_language_unsupported"
    assert "fr" in str(refused.value)


async def test_a_feed_takes_so_many_and_survives_one_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.sharing.feeds.FOLLOWERS_MAX", 2)
    feed, heard = Feed(), list[AnyShared]()

    def note(item: AnyShared, _: Aside | None) -> None:
        heard.append(item)

    def fail(item: AnyShared, _: Aside | None) -> None:
        raise ValueError

    def nothing(item: AnyShared, _: Aside | None) -> None: ...

    listeners: list[Callable[[AnyShared, Aside | None], None]] = [fail, note]
    for listener in listeners:
        feed.subscribe(listener, listener, None)
    with pytest.raises(FeedFullError):
        feed.subscribe(nothing, nothing, None)
    feed.begin(BEGAN, None)
    for media_s in np.arange(0.0, 1.0, 0.064):
        feed.clock(float(media_s))
    assert feed.followers == 1
    assert heard[0] == BEGAN
    assert 4 <= len(heard) - 1 <= 5
