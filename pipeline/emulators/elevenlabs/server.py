"""A local ElevenLabs: text to speech over HTTP and sockets, voices, cloning, the account.

    async with ElevenLabsEmulator() as vendor:
        http = httpx.AsyncClient(verify=ssl.create_default_context(cafile=vendor.certificate))
        client = AsyncElevenLabs(base_url=vendor.base_url, api_key=vendor.api_key,
                                 httpx_client=http)

Shapes, limits and refusals are those of the vendor's documents and of recorded answers;
what is inside is a ``Mouth``. Not made: opus and wav, professional cloning, dubbing, SSML,
pronunciation dictionaries, ``seed`` and ``previous_text`` (all taken and left aside).
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from aiohttp import web

from pipeline.bounds import EMULATOR_BODY_MAX_BYTES, EMULATOR_CLOSE_S
from pipeline.emulators.behaviour import Delays, Faults
from pipeline.emulators.certificate import Certificate, make_certificate
from pipeline.emulators.elevenlabs import administration as elevenlabs_administration
from pipeline.emulators.elevenlabs import sockets as elevenlabs_sockets
from pipeline.emulators.elevenlabs import speech as elevenlabs_speech
from pipeline.emulators.elevenlabs.account import Account
from pipeline.emulators.elevenlabs.answers import add_headers, answered
from pipeline.emulators.elevenlabs.catalog import PLANS, Plan
from pipeline.emulators.elevenlabs.faults import abort
from pipeline.emulators.elevenlabs.mouths import HumMouth, Mouth
from pipeline.emulators.elevenlabs.speaking import Pace
from pipeline.emulators.elevenlabs.state import VENDOR, Counters, DurationsKey, Vendor

API_KEY = "sk_emulated_0123456789abcdef0123456789abcdef"


class ElevenLabsEmulator:
    """An asynchronous context manager; ``stop`` and ``start`` in between kill and revive it on
    the same port with all it has stored.

    ``mouth`` speaks (a hum if none is given) and is closed at the end; ``plan`` is one of
    ``PLANS`` or a name of one. ``speed`` is seconds of sound made in a second, 0 without
    limit. ``newer_errors`` answers in the shapes seen in 2026 instead of the documented ones.
    ``durations_key`` is how alignments on sockets spell their durations; the live service
    and the published schema differ.
    """

    def __init__(
        self,
        *,
        mouth: Mouth | None = None,
        plan: Plan | str = "pro",
        api_key: str = API_KEY,
        delays: Delays | None = None,
        faults: Faults | None = None,
        certificate: Certificate | None = None,
        port: int = 0,
        block_s: float = 0.25,
        speed: float = 10.0,
        newer_errors: bool = False,
        durations_key: DurationsKey = "charDurationsMs",
        closing_counts: bool = True,
        character_count: int = 0,
    ) -> None:
        self.delays = delays or Delays()
        self.faults = faults or Faults()
        self.account = Account(
            api_key=api_key,
            plan=PLANS[plan] if isinstance(plan, str) else plan,
            character_count=character_count,
        )
        self.counters = Counters()
        self.port = port
        """0 until the first start where none was given."""
        self._vendor = Vendor(
            account=self.account,
            mouth=mouth or HumMouth(),
            pace=Pace(self.delays, block_s, speed),
            faults=self.faults,
            counters=self.counters,
            newer_errors=newer_errors,
            durations_key=durations_key,
            closing_counts=closing_counts,
        )
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._certificate = certificate
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    @property
    def api_key(self) -> str:
        return self.account.api_key

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"wss://localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        """PEM file of the only certificate that a client is to trust."""
        assert self._certificate is not None
        return self._certificate.certificate

    def client_context(self) -> ssl.SSLContext:
        """For clients: trusts this emulator and nothing else."""
        return ssl.create_default_context(cafile=self.certificate)

    async def __aenter__(self) -> ElevenLabsEmulator:
        if self._certificate is None:
            self._folder = tempfile.TemporaryDirectory(prefix="emulator-")
            self._certificate = make_certificate(Path(self._folder.name))
        await self._vendor.mouth.connect()
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
        await self._vendor.mouth.aclose()
        if self._folder is not None:
            self._folder.cleanup()

    async def start(self) -> None:
        """Listen, on the port of before if there was one. Idempotent."""
        if self._server is not None:
            return
        assert self._certificate is not None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._certificate.certificate, self._certificate.key)
        app = web.Application(middlewares=[answered], client_max_size=EMULATOR_BODY_MAX_BYTES)
        app[VENDOR] = self._vendor
        app.on_response_prepare.append(add_headers)
        app.add_routes(elevenlabs_speech.routes())
        app.add_routes(elevenlabs_sockets.routes())
        app.add_routes(elevenlabs_administration.routes())
        # Whoever leaves is not spoken to any longer, and frees its place.
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=EMULATOR_CLOSE_S
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._counted(),
            "127.0.0.1",
            self.port,
            ssl=context,
            ssl_shutdown_timeout=EMULATOR_CLOSE_S,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._vendor.base_url = self.base_url

    async def stop(self) -> None:
        """Refuse new connections and cut those there are, as a killed server does. Idempotent."""
        if self._server is None or self._runner is None:
            return
        self._server.close()
        self._server = None
        server = self._runner.server
        assert server is not None
        for connection in server.connections:
            abort(connection.transport)
        await self._runner.cleanup()
        self._runner = None

    def _counted(self) -> Callable[[], asyncio.Protocol]:
        assert self._runner is not None
        make = self._runner.server
        assert make is not None

        def connected() -> asyncio.Protocol:
            self.counters.connections += 1
            return make()

        return connected

    @property
    def connections_open(self) -> int:
        """TCP connections that are open now."""
        server = self._runner.server if self._runner else None
        return len(server.connections) if server else 0
