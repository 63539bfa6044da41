"""Actors recognised in live sessions: real recordings through the real socket."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.models import User
from accounts.orm_thread import close_orm_threads
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.engines import loaded
from sessions_app.live import registry as live
from sessions_app.tests.conftest import Person
from sessions_app.tests.recognising import Voices
from sessions_app.tests.socket import Socket
from voices import services
from voices.models import Actor, PinnedVoice, Speaker, SpeakerState, UsualVoice, Voiceprint

MAN, WOMAN = "2033", "367"


@pytest_asyncio.fixture
async def listening(ana: Person, settings: Any) -> AsyncIterator[None]:
    settings.DUBBING_ENGINES = "sessions_app.tests.recognising.listening_engines"
    await loaded.engines()
    yield
    await live.close()
    await loaded.close_engines()
    close_orm_threads()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def voices(speech_data: Path) -> Voices:
    return Voices(speech_data)


class Session:
    """A session that is dubbed; what is heard of it, by kind."""

    def __init__(self, person: Person, session_id: uuid.UUID | None = None) -> None:
        self.socket = Socket(token=person.token, session_id=session_id)

    @property
    def id(self) -> str:
        return self.socket.session_id

    async def begin(self, speakers: str | None = "remember") -> Session:
        await self.socket.connect()
        await self.socket.send(
            type="start_dubbing", source_language="en", target_language="es", speakers=speakers
        )
        await self.socket.until("ready")
        return self

    async def hears(self, pcm: Pcm) -> None:
        """All of it is dubbed when this returns: the newest line is heard behind its speech."""
        before = len(self.socket.heard("cue_end"))
        # Faster than real time, but not so that anything would be dropped.
        for start in range(0, len(pcm), 2 * SAMPLE_RATE_HZ):
            await self.socket.send_audio(pcm[start : start + 2 * SAMPLE_RATE_HZ])
            await asyncio.sleep(0.05)
        while len(self.socket.heard("cue_end")) == before:
            await self.socket.receive()

    async def identity(self, state: str = "confirmed") -> dict[str, Any]:
        """The first one told in that state, perhaps already."""
        told = [one for one in self.socket.heard("identity") if one["state"] == state]
        while not told:
            one = await self.socket.until("identity")
            told = [one] if one["state"] == state else []
        return told[0]

    async def end(self) -> Session:
        await self.socket.send(type="stop_dubbing")
        await self.socket.until("summary")
        await self.socket.leave()
        return self

    def voices_of(self, speaker: str) -> list[str]:
        """The voices of the speaker's cues, in order."""
        return [cue["voice"] for cue in self.socket.heard("cue") if cue["speaker"] == speaker]


async def enrol(
    person: Person, voices: Voices, who: str, name: str, clips: tuple[int, ...] = (0, 1, 0)
) -> Actor:
    """An actor known from one session in which they were remembered."""
    session = await Session(person).begin()
    for number in clips:
        await session.hears(voices.clip(who, number))
    await session.end()
    heard = Speaker.objects.select_related("actor").filter(session_id=session.id)
    # A machine that is busy may take a stretch of it for somebody else's.
    speaker = await heard.order_by("-speech_s").afirst()
    assert speaker is not None
    assert speaker.actor is not None
    speaker.actor.name = name
    await speaker.actor.asave()
    actor: Actor = speaker.actor
    return actor


async def test_the_same_actor_has_the_same_voice_in_three_sessions(
    listening: None, ana: Person, voices: Voices
) -> None:
    actor = await enrol(ana, voices, MAN, "Paul")
    usual = await UsualVoice.objects.aget(actor=actor)

    second = await Session(ana).begin()
    # Another one comes first, and takes the voice that Paul had.
    await second.hears(voices.clip(WOMAN, 1))
    await second.hears(voices.clip(MAN, 2))
    paul = await second.identity()
    await second.hears(voices.clip(MAN, 4))
    await second.end()

    third = await Session(ana).begin()
    await third.hears(voices.clip(MAN, 3))
    again = await third.identity()
    await third.hears(voices.clip(MAN, 5))
    await third.end()

    assert paul["actor"] == again["actor"] == str(actor.pk)
    assert paul["name"] == "Paul"
    assert 0.8 <= paul["confidence"] <= 1.0
    assert second.voices_of(paul["speaker"])[-1] == usual.voice
    assert third.voices_of(again["speaker"])[-1] == usual.voice


async def test_a_known_actor_is_told_within_five_seconds_of_their_speech(
    listening: None, ana: Person, voices: Voices
) -> None:
    actor = await enrol(ana, voices, WOMAN, "Mary", clips=(3, 5))
    session = await Session(ana).begin(speakers="recognise")
    # No more is said before they are told.
    await session.hears(voices.clip(WOMAN, 2, seconds=5.0))
    told = await session.identity()
    await session.end()
    assert told["actor"] == str(actor.pk)


async def test_a_stranger_stays_unknown(listening: None, ana: Person, voices: Voices) -> None:
    await enrol(ana, voices, MAN, "Paul")
    session = await Session(ana).begin(speakers="recognise")
    await session.hears(voices.clip(WOMAN, 2, seconds=8.0))
    await session.end()
    assert session.socket.heard("identity") == []
    assert not await Speaker.objects.filter(session_id=session.id).aexists()


