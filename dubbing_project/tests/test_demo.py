"""The demo against a server that is too busy at first."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import soundfile
from django.core.management import CommandError
from websockets.asyncio.server import ServerConnection, serve

from dubbing_project.management.commands import demo
from pipeline.providers.scripted.sounds import silence
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ
from pipeline.wire import SUBPROTOCOL


async def test_a_busy_server_is_asked_again_and_its_words_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "AGAIN_S", 0.0)
    soundfile.write(tmp_path / "clip.wav", silence(0.1), SAMPLE_RATE_HZ)
    media = open_media(tmp_path / "clip.wav")
    answers = [1013, 1013, 1000]

    async def answer(connection: ServerConnection) -> None:
        if (code := answers.pop(0)) != 1000:
            await connection.close(code, "Later, please.")
            return
        await connection.recv()
        for sequence, kind in enumerate(("ready", "summary")):
            await connection.send(json.dumps({"type": kind, "sequence": sequence, "engines": {}}))
        await connection.wait_closed()

    command = demo.Command(stdout=io.StringIO())
    options = {"to": "es", "source": "en"}
    async with serve(answer, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:  # type: ignore[list-item]  # the library's own NewType
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        client = await command._dub(url, "token", media, options)
        assert client.summary is not None
        assert not answers
        answers.append(4401)
        with pytest.raises(CommandError, match=r"^Later, please\.$"):
            await command._dub(url, "token", media, options)
