"""The emulated ElevenLabs over HTTP, met by the vendor's own client."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import time
from typing import Any

import httpx
import numpy as np
import pytest
from elevenlabs import VoiceSettings

from pipeline.emulators.behaviour import Delays
from pipeline.emulators.elevenlabs.catalog import MODELS, PLANS
from pipeline.emulators.elevenlabs.mouths import CHARACTER_S, pieces_of, spread
from pipeline.emulators.elevenlabs.offline_mouth import OfflineMouth
from pipeline.emulators.elevenlabs.voices import STOCK
from pipeline.sound.media import decode_audio_blob
from pipeline.sound.prosody import measure
from pipeline.tests.elevenlabs_helpers import (
    FLASH,
    VOICE,
    client_of,
    emulated,
    heard,
    refusal,
)
from pipeline.tests.waiting import until

TEXT = "El comité publicará su informe el próximo martes."


async def test_sound_streams_with_the_vendors_headers() -> None:
    async with (
        emulated() as (vendor, client),
        client.text_to_speech.with_raw_response.stream(
            VOICE, text=TEXT, model_id=FLASH, output_format="pcm_16000", language_code="es"
        ) as answer,
    ):
        sound = b"".join([chunk async for chunk in answer.data])
        headers = answer.headers
        assert headers["content-type"] == "audio/pcm"
        assert headers["request-id"]
        assert headers["x-region"]
        assert headers["character-cost"] == str(round(len(TEXT) * 0.5))
        assert headers["current-concurrent-requests"] == "1"
        assert headers["maximum-concurrent-requests"] == "20"
        assert len(sound) / 2 / 16_000 == pytest.approx(len(TEXT) * CHARACTER_S, abs=0.01)
        assert vendor.counters.characters == len(TEXT)


async def test_the_first_byte_takes_what_was_set_and_the_rest_is_faster_than_real_time() -> None:
    async with emulated(delays=Delays(first_sound=0.2), speed=10.0) as (_, client):
        await client.voices.get_all()
        began, first_s, size = time.perf_counter(), 0.0, 0
        async for chunk in client.text_to_speech.stream(
            VOICE,
            text=TEXT * 2,
            model_id=FLASH,
            output_format="pcm_16000",
            request_options={"chunk_size": None},
        ):
            first_s = first_s or time.perf_counter() - began
            size += len(chunk)
        all_s, sound_s = time.perf_counter() - began, size / 2 / 16_000
    assert first_s >= 0.2
    # Paced, and quicker than it is spoken: by so much that a busy machine changes nothing.
    assert 0.2 + sound_s / 10 * 0.9 < all_s < sound_s


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
async def test_pcm_has_the_rate_that_was_asked_for(rate_hz: int) -> None:
    async with emulated() as (_, client):
        sound = await heard(client, output_format=f"pcm_{rate_hz}")
    assert len(sound) / 2 / rate_hz == pytest.approx(5 * CHARACTER_S, abs=0.01)


@pytest.mark.parametrize("name", ["ulaw_8000", "alaw_8000"])
async def test_telephone_formats_have_a_byte_a_sample(name: str) -> None:
    async with emulated() as (_, client):
        assert len(await heard(client, output_format=name)) == round(5 * CHARACTER_S * 8000)


async def test_mp3_can_be_decoded() -> None:
    async with emulated() as (_, client):
        sound = await heard(client, TEXT, output_format="mp3_44100_128")
    pcm = decode_audio_blob(sound, max_seconds=60)
    assert len(pcm) / 16_000 == pytest.approx(len(TEXT) * CHARACTER_S, abs=0.15)


@pytest.mark.parametrize("name", ["opus_48000_64", "pcm_11025", "mp3_44100", "noise"])
async def test_other_formats_are_refused(name: str) -> None:
    async with emulated() as (_, client):
        http, detail = await refusal(heard(client, output_format=name))
    assert (http, detail["status"]) == (400, "invalid_output_format")


async def test_high_rates_need_the_pro_plan() -> None:
    async with emulated(plan="creator") as (_, client):
        http, detail = await refusal(heard(client, output_format="pcm_44100"))
    assert (http, detail["status"]) == (403, "output_format_not_allowed")


async def test_characters_have_times() -> None:
    async with emulated() as (_, client):
        stream = client.text_to_speech.stream_with_timestamps(
            VOICE, text=TEXT, model_id=FLASH, output_format="pcm_16000"
        )
        lines = [line async for line in stream]
    characters: list[str] = []
    starts: list[float] = []
    for line in lines:
        if line.alignment is not None:
            characters += line.alignment.characters
            starts += line.alignment.character_start_times_seconds
    size = sum(len(base64.b64decode(line.audio_base_64)) for line in lines)
    assert len(lines) > 3
    assert "".join(characters) == TEXT
    assert starts == sorted(starts)
    assert starts[-1] < size / 2 / 16_000


async def test_speed_is_honoured_and_the_voice_brings_its_pitch() -> None:
    async with emulated() as (_, client):
        usual = await heard(client, TEXT)
        fast = await heard(client, TEXT, voice_settings=VoiceSettings(speed=1.2))
        other = await heard(client, TEXT, voice_id=STOCK[0].id)
    assert len(fast) == pytest.approx(len(usual) / 1.2, rel=0.01)
    for sound, voice in ((usual, STOCK[1]), (other, STOCK[0])):
        pitch_hz = measure(np.frombuffer(sound, np.int16), 8).pitch_hz
        assert pitch_hz == pytest.approx(voice.pitch_hz, rel=0.05)


async def test_the_whole_file_comes_in_one_piece_too() -> None:
    async with emulated() as (_, client):
        chunks = client.text_to_speech.convert(
            VOICE, text=TEXT, model_id=FLASH, output_format="pcm_16000"
        )
        assert b"".join([chunk async for chunk in chunks]) == await heard(client, TEXT)


@pytest.mark.parametrize(
    ("key", "status"), [("", "needs_authorization"), ("sk_wrong", "invalid_api_key")]
)
async def test_a_wrong_key_is_refused_everywhere(key: str, status: str) -> None:
    async with emulated() as (vendor, _), client_of(vendor, key) as client:
        for call in (
            heard(client),
            client.voices.get_all(),
            client.voices.search(),
            client.user.get(),
            client.models.list(),
            client.voices.delete(VOICE),
        ):
            http, detail = await refusal(call)
            assert (http, detail["status"]) == (401, status)


@pytest.mark.parametrize(
    ("options", "http", "status"),
    [
        ({"voice_id": "nobody"}, 400, "voice_not_found"),
        ({"model_id": "eleven_none"}, 400, "model_not_found"),
        (
            {"model_id": "eleven_multilingual_v2", "language_code": "es"},
            400,
            "unsupported_language",
        ),
        ({"language_code": "xx"}, 400, "unsupported_language"),
        ({"voice_settings": VoiceSettings(speed=1.3)}, 400, "invalid_voice_settings"),
        ({"voice_settings": VoiceSettings(speed=0.6)}, 400, "invalid_voice_settings"),
        ({"voice_settings": VoiceSettings(stability=1.1)}, 400, "invalid_voice_settings"),
        ({"voice_settings": VoiceSettings(style=-0.1)}, 400, "invalid_voice_settings"),
        ({"voice_settings": VoiceSettings(similarity_boost=2)}, 400, "invalid_voice_settings"),
        ({"text": " "}, 400, "input_text_empty"),
    ],
)
async def test_what_is_wrong_with_a_request_is_said(
    options: dict[str, Any], http: int, status: str
) -> None:
    async with emulated() as (vendor, client):
        got, detail = await refusal(heard(client, **options))
        assert (got, detail["status"]) == (http, status)
        assert detail["message"]
        assert vendor.counters.refusals[status] == 1


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
async def test_each_model_takes_its_own_length_of_text(model: Any) -> None:
    async with emulated() as (vendor, client):
        http, detail = await refusal(heard(client, "a" * (model.characters + 1), model_id=model.id))
        assert (http, detail["status"]) == (400, "max_character_limit_exceeded")
        assert vendor.counters.characters == 0
        assert await heard(client, "Good morning.", model_id=model.id)


async def test_fields_of_a_wrong_kind_are_a_list_with_422() -> None:
    async with (
        emulated() as (vendor, _),
        httpx.AsyncClient(verify=vendor.client_context()) as http,
    ):
        address = f"{vendor.base_url}/v1/text-to-speech/{VOICE}/stream"
        headers = {"xi-api-key": vendor.api_key}
        for body, place in (
            ({}, ["body", "text"]),
            ({"text": 3}, ["body", "text"]),
            ({"text": "a", "language_code": 3}, ["body", "language_code"]),
            (
                {"text": "a", "voice_settings": {"speed": "fast"}},
                ["body", "voice_settings", "speed"],
            ),
            ({"text": "a", "voice_settings": []}, ["body", "voice_settings"]),
            ({"text": "a", "previous_request_ids": list("abcd")}, ["body", "previous_request_ids"]),
            ({"text": "a", "apply_text_normalization": "no"}, ["body", "apply_text_normalization"]),
            ([], ["body"]),
        ):
            answer = await http.post(address, json=body, headers=headers)
            assert answer.status_code == 422
            assert answer.json()["detail"][0]["loc"] == place
        broken = await http.post(address, content=b"{", headers=headers)
        assert broken.status_code == 422
        unknown = await http.post(address, json={"text": "a", "no_such_field": 1}, headers=headers)
        assert unknown.status_code == 200


async def test_the_quota_is_counted_in_credits_and_then_refused() -> None:
    plan = dataclasses.replace(PLANS["free"], characters=20)
    async with emulated(plan=plan) as (vendor, client):
        await heard(client, "a" * 30)
        assert vendor.account.character_count == 15
        http, detail = await refusal(heard(client, "a" * 12))
        assert (http, detail["status"]) == (401, "quota_exceeded")
        assert "quota of 20" in detail["message"]
        assert "5 credits remaining, while 6 credits" in detail["message"]
        assert (await client.user.subscription.get()).character_count == 15


@pytest.mark.parametrize(
    ("model", "places"), [("eleven_flash_v2_5", 4), ("eleven_multilingual_v2", 2)]
)
async def test_more_at_a_time_than_the_plan_has_places_is_429(model: str, places: int) -> None:
    delays = Delays(first_sound=0.4)
    async with emulated(plan="free", delays=delays) as (vendor, client):
        calls = [heard(client, model_id=model) for _ in range(places + 2)]
        got = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(one, bytes) for one in got) == places
        refused: list[Any] = [one for one in got if isinstance(one, Exception)]
        assert {one.status_code for one in refused} == {429}
        detail = refused[0].body["detail"]
        assert detail["status"] == "too_many_concurrent_requests"
        assert f"maximum of {places} concurrent" in detail["message"]
        # The places are free again.
        assert await heard(client, model_id=model)
        assert vendor.account.running == {"flash": 0, "multilingual": 0}


async def test_a_request_above_the_places_waits_a_moment() -> None:
    async with emulated(plan="free", delays=Delays(first_sound=0.03)) as (_, client):
        await client.voices.get_all()
        sounds = await asyncio.gather(
            *(heard(client, model_id="eleven_multilingual_v2") for _ in range(3))
        )
        assert all(sounds)


async def test_newer_answers_have_more_in_them() -> None:
    async with emulated(newer_errors=True) as (vendor, client):
        http, detail = await refusal(heard(client, voice_id="nobody"))
        assert http == 404
        assert detail["status"] == detail["code"] == "voice_not_found"
        assert detail["type"] == "not_found"
        assert detail["request_id"]
        async with client_of(vendor, "sk_wrong") as stranger:
            http, detail = await refusal(heard(stranger))
        assert (http, detail["status"], detail["code"]) == (
            401,
            "invalid_api_key",
            "unauthorized",
        )


async def test_the_account_and_the_models_fill_the_clients_types() -> None:
    async with emulated(plan="starter") as (_, client):
        subscription = await client.user.subscription.get()
        assert (subscription.tier, subscription.status) == ("starter", "active")
        assert (subscription.character_limit, subscription.voice_limit) == (30_000, 10)
        assert subscription.can_use_instant_voice_cloning
        assert subscription.open_invoices == []
        user = await client.user.get()
        assert user.subscription.tier == "starter"
        assert user.user_id
        models = {model.model_id: model for model in await client.models.list()}
        assert set(models) == set(MODELS)
        flash = models[FLASH]
        assert flash.maximum_text_length_per_request == 40_000
        assert "hu" in {one.language_id for one in flash.languages or ()}
        assert flash.model_rates is not None
        assert flash.model_rates.character_cost_multiplier == 0.5


async def test_it_can_be_killed_and_comes_back_on_its_port() -> None:
    async with emulated() as (vendor, client):
        assert await heard(client)
        port = vendor.port
        await vendor.stop()
        with pytest.raises(httpx.ConnectError):
            await heard(client)
        await vendor.start()
        assert vendor.port == port
        assert await heard(client)
        await vendor.start()
        await vendor.stop()
        await vendor.stop()


async def test_killing_it_cuts_what_is_being_said() -> None:
    async with emulated(speed=1.0) as (vendor, client):
        stream = client.text_to_speech.stream(
            VOICE, text=TEXT, model_id=FLASH, output_format="pcm_16000"
        )
        await anext(stream)
        await vendor.stop()
        with pytest.raises(httpx.TransportError):
            async for _ in stream:
                pass
        assert vendor.account.running["flash"] == 0


async def test_one_connection_serves_request_after_request() -> None:
    async with emulated() as (vendor, client):
        for _ in range(5):
            await heard(client)
        assert vendor.counters.connections == 1
        assert vendor.connections_open == 1
        assert vendor.counters.requests["speech"] == 5


async def test_a_client_that_leaves_frees_its_place() -> None:
    async with emulated(speed=1.0) as (vendor, client):
        call = asyncio.create_task(heard(client, TEXT))
        await until(lambda: vendor.account.running["flash"] == 1)
        call.cancel()
        await until(lambda: vendor.account.running["flash"] == 0)


async def test_the_offline_engine_speaks_inside() -> None:
    async with emulated(mouth=OfflineMouth()) as (_, client):
        sound = await heard(client, TEXT, language_code="es", output_format="pcm_24000")
        pcm = np.frombuffer(sound, np.int16)
        assert 2.0 < len(pcm) / 24_000 < 6.0
        assert np.abs(pcm).max() > 3000
        fast = await heard(
            client,
            TEXT,
            language_code="es",
            output_format="pcm_24000",
            voice_settings=VoiceSettings(speed=1.2),
        )
        assert len(fast) < len(sound) * 0.92
        # More than espeak takes at once, and nothing that can be pronounced.
        assert len(await heard(client, (TEXT + " ") * 25, language_code="es")) > 20 * len(sound) / 2
        assert await heard(client, "...")


def test_times_are_spread_over_all_characters() -> None:
    times = spread("a b", 1.0, start_s=2.0)
    assert [time.character for time in times] == ["a", " ", "b"]
    assert [time.start_s for time in times] == pytest.approx([2.0, 2.4, 2.6])
    assert sum(time.duration_s for time in times) == pytest.approx(1.0)


def test_long_texts_are_cut_at_ends_of_sentences() -> None:
    assert list(pieces_of("One. Two. Three four", 12)) == ["One. Two.", " Three four"]
    for text in ("One. Two three. Four five six.", "x" * 35, "a " * 20):
        pieces = pieces_of(text, 10)
        assert "".join(pieces) == text
        assert max(map(len, pieces)) <= 10
