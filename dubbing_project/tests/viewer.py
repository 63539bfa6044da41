"""Somebody who watches the real product while tests do things to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dubbing_project.services.runner import RunningServices
from dubbing_project.services.waiting import health
from dubbing_project.tests.test_live_end_to_end import get, lines_of
from pipeline.providers.scripted.sounds import silence, tone
from pipeline.types import Pcm
from sessions_app.socket_client.live_client import LiveClient

PATIENCE_S = 60.0
"""For what takes a second or ten; a machine may be slow."""


def people_talking() -> Iterator[Pcm]:
    """Two people, turn by turn, without end: a line every two seconds."""
    while True:
        for hz in (140.0, 220.0):
            yield tone(1.2, hz)
            yield silence(0.8)


class Viewer:
    """Has a source dubbed at its own pace, and keeps what it is told and when."""

    def __init__(self, client: LiveClient) -> None:
        self.client = client
        self.told: list[tuple[float, str]] = []
        """(when, code) of every notice, on this process's monotonic clock."""
        self._ready = False
        self._enough = False

    @classmethod
    @asynccontextmanager
    async def watching(
        cls, services: RunningServices, token: str, source: Iterable[Pcm] | None = None
    ) -> AsyncIterator[Viewer]:
        """Dubbing has begun when the block is entered."""
        async with LiveClient.connect(services.socket_url, token) as client:
            viewer = cls(client)
            await client.send(type="start_dubbing", target_language="es", source_language="en")
            tasks = [asyncio.create_task(viewer._read())]
            try:
                await viewer.until(lambda: viewer._ready, "dubbing begins")
                blocks = viewer._until_enough(source or people_talking())
                tasks.append(asyncio.create_task(client.stream(blocks)))
                yield viewer
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        async for event in self.client.events():
            self._ready = self._ready or event["type"] == "ready"
            if event["type"] == "notice":
                self.told.append((time.monotonic(), event["code"]))

    def _until_enough(self, source: Iterable[Pcm]) -> Iterator[Pcm]:
        for block in source:
            if self._enough:
                break
            yield block
        yield silence(1.0)

    # What is awaited ---------------------------------------------------------------

    async def until(
        self, question: Callable[[], bool], what: str, *, seconds: float = PATIENCE_S
    ) -> float:
        """How long it took; fails when it takes longer."""
        begun = time.monotonic()
        while not await asyncio.to_thread(question):
            assert time.monotonic() - begun < seconds, f"{what}: not within {seconds:g} s"
            await asyncio.sleep(0.1)
        return time.monotonic() - begun

    async def is_told(self, code: str, *, after: int = 0) -> float:
        """Wait for a notice behind the first ``after`` ones; how long that took."""
        return await self.until(
            lambda: code in [told for _, told in self.told[after:]], f"the notice {code}"
        )

    async def hears(self, lines: int = 2) -> float:
        """Wait for so many more lines that are spoken to their end."""
        wanted = self.spoken + lines
        return await self.until(lambda: self.spoken >= wanted, f"{lines} more lines")

    @property
    def spoken(self) -> int:
        return sum(line.complete for line in tuple(self.client.lines.values()))

    async def finish(self) -> dict[str, Any]:
        """No more source; the summary."""
        self._enough = True
        await self.until(lambda: self.client.summary is not None, "the summary")
        assert self.client.summary is not None
        return self.client.summary

    # What must be so ---------------------------------------------------------------

    def check_lines(self) -> None:
        """Every line came once, in order, and was spoken to its end or is known not to be."""
        client = self.client
        came = (client.missing, client.repeated, client.errors)
        assert came == (0, 0, []), f"messages missing, repeated, errors: {came}"
        numbers = list(client.lines)
        assert numbers == list(range(len(numbers))), numbers
        assert client.summary is not None
        assert client.summary["lines"] == len(numbers), (client.summary, numbers)
        end_s = 0.0
        for line in client.lines.values():
            if line.skipped:
                continue
            assert line.complete, f"line {line.line} broke off"
            assert line.target_text, f"line {line.line} was not translated"
            assert line.cue_start_s is not None, f"line {line.line} has no cue"
            assert line.cue_start_s >= end_s - 0.01, f"line {line.line} overlaps the one before"
            end_s = line.cue_start_s + line.duration_s

    def check_record(self, services: RunningServices, token: str) -> dict[str, Any]:
        """Postgres has every line as it was told; the session as it has it."""
        session: dict[str, Any] = get(services, f"/api/sessions/{self.client.session_id}", token)
        state = (session["state"], session["lost_lines"], session["summary"]["lines"])
        assert state == ("ended", 0, len(self.client.lines)), f"on record: {state}"
        kept = lines_of(services, self.client.session_id, token)
        assert [(line["sequence"], line["target_text"]) for line in kept] == [
            (line.line, line.target_text) for line in self.client.lines.values()
        ]
        return session


def part_is_well(services: RunningServices, part: str) -> bool:
    """What /api/health says of one part; an answer that does not come is no yes."""
    report = health(services.url, host_header="localhost")
    return bool(report and report[part]["ok"])


def all_is_well(services: RunningServices) -> bool:
    report = health(services.url, host_header="localhost")
    return bool(report and report["status"] == "ok")


def log_of(services: RunningServices) -> str:
    """All that the server and the worker have logged."""
    return (Path(services.pids).parent / "run.log").read_text(errors="replace")


def tracebacks(services: RunningServices, process: str = "web-") -> list[str]:
    """Log lines of a process that tell of an exception nobody foresaw."""
    return [
        line for line in log_of(services).splitlines() if process in line and "raceback" in line
    ]
