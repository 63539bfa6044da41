"""Speaking with ElevenLabs: the real SDK and real sockets against the emulated vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.emulators.behaviour import Delays, Fault
from pipeline.emulators.elevenlabs.mouths import HumMouth, Saying, Utterance
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.emulators.elevenlabs.voices import VoiceSettings
from pipeline.guards.usage import Meter
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.dialling import make_client
from pipeline.providers.elevenlabs.speech import Asked, ElevenLabsSpeech
from pipeline.providers.elevenlabs.voices import Cloned
from pipeline.providers.settings import ElevenLabsAccess
from pipeline.speaking.making import Clip
from pipeline.speaking.playing import FASTEST, begin
from pipeline.speaking.scheduler import Placement
from pipeline.tests.emulated_elevenlabs import (
    TEXT,
    account_of,
    emulated,
    heard,
    request_of,
    say,
    speaking,
)
from pipeline.tests.waiting import until
from pipeline.types import SAMPLE_RATE_HZ, Style, Voice

HUM_S = 0.065
"""A character of the emulated vendor's hum."""


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsEmulator]:
    async with emulated() as made:
        yield made


async def test_fifty_clauses_take_the_connections_of_the_first(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor) as synthesizer:
        voice, other = synthesizer.voices("es")[:2]
        dialled = vendor.counters.connections
        for number in range(50):
            pcm = await say(synthesizer, f"Frase número {number}.", (voice, other)[number % 2])
            assert len(pcm) > SAMPLE_RATE_HZ / 2
        assert vendor.counters.connections == dialled
        assert vendor.counters.contexts == vendor.counters.generations == 50
        assert vendor.counters.contexts_most == 1
        assert account_of(synthesizer).gate.inside == 0
    await until(lambda: not vendor.counters.sockets_open)


async def test_nothing_dials_once_a_voice_is_warm(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, prepare="") as synthesizer:
        voice = synthesizer.voices("es")[3]
        await synthesizer.warm(voice, "es")
        await synthesizer.warm(voice, "es")
        assert vendor.counters.sockets == 1
        await say(synthesizer, voice=voice)
        assert vendor.counters.sockets == 1


async def test_eight_clauses_at_once_take_a_second_socket() -> None:
    async with emulated(delays=Delays(first_sound=0.5)) as vendor, speaking(vendor) as synthesizer:
        before = vendor.counters.sockets
        clips = await asyncio.gather(*(say(synthesizer, f"{TEXT} {n}") for n in range(8)))
        assert all(len(clip) for clip in clips)
        assert vendor.counters.sockets == before + 1
        assert vendor.counters.contexts_most == 8
        assert not vendor.counters.refusals


async def test_the_plan_is_not_exceeded_and_the_rest_waits() -> None:
    async with (
        emulated(plan="free", delays=Delays(first_sound=0.1)) as vendor,
        speaking(vendor) as synthesizer,
    ):
        most = 0

        async def one(number: int) -> int:
            nonlocal most
            pcm = await say(synthesizer, f"{TEXT} {number}")
            most = max(most, account_of(synthesizer).gate.inside)
            return len(pcm)

        assert all(await asyncio.gather(*map(one, range(9))))
        assert most <= 4
        assert vendor.counters.contexts_most <= 4
        assert not vendor.counters.refusals


