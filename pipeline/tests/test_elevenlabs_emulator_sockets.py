"""The emulated ElevenLabs' two sockets: what is said when, and every way to be shut out."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any, Literal

import pytest
import websockets

from pipeline.emulators.behaviour import Delays
from pipeline.emulators.elevenlabs.mouths import CHARACTER_S
from pipeline.emulators.elevenlabs.voices import STOCK
from pipeline.tests.elevenlabs_helpers import (
    VOICE,
    Answers,
    answers,
    emulated,
    say,
    socket,
)
from pipeline.tests.waiting import until

TEXT = "El comité publicará su informe el martes. "
BEGIN = {"text": " "}
END = {"text": ""}
KINDS = ("stream-input", "multi-stream-input")


def flushed(context: str, text: str = TEXT) -> list[dict[str, Any]]:
    return [
        {"text": text, "context_id": context, "flush": True},
        {"context_id": context, "close_context": True},
    ]


async def test_a_context_is_spoken_and_says_that_it_is_final() -> None:
    async with emulated() as (vendor, _), socket(vendor) as connection:
        await say(connection, *flushed("a"))
        got = await answers(connection, lambda got: bool(got.finals()))
        assert got.finals() == ["a"]
        assert len(got.messages) > 3
        assert got.messages[-1]["audio"] is None
        length_s = len(got.pcm("a")) / 16_000
        assert length_s == pytest.approx(len(TEXT.strip()) * CHARACTER_S, abs=0.01)
        await say(connection, {"close_socket": True})
        assert (await answers(connection)).code == 1000
        await until(lambda: vendor.counters.sockets_open == 0)
        assert vendor.counters.contexts_open == 0


@pytest.mark.parametrize("key", ["charDurationsMs", "charsDurationsMs"])
async def test_alignments_count_from_their_own_block(
    key: Literal["charDurationsMs", "charsDurationsMs"],
) -> None:
    async with emulated(durations_key=key) as (vendor, _), socket(vendor) as connection:
        await say(connection, *flushed("a"))
        got = await answers(connection, lambda got: bool(got.finals()))
    spoken = [one for one in got.messages if one["alignment"]]
    plain = "".join("".join(one["alignment"]["chars"]) for one in spoken)
    normal = "".join("".join(one["normalizedAlignment"]["chars"]) for one in spoken)
    assert plain == TEXT
    assert normal == " " + TEXT
    for one in spoken:
        starts = one["alignment"][key.replace("Durations", "StartTimes")]
        assert 0 <= starts[0] < 70
        assert starts[-1] < 250
        assert len(starts) == len(one["alignment"][key])
        assert len(one["normalizedAlignment"][key]) == len(one["normalizedAlignment"]["chars"])


async def test_contexts_speak_beside_one_another() -> None:
    async with (
        emulated(speed=10.0, delays=Delays(first_sound=0.05)) as (vendor, _),
        socket(vendor) as connection,
    ):
        await say(connection, *flushed("a"), *flushed("b"))
        got = await answers(connection, lambda got: len(got.finals()) == 2)
        order = [one["contextId"] for one in got.messages]
        assert order != sorted(order)
        assert len(got.pcm("a")) == len(got.pcm("b"))
        assert vendor.counters.contexts_most == 2


async def test_the_first_sound_takes_what_was_set() -> None:
    async with emulated(delays=Delays(first_sound=0.15)) as (vendor, _), socket(vendor) as one:
        await say(one, {"text": " ", "context_id": "a"})
        began = time.perf_counter()
        await say(one, *flushed("a"))
        await one.recv()
        assert time.perf_counter() - began >= 0.15


@pytest.mark.parametrize("kind", KINDS)
async def test_little_text_waits_for_a_flush(kind: str) -> None:
    async with emulated() as (vendor, _), socket(vendor, kind) as connection:
        await say(connection, BEGIN, {"text": "Hola amigos. ", "try_trigger_generation": True})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.recv(), 0.2)
        await say(connection, {"text": "", "flush": True, "context_id": "default"})
        assert json.loads(await connection.recv())["audio"]
        assert vendor.counters.generations == 1


async def test_auto_mode_speaks_message_by_message() -> None:
    async with emulated() as (vendor, _), socket(vendor, KINDS[0], auto_mode="true") as one:
        await say(one, BEGIN, {"text": "Hel"}, {"text": "lo "}, {"text": " "}, END)
        got = await answers(one)
        chars = ["".join(each["alignment"]["chars"]) for each in got.messages if each["alignment"]]
        assert chars == ["Hel ", "lo "]
        assert vendor.counters.generations == 2


async def test_text_is_spoken_by_the_schedule() -> None:
    async with emulated() as (vendor, _), socket(vendor, KINDS[0]) as connection:
        await say(connection, BEGIN, *({"text": "a" * 49 + " "} for _ in range(9)))
        # 120 are reached by 150, and 160 more by 350; the last 100 wait.
        await until(lambda: vendor.counters.generations == 2)
        assert vendor.counters.characters == pytest.approx(350, abs=2)
        await say(connection, END)
        got = await answers(connection)
        assert vendor.counters.generations == 3
        assert got.finals() == [None]
        assert got.code == 1000


async def test_the_schedule_can_be_given_and_triggered_early() -> None:
    async with emulated() as (vendor, _), socket(vendor, KINDS[0]) as connection:
        config = {"generation_config": {"chunk_length_schedule": [60]}}
        await say(connection, BEGIN | config, {"text": "a" * 61})
        await until(lambda: vendor.counters.generations == 1)
        await say(connection, {"text": "b" * 51, "try_trigger_generation": True})
        await until(lambda: vendor.counters.generations == 2)
        await say(connection, END)
        assert (await answers(connection)).finals() == [None]


async def test_a_flush_has_no_end_mark_and_the_end_has_one() -> None:
    async with emulated() as (vendor, _), socket(vendor, KINDS[0]) as connection:
        await say(connection, BEGIN, {"text": TEXT, "flush": True})
        await until(lambda: vendor.counters.generations == 1)
        got = await answers(connection, lambda got: len(got.pcm()) > 2.6 * 16_000)
        assert got.finals() == []
        assert all("contextId" not in one for one in got.messages)
        await say(connection, END)
        rest = await answers(connection)
        assert (rest.finals(), rest.code) == ([None], 1000)


async def test_closing_a_context_throws_away_what_was_not_flushed() -> None:
    async with emulated() as (vendor, _), socket(vendor) as connection:
        await say(
            connection,
            {"text": TEXT, "context_id": "a"},
            {"context_id": "a", "close_context": True},
        )
        got = await answers(connection, lambda got: bool(got.finals()))
        assert len(got.messages) == 1
        assert vendor.counters.characters == 0


async def test_an_id_can_be_used_again_while_its_old_context_speaks() -> None:
    async with emulated(speed=10.0) as (vendor, _), socket(vendor) as connection:
        await say(connection, *flushed("a"), *flushed("a", "Hola. "))
        got = await answers(connection, lambda got: got.finals() == ["a", "a"])
        assert vendor.counters.contexts == 2
        assert len(got.pcm("a")) > 2.7 * 16_000


async def test_a_closed_socket_first_speaks_what_was_flushed() -> None:
    async with emulated(speed=10.0) as (vendor, _), socket(vendor) as connection:
        await say(connection, flushed("a")[0], {"text": TEXT, "context_id": "b"})
        await say(connection, {"close_socket": True}, {"text": "Late. ", "context_id": "c"})
        got = await answers(connection)
        assert sorted(map(str, got.finals())) == ["a", "b"]
        assert len(got.pcm("a"))
        assert not len(got.pcm("b"))
        assert got.code == 1000


async def refused(connection: websockets.ClientConnection) -> tuple[str, Answers]:
    """The error of the last message, which closed the socket."""
    got = await answers(connection)
    last = got.messages[-1]
    assert last["code"] == 1008
    assert got.code == 1008
    assert got.reason == last["message"].encode()[:123].decode(errors="ignore")
    return last["error"], got


async def test_the_sixth_context_ends_the_socket() -> None:
    async with emulated() as (vendor, _), socket(vendor) as connection:
        await say(connection, *({"text": "Hola ", "context_id": str(n)} for n in range(5)))
        await until(lambda: vendor.counters.contexts_open == 5)
        await say(connection, {"text": "", "context_id": "6"}, {"text": "Hola ", "context_id": "6"})
        error, got = await refused(connection)
        assert error == "max_active_conversations"
        assert "(5)" in got.reason
        await until(lambda: vendor.counters.contexts_open == 0)


@pytest.mark.parametrize("counts", [True, False])
async def test_a_context_that_is_closing_may_count_or_not(counts: bool) -> None:
    delays = Delays(first_sound=0.3)
    async with (
        emulated(delays=delays, closing_counts=counts) as (vendor, _),
        socket(vendor) as connection,
    ):
        for number in range(6):
            await say(connection, *flushed(str(number)))
        got = await answers(connection, lambda got: len(got.finals()) == 6)
        assert (len(got.finals()) == 6) is not counts


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_key_meets_a_message_after_the_handshake(kind: str) -> None:
    async with emulated() as (vendor, _), socket(vendor, kind, key="sk_wrong") as connection:
        assert (await refused(connection))[0] == "invalid_api_key"


@pytest.mark.parametrize("name", ["xi_api_key", "xi-api-key", "authorization"])
async def test_the_key_may_come_with_the_first_message(name: str) -> None:
    async with emulated() as (vendor, _), socket(vendor, key=None) as connection:
        await say(connection, {"text": " ", "context_id": "a", name: vendor.api_key})
        await say(connection, *flushed("a"))
        assert (await answers(connection, lambda got: bool(got.finals()))).finals() == ["a"]


@pytest.mark.parametrize(
    ("key", "error"), [(None, "authentication_required"), ("sk_wrong", "invalid_api_key")]
)
async def test_without_a_right_key_the_first_message_is_the_last(
    key: str | None, error: str
) -> None:
    async with emulated() as (vendor, _), socket(vendor, key=None) as connection:
        await say(connection, {"text": "Hola ", "context_id": "a", "xi_api_key": key})
        assert (await refused(connection))[0] == error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"voice": "nobody"}, "voice_id_does_not_exist"),
        ({"model_id": "eleven_none"}, "model_not_found"),
        ({"output_format": "noise"}, "invalid_output_format"),
        ({"language_code": "xx"}, "unsupported_language"),
    ],
)
async def test_what_is_wrong_with_the_address_is_said_after_the_first_text(
    kind: str, query: dict[str, Any], error: str
) -> None:
    async with emulated() as (vendor, _), socket(vendor, kind, **query) as connection:
        await say(connection, {"text": "Hola "})
        assert (await refused(connection))[0] == error


@pytest.mark.parametrize("kind", KINDS)
async def test_v3_has_no_socket(kind: str) -> None:
    async with emulated() as (vendor, _):
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with socket(vendor, kind, model_id="eleven_v3"):
                pass
        response = caught.value.response
        assert response.status_code == 400
        assert json.loads(response.body or b"")["detail"]["status"] == "unsupported_model"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": "a", "voice_settings": {"speed": 2}}, "invalid_voice_settings"),
        ({"text": "a", "voice_settings": "loud"}, "invalid_request"),
        ({"text": 5}, "invalid_message"),
        ({"text": "a", "generation_config": {"chunk_length_schedule": [10]}}, "invalid_message"),
        (["text"], "invalid_message"),
    ],
)
async def test_bad_messages_end_the_socket(kind: str, message: Any, error: str) -> None:
    async with emulated() as (vendor, _), socket(vendor, kind) as connection:
        await connection.send(json.dumps(message))
        assert (await refused(connection))[0] == error


@pytest.mark.parametrize("raw", ["{", b"\x00\x01"])
async def test_what_is_no_json_ends_the_socket(raw: str | bytes) -> None:
    async with emulated() as (vendor, _), socket(vendor) as connection:
        await connection.send(raw)
        assert (await refused(connection))[0] == "invalid_message"


async def test_settings_are_given_once_on_a_single_socket_and_anew_on_a_multiple_one() -> None:
    slow, fast = {"speed": 0.8}, {"speed": 1.2}
    async with emulated() as (vendor, _):
        async with socket(vendor, KINDS[0]) as connection:
            await say(connection, BEGIN | {"voice_settings": slow})
            await say(connection, {"text": "a", "voice_settings": slow})
            await say(connection, {"text": "a", "voice_settings": fast})
            assert (await refused(connection))[0] == "invalid_message"
        async with socket(vendor) as connection:
            for name, settings in (("a", slow), ("b", fast)):
                await say(connection, {"text": " ", "context_id": name, "voice_settings": settings})
                await say(connection, *flushed(name))
            got = await answers(connection, lambda got: len(got.finals()) == 2)
            assert len(got.pcm("a")) == pytest.approx(len(got.pcm("b")) * 1.5, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
async def test_silence_of_the_client_ends_the_socket(kind: str) -> None:
    async with emulated() as (vendor, _), socket(vendor, kind, inactivity_timeout=0.3) as one:
        began = time.perf_counter()
        await say(one, {"text": "Hola "})
        error, got = await refused(one)
        assert error == "input_timeout_exceeded"
        assert "timeout of 0.3 seconds" in got.messages[-1]["message"]
        # Its own patience is 20 s.
        assert 0.3 <= time.perf_counter() - began < 15


@pytest.mark.parametrize(
    ("kind", "alive"),
    [
        (KINDS[0], {"text": " "}),
        (KINDS[1], {"text": "", "context_id": "a"}),
        (KINDS[1], {"text": ""}),
    ],
)
async def test_keep_alives_keep_the_socket(kind: str, alive: dict[str, str]) -> None:
    async with emulated() as (vendor, _), socket(vendor, kind, inactivity_timeout=1.2) as one:
        await say(one, {"text": " ", "context_id": "a"})
        for _ in range(8):
            await asyncio.sleep(0.2)
            await say(one, alive)
        assert vendor.counters.sockets_open == 1
        # A context that hears nothing ends by itself, the socket goes on.
        assert vendor.counters.contexts_open == ("context_id" in alive or kind == KINDS[0])


async def test_pings_are_no_text() -> None:
    async with emulated() as (vendor, _), socket(vendor, inactivity_timeout=0.3) as connection:
        with suppress(websockets.ConnectionClosed):
            for _ in range(10):
                await connection.ping()
                await asyncio.sleep(0.1)
        assert (await refused(connection))[0] == "input_timeout_exceeded"


@pytest.mark.parametrize("seconds", ["0", "181", "soon"])
async def test_patience_is_at_most_180_seconds(seconds: str) -> None:
    async with emulated() as (vendor, _), socket(vendor, inactivity_timeout=seconds) as one:
        assert (await refused(one))[0] == "invalid_message"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_used_up_quota_ends_the_socket_when_it_is_to_speak(kind: str) -> None:
    async with emulated(character_count=500_000) as (vendor, _), socket(vendor, kind) as one:
        await say(one, {"text": TEXT, "flush": True})
        error, got = await refused(one)
        assert error == "quota_exceeded"
        assert "0 credits remaining" in got.messages[-1]["message"]


async def test_only_speaking_takes_a_place_of_the_plan() -> None:
    delays = Delays(first_sound=0.3)
    async with (
        emulated(plan="free", delays=delays) as (vendor, _),
        socket(vendor) as one,
        socket(vendor) as two,
    ):
        await say(one, *({"text": "a ", "context_id": str(n)} for n in range(5)))
        await say(two, *({"text": "a ", "context_id": str(n)} for n in range(5)))
        await until(lambda: vendor.counters.contexts_open == 10)
        assert vendor.account.running["flash"] == 0
        await say(one, *({"text": "a ", "flush": True, "context_id": str(n)} for n in range(4)))
        await until(lambda: vendor.account.running["flash"] == 4)
        await say(two, {"text": "a ", "flush": True, "context_id": "0"})
        assert (await refused(two))[0] == "too_many_concurrent_requests"
        await until(lambda: vendor.account.running["flash"] == 0)


async def test_a_client_that_leaves_stops_the_speaking() -> None:
    async with emulated(speed=1.0) as (vendor, _):
        async with socket(vendor) as connection:
            await say(connection, *flushed("a"))
            await connection.recv()
            assert vendor.account.running["flash"] == 1
        await until(lambda: vendor.account.running["flash"] == 0)
        await until(lambda: vendor.counters.sockets_open == 0)


async def test_killing_the_server_drops_its_sockets() -> None:
    async with emulated() as (vendor, _), socket(vendor) as connection:
        await vendor.stop()
        with pytest.raises(websockets.ConnectionClosedError) as caught:
            await connection.recv()
        assert caught.value.rcvd is None
        with pytest.raises(OSError, match="Connect"):
            async with socket(vendor):
                pass
        await vendor.start()
        async with socket(vendor, voice=STOCK[0].id) as again:
            await say(again, *flushed("a"))
            assert (await answers(again, lambda got: bool(got.finals()))).finals() == ["a"]


async def test_a_message_may_be_too_big() -> None:
    async with emulated() as (vendor, _), socket(vendor) as connection:
        await say(connection, {"text": "a" * (1 << 20), "context_id": "a"})
        assert (await answers(connection)).code == 1009


async def test_the_voice_is_the_one_of_the_address() -> None:
    assert STOCK[0].id != VOICE
    async with emulated() as (vendor, _), socket(vendor, voice=STOCK[0].id) as connection:
        await say(connection, *flushed("a"))
        got = await answers(connection, lambda got: bool(got.finals()))
        crossings = int(((got.pcm("a")[:-1] < 0) & (got.pcm("a")[1:] >= 0)).sum())
        pitch_hz = crossings / (len(got.pcm("a")) / 16_000)
        assert pitch_hz == pytest.approx(STOCK[0].pitch_hz, rel=0.05)