async def test_nobody_is_recognised_as_somebody_elses_actor(
    listening: None, ana: Person, ben: Person, voices: Voices
) -> None:
    actor = await enrol(ana, voices, MAN, "Paul")
    session = await Session(ben).begin()
    await session.hears(voices.clip(MAN, 2))
    # Nor can Ben name an actor of Ana's by its id.
    await session.socket.send(type="identify_speaker", speaker="S1", actor=str(actor.pk))
    error = await session.socket.until("error")
    await session.end()
    assert error["code"] == "actor_unknown"
    assert not any(told["actor"] == str(actor.pk) for told in session.socket.heard("identity"))
    found = Speaker.objects.filter(session_id=session.id, actor=actor)
    assert not await found.aexists()


async def test_voices_are_kept_only_where_they_are_to_be_remembered(
    listening: None, ana: Person, voices: Voices
) -> None:
    for policy in ("off", "recognise", None):
        session = await Session(ana).begin(speakers=policy)
        await session.hears(voices.clip(MAN, 0))
        await session.end()
        assert session.socket.heard("identity") == []
    assert not await Voiceprint.objects.aexists()
    assert not await Speaker.objects.aexists()
    await User.objects.filter(pk=ana.user.pk).aupdate(speakers="remember")
    session = await Session(ana).begin(speakers=None)
    await session.hears(voices.clip(MAN, 0))
    await session.end()
    kept = [one async for one in Voiceprint.objects.select_related("speaker")]
    assert {one.encoder for one in kept} == {"resemblyzer", "resemblyzer-narrow"}
    assert {one.owner_id for one in kept} == {ana.user.pk}


async def test_a_correction_over_the_socket_holds_from_the_next_line(
    listening: None, ana: Person, voices: Voices
) -> None:
    wrong = await enrol(ana, voices, MAN, "Paul")
    right = await sync_to_async(services.create_actor)(ana.user, by=ana.user, name="His brother")
    await PinnedVoice.objects.acreate(
        actor=right, owner=ana.user, language="es", engine="scripted-synthesizer", voice="hum-mid"
    )
    session = await Session(ana).begin()
    await session.hears(voices.clip(MAN, 2))
    told = await session.identity()
    assert told["actor"] == str(wrong.pk)
    speaker = told["speaker"]
    assert session.voices_of(speaker)[-1] != "hum-mid"

    await session.socket.send(type="identify_speaker", speaker=speaker, actor=str(right.pk))
    corrected = await session.socket.until("identity")
    before = len(session.voices_of(speaker))
    await session.hears(voices.clip(MAN, 4))
    # Who that is may turn out to be another one, two people, or be deleted, here as anywhere.
    same = await sync_to_async(services.create_actor)(ana.user, by=ana.user, name="His twin")
    await sync_to_async(services.merge_actors)(same, [right], by=ana.user)
    merged = await session.socket.until("identity")
    kept = await Speaker.objects.aget(session_id=session.id, label=speaker)
    split = sync_to_async(services.split_actor)
    third = await split(same, by=ana.user, name="A third", speakers=[kept])
    divided = await session.socket.until("identity")
    ids = [str(same.pk), str(third.pk), None]
    await sync_to_async(services.delete_actor)(third, by=ana.user)
    deleted = await session.socket.until("identity")
    await session.end()
    assert [one["actor"] for one in (merged, divided, deleted)] == ids
    assert corrected["by_person"]
    assert (corrected["name"], corrected["confidence"]) == ("His brother", 1.0)
    assert set(session.voices_of(speaker)[before:]) == {"hum-mid"}
    assert (kept.actor_id, kept.decided_by_person) == (same.pk, True)


async def test_a_rejection_made_elsewhere_is_final_here(
    listening: None, ana: Person, voices: Voices
) -> None:
    actor = await enrol(ana, voices, MAN, "Paul")
    session = await Session(ana).begin()
    await session.hears(voices.clip(MAN, 2))
    told = await session.identity()
    speaker = await Speaker.objects.aget(session_id=session.id, label=told["speaker"])
    seen = len(session.socket.heard("identity"))

    await sync_to_async(services.reject)(speaker, actor, by=ana.user)
    rejected = await session.socket.until("identity")
    await session.hears(voices.clip(MAN, 3))
    await session.hears(voices.clip(MAN, 0))
    await session.end()
    assert (rejected["state"], rejected["actor"]) == ("unknown", None)
    later = session.socket.heard("identity")[seen:]
    assert str(actor.pk) not in {one["actor"] for one in later}

    # Nor in the next session, in which the same voice is heard.
    following = await Session(ana).begin(speakers="recognise")
    await following.hears(voices.clip(MAN, 4))
    await following.end()
    assert str(actor.pk) not in {one["actor"] for one in following.socket.heard("identity")}


async def test_a_correction_names_a_speaker_who_was_heard(
    listening: None, ana: Person, voices: Voices
) -> None:
    actor = await sync_to_async(services.create_actor)(ana.user, by=ana.user, name="Paul")
    session = await Session(ana).begin()
    codes = []
    for speaker, who in (("S7", str(actor.pk)), ("S1", "nobody"), ("S1", str(uuid.uuid4()))):
        await session.socket.send(type="identify_speaker", speaker=speaker, actor=who)
        codes.append((await session.socket.until("error"))["code"])
    await session.end()
    assert codes == ["speaker_unknown", "actor_unknown", "actor_unknown"]
    assert not await Speaker.objects.filter(state=SpeakerState.CONFIRMED).aexists()