async def test_a_full_queue_is_told_at_once(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.providers.elevenlabs.gate.ELEVENLABS_WAITING_MAX", 1)
    monkeypatch.setattr("pipeline.providers.elevenlabs.gate.ELEVENLABS_WAIT_S", 0.1)
    async with speaking(vendor) as synthesizer:
        gate = account_of(synthesizer).gate
        gate.limit = 0
        codes = [
            error.code
            for error in await asyncio.gather(
                *(say(synthesizer) for _ in range(3)), return_exceptions=True
            )
            if isinstance(error, EngineError)
        ]
        assert codes == ["vendor_busy"] * 3
        gate.limit = 4
        assert len(await say(synthesizer))


async def test_a_clip_has_its_length_words_and_pace(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor) as synthesizer:
        stream = await synthesizer.synthesize(request_of(synthesizer))
        pcm = await heard(stream)
        assert len(pcm) / SAMPLE_RATE_HZ == pytest.approx(len(TEXT) * HUM_S, rel=0.02)
        assert stream.expected_s == pytest.approx(len(pcm) / SAMPLE_RATE_HZ)
        assert [word.text for word in stream.alignment] == TEXT.split()
        starts = [word.start_s for word in stream.alignment]
        assert starts == sorted(starts)
        assert stream.alignment[-1].end_s == pytest.approx(len(pcm) / SAMPLE_RATE_HZ, abs=0.1)


async def test_the_other_spelling_of_durations_is_read() -> None:
    async with emulated(durations_key="charsDurationsMs") as vendor, speaking(vendor) as engine:
        stream = await engine.synthesize(request_of(engine))
        await heard(stream)
        assert [word.text for word in stream.alignment] == TEXT.split()


async def test_the_length_is_expected_well_when_the_first_block_leaves() -> None:
    async with emulated(speed=20.0, block_s=0.1) as vendor, speaking(vendor) as synthesizer:
        for number in range(6):
            text = TEXT * (1 + number % 3)
            stream = await synthesizer.synthesize(request_of(synthesizer, text))
            blocks = aiter(stream)
            first = await anext(blocks)
            expected_s = stream.expected_s
            rest = [block async for block in blocks]
            real_s = (len(first) + sum(map(len, rest))) / SAMPLE_RATE_HZ
            assert expected_s == pytest.approx(real_s, rel=0.1)
            await stream.aclose()


async def test_speed_follows_the_slot_and_what_is_left_is_told(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor) as synthesizer:
        natural_s = len(TEXT) * HUM_S
        await say(synthesizer)
        stream = await synthesizer.synthesize(request_of(synthesizer, fit_s=natural_s / 1.1))
        assert stream.rate == pytest.approx(1.1, abs=0.02)
        assert stream.tempo_left == 1.0
        assert len(await heard(stream)) / SAMPLE_RATE_HZ == pytest.approx(natural_s / 1.1, rel=0.03)
        stream = await synthesizer.synthesize(
            request_of(synthesizer, fit_s=natural_s / 1.3, tempo=1.2)
        )
        await heard(stream)
        assert stream.rate == 1.2
        assert stream.rate * stream.tempo_left == pytest.approx(1.3 * 1.2, rel=0.03)


VOICE = Voice("v", "elevenlabs", "A voice", (), "low", 100.0)


def test_what_an_engine_could_not_hurry_is_stretched() -> None:
    async def nothing() -> None:
        pass

    voice = Voice("elevenlabs:one", "elevenlabs", "One", ())
    feed = cast(Any, SimpleNamespace(sample_rate_hz=16_000, ended=True, received_s=2.0))

    def stretch(rate: float, tempo_left: float, tempo: float) -> float:
        speech = ElevenLabsSpeech(
            Asked(feed, nothing),
            characters=30,
            estimate_s=2.0,
            rate=rate,
            tempo_left=tempo_left,
            voice=voice,
            base=voice,
            instead=None,
        )
        clip = Clip(tempo=tempo, stream=speech)
        return begin(clip, 0, Placement(0.0, tempo)).stretch

    assert stretch(1.2, 1.1, 1.1) == pytest.approx(1.1)
    assert stretch(1.1, 1.0, 1.1) == 1.0
    assert stretch(1.2, 1.4, 1.2) == pytest.approx(FASTEST / 1.2), "not beyond what is followed"


async def test_style_and_settings_reach_the_vendor(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with speaking(vendor) as synthesizer:
        sent: list[VoiceSettings] = []
        speak = HumMouth.speak

        async def spoken(mouth: HumMouth, saying: Saying) -> Utterance:
            sent.append(saying.settings)
            return await speak(mouth, saying)

        monkeypatch.setattr(HumMouth, "speak", spoken)
        for arousal in (-1.0, 0.0, 1.0):
            await say(synthesizer, style=Style(arousal=arousal))
        subdued, neutral, excited = sent
        assert subdued.stability > neutral.stability > excited.stability
        assert (subdued.style, neutral.style) == (0.0, 0.0)
        assert excited.style > 0
        assert (neutral.stability, neutral.similarity_boost, neutral.speed) == (0.5, 0.75, 1.0)
        assert not neutral.use_speaker_boost


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "nothing_to_speak"), ("… !", "nothing_to_speak"), ("a" * 1001, "text_too_long")],
)
async def test_what_cannot_be_spoken_never_leaves(
    vendor: ElevenLabsEmulator, text: str, code: str
) -> None:
    async with speaking(vendor) as synthesizer:
        with pytest.raises(EngineError) as refused:
            await say(synthesizer, text)
        assert (refused.value.code, refused.value.recoverable) == (code, False)
        assert vendor.counters.generations == 0


