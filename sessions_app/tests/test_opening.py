"""Sessions that are being opened while something else happens."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from pipeline.tests.waiting import SETTLE_S
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession, Reservation
from sessions_app.tests.conftest import Person, Server, until_gone
from sessions_app.tests.socket import Socket


@asynccontextmanager
async def nobody_is_let_in(waiting: int) -> AsyncIterator[asyncio.Event]:
    """The people's table is locked until the block ends; the event says that so many who open
    a session wait for it."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    release, locked = threading.Event(), threading.Event()
    loop, reached = asyncio.get_running_loop(), asyncio.Event()

    def hold() -> None:
        with psycopg.connect(**parameters) as one, psycopg.connect(**parameters) as other:
            one.execute("LOCK TABLE accounts_user IN EXCLUSIVE MODE")
            other.autocommit = True
            locked.set()
            while not release.wait(0.02):
                found = other.execute(
                    "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
                    " AND relation = 'accounts_user'::regclass"
                ).fetchone()
                if found and found[0] >= waiting:
                    loop.call_soon_threadsafe(reached.set)

    thread = threading.Thread(target=hold)
    thread.start()
    await asyncio.to_thread(locked.wait, SETTLE_S)
    try:
        yield reached
    finally:
        release.set()
        await asyncio.to_thread(thread.join, SETTLE_S)


async def free(session_id: uuid.UUID | str) -> None:
    """Wait until the session is there, and nobody holds it."""
    rows = DubbingSession.objects.filter(pk=session_id, held_by__isnull=True)
    async with asyncio.timeout(SETTLE_S):
        while not await rows.aexists():  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.02)


async def test_a_full_server_counts_those_that_are_just_coming(
    server: Server, ana: Person, ben: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_SESSIONS = 1
    monkeypatch.setattr(live, "DATABASE_S", 60.0)
    sockets = [Socket(token=ana.token), Socket(token=ben.token)]
    async with nobody_is_let_in(waiting=1) as reached:
        await sockets[0].connect()
        await asyncio.wait_for(reached.wait(), SETTLE_S)
        await sockets[1].connect()
        assert await sockets[1].closing() == (1013, "overloaded")
    await sockets[0].send(type="ping")
    await sockets[0].until("pong")
    await sockets[0].leave()
    await until_gone(sockets[0].session_id)


async def test_what_was_opened_too_late_is_given_back(
    server: Server, ana: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_MINUTES_PER_DAY = 10
    monkeypatch.setattr(live, "DATABASE_S", 0.2)
    session_id = uuid.uuid4()
    async with nobody_is_let_in(waiting=1):
        refused = Socket(token=ana.token, session_id=session_id)
        await refused.connect()
        assert await refused.closing() == (1013, "database_away")
    await free(session_id)
    assert not await Reservation.objects.filter(seconds__gt=0).aexists()
    monkeypatch.setattr(live, "DATABASE_S", 60.0)
    again = Socket(token=ana.token, session_id=session_id)
    await again.connect()
    await again.send(type="ping")
    await again.until("pong")
    await again.leave()
    await until_gone(again.session_id)


async def test_who_comes_while_the_server_begins_to_stop_is_sent_on_with_the_session_free(
    server: Server, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "DATABASE_S", 60.0)
    socket = Socket(token=ana.token)
    try:
        async with nobody_is_let_in(waiting=1) as reached:
            await socket.connect()
            await asyncio.wait_for(reached.wait(), SETTLE_S)
            await live.drain(1.0)
        assert await socket.closing() == (1012, "restarting")
        await free(socket.session_id)
        assert not live.sessions()
    finally:
        live._draining = False
