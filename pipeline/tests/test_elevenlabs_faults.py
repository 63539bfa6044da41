"""Every way in which ElevenLabs can fail: as a table, and met once on purpose."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpx
import pytest
from elevenlabs.core.api_error import ApiError
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.client import _joined
from pipeline.providers.elevenlabs.engines import cloner, synthesizer
from pipeline.providers.elevenlabs.faults import (
    fault,
    fault_of,
    fault_of_close,
    fault_of_frame,
    fault_of_status,
)
from pipeline.providers.elevenlabs.gate import allowed
from pipeline.providers.settings import ElevenLabsAccess, EngineSettings
from pipeline.tests.emulated_elevenlabs import emulated, say, speaking

KEY = "sk_0123456789abcdef0123456789abcdef"


def named(status: str, **more: str) -> dict[str, Any]:
    return {"detail": {"status": status, "message": f"about {KEY}"} | more}


STATUSES: list[tuple[int, object, str, bool]] = [
    (401, named("invalid_api_key"), "key_refused", False),
    (401, named("needs_authorization"), "key_refused", False),
    (401, named("missing_permissions"), "key_refused", False),
    (401, named("detected_unusual_activity"), "key_refused", False),
    (401, named("quota_exceeded"), "quota_used_up", False),
    (402, named("payment_required"), "quota_used_up", False),
    (400, named("max_character_limit_exceeded"), "text_too_long", False),
    (400, named("voice_not_found"), "voice_gone", False),
    (404, named("voice_not_found"), "voice_gone", False),
    (404, named("some_voice_thing"), "voice_gone", False),
    (400, named("voice_limit_reached"), "voices_full", False),
    (403, named("only_for_creator+"), "plan_too_small", False),
    (401, named("can_not_use_instant_voice_cloning"), "plan_too_small", False),
    (403, named("output_format_not_allowed"), "plan_too_small", False),
    (429, named("too_many_concurrent_requests"), "vendor_busy", True),
    (429, named("system_busy"), "vendor_busy", True),
    (400, named("model_not_found"), "vendor_refused", False),
    (400, named("new", code="voice_not_found", type="not_found"), "voice_gone", False),
    (422, {"detail": [{"loc": ["body"], "type": "missing"}]}, "vendor_refused", False),
    (401, {"detail": "no"}, "key_refused", False),
    (403, None, "key_refused", False),
    (404, "<html>", "vendor_refused", False),
    (408, None, "engine_timeout", True),
    (409, None, "vendor_refused", False),
    (429, {}, "vendor_busy", True),
    (500, None, "vendor_failed", True),
    (502, "<html>bad gateway</html>", "vendor_failed", True),
    (504, None, "engine_timeout", True),
    (302, None, "vendor_malformed", True),
    (0, None, "vendor_malformed", True),
]


@pytest.mark.parametrize(("status", "body", "code", "recoverable"), STATUSES)
def test_every_answer_has_its_code(status: int, body: object, code: str, recoverable: bool) -> None:
    error = fault_of_status(status, body)
    assert (error.code, error.recoverable) == (code, recoverable)
    assert error.args[0]
    assert fault_of(ApiError(status_code=status, body=body)).code == code
    assert KEY not in error.detail


def test_what_was_sent_is_not_in_the_log() -> None:
    body = {"detail": [{"loc": ["body", "text"], "type": "bad", "input": "private words"}]}
    assert "private" not in fault_of_status(422, body).detail
    assert (
        fault_of_status(401, named("missing_permissions")).args[0] != fault("key_refused").args[0]
    )


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"message": "m", "error": "invalid_api_key", "code": 1008}, "key_refused"),
        ({"message": "m", "error": "voice_id_does_not_exist", "code": 1008}, "voice_gone"),
        ({"message": "m", "error": "quota_exceeded", "code": 1008}, "quota_used_up"),
        ({"message": "m", "error": "max_active_conversations", "code": 1008}, "vendor_busy"),
        ({"message": "m", "error": "input_timeout_exceeded", "code": 1008}, "vendor_unreachable"),
        ({"message": "quota_exceeded", "error": "?"}, "quota_used_up"),
        ({"message": "m", "error": "something_new", "code": 1008}, "vendor_refused"),
        ({"message": "m", "error": "something_new", "code": 1011}, "vendor_failed"),
        ({"error": True}, "vendor_failed"),
    ],
)
def test_every_message_of_a_socket_has_its_code(frame: dict[str, Any], code: str) -> None:
    assert fault_of_frame(frame).code == code


def closed(code: int, reason: str = "") -> ConnectionClosedError:
    return ConnectionClosedError(Close(code, reason), None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectError("refused"), "vendor_unreachable"),
        (httpx.ConnectTimeout("slow"), "vendor_unreachable"),
        (httpx.ReadTimeout("slow"), "engine_timeout"),
        (httpx.PoolTimeout("full"), "vendor_busy"),
        (httpx.RemoteProtocolError("cut"), "vendor_unreachable"),
        (httpx.UnsupportedProtocol("ftp"), "vendor_refused"),
        (httpx.DecodingError("gzip"), "vendor_malformed"),
        (ssl.SSLCertVerificationError("self-signed"), "vendor_unreachable"),
        (ConnectionResetError(), "vendor_unreachable"),
        (TimeoutError(), "engine_timeout"),
        (ValueError("json"), "vendor_malformed"),
        (InvalidHandshake("what"), "vendor_malformed"),
        (InvalidStatus(Response(401, "", Headers(), b'{"detail":{"status":"invalid_api_key"}}')),
         "key_refused"),
        (InvalidStatus(Response(503, "", Headers(), b"<html>")), "vendor_failed"),
        (ConnectionClosedError(None, None), "vendor_unreachable"),
        (closed(1000), "vendor_unreachable"),
        (closed(1008, "quota_exceeded"), "quota_used_up"),
        (closed(1008), "vendor_refused"),
        (closed(1011), "vendor_failed"),
        (closed(1013), "vendor_busy"),
        (RuntimeError("?"), "vendor_malformed"),
    ],
)  # fmt: skip
def test_whatever_is_raised_has_its_code(error: Exception, code: str) -> None:
    assert fault_of(error).code == code
    assert fault_of_close(1013, "").code == "vendor_busy"


def test_a_fault_stays_what_it_is() -> None:
    error = EngineError("speech_unusable", "too short")
    assert fault_of(error) is error


@pytest.mark.parametrize(
    ("tier", "model", "most"),
    [
        ("free", "eleven_flash_v2_5", 4),
        ("Creator", "eleven_multilingual_v2", 5),
        ("pro_annual", "eleven_turbo_v2_5", 20),
        ("something_new", "eleven_flash_v2_5", 4),
    ],
)
def test_plans_allow_what_their_documents_say(tier: str, model: str, most: int) -> None:
    assert allowed(tier, model) == most


@pytest.mark.parametrize("access", [None, ElevenLabsAccess(api_key="")])
def test_without_a_key_there_is_no_engine(access: ElevenLabsAccess | None, tmp_path: Any) -> None:
    settings = EngineSettings(models=tmp_path, elevenlabs=access)
    for make in (synthesizer, cloner):
        with pytest.raises(EngineError) as missing:
            make(settings)
        assert (missing.value.code, missing.value.recoverable) == ("key_missing", False)


def test_an_unknown_model_is_told(tmp_path: Any) -> None:
    access = ElevenLabsAccess(api_key=KEY, model="eleven_v99")
    with pytest.raises(EngineError) as unknown:
        synthesizer(EngineSettings(models=tmp_path, elevenlabs=access))
    assert unknown.value.code == "model_unknown"


async def test_a_wrong_key_is_told_at_the_start_and_leaves_nothing() -> None:
    async with emulated() as vendor:
        with pytest.raises(EngineError) as refused:
            async with speaking(vendor, api_key=KEY):
                raise AssertionError
        assert refused.value.code == "key_refused"
        assert KEY not in str(refused.value) + refused.value.detail
        assert not _joined[asyncio.get_running_loop()]
        async with speaking(vendor) as engine:
            assert len(await say(engine))


async def test_an_unreachable_vendor_is_told() -> None:
    async with emulated() as vendor:
        await vendor.stop()
        with pytest.raises(EngineError) as away:
            async with speaking(vendor):
                raise AssertionError
        assert (away.value.code, away.value.recoverable) == ("vendor_unreachable", True)


@pytest.mark.parametrize("sockets", [True, False])
async def test_a_used_up_quota_is_told(sockets: bool) -> None:
    async with emulated() as vendor, speaking(vendor, use_sockets=sockets) as engine:
        assert len(await say(engine))
        vendor.account.character_count = vendor.account.plan.characters
        with pytest.raises(EngineError) as used:
            await say(engine)
        assert (used.value.code, used.value.recoverable) == ("quota_used_up", False)
        vendor.account.character_count = 0
        assert len(await say(engine))


@pytest.mark.parametrize("sockets", [True, False])
@pytest.mark.parametrize(
    ("scenario", "code", "recoverable"),
    [
        ("detected_unusual_activity", "key_refused", False),
        ("only_for_creator+", "plan_too_small", False),
        ("voice_not_found", "voice_gone", False),
        ("too_many_concurrent_requests", "vendor_busy", True),
        ("system_busy", "vendor_busy", True),
        ("http_500", "vendor_failed", True),
    ],
)
async def test_every_refusal_of_a_clause_is_met(
    scenario: str, code: str, recoverable: bool, sockets: bool
) -> None:
    leg = "multi_stream_input.text" if sockets else "speech"
    async with emulated() as vendor, speaking(vendor, use_sockets=sockets) as engine:
        vendor.faults.once(scenario, leg)
        with pytest.raises(EngineError) as refused:
            await say(engine)
        assert (refused.value.code, refused.value.recoverable) == (code, recoverable)
        assert len(await say(engine)), "and it goes on"


async def test_a_page_instead_of_sound_is_malformed() -> None:
    async with emulated() as vendor, speaking(vendor, use_sockets=False) as engine:
        vendor.faults.once("malformed", "speech")
        with pytest.raises(EngineError) as failed:
            await say(engine)
        assert failed.value.code == "vendor_malformed"
