"""Everything that can go wrong at the emulated ElevenLabs, met once on purpose."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import websockets
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError

from pipeline.emulators.behaviour import Fault, Faults
from pipeline.emulators.elevenlabs.faults import BY_STATUS, SCENARIOS, require_known
from pipeline.tests.elevenlabs_helpers import (
    FLASH,
    ONCE,
    VOICE,
    answers,
    emulated,
    heard,
    refusal,
    say,
    socket,
    tone,
    wav,
)
from pipeline.tests.waiting import until

TEXT = "El comité publicará su informe el martes. "
KINDS = ("stream-input", "multi-stream-input")
LEGS = {kind: kind.replace("-", "_") for kind in KINDS}
SPEAK = {"text": TEXT, "flush": True, "context_id": "a"}
HTTP = {
    "invalid_api_key": 401,
    "quota_exceeded": 401,
    "detected_unusual_activity": 401,
    "needs_authorization": 401,
    "can_not_use_instant_voice_cloning": 401,
    "voice_not_found": 400,
    "voice_limit_reached": 400,
    "max_character_limit_exceeded": 400,
    "only_for_creator+": 403,
    "already_running": 409,
    "too_many_concurrent_requests": 429,
    "system_busy": 429,
    "http_500": 500,
    "http_502": 502,
    "http_503": 503,
}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.mark.parametrize(("scenario", "http"), HTTP.items())
async def test_refusals_have_the_vendors_shape(scenario: str, http: int, faults: Faults) -> None:
    faults.once(scenario, "speech")
    async with emulated(faults=faults) as (_, client):
        got, detail = await refusal(heard(client))
        assert got == http
        assert detail["status"] == scenario or http >= 500
        assert detail["message"]
        assert await heard(client)
    assert faults.counts == {scenario: 1}


async def test_a_422_is_a_list(faults: Faults) -> None:
    faults.once("invalid_request", "speech")
    async with emulated(faults=faults) as (_, client):
        http, detail = await refusal(heard(client))
    assert (http, detail[0]["loc"], detail[0]["type"]) == (422, ["body", "text"], "missing")


async def test_the_vendors_words_can_be_given(faults: Faults) -> None:
    faults.add(Fault(scenario="system_busy", legs=("speech",), message="Not now."))
    async with emulated(faults=faults) as (_, client):
        assert (await refusal(heard(client)))[1]["message"] == "Not now."


async def test_every_other_call_can_be_refused_too(faults: Faults) -> None:
    async with emulated(faults=faults) as (_, client):
        files = [("a.wav", wav(tone(4.0)), "audio/wav")]
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "voices": lambda: client.voices.search(request_options=ONCE),
            "clone": lambda: client.voices.ivc.create(name="a", files=files, request_options=ONCE),
            "edit": lambda: client.voices.update(VOICE, name="a", request_options=ONCE),
            "delete": lambda: client.voices.delete(VOICE, request_options=ONCE),
            "account": lambda: client.user.get(request_options=ONCE),
        }
        for leg, call in calls.items():
            faults.once("system_busy", leg)
            http, detail = await refusal(call())
            assert (http, detail["status"]) == (429, "system_busy")
        faults.once("voice_limit_reached", "clone")
        assert (await refusal(calls["clone"]()))[1]["status"] == "voice_limit_reached"
        faults.once("malformed", "voices")
        with pytest.raises(Exception, match=r"status_code: 200|Expecting|Unterminated"):
            await calls["voices"]()
        faults.once("drop", "account")
        with pytest.raises(httpx.RemoteProtocolError):
            await calls["account"]()


async def test_the_clients_own_retry_meets_the_fault_again(faults: Faults) -> None:
    """The real client tries twice more, with a pause, unless it is told not to."""
    faults.always("already_running", "account")
    async with emulated(faults=faults) as (vendor, client):
        await refusal(client.user.get(request_options=ONCE))
        assert vendor.counters.requests["account"] == 1


async def timed_lines(client: AsyncElevenLabs) -> list[Any]:
    stream = client.text_to_speech.stream_with_timestamps(
        VOICE, text=TEXT, model_id=FLASH, output_format="pcm_16000"
    )
    return [line async for line in stream]


async def gather(stream: AsyncIterator[bytes], got: list[bytes]) -> None:
    async for chunk in stream:
        got.append(chunk)


async def test_a_body_can_break_off(faults: Faults) -> None:
    async with emulated(faults=faults) as (_, client):
        faults.once("drop", "speech")
        stream = client.text_to_speech.stream(
            VOICE, text=TEXT, model_id=FLASH, output_format="pcm_16000"
        )
        got: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            await gather(stream, got)
        assert len(b"".join(got)) <= 8000
        faults.add(Fault(scenario="drop", legs=("speech",), times=1, after_s=0.0))
        with pytest.raises(httpx.RemoteProtocolError):
            await heard(client)
        assert await heard(client)


@pytest.mark.parametrize("after_s", [None, 0.5])
async def test_a_body_can_stall(after_s: float | None, faults: Faults) -> None:
    faults.add(Fault(scenario="stall", legs=("speech",), times=1, after_s=after_s))
    async with emulated(faults=faults) as (vendor, client):
        stream = client.text_to_speech.stream(
            VOICE,
            text=TEXT,
            model_id=FLASH,
            output_format="pcm_16000",
            request_options={"timeout_in_seconds": 1.0},
        )
        got: list[bytes] = []
        with pytest.raises(httpx.ReadTimeout):
            await gather(stream, got)
        assert bool(got) is (after_s is not None)
        await until(lambda: vendor.account.running["flash"] == 0)


async def test_the_first_byte_can_be_slow(faults: Faults) -> None:
    faults.add(Fault(scenario="slow", legs=("speech",), after_s=0.3))
    async with emulated(faults=faults) as (_, client):
        began = time.perf_counter()
        assert await heard(client)
        assert time.perf_counter() - began >= 0.3


async def test_sound_can_be_half_a_sample_short_or_no_sound(faults: Faults) -> None:
    async with emulated(faults=faults) as (_, client):
        whole = await heard(client)
        faults.once("odd_bytes", "speech")
        # Every block of a quarter of a second has lost a byte.
        assert len(await heard(client)) == len(whole) + len(whole) // -8000
        faults.once("malformed", "speech")
        assert (await heard(client)).startswith(b"<html>")


async def test_lines_with_times_can_be_damaged(faults: Faults) -> None:
    async with emulated(faults=faults) as (_, client):
        usual = await timed_lines(client)
        faults.add(Fault(scenario="malformed", legs=("speech",), times=1, after_s=1.0))
        # The client leaves out what it cannot read.
        assert 0 < len(await timed_lines(client)) < len(usual)
        faults.add(Fault(scenario="error_in_band", legs=("speech",), times=1, after_s=1.0))
        lines = await timed_lines(client)
        assert lines[-1].audio_base_64 is None
        assert lines[-1].detail["status"] == "system_busy"
        faults.once("unknown_message", "speech")
        assert (await timed_lines(client))[0].type == "something_new"
        faults.once("bad_base64", "speech")
        with pytest.raises(binascii.Error):
            base64.b64decode((await timed_lines(client))[0].audio_base_64, validate=True)
        faults.once("odd_bytes", "speech")
        assert len(base64.b64decode((await timed_lines(client))[0].audio_base_64)) % 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scenario", sorted(BY_STATUS))
async def test_a_socket_is_refused_by_a_message(kind: str, scenario: str, faults: Faults) -> None:
    faults.once(scenario, LEGS[kind])
    async with emulated(faults=faults) as (vendor, _):
        async with socket(vendor, kind) as connection:
            got = await answers(connection)
        expected = BY_STATUS[scenario]().socket
        assert (got.messages[-1]["error"], got.code) == (expected, 1008)
        assert vendor.counters.refusals[expected] == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_text_is_refused_in_the_middle(kind: str, faults: Faults) -> None:
    faults.once("quota_exceeded", f"{LEGS[kind]}.text", after_n=1)
    async with emulated(faults=faults) as (vendor, _), socket(vendor, kind) as connection:
        await say(connection, SPEAK, SPEAK)
        got = await answers(connection)
        assert len(got.pcm())
        assert (got.messages[-1]["error"], got.code) == ("quota_exceeded", 1008)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("http", [500, 502, 503])
async def test_a_handshake_can_fail(kind: str, http: int, faults: Faults) -> None:
    faults.once(f"http_{http}", LEGS[kind])
    async with emulated(faults=faults) as (vendor, _):
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with socket(vendor, kind):
                pass
    assert caught.value.response.status_code == http


@pytest.mark.parametrize("kind", KINDS)
async def test_a_handshake_can_be_dropped_stalled_or_closed(kind: str, faults: Faults) -> None:
    async with emulated(faults=faults) as (vendor, _):
        faults.once("drop", LEGS[kind])
        with pytest.raises((websockets.InvalidHandshake, OSError, EOFError)):
            async with socket(vendor, kind):
                pass
        faults.once("stall", LEGS[kind])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), socket(vendor, kind):
                pass
        faults.once("close", LEGS[kind])
        async with socket(vendor, kind) as connection:
            assert (await answers(connection)).code == 1011
        faults.add(Fault(scenario="slow", legs=(LEGS[kind],), times=1, after_s=0.3))
        began = time.perf_counter()
        async with socket(vendor, kind):
            assert time.perf_counter() - began >= 0.3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("after_s", "most"), [(None, 4000), (1.0, 16_000)])
async def test_a_socket_can_drop_or_close_in_mid_sound(
    kind: str, after_s: float | None, most: int, faults: Faults
) -> None:
    async with emulated(faults=faults) as (vendor, _):
        for scenario, code in (("drop", 0), ("close", 1011)):
            leg = f"{LEGS[kind]}.text"
            faults.add(Fault(scenario=scenario, legs=(leg,), times=1, after_s=after_s))
            async with socket(vendor, kind) as connection:
                await say(connection, SPEAK)
                got = await answers(connection)
                assert len(got.pcm()) == most
                assert got.finals() == []
                assert got.code == code
            await until(lambda: vendor.counters.sockets_open == 0)
            await until(lambda: vendor.account.running["flash"] == 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_socket_can_stall_and_be_slow(kind: str, faults: Faults) -> None:
    leg = f"{LEGS[kind]}.text"
    async with emulated(faults=faults) as (vendor, _):
        faults.add(Fault(scenario="stall", legs=(leg,), times=1, after_s=0.5))
        async with socket(vendor, kind) as connection:
            await say(connection, SPEAK)
            await connection.recv()
            await connection.recv()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.3)
        await until(lambda: vendor.account.running["flash"] == 0)
        faults.add(Fault(scenario="slow", legs=(leg,), times=1, after_s=0.3))
        async with socket(vendor, kind) as connection:
            began = time.perf_counter()
            await say(connection, SPEAK)
            await connection.recv()
            assert time.perf_counter() - began >= 0.3


@pytest.mark.parametrize("kind", KINDS)
async def test_messages_of_a_socket_can_be_damaged(kind: str, faults: Faults) -> None:
    leg = f"{LEGS[kind]}.text"
    async with emulated(faults=faults) as (vendor, _):
        for scenario in ("malformed", "bad_base64", "odd_bytes", "unknown_message"):
            faults.add(Fault(scenario=scenario, legs=(leg,), times=1))
            async with socket(vendor, kind) as connection:
                await say(connection, SPEAK)
                first = str(await connection.recv())
            if scenario == "malformed":
                with pytest.raises(json.JSONDecodeError):
                    json.loads(first)
            elif scenario == "bad_base64":
                with pytest.raises(binascii.Error):
                    base64.b64decode(json.loads(first)["audio"], validate=True)
            elif scenario == "odd_bytes":
                assert len(base64.b64decode(json.loads(first)["audio"])) % 2
            else:
                assert json.loads(first)["type"] == "something_new"


async def test_the_final_message_can_stay_away(faults: Faults) -> None:
    async with emulated(faults=faults) as (vendor, _):
        faults.once("no_final", "stream_input.text")
        async with socket(vendor, KINDS[0]) as connection:
            await say(connection, SPEAK, {"text": ""})
            got = await answers(connection)
            assert (got.finals(), got.code) == ([], 1000)
        faults.once("no_final", "multi_stream_input.text")
        async with socket(vendor) as connection:
            await say(connection, SPEAK, {"context_id": "a", "close_context": True})
            await until(lambda: vendor.counters.generations == 2)
            with pytest.raises(TimeoutError):
                await answers(connection, timeout=0.4)


async def test_an_unknown_scenario_is_told(faults: Faults) -> None:
    with pytest.raises(ValueError, match="no such scenario"):
        require_known(Fault(scenario="meteor"))
    for scenario in SCENARIOS:
        require_known(Fault(scenario=scenario))
    faults.once("meteor", "speech")
    async with emulated(faults=faults) as (_, client):
        with pytest.raises(ApiError):
            await heard(client)
