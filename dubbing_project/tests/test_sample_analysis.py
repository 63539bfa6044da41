"""A voice sample over the real server, its worker and its storage."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import token_of


@pytest.fixture
def speech(speech_data: Path) -> bytes:
    """Twenty seconds of one person."""
    names = ("0001", "0002", "0005")
    clips = [
        soundfile.read(speech_data / f"librispeech/3080-5032-{name}.flac", dtype="int16")[0]
        for name in names
    ]
    content = io.BytesIO()
    soundfile.write(content, np.concatenate(clips), 16_000, format="FLAC")
    return content.getvalue()


def test_a_real_worker_analyses_what_was_uploaded(
    platform: RunningServices, speech: bytes, speech_data: Path
) -> None:
    token = token_of(platform, "studio@example.org")
    headers = {"Authorization": f"Token {token}"}
    with httpx.Client(base_url=platform.url, headers=headers, timeout=30) as web:
        actor = web.post("/api/actors", json={"name": "Ida Known"}).json()["id"]
        consent = {"actor": actor, "given_by": "Ida", "uses": ["sample"], "statement": "Yes."}
        assert web.post("/api/consents", json=consent).status_code == 201
        two = (speech_data / "dialogue/falcon_test.wav").read_bytes()
        paths = [
            web.post("/api/samples", data={"actor": actor}, files={"audio": content}).headers[
                "Location"
            ]
            for content in (speech, two)
        ]
        found = [analysed_there(web, path) for path in paths]
        assert [one["verdict"] for one in found] == ["good", "unusable"]
        assert found[1]["reasons"][0]["message"].startswith("Two people speak.")
        # The server streams it off its loop, whole and in parts.
        whole = web.get(found[0]["audio_url"])
        assert (whole.headers["Content-Type"], whole.content[:4]) == ("audio/flac", b"fLaC")
        assert len(whole.content) == found[0]["size_bytes"]
        some = web.get(found[0]["audio_url"], headers={"Range": "bytes=100-299"})
        assert (some.status_code, some.content) == (206, whole.content[100:300])
        link = web.get(f"{paths[0]}/link").json()["url"]
        assert httpx.get(f"{platform.url}{link}").content == whole.content
        assert httpx.get(f"{platform.url}{found[0]['audio_url']}").status_code == 401


def analysed_there(web: httpx.Client, path: str) -> dict[str, Any]:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        body: dict[str, Any] = web.get(path).json()
        if body["state"] in {"ready", "failed"}:
            return body
        time.sleep(0.5)
    raise AssertionError("the worker has not analysed it within two minutes")
