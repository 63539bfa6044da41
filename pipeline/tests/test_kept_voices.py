"""Who goes on with a run speaks with the voices that were shaped before, if it is their own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from pipeline import metrics
from pipeline.dubber import Dubber
from pipeline.events import SpeakerHeard
from pipeline.guards.voices import GuardedCloner
from pipeline.providers.elevenlabs.cloner import ElevenLabsCloner
from pipeline.providers.elevenlabs.voices import Cloned
from pipeline.providers.offline.shaping import WorldCloner
from pipeline.providers.scripted.sounds import tone
from pipeline.providers.scripted.speaking import ScriptedCloner, ScriptedSynthesizer
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.tests.test_continuing import CHUNKS, PLAN, Client, engines, rest, run, through_json
from pipeline.tests.waiting import until
from pipeline.types import Voice
from pipeline.voices.casting import Casting
from pipeline.voices.kept_voices import KeptVoices
from pipeline.voices.likeness import Likeness

BASE, OTHER = ScriptedSynthesizer().voices("es")[:2]


@dataclass
class ScriptedStore:
    kept: dict[str, bytes] = field(default_factory=dict)
    looked_for: list[str] = field(default_factory=list)
    delay_s: float = 0.0

    async def get(self, key: str) -> bytes | None:
        self.looked_for.append(key)
        await asyncio.sleep(self.delay_s)
        return self.kept.get(key)

    def put(self, key: str, content: bytes) -> None:
        self.kept[key] = content


def voices(store: ScriptedStore, owner: str = "user 1", session_id: str = "a") -> KeptVoices:
    return KeptVoices(store, owner=owner, session_id=session_id, secret=b"secret")


def looks(found: str) -> float:
    labels = {"cache": "voice", "found": found}
    return metrics.REGISTRY.get_sample_value("dubbing_cache_lookups_total", labels) or 0.0


async def test_a_run_that_goes_on_elsewhere_has_its_shaped_voices_without_new_speech() -> None:
    store, cloner = ScriptedStore(), ScriptedCloner()
    synthesizer = ScriptedSynthesizer()
    client = Client()
    first = Dubber(PLAN, engines(cloner=cloner), voices=voices(store))
    await run(first, client, CHUNKS, until=lambda: len(client.lines) >= 4)
    snapshot, heard = through_json(first.snapshot()), client.heard()
    await first.aclose()
    assert cloner.clones >= 1
    assert store.kept
    hits = looks("hit")
    deaf = ScriptedCloner(needs_s=900.0, enough_s=900.0)
    second = Dubber(
        PLAN,
        engines(cloner=deaf, synthesizer=synthesizer),
        continues=snapshot,
        heard=heard,
        voices=voices(store),
    )
    await run(second, client, rest(snapshot))
    await second.aclose()
    client.check()
    assert deaf.clones == 0
    assert any(request.voice.profile is not None for request in synthesizer.requests)
    assert looks("hit") > hits


async def test_a_store_that_does_not_answer_holds_nothing_up() -> None:
    store = ScriptedStore(delay_s=3600.0)
    client = Client()
    dubber = Dubber(PLAN, engines(), voices=voices(store))
    await run(dubber, client, CHUNKS)
    await dubber.aclose()
    client.check()
    assert any(isinstance(one, SpeakerHeard) and one.shaped for one in client.told)


async def test_where_voices_are_not_to_be_kept_nothing_is_looked_for() -> None:
    store = ScriptedStore()
    dubber = Dubber(replace(PLAN, preserve_voice=False), engines(), voices=voices(store))
    await run(dubber, Client(), CHUNKS)
    await dubber.aclose()
    assert not store.kept
    assert not store.looked_for


@pytest.mark.parametrize(
    ("owner", "session_id", "speaker", "base", "secret"),
    [
        ("user 2", "a", "s1", BASE, b"secret"),
        ("user 1", "b", "s1", BASE, b"secret"),
        ("user 1", "a", "s2", BASE, b"secret"),
        ("user 1", "a", "s1", OTHER, b"secret"),
        ("user 1", "a", "s1", replace(BASE, engine="another"), b"secret"),
        ("user 1", "a", "s1", BASE, b"of another server"),
    ],
)
async def test_nobody_finds_what_is_not_theirs(
    owner: str, session_id: str, speaker: str, base: Voice, secret: bytes
) -> None:
    store, cloner = ScriptedStore(), ScriptedCloner()
    voices(store).keep(cloner, "s1", BASE, replace(BASE, profile=7), 3.0)
    found = await voices(store).find(cloner, "s1", BASE)
    assert found is not None
    assert (found.voice.profile, found.speech_s) == (7, 3.0)
    probing = KeptVoices(store, owner=owner, session_id=session_id, secret=secret)
    misses = looks("miss")
    assert await probing.find(cloner, speaker, base) is None
    assert looks("miss") == misses + 1
    assert not any("user" in key or "s1" in key for key in store.kept)


async def test_what_is_too_large_or_damaged_is_as_if_it_were_not_there() -> None:
    store, cloner = ScriptedStore(), ScriptedCloner()
    voices(store).keep(cloner, "s1", BASE, replace(BASE, profile=7), 3.0)
    (key,) = store.kept
    for damaged in (b"", b"\xff\x00", b"nonsense"):
        store.kept[key] = damaged
        assert await voices(store).find(cloner, "s1", BASE) is None

    class Large(ScriptedCloner):
        def dump(self, voice: Voice) -> bytes | None:
            return bytes(2 * 1024 * 1024)

    store.kept.clear()
    voices(store).keep(Large(), "s1", BASE, BASE, 3.0)
    assert not store.kept


async def test_a_vendors_clone_is_not_kept_but_the_one_that_stands_in_is() -> None:
    vendor = ElevenLabsCloner(ElevenLabsAccess(api_key="none"))
    base = replace(BASE, engine="elevenlabs", stand_ins=(OTHER,))
    shaped = replace(
        base,
        id="elevenlabs:gone",
        profile=Cloned("gone", base),
        stand_ins=(replace(OTHER, profile=9),),
    )
    assert vendor.dump(shaped) is None
    guarded = GuardedCloner(vendor, {OTHER.engine: ScriptedCloner()})
    content = guarded.dump(shaped)
    assert content is not None
    found = guarded.load(base, content)
    assert found is not None
    assert (found.id, found.profile, found.stand_ins[0].profile) == (base.id, None, 9)
    assert guarded.load(base, b"nonsense") is None
    assert guarded.dump(base) is None


def test_offline_a_damaged_profile_is_none() -> None:
    assert WorldCloner().load(BASE, b"nonsense") is None
    assert WorldCloner().dump(BASE) is None


async def _warm(voice: Voice) -> None:
    pass


async def test_one_who_only_came_as_the_same_number_is_shaped_after_their_own_speech() -> None:
    store, cloner = ScriptedStore(), ScriptedCloner()
    casting = Casting([BASE])
    casting.assign("s1")
    voices(store).keep(cloner, "s1", BASE, replace(BASE, profile=7), 6.0)
    likeness = Likeness(cloner, casting, _warm, voices(store))
    likeness.collect("s1", tone(1.0, 140.0))
    await until(lambda: casting.assign("s1").profile == 7)
    likeness.collect("s1", tone(3.0, 140.0))
    await until(lambda: casting.assign("s1").profile not in (None, 7))
    await likeness.aclose()
