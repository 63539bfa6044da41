"""The whole product on the emulated cloud: a person's own keys, through the vendors' clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.orm_thread import close_orm_threads
from accounts.services import keep_engine_key
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.tests.emulated_elevenlabs import emulated
from pipeline.tests.google_cloud import access, cloud, speech
from sessions_app.engines import loaded
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession
from sessions_app.tests.conftest import Person
from sessions_app.tests.socket import Socket

Cloud = tuple[GoogleEmulator, ElevenLabsEmulator]


@pytest_asyncio.fixture
async def vendors(ana: Person, settings: Any, tmp_path: Path) -> AsyncIterator[Cloud]:
    async with cloud(tmp_path) as google, emulated(certificate=google.certificate) as voices:
        settings.ENGINES = "emulated"
        settings.GOOGLE_SPEECH_ENDPOINT = settings.GOOGLE_TRANSLATION_ENDPOINT = google.address
        settings.GOOGLE_SPEECH_REGION = google.speech.rules.region
        settings.ELEVENLABS_BASE_URL = voices.base_url
        settings.CLOUD_ROOT_CERTIFICATES = google.certificate.certificate
        yield google, voices
        await live.close()
        await loaded.close_engines()
        close_orm_threads()
        await sync_to_async(connections.close_all)()


async def test_own_keys_make_every_line_in_the_cloud(vendors: Cloud, ana: Person) -> None:
    google, voices = vendors
    keep = sync_to_async(keep_engine_key)
    await keep(ana.user, vendor="google", text=access(google).credentials)
    await keep(ana.user, vendor="elevenlabs", text=voices.api_key)
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    while (event := await socket.receive())["type"] not in {"ready", "error"}:
        pass
    assert event["type"] == "ready", event
    assert event["engines"] == {
        "recognition": "google-speech",
        "translation": "google-translate",
        "synthesis": "elevenlabs",
    }
    session = await DubbingSession.objects.aget(pk=socket.session_id)
    assert session.engines == event["engines"]
    await socket.send_audio(speech(2.0))
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()


async def test_without_a_key_the_cloud_refuses_and_the_server_is_well(
    vendors: Cloud, ana: Person
) -> None:
    loaded.begin_warming(again=True)
    assert loaded.engine_status()["state"] == "ready"
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    refused = await socket.until("error")
    await socket.leave()
    assert refused["code"] == "key_missing"
