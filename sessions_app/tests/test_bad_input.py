"""Whatever a client sends, it gets a stable code and the session lives on."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soundfile
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.orm_thread import close_orm_threads
from pipeline.providers.scripted.sounds import silence, tone, utterances
from pipeline.providers.scripted.speaking import ScriptedTranslator
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import AudioFrame, encode_source_audio
from sessions_app.engines import loaded
from sessions_app.live import registry as live
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.socket import Socket


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "message_not_json"),
        ("[]", "message_invalid"),
        ('{"type":"fly"}', "message_invalid"),
        (json.dumps({"type": "x" * 300_000}), "message_invalid"),
        ('{"type":"start_dubbing"}', "message_invalid"),
        (
            '{"type":"start_dubbing","target_language":"es","sample_rate":4000}',
            "sample_rate_unsupported",
        ),
        ('{"type":"start_dubbing","target_language":"no such thing"}', "language_invalid"),
        ('{"type":"start_dubbing","target_language":"auto"}', "language_invalid"),
        ('{"type":"stop_dubbing"}', "not_started"),
        ('{"type":"audio_chunk","audio_data":"AAAA"}', "audio_odd"),
        ('{"type":"audio_chunk","audio_data":"AAA="}', "not_started"),
        ('{"type":"audio_chunk","audio_data":"!"}', "message_invalid"),
        (b"", "frame_short"),
        (b"\x02" + bytes(31), "frame_kind"),
        (encode_source_audio(AudioFrame(0, 0, b"\0\0")), "not_started"),
        (bytes([1]) + bytes(19) + b"\0" * 200_000, "frame_too_long"),
        (json.dumps({"type": "ping", "id": "x" * 2_200_000}), "message_too_long"),
        (json.dumps({"type": "ping", "id": "x" * 2_000_000}), "message_invalid"),
        (
            json.dumps(
                {"type": "create_voice_clone", "speaker_id": "x" * 65, "audio_samples": ["AAA="]}
            ),
            "speaker_id_invalid",
        ),
    ],
)
async def test_bad_messages_are_answered(
    server: Server, ana: Person, message: str | bytes, code: str
) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    if isinstance(message, bytes):
        if not message:
            message = b"\x01"
        await socket.send_bytes(message)
    else:
        await socket.send_text(message)
    error = await socket.until("error")
    assert error["code"] == code
    # Whatever was sent, as much of it as helps.
    assert 0 < len(error["message"]) < 300
    await socket.send(type="ping")
    await socket.until("pong")
    await socket.leave()


async def test_a_pair_that_is_missing_is_refused_with_what_there_is(
    server: Server, ana: Person
) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="ja")
    error = await socket.until("error")
    assert error["code"] == "pair_unsupported"
    assert error["details"]["available"] == [["en", "es"], ["en", "fr"]]
    await socket.send(type="start_dubbing", source_language="de", target_language="es")
    error = await socket.until("error")
    assert error["code"] == "source_language_unsupported"
    await socket.send(type="start_dubbing", source_language="en", target_language="es-MX")
    ready = await socket.until("ready")
    assert ready["target_language"] == "es"
    await socket.leave()


async def test_a_chunk_longer_than_allowed_is_refused(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    data = base64.b64encode(silence(1.5).tobytes()).decode()
    await socket.send(type="audio_chunk", audio_data=data)
    assert (await socket.until("error"))["code"] == "chunk_too_long"
    await socket.leave()


async def test_a_blob_that_cannot_be_decoded_is_refused(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    data = base64.b64encode(b"fLaC" + b"\x55" * 100).decode()
    await socket.send(type="audio_chunk", audio_data=data)
    assert (await socket.until("error"))["code"] == "audio_unreadable"
    await socket.leave()


async def test_chunks_that_were_left_out_are_said(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(silence(0.1))
    socket._sequence += 3
    await socket.send_audio(silence(0.1))
    while (await socket.until("notice"))["code"] != "chunks_missing":
        pass
    await socket.leave()


async def test_an_engine_that_breaks_is_restarted_and_said(server: Server, ana: Person) -> None:
    server().recognizer.fail_at = {0}
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(utterances((2.0, 140.0)))
    await socket.send(type="stop_dubbing")
    summary = await socket.until("summary")
    await socket.leave()
    assert summary["lines"] >= 1
    assert "recognizer_restarted" in {notice["code"] for notice in socket.heard("notice")}


# Sound that is no good: it is told apart, and what is said after it is dubbed ------------

GOOD = utterances((2.0, 140.0))
PACE = 20
"""Times as fast as it is spoken: far slower than it is heard, so that nothing is dropped."""


async def started(person: Person, **wanted: Any) -> Socket:
    """A session that dubs."""
    socket = Socket(token=person.token)
    await socket.connect()
    await start(socket, **wanted)
    return socket


async def start(socket: Socket, **wanted: Any) -> None:
    await socket.send(type="start_dubbing", source_language="en", target_language="es", **wanted)
    await socket.until("ready")


async def send_paced(socket: Socket, pcm: Pcm, *, rate_hz: int = SAMPLE_RATE_HZ) -> None:
    """A minute in three seconds."""
    block = rate_hz // 4
    for begin in range(0, len(pcm), block):
        await socket.send_audio(pcm[begin : begin + block], rate_hz=rate_hz, block=block)
        await asyncio.sleep(0.25 / PACE)


async def finished(socket: Socket) -> dict[str, Any]:
    """The run's summary."""
    await socket.send(type="stop_dubbing")
    return await socket.until("summary")


