"""One ElevenLabs account as this process uses it: client, sockets, plan, voices.

Engines of the same access on the same event loop share one: the plan's limits are the
account's. Whoever ``join``s has to ``leave``; the last one closes everything.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

import httpx

from pipeline.bounds import (
    ELEVENLABS_CALL_S,
    ELEVENLABS_VOICES_MAX,
)
from pipeline.ports import EngineError
from pipeline.providers.elevenlabs.alignment import Paces
from pipeline.providers.elevenlabs.clones import Clones
from pipeline.providers.elevenlabs.dialling import dial, make_client
from pipeline.providers.elevenlabs.faults import fault, fault_of
from pipeline.providers.elevenlabs.gate import Gate, allowed
from pipeline.providers.elevenlabs.sockets import SocketPool
from pipeline.providers.elevenlabs.voice_socket import SocketKey
from pipeline.providers.settings import ElevenLabsAccess

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs
    from elevenlabs.core.request_options import RequestOptions
    from elevenlabs.types import Subscription
    from elevenlabs.types import Voice as VendorVoice
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_PAGE = 100
_LOOK_AFTER_S = 15.0

ONCE: RequestOptions = {"max_retries": 0}
"""The SDK's own retries take seconds and drop the fields of an upload."""


class Account:
    """Use ``join``; ``connect`` must have returned before anything else is used."""

    client: AsyncElevenLabs

    def __init__(self, access: ElevenLabsAccess) -> None:
        self.access = access
        self.gate = Gate(allowed("free", access.model))
        self.sockets = SocketPool(self._dial)
        self.paces = Paces()
        self.clones = Clones(access.installation, self.delete_voice)
        self.subscription: Subscription | None = None
        """None where the key may not read it."""
        self.voices: tuple[VendorVoice, ...] = ()
        self.users = 0
        self.requests: set[asyncio.Task[None]] = set()
        """Clauses being spoken over HTTP; the gate bounds them."""
        self._http: httpx.AsyncClient | None = None
        self._tls: ssl.SSLContext | None = None
        self._connecting = asyncio.Lock()
        self._connected = False
        self._keeper: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Dial, and read plan and voices once. Raises EngineError. Idempotent."""
        async with self._connecting:
            if self._connected:
                return
            if self._http is None:
                # Importing the SDK and reading root certificates take half a second of CPU.
                self._tls, self._http, self.client = await asyncio.to_thread(
                    make_client, self.access
                )
            # One after the other: a key that is refused is refused once.
            subscription = self.subscription = await self._read_subscription()
            self.voices = await self.read_voices()
            if subscription is not None:
                self.gate.limit = allowed(subscription.tier, self.access.model)
                self.clones.know(subscription.voice_limit, subscription.voice_slots_used)
            self.clones.find_left_over(self.voices, time.time())
            self._keeper = asyncio.create_task(self._look_after(), name="elevenlabs keeper")
            self._connected = True

    async def call(
        self, make: Callable[[], Awaitable[Answer]], within_s: float = ELEVENLABS_CALL_S
    ) -> Answer:
        """One request with our own timeout; raises EngineError."""
        try:
            async with asyncio.timeout(within_s):
                return await make()
        except Exception as error:
            raise fault_of(error) from error

    async def delete_voice(self, voice_id: str) -> None:
        """Raises EngineError; a voice that is gone already is deleted."""
        await self.sockets.drop(voice_id)
        try:
            await self.call(lambda: self.client.voices.delete(voice_id, request_options=ONCE))
        except EngineError as error:
            if error.code != "voice_gone":
                raise

    async def aclose(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for task in self.requests:
            task.cancel()
        await asyncio.gather(*self.requests, return_exceptions=True)
        await self.sockets.aclose()
        if self._http is not None:
            await self._http.aclose()

    async def _dial(self, key: SocketKey) -> ClientConnection:
        asked_with = self.gate.inside
        connection = await dial(self.access, self._tls, key)
        if connection.response is not None:
            self.gate.learn(connection.response.headers, asked_with=asked_with)
        return connection

    # Reading --------------------------------------------------------------------------

    async def _read_subscription(self) -> Subscription | None:
        try:
            return await self.call(lambda: self.client.user.subscription.get(request_options=ONCE))
        except EngineError as error:
            if error.code == "key_refused" and "missing_permissions" in error.detail:
                log.info("plan unknown", extra={"code": error.code})
                return None
            raise

    async def read_voices(self) -> tuple[VendorVoice, ...]:
        """All that the account has. Raises EngineError."""
        found: list[VendorVoice] = []
        token: str | None = None
        while len(found) < ELEVENLABS_VOICES_MAX:
            at = token
            page = await self.call(
                lambda at=at: self.client.voices.search(  # type: ignore[misc]
                    page_size=_PAGE, next_page_token=at, request_options=ONCE
                )
            )
            found += page.voices
            token = page.next_page_token
            if not page.has_more or not token:
                break
        return tuple(found)

    async def _look_after(self) -> None:
        while True:
            await self.clones.sweep()
            await asyncio.sleep(_LOOK_AFTER_S)
            await self.sockets.look_after()


_joined: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[ElevenLabsAccess, Account]] = (
    WeakKeyDictionary()
)


async def join(access: ElevenLabsAccess) -> Account:
    """The connected account of this access on this loop; raises EngineError."""
    accounts = _joined.setdefault(asyncio.get_running_loop(), {})
    account = accounts.get(access)
    if account is None:
        if not access.api_key:
            raise fault("key_refused", "empty key")
        account = accounts[access] = Account(access)
    account.users += 1
    try:
        await account.connect()
    except BaseException:
        await leave(account)
        raise
    return account


async def leave(account: Account) -> None:
    """To be called once for every ``join`` that returned."""
    account.users -= 1
    if account.users > 0:
        return
    accounts = _joined.get(asyncio.get_running_loop(), {})
    if accounts.get(account.access) is account:
        del accounts[account.access]
    await account.aclose()
