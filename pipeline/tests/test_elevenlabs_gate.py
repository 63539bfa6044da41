"""What ElevenLabs' answers say of the account decides how much is asked of it at once."""

from __future__ import annotations

import asyncio

import pytest
from websockets.datastructures import Headers

from pipeline.emulators.behaviour import Delays
from pipeline.providers.elevenlabs.gate import Gate
from pipeline.tests.emulated_elevenlabs import TEXT, account_of, emulated, say, speaking
from pipeline.tests.waiting import until

MAXIMUM, CURRENT = "maximum-concurrent-requests", "current-concurrent-requests"


async def test_the_smaller_of_the_plans_and_the_vendors_number_counts() -> None:
    gate = Gate(10)
    gate.learn({MAXIMUM: "4"})
    assert gate.places == 4
    gate.learn({MAXIMUM: "500"})
    assert gate.places == 10


@pytest.mark.parametrize("said", ["", "0", "-3", "4.5", "many", "99999", "٤", " 4"])
async def test_what_is_no_number_changes_nothing(said: str) -> None:
    gate = Gate(10)
    gate.learn({})
    gate.learn({MAXIMUM: said, CURRENT: "9"})
    assert gate.places == 10
    gate.learn({MAXIMUM: "6", CURRENT: said})
    assert gate.places == 6


async def test_a_handshakes_header_that_is_there_twice_changes_nothing() -> None:
    gate = Gate(10)
    gate.learn(Headers([(MAXIMUM, "3"), (MAXIMUM, "4")]))
    assert gate.places == 10
    gate.learn(Headers([(MAXIMUM.title(), "3")]))
    assert gate.places == 3


async def test_others_of_the_account_take_places_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate(10)
    await gate.enter()
    gate.learn({MAXIMUM: "10", CURRENT: "4"}, asked_with=2)
    assert gate.places == 8, "two of the four were ours"
    gate.learn({MAXIMUM: "10", CURRENT: "30"})
    assert gate.places == 1, "one is always left"
    monkeypatch.setattr("pipeline.providers.elevenlabs.gate.ELEVENLABS_OTHERS_S", 0.05)
    gate.learn({MAXIMUM: "10", CURRENT: "30"})
    await until(lambda: gate.places == 10)


async def test_who_waits_comes_in_as_soon_as_there_are_more_places() -> None:
    gate = Gate(10)
    gate.learn({MAXIMUM: "1"})
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.learn({MAXIMUM: "2"})
    await waiting
    assert gate.inside == 2


async def test_answers_over_http_tell_what_the_plan_was_taken_for_wrongly() -> None:
    async with (
        emulated(plan="free", delays=Delays(first_sound=0.05)) as vendor,
        speaking(vendor, use_sockets=False) as synthesizer,
    ):
        gate = account_of(synthesizer).gate
        # As after the account went to a smaller plan while we were connected.
        gate.limit = 20
        await say(synthesizer)
        assert gate.places == 4
        clips = await asyncio.gather(*(say(synthesizer, f"{TEXT} {n}") for n in range(9)))
        assert all(len(clip) for clip in clips)
        assert not vendor.counters.refusals


async def test_an_account_shared_with_another_program_is_not_overrun() -> None:
    async with (
        emulated(plan="free") as vendor,
        speaking(vendor, use_sockets=False) as synthesizer,
    ):
        vendor.account.running["flash"] += 2
        await say(synthesizer)
        assert account_of(synthesizer).gate.places == 2
