"""Google's cloud on this machine: speech recognition and translation behind one address.

    async with GoogleEmulator(folder, ear=ScriptedEar(), delays=Delays(interim=0.15)) as google:
        google.faults.once("unavailable", "speech")
        ...

A client needs ``google.address`` as its ``api_endpoint``, ``google.account.path`` or
``google.api_key`` as its credentials, and ``google.certificate.certificate`` as its roots,
which grpc takes from ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` when it makes its first channel
and never again: emulators that one process calls share a ``certificate``.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from pipeline.bounds import EMULATOR_CLOSE_S
from pipeline.emulators.behaviour import Delays, Faults
from pipeline.emulators.certificate import Certificate, kept_certificate
from pipeline.emulators.ears import Ear
from pipeline.emulators.google.access import Access
from pipeline.emulators.google.counts import GoogleCounts
from pipeline.emulators.google.speech import SpeechService
from pipeline.emulators.google.speech_rules import SpeechRules
from pipeline.emulators.google.translation import TranslationService
from pipeline.emulators.google.translation_rules import TranslationRules
from pipeline.emulators.machine_translation import EchoEngine, TranslationEngine
from pipeline.emulators.scripted_ear import ScriptedEar
from pipeline.emulators.service_account import kept_service_account


class GoogleEmulator:
    """One server with both services; belongs to the event loop on which it is started.

    ``folder`` exists and is the caller's: certificate and service account are written there.
    ``port`` 0 takes any free one. Without ``tls`` clients need an insecure channel. Calls
    beyond ``streams_per_connection`` wait on the client's side until others have ended.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ear: Ear | None = None,
        engine: TranslationEngine | None = None,
        delays: Delays | None = None,
        faults: Faults | None = None,
        speech_rules: SpeechRules | None = None,
        translation_rules: TranslationRules | None = None,
        certificate: Certificate | None = None,
        port: int = 0,
        tls: bool = True,
        streams_per_connection: int = 100,
    ) -> None:
        self.certificate = certificate or kept_certificate(folder)
        self.account = kept_service_account(folder)
        self.api_key = f"AIza{secrets.token_hex(17)}"
        self.access = Access(account=self.account, api_key=self.api_key)
        self.delays = delays or Delays()
        self.faults = faults or Faults()
        self.counts = GoogleCounts()
        self.speech = SpeechService(
            ear=ear or ScriptedEar(),
            access=self.access,
            rules=speech_rules or SpeechRules(),
            delays=self.delays,
            faults=self.faults,
            counts=self.counts,
        )
        self.translation = TranslationService(
            engine=engine or EchoEngine(),
            access=self.access,
            rules=translation_rules or TranslationRules(),
            delays=self.delays,
            faults=self.faults,
            counts=self.counts,
        )
        self._port = port
        self._tls = tls
        # A port that somebody else listens on is not shared with them.
        self._options = (
            ("grpc.so_reuseport", 0),
            ("grpc.max_concurrent_streams", streams_per_connection),
        )
        self._server: Any = None

    @property
    def project(self) -> str:
        return self.account.project

    @property
    def port(self) -> int:
        """Once started, the one that is listened on."""
        return self._port

    @property
    def address(self) -> str:
        return f"localhost:{self._port}"

    async def start(self) -> None:
        """Listen; after a ``stop`` on the same port again."""
        server = grpc.aio.server(options=self._options)
        server.add_generic_rpc_handlers((self.speech.handler(), *self.translation.handlers()))
        address = f"127.0.0.1:{self._port}"
        if self._tls:
            pair = (self.certificate.key.read_bytes(), self.certificate.certificate.read_bytes())
            credentials = grpc.ssl_server_credentials([pair])
            self._port = server.add_secure_port(address, credentials)
        else:
            self._port = server.add_insecure_port(address)
        await server.start()
        self._server = server

    async def stop(self, grace_s: float | None = None) -> None:
        """End every call and connection, at once without ``grace_s``. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(grace_s)

    async def drop_connections(self) -> None:
        """Break every connection in the middle of whatever is on it, and be there again."""
        await self.stop()
        await self.start()

    async def aclose(self) -> None:
        await self.stop(EMULATOR_CLOSE_S)
        await self.speech.ear.aclose()
        await self.translation.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
