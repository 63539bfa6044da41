"""Emulated vendors are killed while people are dubbed: others stand in, and they come back."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import pytest

from dubbing_project.services.emulators import RunningEmulators, running_emulators
from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import token_of
from dubbing_project.tests.viewer import Viewer, tracebacks
from pipeline.sound.demo_clip import write_clip
from pipeline.sound.media import open_media


class House:
    """The product on two emulated vendors, each in a process of its own."""

    def __init__(
        self, google: RunningEmulators, elevenlabs: RunningEmulators, services: RunningServices
    ) -> None:
        self.google = google
        self.elevenlabs = elevenlabs
        self.services = services
        self.token = token_of(services, "viewer@example.org")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dubbing-vendors-")))
        google = stack.enter_context(running_emulators(folder / "google", "--inside=scripted"))
        # One certificate for both, as the server knows one set of roots.
        (folder / "elevenlabs").mkdir(mode=0o700)
        for name in ("cert.pem", "key.pem"):
            shutil.copy2(folder / "google" / name, folder / "elevenlabs" / name)
        elevenlabs = stack.enter_context(
            running_emulators(folder / "elevenlabs", "--inside=scripted")
        )
        environment = google.environment | {
            "ELEVENLABS_BASE_URL": elevenlabs.environment["ELEVENLABS_BASE_URL"]
        }
        services = stack.enter_context(
            prepared_services(folder / "services", environment=environment)
        )
        yield House(google, elevenlabs, services)


@pytest.fixture
def dialogue(tmp_path: Path) -> Path:
    clip = tmp_path / "dialogue.wav"
    write_clip(clip)
    return clip


def engines_of(viewer: Viewer) -> list[str]:
    return [line.engine for line in list(viewer.client.lines.values()) if line.complete]


def voice_of_each(viewer: Viewer) -> dict[str, str]:
    return {name: one["voice"] for name, one in viewer.client.speakers.items()}


def is_speaking(viewer: Viewer) -> bool:
    """In the middle of a line's sound."""
    lines = list(viewer.client.lines.values())
    return any(line.blocks and not line.complete and line.engine == "elevenlabs" for line in lines)


async def test_a_vendor_that_dies_is_stood_in_for_and_taken_back(
    house: House, dialogue: Path
) -> None:
    blocks = list(open_media(dialogue).blocks(block_s=0.1))
    told: list[str] = []
    async with Viewer.watching(house.services, house.token, cycle(blocks)) as viewer:
        await viewer.hears(3)
        assert set(engines_of(viewer)) == {"elevenlabs"}
        voices = voice_of_each(viewer)

        await viewer.until(lambda: is_speaking(viewer), "a line of ElevenLabs' being spoken")
        before = len(viewer.client.lines)
        await asyncio.to_thread(house.elevenlabs.kill)
        await viewer.until(lambda: "espeak" in engines_of(viewer), "a line spoken offline")
        first = next(
            line.line
            for line in viewer.client.lines.values()
            if line.complete and line.engine == "espeak"
        )
        told.append(f"killed at line {before - 1}, spoken offline from line {first} on")
        await viewer.is_told("engine_stands_in")
        count = len(viewer.told)
        await asyncio.to_thread(house.elevenlabs.start)
        seconds = await viewer.is_told("engine_back", after=count)
        told.append(f"back {seconds:.1f} s after it was up")
        spoken = len(engines_of(viewer))
        await viewer.until(
            lambda: "elevenlabs" in engines_of(viewer)[spoken:], "a line of ElevenLabs' again"
        )
        for name, voice in voices.items():
            assert voice_of_each(viewer)[name] == voice, f"{name} keeps the voice"

        count = len(viewer.told)
        await asyncio.to_thread(house.google.kill)
        await viewer.is_told("engine_stands_in", after=count)
        await viewer.hears(2)
        count = len(viewer.told)
        await asyncio.to_thread(house.google.start)
        seconds = await viewer.is_told("engine_back", after=count)
        told.append(f"Google back {seconds:.1f} s after it was up")
        await viewer.hears(2)
        await viewer.finish()
        viewer.check_lines()
        viewer.check_record(house.services, house.token)
    codes = [code for _, code in viewer.told]
    lines = list(viewer.client.lines.values())
    skipped = [line.skipped for line in lines if line.skipped]
    sys.stdout.write("\n".join([*told, f"{len(lines)} lines, skipped {skipped}, {codes}\n"]))
    assert set(skipped) <= {"merged", "backlog"}
    # Once for each of the three legs, however many lines they had.
    assert codes.count("engine_stands_in") <= 3
    assert tracebacks(house.services) == []
