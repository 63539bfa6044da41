"""Audio does not wait for anybody's database."""

from __future__ import annotations

import asyncio
import threading

from channels.db import database_sync_to_async

from pipeline.providers.scripted.sounds import utterances
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.socket import Socket


async def test_a_blocked_orm_thread_does_not_delay_audio(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.until("ready")
    release = threading.Event()
    blocked = asyncio.ensure_future(database_sync_to_async(release.wait)(30))
    try:
        # A whole dub while the thread that Channels would check connections on hangs.
        await socket.send_audio(utterances((2.0, 140.0)))
        await socket.send(type="stop_dubbing")
        summary = await socket.until("summary")
        assert summary["lines"] >= 1
        assert socket.audio
        assert not blocked.done()
    finally:
        release.set()
        await blocked
    await socket.leave()
