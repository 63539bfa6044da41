"""Real traffic, both ways, is as the document says, and all that it says does happen."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from asgiref.sync import sync_to_async

from pipeline.providers.scripted.sounds import silence, tone, utterances
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession
from sessions_app.processes import shelf
from sessions_app.projects import making, uploads
from sessions_app.projects.files import flac_of
from sessions_app.protocol import asyncapi
from sessions_app.protocol.schemas import CLIENT_MESSAGES, SERVER_MESSAGES, tag
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.protocol_check import Checker
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_resume import come_back
from voices.cloning.making import make_clone
from voices.services import create_actor
from voices.tests.conftest import consent_of

SPEECH = utterances((2.0, 140.0), (2.5, 140.0))


@dataclass
class Seen:
    """Which messages went over sockets, and what the document has against them."""

    checker: Checker = field(default_factory=lambda: Checker(asyncapi.document()))
    by_client: set[str] = field(default_factory=set)
    by_server: set[str] = field(default_factory=set)
    hows: set[str] = field(default_factory=set)
    """Ways in which sessions were resumed."""
    complaints: list[str] = field(default_factory=list)

    def add(self, socket: Socket) -> None:
        for data in socket.sent:
            self.by_client.add(self._check(data, by_client=True))
        for data in socket.received:
            self.by_server.add(self._check(data, by_client=False))

    def _check(self, data: str | bytes, *, by_client: bool) -> str:
        if isinstance(data, bytes):
            self.complaints += self.checker.frame(data, by_client=by_client)
            return asyncapi.SOURCE_FRAME if by_client else asyncapi.CUE_FRAME
        message: dict[str, Any] = json.loads(data)
        self.complaints += self.checker.complaints(message)
        self.hows |= {message["how"]} if message["type"] == "resumed" else set()
        return str(message["type"])


def encoded(pcm: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(pcm.astype("<i2").tobytes()).decode()


async def with_frames(ana: Person) -> Socket:
    """Everything that a client with binary frames can say, and every kind of answer."""
    socket = Socket(token=ana.token)
    assert await socket.connect() == "dub.v1"
    await socket.send(type="ping", id="first")
    await socket.until("pong")
    await socket.send(type="start_dubbing", target_language="ja")
    assert (await socket.until("error"))["details"]
    await socket.send(type="start_dubbing", target_language="es", glossary={"morning": "mañana"})
    await socket.send(
        type="source_text",
        language="en",
        from_s=0.0,
        until_s=1.0,
        cues=[{"start_s": 0.3, "end_s": 1.0, "text": "Good morning."}],
    )
    await socket.send_audio(SPEECH)
    await socket.until("acknowledgement")
    await socket.send(type="acknowledge", sequence=socket.events[-1]["sequence"])
    for pcm in (tone(5.0), np.concatenate([tone(1.0), silence(4.0)])):
        await socket.send(type="create_voice_clone", speaker_id="ana", audio_samples=[encoded(pcm)])
        await socket.until("voice_clone")
    live.begin_answering()
    await sync_to_async(begin_job)(ana)
    job = await socket.until("job")
    assert (job["state"], job["step"], job["done"]) == ("running", "probe", 0)
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return socket


def begin_job(ana: Person) -> None:
    """A file to dub, on which nobody works."""
    upload = uploads.whole(ana.user, name="talk.flac", content=flac_of(SPEECH, SAMPLE_RATE_HZ))
    making.create_project(ana.user, upload=upload, source_language="en", target_language="es")


async def with_json_alone(ana: Person) -> Socket:
    socket = Socket(token=ana.token, subprotocols=("dub.json",))
    assert await socket.connect() == "dub.json"
    for number, begin in enumerate(range(0, len(SPEECH), 8_000)):
        await socket.send(
            type="audio_chunk",
            audio_data=encoded(SPEECH[begin : begin + 8_000]),
            sequence=number,
            media_time=begin / 16_000,
            source_language="en",
            target_language="fr",
            preserve_voice=True,
        )
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return socket


async def with_a_dub_that_falls_behind(server: Server, ana: Person) -> Socket:
    """Every line's dub lasts about three times as long as its source."""
    server().synthesizer.char_s = 0.25
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    source = utterances(*[(1.4, 140.0)] * 14, pause_s=0.6)
    for begin in range(0, len(source), 4096):
        await socket.send_audio(source[begin : begin + 4096])
        await asyncio.sleep(4096 / SAMPLE_RATE_HZ / 8)
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return socket


async def with_a_line_that_fails(server: Server, ana: Person) -> Socket:
    server().translator.fail_on = _as_committed(SCRIPT)
    server().recognizer.fail_at = {0}
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(SPEECH)
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return socket


