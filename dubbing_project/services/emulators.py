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
from typing import TYPE_CHECKING, Any

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


class RunningEmulators:
    """The emulated clouds in a process of their own; it goes when this one does.

    ``options`` are those of ``manage.py run_emulators``.
    """

    def __init__(self, folder: Path, options: tuple[str, ...]) -> None:
        self._folder = folder.resolve()
        self._options = options
        self._log = self._folder / "emulators.log"
        self._ready_file = self._folder / "ready.json"
        self._figures_file = self._folder / "figures.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self.environment: dict[str, str] = {}
        """Of a server that is to use them."""

    def start(self) -> None:
        """Raises ServiceError with the end of the log when they do not come up.

        Again after ``kill``, they have the addresses and keys that they had.
        """
        private_folder(self._folder)
        self._ready_file.unlink(missing_ok=True)
        self._figures_file.unlink(missing_ok=True)
        reading, self._lifeline = os.pipe()
        command = [sys.executable, str(PROJECT / "manage.py"), "run_emulators"]
        command += ["--folder", str(self._folder), "--ready-file", str(self._ready_file)]
        command += ["--figures-file", str(self._figures_file), "--lifeline", str(reading)]
        command += [*self._options, *self._ports()]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[reading],
                start_new_session=True,
            )
        os.close(reading)
        self.environment = self._await_ready(self._process)

    def kill(self) -> None:
        """At once, in the middle of whatever they do."""
        if self._process is not None:
            self._process.kill()
            self.stop()

    def stop(self) -> None:
        """Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        os.close(self._lifeline)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def figures(self) -> dict[str, Any]:
        """What they would bill and what went wrong, as of a second ago; of this start."""
        try:
            found: dict[str, Any] = json.loads(self._figures_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _ports(self) -> list[str]:
        """Those of the start before."""
        if not self.environment:
            return []
        google = self.environment["GOOGLE_SPEECH_ENDPOINT"].rsplit(":", 1)[1]
        elevenlabs = self.environment["ELEVENLABS_BASE_URL"].rstrip("/").rsplit(":", 1)[1]
        return [f"--google-port={google}", f"--elevenlabs-port={elevenlabs}"]

    def _await_ready(self, process: subprocess.Popen[bytes]) -> dict[str, str]:
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                end = tail(self._log)
                raise ServiceError(f"the emulators did not start. The end of {self._log}:\n{end}")
            time.sleep(0.05)
        environment: dict[str, str] = json.loads(self._ready_file.read_text(encoding="utf-8"))
        return environment


@contextmanager
def running_emulators(folder: Path, *options: str) -> Iterator[RunningEmulators]:
    """The emulated clouds, up inside the block. Raises ServiceError when they do not come up."""
    folder = folder.resolve()
    private_folder(folder)
    (folder / "emulators.log").unlink(missing_ok=True)
    emulators = RunningEmulators(folder, options)
    try:
        emulators.start()
        yield emulators
    finally:
        emulators.stop()