async def test_cancelled_work_leaves_no_trace() -> None:
    async with emulated(speed=4.0) as vendor, speaking(vendor) as synthesizer:
        stream = await synthesizer.synthesize(request_of(synthesizer, TEXT * 4))
        blocks = aiter(stream)
        await anext(blocks)
        await stream.aclose()
        assert await anext(blocks, None) is None
        sockets = vendor.counters.sockets
        assert len(await say(synthesizer))
        await until(lambda: account_of(synthesizer).gate.inside == 0)
        await until(lambda: vendor.counters.contexts_open == 0)
        assert vendor.counters.sockets == sockets


async def test_a_task_cancelled_before_the_first_sound_frees_its_place() -> None:
    async with (
        emulated(delays=Delays(first_sound=0.5)) as vendor,
        speaking(vendor) as synthesizer,
    ):
        stream = await synthesizer.synthesize(request_of(synthesizer))
        waiting = asyncio.create_task(heard(stream))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await stream.aclose()
        await until(lambda: account_of(synthesizer).gate.inside == 0)


async def test_a_socket_killed_in_a_sentence_costs_that_sentence() -> None:
    async with emulated(speed=10.0) as vendor, speaking(vendor) as synthesizer:
        other = synthesizer.voices("es")[1]
        vendor.faults.once("drop", "multi_stream_input.text")
        stream = await synthesizer.synthesize(request_of(synthesizer, TEXT * 3))
        beside = asyncio.create_task(say(synthesizer, voice=other))
        with pytest.raises(EngineError) as broken:
            await heard(stream)
        assert broken.value.code == "vendor_unreachable"
        assert broken.value.recoverable
        assert len(await beside), "another voice's socket"
        assert len(await say(synthesizer))
        assert account_of(synthesizer).gate.inside == 0


async def test_what_a_broken_socket_had_taken_is_counted_and_the_rest_is_not() -> None:
    meter = Meter()
    async with emulated(speed=10.0) as vendor, speaking(vendor) as synthesizer:

        async def spoken(text: str) -> None:
            with suppress(EngineError), meter.request("elevenlabs", "synthesis", len(text)):
                await heard(await synthesizer.synthesize(request_of(synthesizer, text)))

        vendor.faults.once("drop", "multi_stream_input.text", after_n=2)
        broken = [f"This is the clause of number {number}" for number in range(4)]
        await asyncio.gather(*(spoken(text) for text in broken))
        assert vendor.faults.counts["drop"] == 1
        assert vendor.counters.characters > 0
        assert sum(one.amount for one in meter.take()) == vendor.counters.characters


