"""Live audio is never written to a disk: a run is watched while real speech is dubbed."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from watchfiles import Change, watch

from dubbing_project.services.context import PROJECT, running_services
from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import token_of
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.socket_client.live_client import LiveClient

CLIPS = ("en/LJ001-0001.flac", "en/LJ001-0005.flac")
WINDOW_BYTES = 32
WINDOWS = 40
"""Stretches of each recording that are looked for."""
EXPECTED = (
    # What the stores, the supervisor and Celery keep. All of it is text and numbers.
    r"postgres/.*",
    r"redis/.*",
    r"run/.*",
    r"logs/.*",
    r"pids(/.*)?",
    r"run\.log",
    r"ready\.json",
    r"beat.*",
    r"lock",
    r"static(/.*)?",
    r"secret_key.*",
    # Nameless files of the health probe, which writes a few bytes to see whether it can.
    r"(media/)?#[0-9]+",
    r"media",
)
FINISH_S = 120.0


class Watcher:
    """Names every file that is made or written below folders, until it is stopped."""

    def __init__(self, *folders: Path, recursive: bool) -> None:
        self._stop = threading.Event()
        self._found: set[Path] = set()
        self._began = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(folders, recursive), daemon=True, name="watch"
        )
        self._thread.start()
        assert self._began.wait(60)

    def _run(self, folders: tuple[Path, ...], recursive: bool) -> None:
        changes = watch(
            *folders,
            watch_filter=None,
            recursive=recursive,
            stop_event=self._stop,
            yield_on_timeout=True,
            rust_timeout=200,
            step=20,
            debounce=100,
        )
        for found in changes:
            self._began.set()
            self._found |= {Path(path) for change, path in found if change != Change.deleted}

    def stop(self) -> set[Path]:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self._found


def source_of(speech_data: Path) -> Pcm:
    parts = [block for clip in CLIPS for block in open_media(speech_data / clip).blocks()]
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE_HZ, dtype=np.int16)])


def stretches(pcm: Pcm) -> list[bytes]:
    """Loud, and so distinctive, windows of a recording as it would lie in a file."""
    length = WINDOW_BYTES // 2
    chosen: list[bytes] = []
    for begin in np.linspace(0, len(pcm) - length - 1, WINDOWS * 8).astype(int):
        window = pcm[begin : begin + length]
        if len(chosen) < WINDOWS and np.abs(window.astype(np.int32)).max() > 500:
            chosen.append(window.astype("<i2").tobytes())
    assert len(chosen) > WINDOWS // 2
    return chosen


def open_for_writing(services: RunningServices) -> set[str]:
    """Regular files that the server or an engine's process could write to."""
    server = psutil.Process(services.pid_of("web-1"))
    paths = set()
    for process in [server, *server.children(recursive=True)]:
        try:
            paths |= {file.path for file in process.open_files() if file.mode not in ("r", "rb")}
        except psutil.Error:
            continue  # it has left
    return paths


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dubbing-silent-") as made:
        yield Path(made).resolve()


async def dubbed(services: RunningServices, token: str, source: Pcm) -> tuple[LiveClient, set[str]]:
    """The client after its summary, and what was open for writing meanwhile."""
    opened: set[str] = set()
    async with LiveClient.connect(services.socket_url, token) as client:
        await client.send(type="start_dubbing", target_language="es", source_language="en")
        streaming: asyncio.Task[None] | None = None
        async with asyncio.timeout(len(source) / SAMPLE_RATE_HZ + FINISH_S):
            async for event in client.events():
                if event["type"] == "ready":
                    streaming = asyncio.create_task(client.stream([source]))
                elif event["type"] in {"transcript", "cue"}:
                    opened |= await asyncio.to_thread(open_for_writing, services)
        assert streaming is not None
        await streaming
    return client, opened


def test_nothing_of_live_audio_is_written(folder: Path, speech_data: Path) -> None:
    source = source_of(speech_data)
    models = PROJECT / "var" / "models"
    environment = {"DUBBING_VAR": str(folder), "DUBBING_MODELS": str(models), "AUDIO_DEBUG": "on"}
    # Other programs write to the machine's own, so what ours write is kept apart.
    for name, variable in {"home": "HOME", "tmp": "TMPDIR"}.items():
        (folder / name).mkdir()
        environment[variable] = str(folder / name)
    with running_services(folder, durable=True, environment=environment) as services:
        token = token_of(services, "listener@example.org")
        own = Watcher(folder, recursive=True)
        shared = ("/dev/shm", tempfile.gettempdir(), "/tmp", "/var/tmp")
        outer = [*{Path(one).resolve() for one in shared}, PROJECT]
        others = Watcher(*(one for one in outer if one.is_dir()), recursive=False)
        before = {one: set(one.iterdir()) for one in outer if one.is_dir()}
        client, opened = asyncio.run(dubbed(services, token, source))
        written = own.stop()
        elsewhere = others.stop()
        appeared = {path for one, then in before.items() for path in set(one.iterdir()) - then}

        lines = list(client.lines.values())
        assert len([line for line in lines if line.complete]) >= 3
        unknown = {
            path
            for path in written
            if not any(re.fullmatch(form, _below(path, folder)) for form in EXPECTED)
        }
        assert unknown == set()
        elsewhere = {path for path in elsewhere & appeared if path.is_file()}
        assert not {path for path in elsewhere if path.parent == PROJECT and _is_ours(path)}
        assert not {path for path in opened if not re.search(r"/logs/|run\.log", path)}

        dub = np.concatenate([line.pcm for line in lines if len(line.pcm)])
        wanted = [*stretches(source), *stretches(dub)]
        files = [path for path in folder.rglob("*") if path.is_file()]
        looked_at = 0
        for path in [*files, *elsewhere]:
            try:
                data = path.read_bytes()
            except OSError:
                continue  # a store, or whoever else's it was, has put it away
            looked_at += len(data)
            assert not any(stretch in data for stretch in wanted), f"sound in {path}"
            assert token.encode() not in data, f"the token in {path}"
        logs = [path for path in files if path.suffix == ".log"]
        text = "".join(path.read_text(errors="replace") for path in logs).lower()
        said = [words for line in lines for words in (line.source_text, line.target_text)]
        for words in (words for words in said if len(words.split()) >= 3):
            assert words.lower().rstrip(".?!") not in text, "a log holds what was said"
    sys.stdout.write(
        f"{len(lines)} lines, {len(written)} files written, {len(files)} looked at "
        f"({looked_at / 1e6:.0f} MB) for {len(wanted)} stretches; {len(logs)} logs without words\n"
    )


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _is_ours(path: Path) -> bool:
    """Not what tests and linters leave there."""
    known = (".pytest_cache", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis")
    return not any(name in path.parts for name in known)
