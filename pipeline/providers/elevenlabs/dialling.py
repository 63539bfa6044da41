"""Connections to ElevenLabs: the SDK's client on an HTTP pool of our own, and sockets."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpcore
import httpx
from websockets.asyncio.client import ClientConnection, connect

from pipeline.bounds import (
    ELEVENLABS_CALL_S,
    ELEVENLABS_CONNECTIONS_MAX,
    ELEVENLABS_DIAL_S,
    ELEVENLABS_MESSAGE_MAX_BYTES,
)
from pipeline.providers.elevenlabs.voice_socket import SocketKey
from pipeline.providers.settings import ElevenLabsAccess

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs

INACTIVITY_S = 180
"""The most that the vendor waits for text on a socket."""
_KEEPALIVE_S = 300.0
"""httpx itself drops a connection after 5 s, and the next clause would dial."""


def make_client(
    access: ElevenLabsAccess,
) -> tuple[ssl.SSLContext, httpx.AsyncClient, AsyncElevenLabs]:
    """What dials: for sockets, for HTTP, and the SDK on top of that.

    Blocking: importing the SDK and reading root certificates take half a second of CPU.
    """
    from elevenlabs.client import AsyncElevenLabs

    roots = access.root_certificates
    tls = (
        httpx.create_ssl_context()
        if roots is None
        else ssl.create_default_context(cafile=str(roots))
    )
    http = httpx.AsyncClient(
        transport=_Transport(tls),
        trust_env=False,
        follow_redirects=True,
        # Between two pieces of sound the feed keeps the time.
        timeout=httpx.Timeout(None, connect=ELEVENLABS_DIAL_S, pool=ELEVENLABS_CALL_S),
    )
    # The key is always given: without one the SDK takes what its import found around it.
    client = AsyncElevenLabs(
        base_url=access.base_url,
        api_key=access.api_key,
        httpx_client=http,
        timeout=None,
    )
    # Sub-clients import their modules when first touched.
    _ = client.text_to_speech, client.voices.ivc, client.user.subscription
    return tls, http, client


class _Transport(httpx.AsyncHTTPTransport):
    """The pool of httpx, over streams that close when their handshake is given up."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=ELEVENLABS_CONNECTIONS_MAX,
            max_keepalive_connections=ELEVENLABS_CONNECTIONS_MAX,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=_Backend(),
        )


class _Backend(httpcore.AnyIOBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # the base class says so
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(
            await super().connect_tcp(host, port, timeout, local_address, socket_options)
        )


class _Stream(httpcore.AsyncNetworkStream):
    """A connection before its handshake. httpcore (1.0.9) closes one whose handshake fails,
    and loses one whose handshake is cancelled: the socket stays open until it is collected."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # the base class says so
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


async def dial(
    access: ElevenLabsAccess, tls: ssl.SSLContext | None, key: SocketKey
) -> ClientConnection:
    """Open a multi-stream-input socket; raises what ``websockets`` does."""
    query = {
        "model_id": key.model,
        "output_format": key.output_format,
        "inactivity_timeout": str(INACTIVITY_S),
        "sync_alignment": "true",
    }
    if key.language:
        query["language_code"] = key.language
    base = access.base_url.rstrip("/").replace("http", "ws", 1)
    return await connect(
        f"{base}/v1/text-to-speech/{key.voice_id}/multi-stream-input?{urlencode(query)}",
        additional_headers={"xi-api-key": access.api_key},
        ssl=tls if base.startswith("wss") else None,
        # Neither saves time: sound does not shrink, and a proxy is not asked for.
        compression=None,
        proxy=None,
        max_size=ELEVENLABS_MESSAGE_MAX_BYTES,
        open_timeout=ELEVENLABS_DIAL_S,
        close_timeout=1.0,
    )