async def test_a_broken_socket_is_dialled_again_before_it_is_needed() -> None:
    async with emulated() as vendor, speaking(vendor) as synthesizer:
        pool = account_of(synthesizer).sockets
        dialled, open_before = pool.dialled, pool.count
        vendor.faults.once("close", "multi_stream_input.text")
        with pytest.raises(EngineError) as failed:
            await say(synthesizer)
        assert failed.value.code == "vendor_failed"
        await until(lambda: pool.dialled == dialled + 1)
        assert pool.count == open_before
        await say(synthesizer)
        assert pool.dialled == dialled + 1


@pytest.mark.parametrize("scenario", ["malformed", "bad_base64"])
async def test_malformed_sound_is_recoverable(vendor: ElevenLabsEmulator, scenario: str) -> None:
    async with speaking(vendor) as synthesizer:
        vendor.faults.once(scenario, "multi_stream_input.text")
        with pytest.raises(EngineError) as failed:
            await say(synthesizer)
        assert (failed.value.code, failed.value.recoverable) == ("vendor_malformed", True)
        assert len(await say(synthesizer))


@pytest.mark.parametrize("scenario", ["odd_bytes", "unknown_message"])
async def test_odd_answers_are_read_as_far_as_they_go(
    vendor: ElevenLabsEmulator, scenario: str
) -> None:
    async with speaking(vendor) as synthesizer:
        vendor.faults.once(scenario, "multi_stream_input.text")
        assert len(await say(synthesizer)) / SAMPLE_RATE_HZ > len(TEXT) * HUM_S * 0.9


@pytest.mark.parametrize("sockets", [True, False])
async def test_a_vendor_that_falls_silent_is_not_waited_for(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch, sockets: bool
) -> None:
    monkeypatch.setattr("pipeline.providers.elevenlabs.feed.ELEVENLABS_FIRST_SOUND_S", 0.3)
    async with speaking(vendor, use_sockets=sockets) as synthesizer:
        vendor.faults.once("stall", "multi_stream_input.text" if sockets else "speech")
        with pytest.raises(EngineError) as failed:
            await say(synthesizer)
        assert (failed.value.code, failed.value.recoverable) == ("engine_timeout", True)
        monkeypatch.setattr("pipeline.providers.elevenlabs.feed.ELEVENLABS_FIRST_SOUND_S", 6.0)
        assert len(await say(synthesizer))


async def test_http_speaks_as_sockets_do(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, use_sockets=False) as synthesizer:
        await say(synthesizer)
        connections = vendor.counters.connections
        for _ in range(5):
            pcm = await say(synthesizer)
            assert len(pcm) / SAMPLE_RATE_HZ == pytest.approx(len(TEXT) * HUM_S, rel=0.02)
        assert vendor.counters.connections == connections
        assert vendor.counters.sockets == 0


async def test_a_socket_that_cannot_be_opened_is_done_without(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, prepare="") as synthesizer:
        vendor.faults.add(Fault(scenario="drop", legs=("multi_stream_input",), after_s=0.0))
        assert len(await say(synthesizer))
        assert vendor.counters.requests["speech"] == 1
        vendor.faults.clear()
        # Dialled again behind the back of whoever speaks.
        await until(lambda: account_of(synthesizer).sockets.dialled == 1)
        assert len(await say(synthesizer))
        assert vendor.counters.requests["speech"] == 1


async def test_a_handshake_given_up_leaves_no_connection() -> None:
    """httpcore by itself leaves it open until it is collected."""
    greeted, closed = asyncio.Event(), asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        greeted.set()
        while await reader.read(4096):
            pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, http, _ = await asyncio.to_thread(
        make_client, ElevenLabsAccess(api_key="k", base_url=f"https://127.0.0.1:{port}")
    )
    call = asyncio.create_task(http.get(f"https://127.0.0.1:{port}/"))
    async with asyncio.timeout(30):
        await greeted.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await closed.wait()
    await http.aclose()
    server.close()
    await server.wait_closed()


