"""A session over the socket, from start_dubbing to the record in the database."""

from __future__ import annotations

import base64
import io
import uuid

import numpy as np
import pytest
import soundfile

from pipeline.providers.scripted.sounds import silence, tone, utterances
from sessions_app.models import DubbingSession, Line, SessionState
from sessions_app.tests.conftest import Person, Server, until_gone
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.socket import Socket

SPEECH = utterances((2.0, 140.0), (2.5, 140.0))


async def test_binary_audio_comes_back_as_cues_in_order(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    assert await socket.connect() == "dub.v1"
    await socket.send(type="start_dubbing", target_language="es", preserve_voice=False)
    await socket.send_audio(SPEECH)
    await socket.send(type="stop_dubbing")
    summary = await socket.until("summary")
    await socket.leave()

    kinds = [event["type"] for event in socket.events]
    assert kinds[0] == "ready"
    assert socket.heard("ready")[0]["engines"]["recognition"] == "scripted-recognizer"
    assert [notice["code"] for notice in socket.heard("notice")] == ["source_language_assumed"]
    said = " ".join(event["text"] for event in socket.heard("transcript")).lower()
    assert [word.strip(".,?") for word in said.split()] == " ".join(SCRIPT).split()
    cues = socket.heard("cue")
    assert summary["lines"] == len(cues) >= 2
    starts = [cue["start_s"] for cue in cues]
    assert starts == sorted(starts)
    ended = {event["cue"]: event["duration_s"] for event in socket.heard("cue_end")}
    for cue in cues:
        sounding_s = len(socket.sound(cue["cue"])) / cue["sample_rate"]
        assert sounding_s == pytest.approx(ended[cue["cue"]], abs=0.001)
    assert socket.sequences == list(range(len(socket.events) + len(socket.audio)))


async def test_what_was_dubbed_is_on_record_when_the_summary_arrives(
    server: Server, ana: Person
) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(SPEECH)
    await socket.send(type="stop_dubbing")
    summary = await socket.until("summary")
    session = await DubbingSession.objects.aget(pk=socket.session_id)
    lines = [line async for line in Line.objects.filter(session=session).order_by("sequence")]
    await socket.leave()

    assert session.state == SessionState.ENDED
    assert session.owner_id == ana.user.pk
    assert (session.source_language, session.target_language) == ("en", "es")
    assert session.media_s == pytest.approx(len(SPEECH) / 16_000, abs=0.01)
    assert session.summary["lines"] == summary["lines"] == len(lines)
    assert session.summary["p50"].keys() == summary["p50"].keys()
    assert [line.sequence for line in lines] == list(range(len(lines)))
    assert [line.source_text for line in lines] == [
        event["text"] for event in socket.heard("transcript")
    ]
    assert all(line.latencies["total_ms"] >= 0 and line.cue_start_s is not None for line in lines)


async def test_the_same_session_goes_on_counting_in_its_next_run(
    server: Server, ana: Person
) -> None:
    session_id = uuid.uuid4()
    for _ in range(2):
        socket = Socket(token=ana.token, session_id=session_id)
        await socket.connect()
        for target in ("es", "fr"):
            await socket.send(type="start_dubbing", source_language="en", target_language=target)
            await socket.send_audio(utterances((2.0, 140.0)))
            await socket.send(type="stop_dubbing")
            await socket.until("summary")
            socket._samples = 0
        await socket.leave()
    sequences = [
        line async for line in Line.objects.values_list("sequence", flat=True).order_by("sequence")
    ]
    assert sequences == list(range(len(sequences)))
    assert len(sequences) >= 4
    lines = [event["line"] for event in socket.heard("cue")]
    assert len(set(lines)) == len(lines)


async def test_json_clients_need_no_binary_frames(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token, subprotocols=())
    assert await socket.connect() is None
    flac = io.BytesIO()
    soundfile.write(flac, SPEECH[:16_000], 16_000, format="FLAC")
    await socket.send(
        type="audio_chunk",
        audio_data=base64.b64encode(flac.getvalue()).decode(),
        source_language="en",
        target_language="es",
        preserve_voice=True,
    )
    for begin in range(16_000, len(SPEECH), 8_000):
        data = SPEECH[begin : begin + 8_000].astype("<i2").tobytes()
        await socket.send(
            type="audio_chunk",
            audio_data=base64.b64encode(data).decode(),
            source_language="en",
            target_language="es",
            preserve_voice=True,
        )
    await socket.send(type="stop_dubbing")
    summary = await socket.until("summary")
    await socket.leave()

    assert summary["lines"] >= 2
    assert summary["media_s"] == pytest.approx(len(SPEECH) / 16_000, abs=0.01)
    assert not socket.audio
    sound = b"".join(base64.b64decode(event["audio_data"]) for event in socket.heard("cue_audio"))
    assert np.abs(np.frombuffer(sound, dtype="<i2")).max() > 1000


async def test_audio_of_another_rate_keeps_its_place_on_the_media_clock(
    server: Server, ana: Person
) -> None:
    rate_hz = 44_100
    time_s = np.arange(round(2.0 * rate_hz)) / rate_hz
    loud = (8000 * np.sin(2 * np.pi * 140 * time_s)).astype(np.int16)
    quiet = np.zeros(rate_hz, dtype=np.int16)
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(
        type="start_dubbing", source_language="en", target_language="es", sample_rate=rate_hz
    )
    audio = np.concatenate([quiet, loud, quiet])
    await socket.send_audio(audio, rate_hz=rate_hz, block=2205)
    await socket.send(type="stop_dubbing")
    summary = await socket.until("summary")
    await socket.leave()
    assert summary["media_s"] == pytest.approx(4.0, abs=0.001)
    first = socket.heard("transcript")[0]
    assert first["start_s"] == pytest.approx(1.0, abs=0.4)


async def test_chunks_are_acknowledged(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(silence(1.0))
    # The first may come before all of it.
    while (event := await socket.until("acknowledgement"))["chunk"] < 15:
        pass
    await socket.leave()
    assert event["chunk"] == 15


async def test_a_seek_back_starts_another_run(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(SPEECH)
    await socket.until("cue_end")
    socket._samples = 0
    await socket.send_audio(SPEECH)
    await socket.until("summary")
    await socket.until("ready")
    await socket.send(type="stop_dubbing")
    second = await socket.until("summary")
    await socket.leave()
    assert second["lines"] >= 2
    assert second["media_s"] == pytest.approx(len(SPEECH) / 16_000, abs=0.01)


async def test_leaving_without_stopping_interrupts_the_session(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(SPEECH)
    await socket.until("cue_end")
    await socket.leave()
    await until_gone(socket.session_id)
    session = await DubbingSession.objects.aget(pk=socket.session_id)
    assert session.state == SessionState.INTERRUPTED
    assert session.held_by is None
    assert session.summary["lines"] >= 1
    assert server().recognizer.opened == server().recognizer.closed


async def test_voice_samples_are_checked_and_answered(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    good = base64.b64encode(tone(5.0).tobytes()).decode()
    short = base64.b64encode(np.concatenate([tone(1.0), silence(4.0)]).tobytes()).decode()
    loud = np.clip(tone(5.0).astype(np.int32) * 10, -32768, 32767).astype(np.int16)
    clipped = base64.b64encode(loud.tobytes()).decode()
    await socket.send(type="create_voice_clone", speaker_id="ana", audio_samples=[good])
    accepted = await socket.until("voice_clone")
    await socket.send(type="create_voice_clone", speaker_id="ana", audio_samples=[short])
    refused = await socket.until("voice_clone")
    await socket.send(type="create_voice_clone", speaker_id="ana", audio_samples=[clipped])
    too_loud = await socket.until("voice_clone")
    await socket.send(type="create_voice_clone", speaker_id="ana", audio_samples=[])
    empty = await socket.until("error")
    await socket.leave()
    assert accepted["accepted"]
    assert accepted["speech_s"] == pytest.approx(5.0, abs=0.1)
    # Whose voice it is was not said, so none is made of it.
    assert accepted["clone"] is None
    assert "name the `actor`" in accepted["message"]
    assert not refused["accepted"]
    assert len(refused["problems"]) == 2
    assert empty["code"] == "voice_samples_count"
    assert not too_loud["accepted"]
    assert "clipped" in too_loud["message"]


async def test_ping_is_answered(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="ping", id=7)
    assert (await socket.until("pong"))["id"] == 7
    await socket.leave()


async def test_a_run_outlives_a_database_that_is_away(
    server: Server, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from sessions_app import holding

    socket = Socket(token=ana.token)
    await socket.connect()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("the server is gone")

    for name in ("begin_run", "end_run", "save_lines", "release_session"):
        monkeypatch.setattr(holding, name, away)
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(SPEECH)
    await socket.send(type="stop_dubbing")
    summary = await socket.until("summary")
    await socket.leave()
    assert summary["lines"] == len(socket.heard("cue")) >= 2
    assert "record_incomplete" in {notice["code"] for notice in socket.heard("notice")}


async def test_sessions_of_one_loop_share_their_engines(server: Server, ana: Person) -> None:
    from sessions_app.engines import loaded

    assert await loaded.engines() is await loaded.engines()
    assert loaded.engine_status()["state"] == "ready"
