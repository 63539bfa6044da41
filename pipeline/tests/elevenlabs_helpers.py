"""The emulated ElevenLabs with the vendor's own client, and sockets to it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest
import websockets
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError
from websockets.asyncio.client import ClientConnection

from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.emulators.elevenlabs.voices import STOCK
from pipeline.types import SAMPLE_RATE_HZ, Pcm

VOICE = STOCK[1].id
FLASH = "eleven_flash_v2_5"
ONCE: Any = {"max_retries": 0}
Message = dict[str, Any]


@asynccontextmanager
async def emulated(**options: Any) -> AsyncIterator[tuple[ElevenLabsEmulator, AsyncElevenLabs]]:
    """Without a limit of pace unless ``speed`` says so."""
    async with (
        ElevenLabsEmulator(**{"speed": 0.0} | options) as vendor,
        client_of(vendor) as client,
    ):
        yield vendor, client


@asynccontextmanager
async def client_of(
    vendor: ElevenLabsEmulator, api_key: str | None = None
) -> AsyncIterator[AsyncElevenLabs]:
    async with httpx.AsyncClient(verify=vendor.client_context(), timeout=10.0) as http:
        yield AsyncElevenLabs(
            base_url=vendor.base_url,
            api_key=vendor.api_key if api_key is None else api_key,
            httpx_client=http,
            timeout=None,
        )


async def heard(client: AsyncElevenLabs, text: str = "Hola.", **options: Any) -> bytes:
    """All of a stream's sound."""
    asked = {"model_id": FLASH, "output_format": "pcm_16000", "voice_id": VOICE} | options
    stream = client.text_to_speech.stream(asked.pop("voice_id"), text=text, **asked)
    return b"".join([chunk async for chunk in stream])


async def refusal(call: Awaitable[Any]) -> tuple[int, Any]:
    """HTTP code and detail of what ``call`` is refused with."""
    with pytest.raises(ApiError) as caught:
        await call
    body = caught.value.body
    assert caught.value.status_code is not None
    return caught.value.status_code, body["detail"]


@asynccontextmanager
async def socket(
    vendor: ElevenLabsEmulator,
    kind: str = "multi-stream-input",
    *,
    key: str | None = "",
    voice: str = VOICE,
    **query: Any,
) -> AsyncIterator[ClientConnection]:
    """``key`` None sends no header, "" the right one."""
    query = {"model_id": FLASH, "output_format": "pcm_16000"} | query
    address = f"{vendor.socket_url}/v1/text-to-speech/{voice}/{kind}"
    headers = {} if key is None else {"xi-api-key": key or vendor.api_key}
    async with websockets.connect(
        address + "?" + "&".join(f"{name}={value}" for name, value in query.items()),
        ssl=vendor.client_context(),
        additional_headers=headers,
        compression=None,
        proxy=None,
        max_size=None,
    ) as connection:
        yield connection


async def say(connection: ClientConnection, *messages: Message) -> None:
    for message in messages:
        await connection.send(json.dumps(message))


@dataclass
class Answers:
    """What came until the socket closed or ``enough`` was had."""

    messages: list[Message] = field(default_factory=list)
    code: int = 0
    reason: str = ""

    def of(self, context: str) -> list[Message]:
        return [message for message in self.messages if message.get("contextId") == context]

    def pcm(self, context: str | None = None) -> Pcm:
        wanted = self.messages if context is None else self.of(context)
        sound = [base64.b64decode(one["audio"]) for one in wanted if one.get("audio")]
        return np.frombuffer(b"".join(sound), np.int16)

    def finals(self) -> list[str | None]:
        return [one.get("contextId") for one in self.messages if one.get("isFinal")]


async def answers(
    connection: ClientConnection,
    enough: Callable[[Answers], bool] = lambda got: False,
    *,
    timeout: float = 30.0,
) -> Answers:
    got = Answers()
    try:
        async with asyncio.timeout(timeout):
            while not enough(got):
                got.messages.append(json.loads(await connection.recv()))
    except websockets.ConnectionClosed as closed:
        if closed.rcvd is not None:
            got.code, got.reason = closed.rcvd.code, closed.rcvd.reason
    return got


def wav(pcm: Pcm, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(pcm.tobytes())
    return file.getvalue()


def tone(seconds: float, pitch_hz: float = 150.0) -> Pcm:
    at = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave_form = sum(np.sin(2 * np.pi * pitch_hz * n * at) / n for n in range(1, 6))
    return np.asarray(6000 * wave_form, np.int16)
