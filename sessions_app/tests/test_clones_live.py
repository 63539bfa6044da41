"""Clones in live sessions: taken up when they are ready, dropped when consent ends."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import soundfile
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.orm_thread import close_orm_threads
from pipeline.providers.scripted.sounds import tone
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app import live, mailbox, wiring
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.recognising import Voices
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_recognition_live import MAN, Session
from voices import services
from voices.cloning.making import make_clone
from voices.models import Actor, Consent, VoiceClone, VoiceSample
from voices.services.samples import analyse_sample


@pytest_asyncio.fixture
async def speaking(ana: Person, settings: Any, tmp_path: Path) -> AsyncIterator[None]:
    settings.DUBBING_ENGINES = "sessions_app.tests.recognising.speaking_engines"
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "media"},
    }
    settings.STORAGES = {**settings.STORAGES, "default": local}
    await wiring.engines()
    yield
    await live.close()
    await wiring.close_engines()
    close_orm_threads()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def voices(speech_data: Path) -> Voices:
    return Voices(speech_data)


def consented(ana: Person, voices: Voices) -> tuple[Actor, Consent]:
    """An actor who is recognised by recordings of theirs."""
    actor = services.create_actor(ana.user, by=ana.user, name="Paul", languages=["en"])
    consent = services.give_consent(
        actor,
        owner=ana.user,
        by=ana.user,
        given_by="Paul",
        uses=["sample", "recognise", "clone"],
        statement="You may.",
    )
    for number in (0, 1):
        content = io.BytesIO()
        soundfile.write(content, voices.clip(MAN, number), 16_000, format="FLAC")
        sample = services.upload_sample(
            actor, owner=ana.user, by=ana.user, content=content.getvalue()
        )
        assert analyse_sample(sample.pk)
    return actor, consent


def cloned(ana: Person, actor: Actor) -> VoiceClone:
    clone, _ = services.request_clone(actor, owner=ana.user, by=ana.user, engine="espeak")
    assert make_clone(clone.pk) is None
    clone.refresh_from_db()
    assert clone.state == "ready", clone.problem
    return clone


def voices_from(session: Session, media_s: float) -> list[str]:
    """The voices of what was said from that moment on; what was said before may come late."""
    said = {one["line"]: one["start_s"] for one in session.socket.heard("transcript")}
    return [cue["voice"] for cue in session.socket.heard("cue") if said[cue["line"]] >= media_s]


async def test_a_clone_is_taken_up_in_mid_session_and_dropped_when_consent_is_revoked(
    speaking: None, ana: Person, voices: Voices
) -> None:
    mailbox.begin_listening()
    actor, consent = await sync_to_async(consented)(ana, voices)
    session = await Session(ana).begin(speakers="recognise")
    await session.hears(voices.clip(MAN, 2))
    speaker = (await session.identity())["speaker"]
    assert all("world-" not in voice for voice in session.voices_of(speaker))

    # Made beside the session, as a worker makes it.
    clone = await sync_to_async(cloned)(ana, actor)
    told = len(session.socket.heard("identity"))
    while len(session.socket.heard("identity")) == told:
        await session.socket.receive()
    before = len(session.voices_of(speaker))
    await session.hears(voices.clip(MAN, 4))
    own = session.voices_of(speaker)[before:]
    assert own
    assert all(clone.vendor_id in voice for voice in own)

    await sync_to_async(services.revoke_consent)(consent, by=ana.user)
    await session.hears(voices.clip(MAN, 5))
    await session.end()
    heard_s = sum(len(voices.clip(MAN, number)) for number in (2, 4)) / SAMPLE_RATE_HZ
    after = voices_from(session, heard_s)
    assert after
    assert not any(clone.vendor_id in voice for voice in after)
    assert all(len(cue["voice"]) for cue in session.socket.heard("cue"))
    await consent.arefresh_from_db()
    await clone.arefresh_from_db()
    assert consent.revoked_at is not None
    assert (clone.state, clone.profile.name) == ("revoked", "")
    assert clone.used_at is not None


async def test_whoever_is_known_begins_with_their_own_voice(
    speaking: None, ana: Person, voices: Voices
) -> None:
    actor, _ = await sync_to_async(consented)(ana, voices)
    clone = await sync_to_async(cloned)(ana, actor)
    session = await Session(ana).begin(speakers="recognise")
    await session.hears(voices.clip(MAN, 2))
    speaker = (await session.identity())["speaker"]
    await session.hears(voices.clip(MAN, 3))
    await session.end()
    assert clone.vendor_id in session.voices_of(speaker)[-1]


async def test_the_socket_has_a_clone_made_where_the_actor_has_consented(
    server: Server, ana: Person, ben: Person, settings: Any, tmp_path: Path
) -> None:
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "media"},
    }
    settings.STORAGES = {**settings.STORAGES, "default": local}
    settings.ENGINES = "scripted"
    make = sync_to_async(services.create_actor)
    actor = await make(ana.user, by=ana.user, name="Paul")
    foreign = await make(ben.user, by=ben.user, name="Ben's")
    encoded = base64.b64encode(tone(5.0).tobytes()).decode()
    socket = Socket(token=ana.token)
    await socket.connect()

    async def asked(who: str) -> dict[str, Any]:
        await socket.send(
            type="create_voice_clone", speaker_id="paul", audio_samples=[encoded], actor=who
        )
        answer: dict[str, Any] = await socket.until("voice_clone")
        return answer

    without = await asked(str(actor.pk))
    assert (without["accepted"], without["clone"]) == (True, None)
    assert "no valid consent" in without["message"]
    assert (await asked(str(foreign.pk)))["clone"] is None
    assert not await VoiceSample.objects.aexists()
    await sync_to_async(services.give_consent)(
        actor,
        owner=ana.user,
        by=ana.user,
        given_by="Paul",
        uses=["sample", "clone"],
        statement="Yes.",
    )
    made = await asked(str(actor.pk))
    await socket.leave()
    clone = await VoiceClone.objects.aget()
    assert made["clone"] == str(clone.pk)
    assert (clone.actor_id, clone.engine) == (actor.pk, "scripted-synthesizer")
    assert await clone.samples.acount() == 1
