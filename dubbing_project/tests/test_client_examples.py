"""The clients that the page on the protocol shows do work."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import PROJECT, token_of
from pipeline.demo_clip import write_clip
from pipeline.media import open_media
from pipeline.types import SAMPLE_RATE_HZ

HEARD_S = 8


def test_the_python_client_dubs(platform: RunningServices, tmp_path: Path) -> None:
    clip, talk, dub = (tmp_path / name for name in ("clip.wav", "talk.wav", "dub.wav"))
    write_clip(clip)
    blocks = islice(open_media(clip).blocks(block_s=0.1), HEARD_S * 10)
    soundfile.write(talk, np.concatenate(list(blocks)), SAMPLE_RATE_HZ, subtype="PCM_16")
    client = PROJECT / "sessions_app" / "client_examples" / "client.py"
    token = token_of(platform, "reader@example.org")
    done = subprocess.run(
        [sys.executable, client, platform.socket_url, token, talk, "es", dub],
        capture_output=True,
        text=True,
        timeout=HEARD_S + 60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {"en", "es"} <= {line.split()[0] for line in done.stdout.splitlines()}
    pcm, rate_hz = soundfile.read(dub, dtype="int16")
    assert rate_hz == SAMPLE_RATE_HZ
    assert np.abs(pcm).max() > 1000
