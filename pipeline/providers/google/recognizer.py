"""Google Speech-to-Text v2 as a recogniser."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any

from google.cloud.speech_v2 import SpeechAsyncClient
from google.cloud.speech_v2.services.speech.transports import SpeechGrpcAsyncIOTransport
from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.bounds import GOOGLE_REGIONS_MAX
from pipeline.ports import Endpointing, EngineError, RecognitionOptions, RecognizerStream
from pipeline.providers.google.channels import (
    Connection,
    Identity,
    Pool,
    identify,
    read_roots,
    speech_host,
)
from pipeline.providers.google.languages import (
    CANDIDATES_MOST,
    SPEECH_LANGUAGES,
    asked_for,
    finds_any,
)
from pipeline.providers.google.pacing import Pacing
from pipeline.providers.google.recognizer_stream import GoogleStream
from pipeline.providers.google.relay import ENGINE, SERVICE
from pipeline.providers.settings import GoogleAccess
from pipeline.types import SAMPLE_RATE_HZ

_Sensitivity = speech.StreamingRecognitionFeatures.EndpointingSensitivity
_SENSITIVITY: Mapping[Endpointing, Any] = {
    "standard": _Sensitivity.ENDPOINTING_SENSITIVITY_STANDARD,
    "short": _Sensitivity.ENDPOINTING_SENSITIVITY_SHORT,
    "supershort": _Sensitivity.ENDPOINTING_SENSITIVITY_SUPERSHORT,
}


class GoogleRecognizer:
    """Fills ``Recognizer``; belongs to the event loop on which it is first used."""

    name = ENGINE
    languages = SPEECH_LANGUAGES
    punctuates = True
    candidates_max = CANDIDATES_MOST

    def __init__(self, access: GoogleAccess, *, pacing: Pacing | None = None) -> None:
        self._access = access
        self._pacing = pacing or Pacing()
        self.finds_any = finds_any(access.model, access.region)
        self._identity: Identity | None = None
        self._roots: bytes | None = None
        self._pools: dict[str, Pool] = {}
        self._streams: set[GoogleStream] = set()
        self._loading = asyncio.Lock()
        self._closed = False

    async def connect(self) -> None:
        """Dial the installation's region.

        Raises EngineError: key_missing, key_refused, vendor_unreachable.
        """
        await self._load()
        await self._pool(self._access.region).least_used().ready()

    async def open(self, options: RecognitionOptions) -> RecognizerStream:
        """Raises EngineError: source_language_unsupported, vendor_refused and as connect;
        whether the vendor takes key and request is told by the stream."""
        if self._closed:
            raise EngineError("engine_stopped", "The recogniser is shut down.", recoverable=False)
        await self._load()
        region = options.region or self._access.region
        pool = self._pool(region)
        stream = GoogleStream(
            pool.least_used,
            self._first_message(options, region),
            # Whoever names one language knows it; whoever names none or several asks.
            tells_language=len(options.languages) != 1,
            pacing=self._pacing,
            on_closed=self._streams.discard,
        )
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """End all streams and connections. Idempotent."""
        self._closed = True
        await asyncio.gather(*(stream.aclose() for stream in tuple(self._streams)))
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    async def _load(self) -> None:
        async with self._loading:
            if self._identity is None:
                self._roots = await read_roots(self._access.root_certificates)
                self._identity = await identify(self._access)

    def _pool(self, region: str) -> Pool:
        if region not in self._pools:
            if len(self._pools) >= GOOGLE_REGIONS_MAX:
                raise EngineError(
                    "vendor_refused",
                    f"Speech is recognised in at most {GOOGLE_REGIONS_MAX} regions at once.",
                    recoverable=False,
                )
            self._pools[region] = Pool(functools.partial(self._dial, region))
        return self._pools[region]

    def _dial(self, region: str) -> Connection:
        assert self._identity is not None
        host = self._access.speech_endpoint or speech_host(region)
        client: Callable[..., Any] = SpeechAsyncClient
        return Connection(
            client, SpeechGrpcAsyncIOTransport, self._identity, host, self._roots, SERVICE
        )

    def _first_message(
        self, options: RecognitionOptions, region: str
    ) -> speech.StreamingRecognizeRequest:
        assert self._identity is not None
        asked = asked_for(
            options.languages,
            model=options.model,
            configured=self._access.model,
            region=region,
            name=SERVICE,
        )
        project = self._identity.project
        return speech.StreamingRecognizeRequest(
            recognizer=f"projects/{project}/locations/{region}/recognizers/_",
            streaming_config=speech.StreamingRecognitionConfig(
                config=speech.RecognitionConfig(
                    explicit_decoding_config=speech.ExplicitDecodingConfig(
                        encoding=speech.ExplicitDecodingConfig.AudioEncoding.LINEAR16,
                        sample_rate_hertz=SAMPLE_RATE_HZ,
                        audio_channel_count=1,
                    ),
                    model=asked.model,
                    language_codes=list(asked.codes),
                    features=speech.RecognitionFeatures(
                        enable_automatic_punctuation=True, enable_word_time_offsets=True
                    ),
                ),
                streaming_features=speech.StreamingRecognitionFeatures(
                    interim_results=True,
                    endpointing_sensitivity=_SENSITIVITY[options.endpointing],
                ),
            ),
        )
