"""The emulated clouds as a process beside the services, and what tells a server of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dubbing_project.services.context import PROJECT
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.folders import private_folder, tail
from pipeline.bounds import READY_SECONDS, STOP_SECONDS

if TYPE_CHECKING:
    from pipeline.emulators.cloud import EmulatedCloud


def environment_of(cloud: EmulatedCloud) -> dict[str, str]:
    """The settings with which a server takes ``cloud`` for the vendors themselves."""
    google, elevenlabs = cloud.google, cloud.elevenlabs
    return {
        "ENGINES": "cloud",
        "GOOGLE_CLOUD_CREDENTIALS_PATH": str(google.account.path),
        "GOOGLE_SPEECH_ENDPOINT": google.address,
        "GOOGLE_TRANSLATION_ENDPOINT": google.address,
        "GOOGLE_SPEECH_REGION": google.speech.rules.region,
        "ELEVENLABS_API_KEY": elevenlabs.api_key,
        "ELEVENLABS_BASE_URL": elevenlabs.base_url,
        "CLOUD_ROOT_CERTIFICATES": str(google.certificate.certificate),
    }


@contextmanager
def running_emulators(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    """The emulated clouds, up inside the block; gives the environment of a server.

    ``options`` are those of ``manage.py run_emulators``. Raises ServiceError with the end of
    the log when they do not come up. They go when this process does.
    """
    folder = folder.resolve()
    private_folder(folder)
    log, ready_file = folder / "emulators.log", folder / "ready.json"
    ready_file.unlink(missing_ok=True)
    reading, writing = os.pipe()
    command = [sys.executable, str(PROJECT / "manage.py"), "run_emulators"]
    command += ["--folder", str(folder), "--ready-file", str(ready_file)]
    command += ["--lifeline", str(reading), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[reading],
            start_new_session=True,
        )
    os.close(reading)
    try:
        yield _await_ready(process, ready_file, log)
    finally:
        os.close(writing)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _await_ready(process: subprocess.Popen[bytes], ready_file: Path, log: Path) -> dict[str, str]:
    deadline = time.monotonic() + READY_SECONDS
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceError(f"the emulators did not start. The end of {log}:\n{tail(log)}")
        time.sleep(0.05)
    environment: dict[str, str] = json.loads(ready_file.read_text(encoding="utf-8"))
    return environment
