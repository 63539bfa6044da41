"""Steps: single messages and their answers, right and wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

from pipeline.bounds import GLOSSARY_MAX_TERMS
from pipeline.wire import AudioFrame, encode_source_audio
from sessions_app.protocol_check.probe import Probe, StepFailedError, expect, in_short
from sessions_app.protocol_check.subject import Subject

WRONG_MESSAGES: tuple[tuple[str | bytes, str], ...] = (
    ("{", "message_not_json"),
    ("[]", "message_invalid"),
    ('{"type":"fly"}', "message_invalid"),
    ('{"type":"start_dubbing"}', "message_invalid"),
    ('{"type":"start_dubbing","target_language":"no such thing"}', "language_invalid"),
    (
        '{"type":"start_dubbing","target_language":"es","sample_rate":4000}',
        "sample_rate_unsupported",
    ),
    (
        json.dumps(
            {
                "type": "start_dubbing",
                "target_language": "es",
                "glossary": {f"term {n}": "" for n in range(GLOSSARY_MAX_TERMS + 1)},
            }
        ),
        "glossary_too_long",
    ),
    ('{"type":"stop_dubbing"}', "not_started"),
    ('{"type":"audio_chunk","audio_data":"!"}', "message_invalid"),
    ('{"type":"audio_chunk","audio_data":"AAAA"}', "audio_odd"),
    ('{"type":"audio_chunk","audio_data":"AAA="}', "not_started"),
    (b"\x01", "frame_short"),
    (b"\x02" + bytes(31), "frame_kind"),
    (bytes([1]) + bytes(19) + bytes(200_000), "frame_too_long"),
)


async def a_ping_is_answered_with_its_id(subject: Subject) -> None:
    async with subject.open() as connection:
        for number in (7, "seven"):
            await connection.send(type="ping", id=number)
            pong = await connection.until("pong")
            expect(pong["id"] == number, f"a pong with id {number!r}", pong)


async def wrong_messages_get_their_codes_and_the_session_lives_on(subject: Subject) -> None:
    async with subject.open() as connection:
        for message, code in WRONG_MESSAGES:
            await connection.send_raw(message)
            await _expect_error(connection, code, f"to {in_short(str(message))[:60]}")
            await connection.alive()


async def sound_before_dubbing_is_told_once(subject: Subject) -> None:
    async with subject.open() as connection:
        for number in range(3):
            await connection.send_raw(encode_source_audio(AudioFrame(number, 0, bytes(64))))
        await _expect_error(connection, "not_started", "to the first frame")
        await connection.alive()
        expect(len(connection.heard("error")) == 1, "one error", connection.heard("error"))


async def an_impossible_language_is_refused_with_what_there_is(subject: Subject) -> None:
    async with subject.open() as connection:
        await connection.send(
            type="start_dubbing", target_language="tlh", source_language=subject.source
        )
        error = await _expect_error(connection, "pair_unsupported", "to Klingon")
        expect(error["details"].get("available"), "the list of pairs there are", error)
        await connection.start(subject.target, subject.source)


async def good_voice_samples_are_accepted(subject: Subject) -> None:
    sample = base64.b64encode(subject.voice_sample().astype("<i2").tobytes()).decode()
    async with subject.open() as connection:
        await connection.send(
            type="create_voice_clone", speaker_id="somebody", audio_samples=[sample]
        )
        verdict = await connection.until("voice_clone", wait_s=60.0)
        expect(verdict["accepted"], "samples accepted", verdict)


async def poor_voice_samples_are_refused_in_words(subject: Subject) -> None:
    quiet = base64.b64encode(bytes(32_000)).decode()
    async with subject.open() as connection:
        await connection.send(
            type="create_voice_clone", speaker_id="somebody", audio_samples=[quiet]
        )
        verdict = await connection.until("voice_clone", wait_s=60.0)
        expect(not verdict["accepted"] and verdict["problems"], "problems named", verdict)
        await connection.send(type="create_voice_clone", speaker_id="somebody", audio_samples=[])
        await _expect_error(connection, "voice_samples_count", "to no samples at all")


async def _expect_error(connection: Probe, code: str, what: str) -> dict[str, Any]:
    try:
        error = await connection.until("error")
    except StepFailedError as failed:
        raise StepFailedError(f"the error {code} {what}", failed.came) from None
    expect(error["code"] == code, f"the error {code} {what}", error)
    expect(error["message"], "an error in words", error)
    return error


STEPS = (
    a_ping_is_answered_with_its_id,
    wrong_messages_get_their_codes_and_the_session_lives_on,
    sound_before_dubbing_is_told_once,
    an_impossible_language_is_refused_with_what_there_is,
    good_voice_samples_are_accepted,
    poor_voice_samples_are_refused_in_words,
)
