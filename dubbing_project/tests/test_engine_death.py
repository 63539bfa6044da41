"""The offline engines' processes are killed while people are dubbed: they are dubbed on."""

from __future__ import annotations

import asyncio
import re
import sys
import time
import urllib.request
from collections.abc import Callable
from itertools import cycle
from typing import TypeAlias

import psutil
import pytest

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import manage
from dubbing_project.tests.viewer import PATIENCE_S, Viewer, all_is_well, tracebacks
from pipeline.sound.demo_clip import write_clip
from pipeline.sound.media import open_media
from pipeline.types import Pcm

RECOGNISER = r"-m pipeline\.providers\.offline\.recognizer_worker"
VOICE = r"-m pipeline\.providers\.offline\.espeak_worker"
TRANSLATOR_STAGE = r"^(apertium-|lt-proc|lrx-proc|cg-proc)"
KEEPER = "keeper@example.org"

Choice: TypeAlias = Callable[[], list[psutil.Process]]
"""How to find what is killed."""


@pytest.fixture(scope="module")
def keeper(platform: RunningServices) -> str:
    """A token of somebody who may see the figures."""
    manage(platform, "create_user", "--no-password", "--admin", "--email", KEEPER)
    return manage(platform, "create_token", "--email", KEEPER)


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> list[Pcm]:
    clip = tmp_path_factory.mktemp("clip") / "dialogue.wav"
    write_clip(clip)
    return list(open_media(clip).blocks(block_s=0.1))


def engine_processes(services: RunningServices, pattern: str) -> list[psutil.Process]:
    """Those below the server whose command says so."""
    found = []
    for process in psutil.Process(services.pid_of("web-1")).children(recursive=True):
        try:
            if re.search(pattern, " ".join(process.cmdline())):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def in_use(processes: list[psutil.Process]) -> psutil.Process:
    """The one that works: one in reserve has but loaded itself."""

    def spent_s(process: psutil.Process) -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    before = {process: spent_s(process) for process in processes}
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        time.sleep(0.2)
        spent = {process: spent_s(process) - before[process] for process in processes}
        busiest = max(spent, key=spent.__getitem__)
        if spent[busiest] >= 0.2:
            return busiest
    raise AssertionError("none of these processes works")


def restarts(services: RunningServices, token: str, engine: str) -> float:
    request = urllib.request.Request(
        f"{services.url}/api/metrics", headers={"Authorization": f"Token {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text: str = answer.read().decode()
    name = f'dubbing_worker_restarts_total{{engine="{engine}"}} '
    return sum(
        float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)
    )


def gone(process: psutil.Process) -> bool:
    """Not there, or dead and not yet fetched by its parent."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def kill(
    viewer: Viewer, services: RunningServices, token: str, engine: str, choose: Choice
) -> str:
    """Until it is made good; what that took."""

    def more() -> float:
        return restarts(services, token, engine) - before

    before = restarts(services, token, engine)
    killed = await asyncio.to_thread(choose)
    assert killed, f"no process of {engine}"
    begun = time.monotonic()
    for process in killed:
        process.kill()
    await viewer.until(lambda: all(map(gone, killed)), f"{engine} is dead")
    await viewer.until(lambda: more() > 0, f"{engine} is counted")
    counted_s = time.monotonic() - begun
    if engine == "pocketsphinx":
        await viewer.is_told("recognizer_restarted")
    await viewer.hears(2)
    return (
        f"{engine}: {len(killed)} killed, counted {more():g} times after {counted_s:.1f} s, two "
        f"more lines after {time.monotonic() - begun:.1f} s"
    )


@pytest.fixture
def victims(platform: RunningServices) -> dict[str, Choice]:
    return {
        "pocketsphinx": lambda: [in_use(engine_processes(platform, RECOGNISER))],
        # Whichever speaks next, it is one of the dead.
        "espeak": lambda: engine_processes(platform, VOICE),
        # One stage in the middle: the others must not be left behind.
        "apertium": lambda: engine_processes(platform, TRANSLATOR_STAGE)[3:4],
    }


async def test_killed_engine_processes_cost_no_line(
    platform: RunningServices,
    keeper: str,
    dialogue: list[Pcm],
    victims: dict[str, Choice],
) -> None:
    told: list[str] = []
    async with Viewer.watching(platform, keeper, cycle(dialogue)) as viewer:
        await viewer.hears(2)
        for engine, choose in victims.items():
            told.append(await kill(viewer, platform, keeper, engine, choose))
        await viewer.finish()
        viewer.check_lines()
        viewer.check_record(platform, keeper)
    lines = list(viewer.client.lines.values())
    skipped = [line.skipped for line in lines if line.skipped]
    codes = [code for _, code in viewer.told]
    sys.stdout.write("\n".join([*told, f"{len(lines)} lines, skipped {skipped}, {codes}\n"]))
    assert codes.count("recognizer_restarted") == 1
    assert set(skipped) <= {"merged", "backlog"}
    assert len(skipped) < len(lines) / 2
    assert tracebacks(platform) == []
    await viewer.until(lambda: all_is_well(platform), "health is ok")
