"""Lossless resume, proven on the real product by cutting sockets and killing processes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import get, lines_of, token_of
from pipeline.providers.scripted.sounds import utterances
from sessions_app.socket_client.live_client import LiveClient

AT_ONCE = 25
FRAME_SAMPLES = 4096
"""Larger frames than usual: many sessions share the machine with their clients."""
SOURCE = utterances((2.0, 140.0), (2.4, 140.0), (2.0, 140.0), (2.4, 140.0))
SOURCE_S = len(SOURCE) / 16_000
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServices]:
    """Two server processes behind one port, on engines that follow a script."""
    environment = {
        "ENGINES": "scripted",
        "WEB_PROCESSES": "2",
        "MAX_SESSIONS_PER_USER": "200",
        "LOG_LEVEL": "INFO",
    }
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-resume-") as folder,
        prepared_services(Path(folder), environment=environment) as services,
    ):
        yield services


@pytest.fixture(scope="module")
def words(server: RunningServices, token: str) -> list[str]:
    """What a viewer hears whose connection holds; the engine says no word twice."""
    undisturbed = asyncio.run(watch(server, token, cuts=[]))
    undisturbed.check_lines()
    said = undisturbed.words()
    assert len(said) == len(set(said)) > 20
    return said


@pytest.fixture(scope="module")
def token(server: RunningServices) -> str:
    return token_of(server, "viewer@example.org")


@dataclass
class Watched:
    client: LiveClient
    """What it heard stays readable after its connection has gone."""

    def words(self) -> list[str]:
        lines = [self.client.lines[number] for number in sorted(self.client.lines)]
        return [word.strip(".,?!") for line in lines for word in line.source_text.lower().split()]

    def check_lines(self) -> None:
        """Every line once, in order, each with all of its sound."""
        client = self.client
        numbers = sorted(client.lines)
        assert numbers == list(range(len(numbers)))
        assert client.summary is not None
        assert client.summary["lines"] == len(numbers)
        cues = [line.cue for line in map(client.lines.__getitem__, numbers) if line.cue is not None]
        assert cues == list(range(len(cues)))
        end_s = 0.0
        for line in (client.lines[number] for number in numbers):
            if line.cue_start_s is None:
                continue
            assert line.complete, f"line {line.line} broke off"
            assert line.cue_start_s >= end_s - 0.05
            end_s = line.cue_start_s + line.duration_s
            assert np.abs(line.pcm[: line.sample_rate // 4]).max() > 1000


async def watch(
    server: RunningServices, token: str, *, cuts: list[float], delay_s: float = 0.0
) -> Watched:
    """Dub the source live, losing the connection at these seconds of it."""
    await asyncio.sleep(delay_s)
    async with LiveClient.connect(
        server.socket_url, token, patience_s=PATIENCE_S, frame_samples=FRAME_SAMPLES
    ) as client:
        await client.send(type="start_dubbing", target_language="es", source_language="en")
        tasks: list[asyncio.Task[None]] = []

        async def cut(after_s: float) -> None:
            await asyncio.sleep(after_s)
            client.drop()

        async with asyncio.timeout(SOURCE_S + PATIENCE_S + 60):
            async for event in client.events():
                if event["type"] == "ready" and not tasks:
                    tasks.append(asyncio.create_task(client.stream([SOURCE])))
                    tasks += [asyncio.create_task(cut(after_s)) for after_s in cuts]
        await asyncio.gather(*tasks)
    return Watched(client)


async def test_a_hundred_sessions_are_cut_and_resumed_without_loss(
    server: RunningServices, token: str, words: list[str]
) -> None:
    """Two processes serve the port, so that clients come back to either."""
    chance = random.Random(2026)
    how: Counter[str] = Counter()
    for _ in range(100 // AT_ONCE):
        watched = await asyncio.gather(
            *(
                watch(
                    server,
                    token,
                    cuts=[chance.uniform(0.3, SOURCE_S + 0.5)],
                    delay_s=chance.uniform(0, 1),
                )
                for _ in range(AT_ONCE)
            )
        )
        for one in watched:
            one.check_lines()
            assert one.words() == words
            assert one.client.summary is not None
            assert one.client.summary["media_s"] == pytest.approx(SOURCE_S, abs=0.01)
            assert one.client.missing == 0
            assert one.client.errors == []
            assert not [line for line in one.client.lines.values() if line.skipped]
            how.update(one.client.resumes)
    assert sum(how.values()) >= 80
    assert how["same"] >= 10
    assert how["moved"] >= 10
    assert how["new"] == 0


async def test_a_killed_server_process_costs_at_most_the_clause_in_hand_and_says_so(
    server: RunningServices, token: str, words: list[str]
) -> None:
    async def kill() -> None:
        await asyncio.sleep(SOURCE_S * 0.55)
        os.kill(server.pid_of("web-1"), signal.SIGKILL)

    killing = asyncio.create_task(kill())
    watched = await asyncio.gather(
        *(watch(server, token, cuts=[], delay_s=0.05 * n) for n in range(AT_ONCE))
    )
    await killing
    moved = [one for one in watched if one.client.resumes]
    assert moved, "the killed process had no session"
    for one in watched:
        one.check_lines()
        assert set(one.client.resumes) <= {"moved"}
        assert one.client.errors == []
        assert one.words() == words
        session = get(server, f"/api/sessions/{one.client.session_id}", token)
        assert session["state"] == "ended"
        kept = lines_of(server, one.client.session_id, token)
        assert [line["sequence"] for line in kept] == sorted(one.client.lines)


async def test_a_planned_restart_moves_sessions_that_finish_their_clause(
    server: RunningServices, token: str, words: list[str]
) -> None:
    async def restart() -> None:
        await asyncio.sleep(SOURCE_S * 0.4)
        os.kill(server.pid_of("web-2"), signal.SIGTERM)

    restarting = asyncio.create_task(restart())
    watched = await asyncio.gather(
        *(watch(server, token, cuts=[], delay_s=0.05 * n) for n in range(10))
    )
    await restarting
    moved = [one for one in watched if one.client.resumes]
    assert moved, "the restarted process had no session"
    for one in watched:
        one.check_lines()
        assert one.words() == words
        assert set(one.client.resumes) <= {"moved"}
    for one in moved:
        assert "restarting" in {notice["code"] for notice in one.client.notices}
