"""A person's decisions over REST reach sessions that another server process dubs."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_following_live import processes_of, server, token
from pipeline.providers.scripted.sounds import utterances
from sessions_app.socket_client.live_client import LiveClient

__all__ = ["server", "token"]

SOURCE = utterances((2.0, 140.0), (2.5, 140.0))
FRAME = 4096
SESSIONS, MORE = 3, 5
"""Two processes share the port by chance: so often one more joins, until both have some."""


class Rest:
    """One connection for all requests, so that one process alone answers them."""

    def __init__(self, services: RunningServices, token: str) -> None:
        host = urlsplit(services.url).netloc
        self._connection = http.client.HTTPConnection(host, timeout=60)
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self._connection.request(
            method, path, json.dumps(body) if body is not None else None, self._headers
        )
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status < 300, (answer.status, content)
        assert not answer.will_close
        return json.loads(content)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def rest(server: RunningServices, token: str) -> Iterator[Rest]:
    made = Rest(server, token)
    yield made
    made.close()


class Dubbed:
    """A session whose events are read until one of a kind."""

    def __init__(self, client: LiveClient) -> None:
        self.client = client
        self._events = client.events()

    async def until(self, kind: str) -> dict[str, Any]:
        async for event in self._events:
            if event["type"] == kind:
                return event
        raise AssertionError(f"no {kind} came")

    async def begin(self) -> str:
        """Everything is heard of a speaker whose name is returned."""
        await self.client.send(
            type="start_dubbing", source_language="en", target_language="es", speakers="remember"
        )
        await self.until("ready")
        for begin in range(0, len(SOURCE), FRAME):
            await self.client.send_audio(SOURCE[begin : begin + FRAME])
        return str((await self.until("transcript"))["speaker"])


async def test_confirmed_and_rejected_in_one_process_it_holds_in_every_other(
    server: RunningServices,
    token: str,
    rest: Rest,
) -> None:
    ida = rest.ask("POST", "/api/actors", {"name": "Ida"})["id"]
    async with AsyncExitStack() as stack, asyncio.timeout(120):
        sessions: list[tuple[Dubbed, str]] = []

        async def join() -> None:
            connecting = LiveClient.connect(server.socket_url, token, frame_samples=FRAME)
            dubbed = Dubbed(await stack.enter_async_context(connecting))
            sessions.append((dubbed, await dubbed.begin()))

        for count in (SESSIONS, *[1] * MORE):
            for _ in range(count):
                await join()
            await asyncio.sleep(1.0)  # until they are put down for one another
            ids = [dubbed.client.session_id for dubbed, _ in sessions]
            if len(processes_of(server, ids)) == 2:
                break
        assert len(processes_of(server, ids)) == 2
        for dubbed, label in sessions:
            # Whoever is heard of is put on record.
            await dubbed.client.send(type="identify_speaker", speaker=label, actor=ida)
            assert (await dubbed.until("identity"))["actor"] == ida
            found = await asyncio.to_thread(
                rest.ask, "GET", f"/api/speakers?session={dubbed.client.session_id}"
            )
            (speaker,) = found["results"]
            path = f"/api/speakers/{speaker['id']}"
            await asyncio.to_thread(rest.ask, "POST", f"{path}/reject", {})
            rejected = await dubbed.until("identity")
            assert (rejected["state"], rejected["actor"]) == ("unknown", None)
            await asyncio.to_thread(rest.ask, "POST", f"{path}/confirm", {"actor": ida})
            confirmed = await dubbed.until("identity")
            assert (confirmed["actor"], confirmed["state"]) == (ida, "confirmed")
            assert confirmed["by_person"]
        for dubbed, _ in sessions:
            await dubbed.client.send(type="stop_dubbing")
            await dubbed.until("summary")