async def with_a_language_to_find(server: Server, ana: Person) -> Socket:
    recognizer, translator = server().recognizer, server().translator
    recognizer.languages, recognizer.finds_any = frozenset({"en", "fr"}), True
    recognizer.said_in = ("en", "fr")
    recognizer.fail_at, translator.fail_on = set(), ()
    translator.pair_set = frozenset({("en", "es"), ("fr", "es")})
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="auto", target_language="es")
    await socket.send_audio(SPEECH)
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return socket


async def with_a_follower(ana: Person) -> list[Socket]:
    leader, follower = Socket(token=ana.token), Socket(token=ana.token)
    for socket in (leader, follower):
        await socket.connect()
    await leader.send(type="start_dubbing", target_language="es")
    await leader.until("ready")
    await follower.send(type="follow_dubbing", session=leader.session_id, engines={})
    await follower.until("ready")
    await leader.send_audio(SPEECH)
    await leader.send(type="stop_dubbing")
    await follower.until("summary")
    for socket in (leader, follower):
        await socket.leave()
    return [leader, follower]


async def with_an_actor(ana: Person) -> Socket:
    """A person says whose voice it is, and who it is not."""
    actor = await sync_to_async(create_actor)(ana.user, by=ana.user, name="Ida")
    await sync_to_async(consent_of)(actor, ana.user)
    socket = Socket(token=ana.token)
    await socket.connect()
    start = {"source_language": "en", "target_language": "es", "speakers": "remember"}
    await socket.send(type="start_dubbing", **start)
    await socket.send_audio(SPEECH)
    speaker = (await socket.until("speaker"))["speaker"]
    for verdict in ("confirm", "reject"):
        await socket.send(
            type="identify_speaker", speaker=speaker, actor=str(actor.pk), verdict=verdict
        )
        await socket.until("identity")
        if verdict == "confirm":
            await socket.send(type="keep_sample", speaker=speaker, actor=str(actor.pk))
            await socket.until("sample_kept")
    await socket.send(
        type="create_voice_clone",
        speaker_id=speaker,
        audio_samples=[encoded(tone(5.0))],
        actor=str(actor.pk),
    )
    made = (await socket.until("voice_clone"))["clone"]
    await sync_to_async(make_clone)(uuid.UUID(made))
    await socket.until("clone_progress")
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return socket


async def with_breaks(ana: Person) -> list[Socket]:
    """One client that comes back to the same process, to another one, and to nothing at all."""
    first = Socket()
    await first.connect()
    await first.send(type="authenticate", token=ana.token)
    start = {"type": "start_dubbing", "source_language": "en", "target_language": "es"}
    await first.send(**start, number=1)
    await first.send_audio(SPEECH[: 40 * 1024])
    await first.until("acknowledgement")

    second = await come_back(ana, first)
    await first.until("closing")

    await put_down(second)
    third = await come_back(ana, second)

    await put_down(third)
    await shelf.remove(uuid.UUID(first.session_id))
    # As if the lost process had not been heard of for long enough.
    session = DubbingSession.objects.filter(pk=first.session_id)
    await session.aupdate(held_by=None, held_at=None)
    fourth = await come_back(ana, third)
    await fourth.send(**start, number=2)
    await fourth.send_audio(SPEECH)
    await fourth.send(type="stop_dubbing", number=3)
    await fourth.until("summary")
    await fourth.leave()
    return [first, second, third, fourth]


async def put_down(socket: Socket) -> None:
    await socket.drop()
    conversation = live.find(uuid.UUID(socket.session_id))
    assert conversation is not None
    await conversation.put_down(timeout_s=0.0)


def _as_committed(script: Iterable[str]) -> set[str]:
    """The script's texts in every form in which they may reach the translator."""
    return {form for text in script for form in (text, text.capitalize(), f"{text.capitalize()}.")}


async def test_traffic_is_as_documented_and_all_of_it_happens(
    server: Server, ana: Person, media: Path
) -> None:
    seen = Seen()
    seen.add(await with_frames(ana))
    seen.add(await with_json_alone(ana))
    for socket in await with_breaks(ana):
        seen.add(socket)
    for socket in await with_a_follower(ana):
        seen.add(socket)
    seen.add(await with_an_actor(ana))
    seen.add(await with_a_dub_that_falls_behind(server, ana))
    seen.add(await with_a_line_that_fails(server, ana))
    seen.add(await with_a_language_to_find(server, ana))

    assert seen.complaints == []
    assert seen.hows == {"same", "moved", "new"}
    said = f"seen of the client: {sorted(seen.by_client)}; of the server: {sorted(seen.by_server)}"
    by_client = {tag(message) for message in CLIENT_MESSAGES} | {asyncapi.SOURCE_FRAME}
    by_server = {tag(message) for message in SERVER_MESSAGES} | {asyncapi.CUE_FRAME}
    assert by_client | by_server == seen.by_client | seen.by_server, said
