"""Audio does not wait for anybody's database, and a slow client holds nobody up."""

from __future__ import annotations

import asyncio
import threading

from channels.db import database_sync_to_async

from pipeline.events import CueAudio, Notice
from pipeline.providers.scripted.sounds import utterances
from sessions_app.outbox import WAITING_MAX, Outbox
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


async def test_a_client_that_reads_nothing_bounds_what_waits_for_it() -> None:
    gate = asyncio.Event()

    async def stuck(_: str | bytes) -> None:
        await gate.wait()

    outbox = Outbox(stuck, stuck, binary=True)
    sending = asyncio.create_task(outbox.send_all())
    for _ in range(WAITING_MAX * 2):
        outbox.offer(Notice(code="x", message="y"))
        await asyncio.sleep(0)
    assert outbox.left_out >= WAITING_MAX - 2
    must = asyncio.create_task(
        outbox.put(CueAudio(cue=0, start_s=0.0, sample_rate=16_000, pcm=b"\0\0"))
    )
    await asyncio.sleep(0.01)
    assert not must.done()
    gate.set()
    await asyncio.wait_for(must, 5)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
