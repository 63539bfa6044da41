"""Following between real server processes: text goes over, sound is made where it is heard."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dubbing_project.service_urls import parse_redis_url
from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import get, token_of
from dubbing_project.tests.test_resume_live import Watched
from pipeline.providers.scripted.sounds import utterances
from sessions_app.running.live_state import decode
from sessions_app.socket_client.live_client import LiveClient

SOURCE = utterances(*[(2.0, 140.0), (2.4, 140.0)] * 3)
SOURCE_S = len(SOURCE) / 16_000
PATIENCE_S = 60.0
FOLLOWERS = 6
MORE = 5
"""Two processes share the port by chance: so often as many again join, until both have some."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServices]:
    environment = {"ENGINES": "scripted", "WEB_PROCESSES": "2", "MAX_SESSIONS_PER_USER": "50"}
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-follow-") as folder,
        prepared_services(Path(folder), environment=environment) as services,
    ):
        yield services


@pytest.fixture(scope="module")
def token(server: RunningServices) -> str:
    return token_of(server, "viewer@example.org")


async def lead(
    server: RunningServices, token: str, ready: asyncio.Future[str], go: asyncio.Event
) -> Watched:
    async with LiveClient.connect(
        server.socket_url, token, patience_s=PATIENCE_S, frame_samples=4096
    ) as client:
        await client.send(type="start_dubbing", target_language="es", source_language="en")
        streaming: asyncio.Task[None] | None = None
        async for event in client.events():
            if event["type"] == "ready" and streaming is None:
                ready.set_result(client.session_id)
                await go.wait()
                streaming = asyncio.create_task(client.stream([SOURCE]))
        if streaming is not None:
            await streaming
    return Watched(client)


async def follow(
    server: RunningServices, token: str, session_id: str, ready: asyncio.Future[str]
) -> Watched:
    async with LiveClient.connect(server.socket_url, token, patience_s=PATIENCE_S) as client:
        await client.send(type="follow_dubbing", session=session_id)
        async for event in client.events():
            if event["type"] == "ready":
                ready.set_result(client.session_id)
    return Watched(client)


def processes_of(server: RunningServices, session_ids: list[str]) -> set[str]:
    """Which server processes have these sessions in hand."""
    with redis.Redis.from_url(parse_redis_url(server.redis_url).client) as client:
        found = [client.get(f"dubbing:live:{session_id}") for session_id in session_ids]
    return {decode(state).process for state in found if isinstance(state, bytes)}


async def watch_together(
    server: RunningServices, token: str, *, disturb: str = ""
) -> tuple[Watched, list[Watched]]:
    """A leader and followers; ``disturb`` names a process that is killed in mid-speech."""
    led: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    go = asyncio.Event()
    async with asyncio.timeout(SOURCE_S + PATIENCE_S + 60):
        leading = asyncio.create_task(lead(server, token, led, go))
        session_id = await led
        loop = asyncio.get_running_loop()
        following: list[asyncio.Task[Watched]] = []
        followers: list[str] = []
        for count in (FOLLOWERS, *[2] * MORE):
            readies: list[asyncio.Future[str]] = [loop.create_future() for _ in range(count)]
            following += [
                asyncio.create_task(follow(server, token, session_id, ready)) for ready in readies
            ]
            followers += await asyncio.gather(*readies)
            await asyncio.sleep(1.0)  # until they are put down for one another
            if len(processes_of(server, [session_id, *followers])) == 2:
                break
        assert len(processes_of(server, [session_id, *followers])) == 2
        go.set()
        if disturb:
            await asyncio.sleep(SOURCE_S / 2)
            os.kill(server.pid_of(disturb), signal.SIGKILL)
        return await leading, list(await asyncio.gather(*following))


async def test_followers_in_every_process_hear_every_line_once_and_in_order(
    server: RunningServices, token: str
) -> None:
    leader, followers = await watch_together(server, token)
    leader.check_lines()
    for one in followers:
        one.check_lines()
        assert one.words() == leader.words()
        assert one.client.errors == []
        assert [line.target_text for _, line in sorted(one.client.lines.items())] == [
            line.target_text for _, line in sorted(leader.client.lines.items())
        ]
        session = get(server, f"/api/sessions/{one.client.session_id}", token)
        assert session["follows"] == leader.client.session_id
        assert {use["leg"] for use in session["usage"]} == {"synthesis"}


async def test_a_killed_process_costs_no_follower_a_line(
    server: RunningServices, token: str
) -> None:
    """Whether it had the leader, or followers, or both: they find one another again."""
    leader, followers = await watch_together(server, token, disturb="web-1")
    leader.check_lines()
    for one in followers:
        assert one.words() == leader.words()
        assert sorted(one.client.lines) == list(range(len(one.client.lines)))
        assert one.client.errors == []
    moved = [one for one in (leader, *followers) if one.client.resumes]
    assert moved, "the killed process had no session"
