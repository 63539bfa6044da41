"""The clients that the page on the protocol shows do work, over a network that breaks too."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import soundfile
from asgiref.sync import sync_to_async

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import PROJECT, get, lines_of, token_of
from pipeline.sound.demo_clip import write_clip
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ

HEARD_S = 8
BREAKS_AFTER_BYTES = 30_000
"""In the middle of a line's sound, and of the source."""


class BreakingProxy:
    """Passes connections on; the first one is cut off."""

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self.connections = 0
        self.url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._pass_on, "127.0.0.1", 0) as proxy:
            self.url = f"ws://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
            yield

    async def _pass_on(self, client: StreamReader, to_client: StreamWriter) -> None:
        self.connections += 1
        left = BREAKS_AFTER_BYTES if self.connections == 1 else None
        server, to_server = await asyncio.open_connection(self._server.hostname, self._server.port)
        ways = [
            asyncio.create_task(self._copy(client, to_server, None)),
            asyncio.create_task(self._copy(server, to_client, left)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for writer in (to_client, to_server):
            writer.transport.abort()

    async def _copy(self, source: StreamReader, target: StreamWriter, left: int | None) -> None:
        with suppress(ConnectionError):
            while (left is None or left > 0) and (data := await source.read(1024)):
                target.write(data)
                await target.drain()
                left = None if left is None else left - len(data)


async def test_the_python_client_dubs_every_line_once_over_a_connection_that_breaks(
    platform: RunningServices, tmp_path: Path
) -> None:
    clip, talk, dub = (tmp_path / name for name in ("clip.wav", "talk.wav", "dub.wav"))
    write_clip(clip)
    blocks = islice(open_media(clip).blocks(block_s=0.1), HEARD_S * 10)
    soundfile.write(talk, np.concatenate(list(blocks)), SAMPLE_RATE_HZ, subtype="PCM_16")
    client = PROJECT / "sessions_app" / "client_examples" / "client.py"
    token = await sync_to_async(token_of)(platform, "reader@example.org")
    proxy = BreakingProxy(platform.socket_url)
    async with proxy.listening(), asyncio.timeout(HEARD_S + 60):
        arguments = (client, proxy.url, token, talk, "es", dub)
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(
            sys.executable, *map(str, arguments), stdout=pipe, stderr=pipe
        )
        said, complaints = await running.communicate()
    assert running.returncode == 0, complaints.decode()
    assert proxy.connections == 2

    printed = [line.split(" ", 2) for line in said.decode().splitlines()]
    (listed,) = (await sync_to_async(get)(platform, "/api/sessions", token))["results"]
    lines = await sync_to_async(lines_of)(platform, listed["id"], token)
    assert len(lines) >= 2
    for language, field in (("en", "source_text"), ("es", "target_text")):
        heard = [[number, text] for number, spoken, text in printed if spoken == language]
        assert heard == [[str(line["sequence"]), line[field]] for line in lines]

    pcm, rate_hz = soundfile.read(dub, dtype="int16")
    assert rate_hz == SAMPLE_RATE_HZ
    assert np.abs(pcm).max() > 1000
    for line in lines:
        if line["skipped_reason"]:
            continue
        begin, lasts = line["cue_start_s"], line["cue_duration_s"]
        part = pcm[round(begin * rate_hz) : round((begin + lasts) * rate_hz)]
        assert np.sqrt(np.mean(part.astype(float) ** 2)) > 300
