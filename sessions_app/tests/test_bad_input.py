"""Whatever a client sends, it gets a stable code and the session lives on."""

from __future__ import annotations

import base64
import json

import pytest

from pipeline.providers.scripted.sounds import silence, utterances
from pipeline.wire import AudioFrame, encode_source_audio
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
