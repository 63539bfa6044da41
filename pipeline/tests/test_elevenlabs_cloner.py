"""Cloning with ElevenLabs: the real SDK against the emulated vendor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from pipeline.emulators.elevenlabs.catalog import PLANS
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.emulators.elevenlabs.voices import STOCK
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.clones import LEFT_OVER_S, Clones
from pipeline.providers.elevenlabs.voices import Cloned
from pipeline.tests.emulated_elevenlabs import (
    account_of,
    cloning,
    emulated,
    say,
    speaking,
    speech,
)
from pipeline.tests.waiting import until
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice

BASE = Voice(f"elevenlabs:{STOCK[0].id}", "elevenlabs", STOCK[0].name, ())


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsEmulator]:
    async with emulated() as made:
        yield made


def stored(vendor: ElevenLabsEmulator) -> list[str]:
    return [voice.id for voice in vendor.account.voices if not voice.is_stock]


def with_slots(vendor: ElevenLabsEmulator, slots: int) -> None:
    vendor.account.plan = replace(PLANS["starter"], voices=slots)
    vendor.account.voices.slots = slots


async def test_a_clone_speaks_and_is_forgotten(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor) as synthesizer, cloning(vendor) as cloner:
        assert cloner.needs_s <= 12 < cloner.enough_s
        voice = await cloner.clone(speech(), BASE)
        assert isinstance(voice.profile, Cloned)
        assert (voice.id, voice.profile.base) == (f"elevenlabs:{stored(vendor)[0]}", BASE)
        made = vendor.account.voices.get(stored(vendor)[0])
        assert made.labels["made_by"] == "live-dubbing"
        await synthesizer.warm(voice, "es")
        sockets = vendor.counters.sockets
        assert len(await say(synthesizer, voice=voice))
        assert vendor.counters.sockets == sockets
        await cloner.forget(voice)
        await cloner.forget(voice)
        assert stored(vendor) == []
        assert len(await say(synthesizer, voice=voice)), "its base speaks"
        assert not vendor.counters.refusals


async def test_the_end_deletes_what_was_not_forgotten(vendor: ElevenLabsEmulator) -> None:
    async with cloning(vendor) as cloner:
        await cloner.clone(speech(), BASE)
        await cloner.clone(speech(), BASE)
        assert len(stored(vendor)) == 2
    assert stored(vendor) == []
    await until(lambda: vendor.connections_open == 0)


@pytest.mark.parametrize(
    "pcm",
    [
        speech(3.0),
        np.zeros(12 * SAMPLE_RATE_HZ, np.int16),
        np.asarray(speech() // 100, np.int16),
        np.asarray(np.clip(speech().astype(np.int32) * 40, -32_768, 32_767), np.int16),
        np.concatenate([speech(1.0), np.zeros(11 * SAMPLE_RATE_HZ, np.int16)]),
    ],
    ids=["short", "silent", "quiet", "overdriven", "empty"],
)
async def test_a_sample_that_cannot_serve_is_not_sent(vendor: ElevenLabsEmulator, pcm: Pcm) -> None:
    async with cloning(vendor) as cloner:
        with pytest.raises(EngineError) as refused:
            await cloner.clone(pcm, BASE)
    assert refused.value.code == "speech_unusable"
    assert not vendor.counters.requests


async def test_the_clone_used_longest_ago_makes_room(vendor: ElevenLabsEmulator) -> None:
    with_slots(vendor, 2)
    async with speaking(vendor) as synthesizer, cloning(vendor) as cloner:
        first, second = [await cloner.clone(speech(), BASE) for _ in range(2)]
        await say(synthesizer, voice=first)
        third = await cloner.clone(speech(), BASE)
        kept = {voice.id.removeprefix("elevenlabs:") for voice in (first, third)}
        assert set(stored(vendor)) == kept
        assert len(await say(synthesizer, voice=second)), "its base speaks"
        # The plan was known: the vendor had nothing to refuse.
        assert not vendor.counters.refusals


async def test_a_clone_that_is_being_spoken_with_is_kept(vendor: ElevenLabsEmulator) -> None:
    with_slots(vendor, 1)
    async with cloning(vendor) as cloner:
        voice = await cloner.clone(speech(), BASE)
        assert isinstance(voice.profile, Cloned)
        clones = account_of(cloner).clones
        clones.begin(voice.profile.voice_id)
        with pytest.raises(EngineError) as full:
            await cloner.clone(speech(), BASE)
        assert (full.value.code, full.value.recoverable) == ("voices_full", False)
        clones.end(voice.profile.voice_id)
        await cloner.clone(speech(), BASE)


async def test_a_limit_that_was_not_known_is_met_once_and_kept(vendor: ElevenLabsEmulator) -> None:
    async with cloning(vendor) as cloner:
        await cloner.clone(speech(), BASE)
        with_slots(vendor, 1)
        voice = await cloner.clone(speech(), BASE)
        assert stored(vendor) == [voice.id.removeprefix("elevenlabs:")]
        assert vendor.counters.refusals["voice_limit_reached"] == 1


async def test_nobody_elses_voice_is_ever_deleted(vendor: ElevenLabsEmulator) -> None:
    with_slots(vendor, 1)
    async with cloning(vendor, installation="another") as other:
        theirs = await other.clone(speech(), BASE)
        async with cloning(vendor) as cloner:
            with pytest.raises(EngineError) as full:
                await cloner.clone(speech(), BASE)
            assert full.value.code == "voices_full"
        assert stored(vendor) == [theirs.id.removeprefix("elevenlabs:")]


async def test_what_an_earlier_run_left_is_deleted_at_the_start(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = vendor.account.voices
    now = time.time()
    mark = Clones("live-dubbing", _never).labels

    def add(labels: dict[str, str], description: str = "") -> str:
        return shelf.add(
            "left",
            base=STOCK[0],
            labels=labels,
            description=description,
            samples=(),
            profile=None,
        ).id

    old = now - LEFT_OVER_S - 60
    gone = [add(mark(old)), add({}, Clones("live-dubbing", _never).description(old))]
    kept = [
        add(mark(now)),
        add({"made_by": "another", "made_at": "1"}),
        add({}),
        add({}, "made_by another made_at 1"),
    ]
    async with speaking(vendor, prepare=""):
        await until(lambda: not set(gone) & set(stored(vendor)))
    assert stored(vendor) == kept


async def test_what_could_not_be_deleted_is_tried_again(vendor: ElevenLabsEmulator) -> None:
    async with cloning(vendor) as cloner:
        voice = await cloner.clone(speech(), BASE)
        vendor.faults.once("http_500", "delete")
        await cloner.forget(voice)
        assert len(stored(vendor)) == 1
        await account_of(cloner).clones.sweep()
        assert stored(vendor) == []


async def test_a_clone_deleted_behind_our_back_costs_nothing(vendor: ElevenLabsEmulator) -> None:
    async with cloning(vendor) as cloner:
        voice = await cloner.clone(speech(), BASE)
        vendor.account.voices.delete(stored(vendor)[0])
        await cloner.forget(voice)
        assert not account_of(cloner).clones._to_delete


@pytest.mark.parametrize(
    ("scenario", "code", "recoverable"),
    [
        ("can_not_use_instant_voice_cloning", "plan_too_small", False),
        ("too_many_concurrent_requests", "vendor_busy", True),
        ("already_running", "vendor_busy", True),
        ("http_503", "vendor_failed", True),
        ("invalid_request", "vendor_refused", False),
        ("drop", "vendor_unreachable", True),
    ],
)
async def test_a_refused_clone_is_told_and_asked_for_once(
    vendor: ElevenLabsEmulator, scenario: str, code: str, recoverable: bool
) -> None:
    async with cloning(vendor) as cloner:
        vendor.faults.once(scenario, "clone")
        with pytest.raises(EngineError) as refused:
            await cloner.clone(speech(), BASE)
        assert (refused.value.code, refused.value.recoverable) == (code, recoverable)
        assert vendor.counters.requests["clone"] == 1
        await cloner.clone(speech(), BASE)


async def test_a_vendor_that_never_answers_is_not_waited_for(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.providers.elevenlabs.creating.ELEVENLABS_CLONE_S", 0.3)
    async with cloning(vendor) as cloner:
        vendor.faults.once("stall", "clone")
        with pytest.raises(EngineError) as late:
            await cloner.clone(speech(), BASE)
        assert late.value.code == "engine_timeout"


async def _never(voice_id: str) -> None:
    await asyncio.sleep(0)
