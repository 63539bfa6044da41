"""The vendors' real clients, pointed at an emulator the way production points them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from google.api_core.client_options import ClientOptions
from google.cloud import speech_v2 as speech
from google.cloud import translate_v3 as translate
from google.oauth2 import service_account

from pipeline.emulators.google.server import GoogleEmulator
from pipeline.types import SAMPLE_RATE_HZ, Pcm

CHUNK = 1_600


def credentials(google: GoogleEmulator) -> Any:
    load = service_account.Credentials.from_service_account_file
    return load(str(google.account.path))  # type: ignore[no-untyped-call]


def _options(google: GoogleEmulator, api_key: str) -> dict[str, Any]:
    if api_key:
        return {"client_options": ClientOptions(api_endpoint=google.address, api_key=api_key)}
    return {
        "credentials": credentials(google),
        "client_options": ClientOptions(api_endpoint=google.address),
    }


@asynccontextmanager
async def speech_client(
    google: GoogleEmulator, *, api_key: str = ""
) -> AsyncIterator[speech.SpeechAsyncClient]:
    client = speech.SpeechAsyncClient(**_options(google, api_key))
    try:
        yield client
    finally:
        await client.transport.close()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def translation_client(
    google: GoogleEmulator, *, api_key: str = ""
) -> AsyncIterator[translate.TranslationServiceAsyncClient]:
    client = translate.TranslationServiceAsyncClient(**_options(google, api_key))
    try:
        yield client
    finally:
        await client.transport.close()  # type: ignore[no-untyped-call]


def config_request(
    google: GoogleEmulator,
    *,
    recognizer: str = "",
    languages: Sequence[str] = ("en-US",),
    model: str = "long",
    decoding: bool = True,
    features: dict[str, Any] | None = None,
) -> speech.StreamingRecognizeRequest:
    config: dict[str, Any] = {
        "model": model,
        "language_codes": list(languages),
        "features": {"enable_automatic_punctuation": True, "enable_word_time_offsets": True},
    }
    if decoding:
        config["explicit_decoding_config"] = {
            "encoding": "LINEAR16",
            "sample_rate_hertz": SAMPLE_RATE_HZ,
            "audio_channel_count": 1,
        }
    else:
        config["auto_decoding_config"] = {}
    return speech.StreamingRecognizeRequest(
        recognizer=recognizer or f"projects/{google.project}/locations/us/recognizers/_",
        streaming_config={
            "config": config,
            "streaming_features": {"interim_results": True, **(features or {})},
        },
    )


async def recognise(
    client: speech.SpeechAsyncClient,
    config: speech.StreamingRecognizeRequest | None,
    pcm: Pcm,
    *,
    chunk: int = CHUNK,
    pace_s: float = 0.01,
    close: bool = True,
) -> list[speech.StreamingRecognizeResponse]:
    """Everything that is answered to ``pcm``; raises what the client raises.

    A client that writes without a pause may be told ``INTERNAL`` instead of the status with
    which the call was ended, hence the pace.
    """
    got: list[speech.StreamingRecognizeResponse] = []

    async def requests() -> AsyncIterator[speech.StreamingRecognizeRequest]:
        if config is not None:
            yield config
        for at in range(0, len(pcm), chunk):
            yield speech.StreamingRecognizeRequest(audio=pcm[at : at + chunk].tobytes())
            await asyncio.sleep(pace_s)
        if not close:
            await asyncio.sleep(30)

    async for response in await client.streaming_recognize(requests=requests()):
        got.append(response)
    return got


async def open_call(client: speech.SpeechAsyncClient, google: GoogleEmulator) -> Any:
    """A call that is written and read by hand; its configuration is sent."""
    call: Any = await client.streaming_recognize()
    await call.write(config_request(google))
    return call


def speech_like(*, loud_s: float, quiet_s: float = 0.0, times: int = 1) -> Pcm:
    """Noise as loud as speech and silence, by turns; shape (samples,)."""
    noise = np.random.default_rng(7)
    parts = []
    for _ in range(times):
        parts += [
            noise.normal(0, 2_000, round(loud_s * SAMPLE_RATE_HZ)),
            np.zeros(round(quiet_s * SAMPLE_RATE_HZ)),
        ]
    joined: Pcm = np.concatenate(parts).astype(np.int16)
    return joined


def finals(got: list[speech.StreamingRecognizeResponse]) -> list[Any]:
    return [result for response in got for result in response.results if result.is_final]


def interims(got: list[speech.StreamingRecognizeResponse]) -> list[str]:
    """Transcripts, the settled and the newest part of each put together."""
    return [
        "".join(result.alternatives[0].transcript for result in response.results)
        for response in got
        if response.results and not response.results[0].is_final
    ]