async def dubs(socket: Socket, clip: Pcm = GOOD) -> list[dict[str, Any]]:
    """What is said of a good clip behind all that came before, in the run in hand."""
    behind_s = socket._samples / SAMPLE_RATE_HZ
    await send_paced(socket, clip)
    await finished(socket)
    lines = [line for line in socket.heard("transcript") if line["end_s"] > behind_s]
    spoken = {cue["line"]: cue["cue"] for cue in socket.heard("cue")}
    into = {merged["line"]: merged["into"] for merged in socket.heard("merged")}
    assert lines
    for line in lines:
        sound = socket.sound(spoken[into.get(line["line"], line["line"])])
        assert np.abs(sound.astype(np.int32)).max() > 300
    return lines


@pytest_asyncio.fixture
async def offline(ana: Person, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The engines that everybody has, where it matters what is heard."""
    # Where others work too, a recogniser takes longer to load than scripts may to answer.
    monkeypatch.setattr("sessions_app.tests.socket.WAIT_S", 60.0)
    await loaded.engines()
    yield
    await live.close()
    await loaded.close_engines()
    close_orm_threads()
    await sync_to_async(connections.close_all)()


def recording(path: Path) -> Pcm:
    pcm, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == SAMPLE_RATE_HZ
    return np.asarray(pcm, dtype=np.int16)


def overdriven(pcm: Pcm) -> Pcm:
    """As from a microphone that is turned up too far: most of it beyond full scale."""
    clipped: Pcm = np.clip(pcm.astype(np.int32) * 30, -32_768, 32_767).astype(np.int16)
    assert np.mean(np.abs(clipped.astype(np.int32)) >= 32_767) > 0.2
    return clipped


async def test_a_minute_of_silence_gives_no_line(server: Server, ana: Person) -> None:
    socket = await started(ana)
    await send_paced(socket, silence(60.0))
    lines = await dubs(socket)
    await socket.leave()
    assert lines == socket.heard("transcript")
    assert not socket.heard("error")
    assert not socket.heard("notice")
    assert socket.heard("summary")[0]["media_s"] == pytest.approx(60 + len(GOOD) / 16_000, abs=0.01)


@pytest.mark.parametrize(
    ("bad", "lines"),
    [
        (lambda data: silence(20.0), 0),
        (lambda data: recording(data / "noise/speechbrain_noise3.wav"), 0),
        # An advertisement, of which ten seconds are enough: people speak into its music.
        (lambda data: recording(data / "noise/gcp_google_gnome.wav")[: 10 * SAMPLE_RATE_HZ], 1),
        (lambda data: overdriven(recording(data / "en/leopard_en.wav")), 1),
    ],
    ids=["silence", "noise", "music", "clipped"],
)
async def test_bad_sound_breaks_nothing_in_the_offline_engines(
    offline: None, ana: Person, speech_data: Path, bad: Callable[[Path], Pcm], lines: int
) -> None:
    socket = await started(ana)
    await send_paced(socket, np.concatenate([bad(speech_data), silence(1.5)]))
    # One line: several would be heard faster than they can be spoken, and be left out.
    good = recording(speech_data / "en/harvard_spk1_snt5.wav")
    if lines:
        # So are those that were taken out of the bad sound; they are told, whatever they say.
        await finished(socket)
        assert len(socket.heard("transcript")) >= lines
        await start(socket)
    else:
        assert not socket.heard("transcript")
    heard = await dubs(socket, np.concatenate([good, silence(1.0)]))
    await socket.leave()
    assert not socket.heard("error")
    assert not socket.heard("notice")
    assert "sunday" in " ".join(line["text"] for line in heard).lower()


@pytest.mark.parametrize("subprotocols", [("dub.v1",), ()])
async def test_a_stereo_chunk_is_heard_as_one_channel(
    server: Server, ana: Person, subprotocols: tuple[str, ...]
) -> None:
    socket = Socket(token=ana.token, subprotocols=subprotocols)
    await socket.connect()
    await start(socket)
    # Speech on one side only, as from two microphones.
    for begin in range(0, len(GOOD), 8_000):
        left = GOOD[begin : begin + 8_000]
        file = io.BytesIO()
        soundfile.write(file, np.stack([left, np.zeros_like(left)], axis=1), 16_000, format="WAV")
        await socket.send(type="audio_chunk", audio_data=base64.b64encode(file.getvalue()).decode())
    summary = await finished(socket)
    await socket.leave()
    assert summary["media_s"] == pytest.approx(len(GOOD) / SAMPLE_RATE_HZ, abs=0.01)
    assert summary["lines"] >= 1
    assert not socket.heard("error")
    assert not socket.heard("notice")


async def test_a_source_of_8_khz_is_dubbed(server: Server, ana: Person) -> None:
    socket = await started(ana, sample_rate=8_000)
    # Every other sample of a low tone is the tone at half the rate.
    await send_paced(socket, GOOD[::2], rate_hz=8_000)
    summary = await finished(socket)
    assert summary["media_s"] == pytest.approx(len(GOOD) / SAMPLE_RATE_HZ, abs=0.01)
    assert summary["lines"] >= 1
    (first, *_) = socket.heard("transcript")
    assert first["start_s"] == pytest.approx(0.3, abs=0.3)
    assert not socket.heard("error")
    assert not socket.heard("notice")
    await socket.leave()


@pytest.mark.parametrize("ready", [True, False], ids=["while dubbing", "before it is ready"])
async def test_a_minute_at_once_is_told_to_be_too_much(
    server: Server, ana: Person, monkeypatch: pytest.MonkeyPatch, ready: bool
) -> None:
    if ready:
        socket = await started(ana)
    else:
        engines_load = asyncio.Event()

        async def prepare(*_: Any) -> None:
            await engines_load.wait()

        monkeypatch.setattr(ScriptedTranslator, "prepare", prepare)
        asyncio.get_running_loop().call_later(0.3, engines_load.set)
        socket = Socket(token=ana.token)
        await socket.connect()
        await socket.send(type="start_dubbing", source_language="en", target_language="es")
    minute = utterances(*[(2.0, 140.0)] * 20)
    await socket.send_audio(minute, block=SAMPLE_RATE_HZ)
    summary = await finished(socket)
    told = {notice["code"]: notice["message"] for notice in socket.heard("notice")}
    assert "at the pace" in told["audio_dropped"]
    assert not socket.heard("error")
    assert summary["media_s"] == pytest.approx(len(minute) / SAMPLE_RATE_HZ, abs=0.01)
    # Not a second of it more than there is room for; lines from before have lost their sound.
    assert 1 <= summary["lines"] < 20
    await start(socket)
    await dubs(socket)
    await socket.leave()


async def test_chunks_that_come_too_slowly_are_dubbed_as_they_come(
    server: Server, ana: Person
) -> None:
    """A client that sends half a second of its sound every second."""
    socket = await started(ana)
    speech = utterances((1.2, 140.0), pause_s=0.7)
    block = 1_600
    for begin in range(0, len(speech), block):
        await socket.send_audio(speech[begin : begin + block])
        await asyncio.sleep(2 * block / SAMPLE_RATE_HZ)
    (first, *_) = [await socket.until("cue"), *socket.heard("transcript")]
    assert first["start_s"] >= 0.3
    lines = await dubs(socket)
    await socket.leave()
    assert len(socket.heard("transcript")) > len(lines) >= 1
    assert not socket.heard("error")
    assert not socket.heard("notice")


async def test_chunks_with_holes_between_them_are_heard_as_with_silence(
    server: Server, ana: Person
) -> None:
    """A client that records half of the time, and stamps its chunks with the time of day."""
    socket = await started(ana)
    for _ in range(30):
        await socket.send_audio(tone(0.064, 140.0))
        socket._samples += 1_024
        await asyncio.sleep(0.064 / PACE)
    await send_paced(socket, silence(1.0))
    lines = await dubs(socket)
    await socket.leave()
    assert len(socket.heard("transcript")) >= len(lines)
    assert not socket.heard("error")
    assert not socket.heard("notice")
