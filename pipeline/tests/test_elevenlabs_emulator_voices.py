"""The emulated ElevenLabs' voices: lists, pages, previews, and clones in their slots."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from elevenlabs.client import AsyncElevenLabs

from pipeline.emulators.elevenlabs.catalog import PLANS
from pipeline.emulators.elevenlabs.offline_mouth import OfflineMouth
from pipeline.emulators.elevenlabs.voices import STOCK, StoredVoice
from pipeline.providers.offline.espeak_voices import BY_KEY
from pipeline.sound.media import decode_audio_blob
from pipeline.sound.prosody import measure
from pipeline.tests.elevenlabs_helpers import ONCE, VOICE, emulated, heard, refusal, tone, wav

STARTER_SLOTS = 10


async def clone(client: AsyncElevenLabs, name: str = "Guest", **options: Any) -> str:
    asked: dict[str, Any] = {"files": [("a.wav", wav(tone(4.0)), "audio/wav")]} | options
    made = await client.voices.ivc.create(name=name, request_options=ONCE, **asked)
    assert made.requires_verification is False
    return str(made.voice_id)


async def test_stock_voices_are_plainly_described() -> None:
    async with emulated() as (_, client):
        voices = (await client.voices.get_all()).voices
        assert len(voices) == 8
        for voice in voices:
            assert voice.category == "premade"
            assert set(voice.labels or {}) == {"gender", "age", "accent", "language", "use_case"}
            assert voice.settings is not None
            assert voice.settings.speed == 1.0
            assert voice.preview_url
        assert len({voice.name for voice in voices}) == 8
        one = await client.voices.get(VOICE)
        assert one.name == "Calm low"
        assert (await client.voices.settings.get(VOICE)).stability == 0.5
    assert {voice.variant for voice in STOCK} == set(BY_KEY)


async def test_search_goes_page_by_page() -> None:
    async with emulated() as (_, client):
        names: list[str | None] = []
        token: str | None = None
        for number in range(3):
            page = await client.voices.search(page_size=3, next_page_token=token)
            assert page.total_count == 8
            assert page.has_more == (number < 2)
            names += [voice.name for voice in page.voices]
            token = page.next_page_token
        assert token is None
        assert names == [voice.name for voice in STOCK]


async def test_search_finds_by_words_and_labels() -> None:
    async with emulated() as (_, client):
        await clone(client, "Guest of a show", labels={"language": "de"})

        async def found(**query: Any) -> list[str | None]:
            return [voice.name for voice in (await client.voices.search(**query)).voices]

        assert await found(search="calm") == ["Calm low"]
        assert await found(search="guest") == ["Guest of a show"]
        assert await found(category="cloned") == ["Guest of a show"]
        assert await found(voice_type="personal") == ["Guest of a show"]
        assert len(await found(voice_type="default")) == 8
        assert await found(language=["de", "fr"]) == ["Guest of a show"]
        assert await found(gender="female", age="old") == ["Even high"]
        assert await found(accent="australian") == ["Firm low"]
        assert await found(use_cases="news", gender="male") == ["Firm low"]
        assert await found(voice_ids=[VOICE]) == ["Calm low"]
        assert (await found(sort="name"))[:2] == ["Bright middle", "Calm low"]
        assert (await found(sort="created_at_unix", sort_direction="desc"))[0] == "Guest of a show"


@pytest.mark.parametrize("size", [0, 101])
async def test_a_page_has_at_most_100(size: int) -> None:
    async with emulated() as (_, client):
        http, detail = await refusal(client.voices.search(page_size=size))
    assert (http, detail[0]["loc"]) == (422, ["query", "page_size"])


async def test_an_unknown_page_or_voice_is_refused() -> None:
    async with emulated() as (_, client):
        http, detail = await refusal(client.voices.search(next_page_token="noise!"))
        assert (http, detail["status"]) == (400, "invalid_page_token")
        http, detail = await refusal(client.voices.get("nobody"))
        assert (http, detail["status"]) == (400, "voice_not_found")


async def test_previews_are_open_and_sound_like_the_voice() -> None:
    async with (
        emulated() as (vendor, client),
        httpx.AsyncClient(verify=vendor.client_context()) as http,
    ):
        url = (await client.voices.get(VOICE)).preview_url
        assert url is not None
        assert url.startswith(vendor.base_url)
        answer = await http.get(url)
        assert answer.headers["content-type"] == "audio/mpeg"
        pcm = decode_audio_blob(answer.content, max_seconds=10)
        assert measure(pcm, 5).pitch_hz == pytest.approx(STOCK[1].pitch_hz, rel=0.05)
        gone = await http.get(url.replace(VOICE, "nobody"))
        assert gone.status_code == 400


async def test_a_clone_is_stored_edited_spoken_with_and_deleted() -> None:
    async with emulated() as (vendor, client):
        voice_id = await clone(
            client, description="Loud.", labels={"gender": "female"}, remove_background_noise=True
        )
        voice = await client.voices.get(voice_id)
        assert (voice.name, voice.category, voice.description) == ("Guest", "cloned", "Loud.")
        assert voice.labels == {"gender": "female"}
        assert voice.is_owner
        assert voice.created_at_unix
        assert voice.samples is not None
        assert voice.samples[0].file_name == "a.wav"
        assert voice.samples[0].duration_secs == pytest.approx(4.0)
        pcm = np.frombuffer(await heard(client, "Good morning.", voice_id=voice_id), np.int16)
        assert measure(pcm, 2).pitch_hz == pytest.approx(150.0, rel=0.05)

        await client.voices.update(
            voice_id, name="Host", files=[("b.wav", wav(tone(4.0, 220.0)), "audio/wav")]
        )
        voice = await client.voices.get(voice_id)
        assert voice.name == "Host"
        assert len(voice.samples or ()) == 2
        subscription = await client.user.subscription.get()
        assert (subscription.voice_slots_used, subscription.voice_add_edit_counter) == (1, 2)

        assert (await client.voices.delete(voice_id)).status == "ok"
        http, detail = await refusal(heard(client, voice_id=voice_id))
        assert (http, detail["status"]) == (400, "voice_not_found")
        assert (await client.user.subscription.get()).voice_slots_used == 0
        assert vendor.counters.requests["clone"] == 1


async def test_slots_are_limited_and_free_again() -> None:
    async with emulated(plan="starter") as (_, client):
        made = [await clone(client, f"Guest {number}") for number in range(STARTER_SLOTS)]
        assert len(set(made)) == STARTER_SLOTS
        http, detail = await refusal(clone(client))
        assert (http, detail["status"]) == (400, "voice_limit_reached")
        assert "(10 / 10)" in detail["message"]
        await client.voices.delete(made[0])
        assert await clone(client)


@pytest.mark.parametrize(("newer", "http"), [(False, 401), (True, 400)])
async def test_the_free_plan_does_not_clone(newer: bool, http: int) -> None:
    async with emulated(plan="free", newer_errors=newer) as (_, client):
        got, detail = await refusal(clone(client))
    assert (got, detail["status"]) == (http, "can_not_use_instant_voice_cloning")
    assert detail.get("code") == ("paid_plan_required" if newer else None)


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([("a.wav", b"RIFFxxxxWAVE noise", "audio/wav")], "invalid_audio_file"),
        ([("a.txt", b"not a sound", "text/plain")], "invalid_audio_file"),
        ([("a.wav", wav(tone(0.5)), "audio/wav")], "audio_too_short"),
        ([(f"{n}.wav", wav(tone(0.1)), "audio/wav") for n in range(26)], "too_many_samples"),
    ],
)
async def test_bad_samples_are_refused_and_take_no_slot(files: Any, status: str) -> None:
    async with emulated() as (vendor, client):
        http, detail = await refusal(clone(client, files=files))
        assert (http, detail["status"]) == (400, status)
        assert vendor.account.voices.used == 0


async def test_forms_without_what_they_need_are_422() -> None:
    async with (
        emulated() as (vendor, client),
        httpx.AsyncClient(verify=vendor.client_context()) as http,
    ):
        address = f"{vendor.base_url}/v1/voices/add"
        headers = {"xi-api-key": vendor.api_key}
        file = {"files": ("a.wav", wav(tone(4.0)), "audio/wav")}
        for data, files, field in (
            ({"name": "Guest"}, {"other": ("a", b"", "text/plain")}, "files"),
            ({}, file, "name"),
            ({"name": "Guest", "labels": "[1]"}, file, "labels"),
        ):
            answer = await http.post(address, data=data, files=files, headers=headers)
            assert answer.status_code == 422
            assert answer.json()["detail"][0]["loc"] == ["body", field]
        assert (await http.post(address, data={"name": "a"}, headers=headers)).status_code == 422
        # The client sends the word null where no labels are given.
        assert (await client.voices.get(await clone(client))).labels == {}


async def test_stock_voices_stay() -> None:
    async with emulated() as (_, client):
        http, detail = await refusal(client.voices.delete(VOICE))
        assert (http, detail["status"]) == (400, "voice_not_deletable")
        http, detail = await refusal(client.voices.update(VOICE, name="Other"))
        assert (http, detail["status"]) == (400, "voice_not_editable")


async def test_professional_voices_need_a_larger_plan() -> None:
    voice = StoredVoice("pro1", "Studio", "professional", "f1", 154.0)
    plan = dataclasses.replace(PLANS["starter"])
    async with emulated(plan=plan) as (vendor, client):
        vendor.account.voices.put(voice)
        http, detail = await refusal(heard(client, voice_id="pro1"))
        assert (http, detail["status"]) == (403, "only_for_creator+")


async def test_voices_outlive_a_restart() -> None:
    async with emulated() as (vendor, client):
        voice_id = await clone(client)
        await vendor.stop()
        await vendor.start()
        assert (await client.voices.get(voice_id)).name == "Guest"


async def test_a_clone_resembles_the_person_it_was_made_of(speech_data: Path) -> None:
    async with emulated(mouth=OfflineMouth()) as (_, client):
        pitches: dict[str, float] = {}
        for speaker in ("2033", "367"):
            files = sorted((speech_data / "librispeech").glob(f"{speaker}-*.flac"))
            if not files:
                continue
            pcm, rate_hz = soundfile.read(files[3], dtype="int16")
            own_hz = measure(np.asarray(pcm[: 6 * rate_hz]), 12).pitch_hz
            voice_id = await clone(client, files=[(files[3].name, files[3].read_bytes())])
            sound = await heard(client, "Good morning to everyone.", voice_id=voice_id)
            cloned_hz = measure(np.frombuffer(sound, np.int16), 4).pitch_hz
            assert cloned_hz == pytest.approx(own_hz, rel=0.15)
            pitches[speaker] = cloned_hz
        assert pitches
