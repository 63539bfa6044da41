"""The services as a context for the demo and the tests: up inside the block, gone after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dubbing_project import settings
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.folders import only_instance, tail
from dubbing_project.services.locations import ServiceLocations
from dubbing_project.services.runner import RunningServices
from pipeline.bounds import READY_SECONDS, STOP_SECONDS

PROJECT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def running_services(
    root: Path,
    *,
    port: int = 0,
    private: bool = True,
    stores_only: bool = False,
    durable: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunningServices]:
    """Postgres, Redis, the server and the worker, below `root`; port 0 takes a free one.

    `private` leaves DATABASE_URL and REDIS_URL aside. `environment` adds to the children's.
    Raises ServiceError with the end of the log when they do not come up. They also go when
    this process is killed: they hold the other end of a pipe of ours.
    """
    root = root.resolve()
    with only_instance(ServiceLocations(root)):
        # Let go of for the runner: one that is there already would lose its log and its word
        # that it is ready.
        pass
    log, ready_file = root / "run.log", root / "ready.json"
    ready_file.unlink(missing_ok=True)
    reading, writing = os.pipe()
    flags = {"--private": private, "--stores-only": stores_only, "--fast": not durable}
    command = [sys.executable, "-m", "dubbing_project.services", "run"]
    command += ["--root", str(root), "--port", str(port), "--ready-file", str(ready_file)]
    command += ["--lifeline", str(reading), *(flag for flag, wanted in flags.items() if wanted)]
    with log.open("wb") as output:
        runner = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[reading],
            # Ctrl-C reaches this process alone, which then stops the others in order.
            start_new_session=True,
        )
    os.close(reading)
    try:
        yield _await_ready(runner, ready_file, log)
    finally:
        os.close(writing)
        try:
            drain = (environment or {}).get("DRAIN_SECONDS") or settings.DRAIN_SECONDS
            runner.wait(STOP_SECONDS + float(drain))
        except subprocess.TimeoutExpired:
            runner.kill()
            runner.wait()


def _await_ready(runner: subprocess.Popen[bytes], ready_file: Path, log: Path) -> RunningServices:
    deadline = time.monotonic() + READY_SECONDS + 30
    # Of another start at the same moment it may be the word of theirs.
    while (running := _told_by(ready_file)) is None or running.pid != runner.pid:
        if runner.poll() is not None or time.monotonic() > deadline:
            raise ServiceError(f"the services did not start. The end of {log}:\n{tail(log)}")
        time.sleep(0.05)
    return running


def _told_by(ready_file: Path) -> RunningServices | None:
    try:
        return RunningServices(**json.loads(ready_file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
