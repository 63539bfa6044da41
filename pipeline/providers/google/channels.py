"""Credentials and connections: the one place where Google's services are dialled.

The SDK's clients belong to the event loop on which they are made, so they are made when
they are first needed, and one ``Channels`` belongs to one loop. Making credentials and
clients needs no network; ``connect`` dials, so that nothing dials on the hot path.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from google.auth import api_key, credentials
from google.oauth2 import service_account

from pipeline.bounds import GOOGLE_CALLS_PER_CONNECTION_MAX, GOOGLE_CONNECT_S
from pipeline.ports import EngineError
from pipeline.providers.google import status_guard
from pipeline.providers.google.faults import fault_of
from pipeline.providers.settings import GoogleAccess

_OPTIONS = {
    # After an outage the next attempt comes soon: the default was seen to take 5 s more.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    # A connection that died silently is noticed, and one without work is not given up.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.max_pings_without_data": 0,
    "grpc.client_idle_timeout_ms": 2**31 - 1,
    # Equal channels would share one connection, and calls beyond its limit wait silently.
    "grpc.use_local_subchannel_pool": 1,
}


def speech_host(region: str) -> str:
    return "speech.googleapis.com" if region == "global" else f"{region}-speech.googleapis.com"


class Identity:
    """Who calls, and the project that pays. Raises EngineError for keys of no use."""

    def __init__(self, access: GoogleAccess) -> None:
        self.credentials, own_project = _credentials(access)
        self.project = access.project or own_project
        if not self.project:
            raise EngineError(
                "key_missing",
                "Name the Google Cloud project: an API key does not say to which it belongs.",
                recoverable=False,
            )


class Connection:
    """One gRPC channel under one client, both of one event loop."""

    def __init__(
        self,
        client: Callable[..., Any],
        transport: Any,
        identity: Identity,
        host: str,
        root_certificates: bytes | None,
        service: str,
    ) -> None:
        """``client`` and ``transport`` are the SDK's classes, ``service`` is for messages."""
        self.calls = 0
        """Long calls under way, counted by whoever makes them."""
        self._service = service
        self._channel: Any = None

        def channel(target: str, **given: Any) -> Any:
            given["ssl_credentials"] = grpc.ssl_channel_credentials(root_certificates)
            given["options"] = [*(given.get("options") or ()), *_OPTIONS.items()]
            self._channel = transport.create_channel(target, **given)
            return self._channel

        self.client = client(
            transport=transport(
                host=host,
                credentials=identity.credentials,
                channel=channel,
                # A token signed here instead of one fetched: no other service, no delay.
                always_use_jwt_access=True,
            )
        )

    async def ready(self, timeout_s: float = GOOGLE_CONNECT_S) -> None:
        """Dial. Raises EngineError("vendor_unreachable")."""
        try:
            await asyncio.wait_for(self._channel.channel_ready(), timeout_s)
        except TimeoutError as error:
            raise fault_of(ConnectionError("no connection in time"), self._service) from error

    async def aclose(self) -> None:
        await self._channel.close()


class Pool:
    """Connections to one host: another one when those that there are have much to do."""

    def __init__(self, dial: Callable[[], Connection]) -> None:
        self._dial = dial
        self._connections: list[Connection] = []

    def least_used(self) -> Connection:
        found = min(self._connections, key=lambda one: one.calls, default=None)
        if found is None or found.calls >= GOOGLE_CALLS_PER_CONNECTION_MAX:
            found = self._dial()
            self._connections.append(found)
        return found

    async def aclose(self) -> None:
        connections, self._connections = self._connections, []
        for connection in connections:
            await connection.aclose()


async def read_roots(path: Path | None) -> bytes | None:
    """Raises EngineError for a file that cannot be read."""
    if path is None:
        return None
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise EngineError(
            "vendor_unreachable",
            f"The file of root certificates cannot be read: {path}.",
            recoverable=False,
        ) from error


async def identify(access: GoogleAccess) -> Identity:
    """Reading a private key takes some milliseconds of computing: off the loop."""
    status_guard.install()
    return await asyncio.to_thread(Identity, access)


def _credentials(access: GoogleAccess) -> tuple[credentials.Credentials, str]:
    if access.credentials:
        return _service_account(access.credentials)
    if access.api_key:
        made: Any = api_key
        return made.Credentials(access.api_key), ""
    raise EngineError(
        "key_missing",
        "Google's services need a key: give a service account's JSON or an API key.",
        recoverable=False,
    )


def _service_account(text: str) -> tuple[credentials.Credentials, str]:
    account: Any = service_account.Credentials
    try:
        info = json.loads(text)
        if info.get("type") != "service_account":
            raise ValueError("of another type")
        made = account.from_service_account_info(info)
    except (ValueError, TypeError, AttributeError) as error:
        raise EngineError(
            "key_refused",
            "Google's credentials are not the JSON of a service account: copy the whole file.",
            recoverable=False,
            detail=type(error).__name__,
        ) from None
    return made, made.project_id or ""
