"""Clones in live sessions: taken up when they are ready, dropped when consent ends."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soundfile
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from accounts.orm_thread import close_orm_threads
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.engines import loaded
from sessions_app.live import registry as live
from sessions_app.processes import mailbox
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.recognising import Voices
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_recognition_live import MAN, Session
from voices import services
from voices.cloning import watching
from voices.cloning.discarding import delete_discarded_clones
from voices.cloning.making import make_clone
from voices.models import Actor, Consent, Decision, VoiceClone, VoiceSample
from voices.services.sample_analysis import analyse_sample
from voices.tests.vendor import running_vendor, stored

STEPS = ["collect", "check", "create", "preview", "measure"]


@pytest.fixture
def vendor(settings: Any) -> Iterator[ElevenLabsEmulator]:
    with running_vendor() as made:
        settings.ELEVENLABS_API_KEY = made.api_key
        settings.ELEVENLABS_BASE_URL = made.base_url
        settings.CLOUD_ROOT_CERTIFICATES = made.certificate
        yield made


@pytest_asyncio.fixture
async def speaking(
    ana: Person, settings: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """The engine that speaks: the offline one, or that of the test's parameter."""
    engine: str = getattr(request, "param", "espeak")
    if engine == "elevenlabs":
        request.getfixturevalue("vendor")
    made = {"espeak": "speaking_engines", "elevenlabs": "vendor_engines"}[engine]
    settings.DUBBING_ENGINES = f"sessions_app.tests.recognising.{made}"
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "media"},
    }
    settings.STORAGES = {**settings.STORAGES, "default": local}
    await loaded.engines()
    yield engine
    await live.close()
    await loaded.close_engines()
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


def cloned(ana: Person, actor: Actor, engine: str = "espeak") -> VoiceClone:
    clone, _ = services.request_clone(actor, owner=ana.user, by=ana.user, engine=engine)
    assert make_clone(clone.pk) is None
    clone.refresh_from_db()
    assert clone.state == "ready", clone.problem
    return clone


def voices_from(session: Session, media_s: float) -> list[str]:
    """The voices of what was said from that moment on; what was said before may come late."""
    said = {one["line"]: one["start_s"] for one in session.socket.heard("transcript")}
    return [cue["voice"] for cue in session.socket.heard("cue") if said[cue["line"]] >= media_s]


def steps_told(socket: Socket, clone: VoiceClone) -> list[str]:
    """The steps that the socket told of while the clone was made, each once."""
    told = [one for one in socket.heard("clone_progress") if one["clone"] == str(clone.pk)]
    assert not any(one["problem"] for one in told)
    return list(dict.fromkeys(one["step"] for one in told if one["state"] == "making"))


@pytest.mark.parametrize("speaking", ["espeak", "elevenlabs"], indirect=True)
async def test_a_clone_is_taken_up_in_mid_session_and_dropped_when_consent_is_revoked(
    speaking: str, ana: Person, voices: Voices, request: pytest.FixtureRequest
) -> None:
    mailbox.begin_listening()
    actor, consent = await sync_to_async(consented)(ana, voices)
    session = await Session(ana).begin(speakers="recognise")
    await session.hears(voices.clip(MAN, 2))
    speaker = (await session.identity())["speaker"]
    stock = set(session.voices_of(speaker))

    # Made beside the session, as a worker makes it.
    clone = await sync_to_async(cloned)(ana, actor, speaking)
    assert not any(clone.vendor_id in voice for voice in stock)
    while (await session.socket.until("clone_progress"))["state"] != "ready":
        pass
    await session.socket.until("identity")
    assert steps_told(session.socket, clone) == STEPS
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
    # The vendor's copy goes, the record of what happened stays.
    await sync_to_async(delete_discarded_clones)()
    if speaking == "elevenlabs":
        assert stored(request.getfixturevalue("vendor")) == []
    await clone.arefresh_from_db()
    assert clone.state == "deleted"
    kinds = Decision.objects.filter(actor_id=actor.pk).values_list("kind", flat=True)
    told_kinds = {kind async for kind in kinds}
    assert {"consent_given", "clone_made", "consent_revoked", "clone_gone"} <= told_kinds


async def test_whoever_is_known_begins_with_their_own_voice(
    speaking: str, ana: Person, voices: Voices
) -> None:
    actor, _ = await sync_to_async(consented)(ana, voices)
    clone = await sync_to_async(cloned)(ana, actor)
    session = await Session(ana).begin(speakers="recognise")
    await session.hears(voices.clip(MAN, 2))
    speaker = (await session.identity())["speaker"]
    await session.hears(voices.clip(MAN, 3))
    await session.end()
    assert clone.vendor_id in session.voices_of(speaker)[-1]


async def events_of(clone: VoiceClone, person: Person) -> AsyncIterator[str]:
    """What is told of a clone to who watches it over HTTP."""
    header = {"Authorization": f"Token {person.token}"}
    answer: Any = await AsyncClient().get(f"/api/clones/{clone.pk}/events", headers=header)
    assert answer["Content-Type"] == "text/event-stream"
    async for piece in answer.streaming_content:
        yield piece.decode()


async def test_the_socket_has_a_clone_made_where_the_actor_has_consented(
    server: Server,
    ana: Person,
    ben: Person,
    voices: Voices,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nothing but notices wakes who watches.
    monkeypatch.setattr(watching, "CLONE_LOOK_S", 600.0)
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "media"},
    }
    settings.STORAGES = {**settings.STORAGES, "default": local}
    settings.ENGINES = "scripted"
    make = sync_to_async(services.create_actor)
    actor = await make(ana.user, by=ana.user, name="Paul")
    foreign = await make(ben.user, by=ben.user, name="Ben's")
    speech = np.concatenate([voices.clip(MAN, number) for number in (0, 1)])
    encoded = base64.b64encode(speech.tobytes()).decode()
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
    clone = await VoiceClone.objects.aget()
    assert made["clone"] == str(clone.pk)
    assert (clone.actor_id, clone.engine) == (actor.pk, "scripted-synthesizer")
    assert await clone.samples.acount() == 1

    # As workers do it; the socket tells each step, and nobody else's does.
    other = Socket(token=ben.token)
    await other.connect()
    events = events_of(clone, ana)
    assert '"state": "waiting"' in await anext(events)
    sample = await clone.samples.aget()
    assert await sync_to_async(analyse_sample)(sample.pk)
    assert await sync_to_async(make_clone)(clone.pk) is None
    while (await socket.until("clone_progress"))["state"] != "ready":
        pass
    assert steps_told(socket, clone) == STEPS
    told = [one async for one in events]
    assert '"state": "ready", "step": "measure"' in told[-2]
    assert told[-1].startswith("event: end")
    await other.send(type="ping", id=1)
    await other.until("pong")
    assert not other.heard("clone_progress")
    for one in (socket, other):
        await one.leave()