async def test_a_model_without_sockets_speaks_over_http(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, model="eleven_v3") as synthesizer:
        assert len(await say(synthesizer))
        assert vendor.counters.requests["speech"] == 1


async def test_another_rate_is_told(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, output_format="pcm_24000") as synthesizer:
        stream = await synthesizer.synthesize(request_of(synthesizer))
        assert stream.sample_rate_hz == 24_000
        assert len(await heard(stream)) / 24_000 == pytest.approx(len(TEXT) * HUM_S, rel=0.02)


async def test_stock_voices_alternate_and_are_everyones(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, prepare="") as synthesizer:
        voices = synthesizer.voices("es")
        assert len({voice.id for voice in voices}) == len(voices) >= 3
        assert len({voice.register for voice in voices[:2]}) == 2
        assert synthesizer.voices("xx") == ()
        assert {"es", "de", "fr", "it", "pt"} <= synthesizer.languages()


async def test_a_clone_that_has_gone_is_spoken_by_its_base(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor) as synthesizer:
        base = synthesizer.voices("es")[0]
        gone = replace(base, id="elevenlabs:gone", profile=Cloned("gone", base))
        assert len(await say(synthesizer, voice=gone))
        assert account_of(synthesizer).clones.is_lost("gone")
        refusals = vendor.counters.refusals.total()
        assert len(await say(synthesizer, voice=gone))
        assert vendor.counters.refusals.total() == refusals, "it is not asked for again"


async def test_another_engines_voice_is_refused(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor, prepare="") as synthesizer:
        with pytest.raises(EngineError) as refused:
            await say(synthesizer, voice=Voice("espeak:es:f2", "espeak", "Clara", ()))
        assert refused.value.code == "voice_unknown"


async def test_a_quiet_socket_is_kept_and_an_idle_one_closed(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with speaking(vendor) as synthesizer:
        pool = account_of(synthesizer).sockets
        monkeypatch.setattr("pipeline.providers.elevenlabs.sockets.ELEVENLABS_KEEP_S", 0.0)
        before = [one.heard_at for one in pool._sockets]
        await pool.look_after()
        await until(lambda: all(one.silent_since() is None for one in pool._sockets))
        assert all(one.heard_at > then for one, then in zip(pool._sockets, before, strict=True))
        assert vendor.counters.generations == 0
        monkeypatch.setattr("pipeline.providers.elevenlabs.sockets.ELEVENLABS_IDLE_S", -1.0)
        await pool.look_after()
        assert pool.count == 0
        await until(lambda: vendor.counters.sockets_open == 0)


async def test_the_socket_idle_for_longest_makes_room(
    vendor: ElevenLabsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.providers.elevenlabs.sockets.ELEVENLABS_SOCKETS_MAX", 2)
    async with speaking(vendor, prepare="") as synthesizer:
        for voice in synthesizer.voices("es")[:4]:
            assert len(await say(synthesizer, voice=voice))
            assert account_of(synthesizer).sockets.count <= 2


async def test_engines_of_one_access_share_an_account(vendor: ElevenLabsEmulator) -> None:
    async with speaking(vendor) as one:
        connections = vendor.counters.connections
        async with speaking(vendor) as other:
            assert account_of(other) is account_of(one)
            assert vendor.counters.connections == connections
        assert len(await say(one)), "the other one's end is not the account's"


async def test_the_first_sound_is_passed_on_while_the_rest_is_made() -> None:
    async with emulated(speed=1.0) as vendor, speaking(vendor) as synthesizer:
        sockets = vendor.counters.sockets
        stream = await synthesizer.synthesize(request_of(synthesizer, TEXT * 4))
        assert len(await anext(aiter(stream)))
        # All of it takes the vendor seven seconds.
        assert vendor.account.running["flash"] == 1
        assert vendor.counters.sockets == sockets, "nothing is dialled for it"
        await stream.aclose()
