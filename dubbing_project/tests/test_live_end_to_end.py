"""The whole product as a stranger meets it: real server, worker, stores and engines."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from dubbing_project.services.runner import RunningServices
from pipeline.sound.demo_clip import write_clip
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.socket_client.live_client import LiveClient

PROJECT = Path(__file__).resolve().parent.parent.parent
HEARD_S = 15


def manage(services: RunningServices, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, **services.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def token_of(services: RunningServices, email: str) -> str:
    manage(services, "create_user", "--no-password", "--email", email)
    return manage(services, "create_token", "--email", email)


@pytest.fixture(scope="module")
def listener(platform: RunningServices) -> str:
    return token_of(platform, "listener@example.org")


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = tmp_path_factory.mktemp("clip") / "dialogue.wav"
    write_clip(clip)
    return clip


def beginning(clip: Path) -> Iterator[Pcm]:
    """The first turns of both people, then enough silence for the last endpoint."""
    yield from islice(open_media(clip).blocks(block_s=0.1), HEARD_S * 10)
    yield np.zeros(SAMPLE_RATE_HZ, dtype=np.int16)


def get(services: RunningServices, path: str, token: str) -> Any:
    request = urllib.request.Request(
        services.url + path, headers={"Authorization": f"Token {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def lines_of(services: RunningServices, session_id: str, token: str) -> list[Any]:
    """Of a session of no more than a page."""
    page = get(services, f"/api/sessions/{session_id}/lines?limit=200", token)
    assert page["next"] is None
    return list(page["results"])


async def closed_with(services: RunningServices, token: str, session_id: str) -> int:
    """The code with which the server ends a connection that it does not want."""
    async with LiveClient.connect(services.socket_url, token, session_id=session_id) as unwanted:
        with pytest.raises(ConnectionClosed) as refused:
            _ = [event async for event in unwanted.events()]
    assert refused.value.rcvd is not None
    return refused.value.rcvd.code


async def test_a_conversation_is_dubbed_live_recorded_and_kept_private(
    platform: RunningServices, listener: str, dialogue: Path
) -> None:
    async with LiveClient.connect(platform.socket_url, listener) as client:
        await client.send(type="start_dubbing", target_language="es", source_language="en")
        streaming: asyncio.Task[None] | None = None
        async with asyncio.timeout(HEARD_S + 120):
            async for event in client.events():
                if event["type"] == "ready":
                    streaming = asyncio.create_task(client.stream(beginning(dialogue)))
        assert streaming is not None
        await streaming

    lines = [client.lines[number] for number in sorted(client.lines)]
    # An utterance each; a long one is cut only where the recogniser keeps up.
    assert len(lines) >= 3
    assert client.errors == []
    assert len({line.speaker for line in lines if line.speaker}) == 2
    said = " ".join(line.source_text for line in lines).lower()
    assert "train" in said
    assert "tren" in " ".join(line.target_text for line in lines).lower()

    end_s = 0.0
    for line in lines:
        assert line.cue_start_s is not None
        assert line.cue_start_s >= max(end_s, line.start_s) - 0.002
        end_s = line.cue_start_s + line.duration_s
        level = float(np.sqrt(np.mean(line.pcm.astype(np.float64) ** 2)))
        assert 300 < level < 12_000
        assert set(line.latencies) >= {"total_ms", "lag_ms", "synthesis_ms"}

    assert client.summary is not None
    assert client.summary["lines"] == len(lines)
    session = get(platform, f"/api/sessions/{client.session_id}", listener)
    assert session["state"] == "ended"
    kept = lines_of(platform, client.session_id, listener)
    assert [line["target_text"] for line in kept] == [line.target_text for line in lines]

    stranger = token_of(platform, "stranger@example.org")
    with pytest.raises(urllib.error.HTTPError) as hidden:
        get(platform, f"/api/sessions/{client.session_id}", stranger)
    with hidden.value:
        assert hidden.value.code == 404
    for token, session_id, code in (
        (stranger, client.session_id, 4403),
        ("no-such-token", client.session_id, 4401),
        (listener, "not-a-uuid", 4400),
    ):
        assert await closed_with(platform, token, session_id) == code


async def test_an_impossible_language_is_refused_with_what_there_is(
    platform: RunningServices, listener: str
) -> None:
    async with LiveClient.connect(platform.socket_url, listener) as client:
        await client.send(type="start_dubbing", target_language="ja", source_language="en")
        async for event in client.events():
            if event["type"] == "error":
                break
    assert event["code"] == "pair_unsupported"
    assert "es" in event["message"]


def test_the_server_is_well_and_its_engines_are_loaded(platform: RunningServices) -> None:
    with urllib.request.urlopen(f"{platform.url}/api/health", timeout=60) as answer:
        report = json.load(answer)
    assert report["status"] == "ok"
    assert report["engines"]["state"] == "ready"


def test_the_serving_process_imports_no_heavy_package() -> None:
    program = (
        "import dubbing_project.asgi, sys; from sessions_app.engines.loaded import make_engines;"
        "make_engines();"
        "found = {'torch', 'librosa', 'numba', 'tensorflow'} & set(sys.modules);"
        "sys.exit(', '.join(found) if found else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
