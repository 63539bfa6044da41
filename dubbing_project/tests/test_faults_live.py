"""What the product stands on fails while a session is being dubbed: it is dubbed on."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import token_of
from dubbing_project.tests.viewer import (
    PATIENCE_S,
    Viewer,
    all_is_well,
    part_is_well,
    tracebacks,
)


@pytest.fixture(scope="module")
def product() -> Iterator[RunningServices]:
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-faults-") as folder,
        prepared_services(
            Path(folder), durable=True, environment={"ENGINES": "scripted", "DUBBING_VAR": folder}
        ) as services,
    ):
        yield services


@pytest.fixture(scope="module")
def token(product: RunningServices) -> str:
    return token_of(product, "viewer@example.org")


def with_children(pid: int) -> list[int]:
    """The process and those it made; none can be made once the first is stopped."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name before may hold anything, brackets and blanks too.
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == pid:
                    found.append(int(entry.name))
    return found


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Alive and deaf, with all its children: worse than gone, for nothing is refused."""
    os.kill(pid, signal.SIGSTOP)
    pids = with_children(pid)
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in reversed(pids):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


def kill(services: RunningServices, name: str) -> int:
    """Without warning; returns the process that stands in its place."""
    before = services.pid_of(name)
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while (now := services.pid_of(name)) == before:
        assert time.monotonic() < deadline, f"{name} is not started again"
        time.sleep(0.02)
    return now


async def fault_is_told(product: RunningServices, viewer: Viewer, part: str, code: str) -> None:
    begun = time.monotonic()
    await viewer.until(lambda: not part_is_well(product, part), f"health names {part}")
    seen_s = time.monotonic() - begun
    await viewer.is_told(code)
    told_s = time.monotonic() - begun
    # About 2 and 8 s where nothing else takes the processor; within a minute each anywhere.
    print(f"{code}: in the health report after {seen_s:.1f} s, told after {told_s:.1f} s")  # noqa: T201


async def fault_is_over(product: RunningServices, viewer: Viewer) -> None:
    over_s = await viewer.is_told("fault_over")
    well_s = await viewer.until(lambda: all_is_well(product), "health is ok again")
    print(f"over: told after {over_s:.1f} s, health ok after {over_s + well_s:.1f} s")  # noqa: T201


async def test_a_database_that_stops_for_a_while_costs_nothing(
    product: RunningServices, token: str
) -> None:
    async with Viewer.watching(product, token) as viewer:
        await viewer.hears(1)
        with stopped(product.pid_of("postgres")):
            begun = time.monotonic()
            await fault_is_told(product, viewer, "database", "database_away")
            before = viewer.spoken
            await viewer.hears(3)
            await viewer.until(lambda: time.monotonic() - begun > 12, "twelve seconds")
            assert viewer.spoken - before >= 3
        await fault_is_over(product, viewer)
        await viewer.finish()
        viewer.check_lines()
        viewer.check_record(product, token)
        assert "record_incomplete" not in {code for _, code in viewer.told}
    assert tracebacks(product) == []


async def test_a_killed_redis_costs_nothing(product: RunningServices, token: str) -> None:
    async with Viewer.watching(product, token) as viewer:
        await viewer.hears(1)
        # Back before anybody is told.
        kill(product, "redis")
        await viewer.hears(1)
        await viewer.until(lambda: all_is_well(product), "health is ok again")
        # And once more, not to be back for a while.
        with stopped(kill(product, "redis")):
            await fault_is_told(product, viewer, "redis", "redis_away")
            await viewer.hears(2)
        await fault_is_over(product, viewer)
        await viewer.finish()
        viewer.check_lines()
        viewer.check_record(product, token)
    assert tracebacks(product) == []


async def test_a_killed_worker_costs_nothing(product: RunningServices, token: str) -> None:
    async with Viewer.watching(product, token) as viewer:
        await viewer.hears(1)
        with stopped(kill(product, "worker")):
            await fault_is_told(product, viewer, "worker", "worker_away")
            await viewer.hears(2)
        await fault_is_over(product, viewer)
        await viewer.finish()
        viewer.check_lines()
        viewer.check_record(product, token)
    assert tracebacks(product) == []
