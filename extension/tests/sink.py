"""A sound device of the tests' own: what a browser plays there can be listened to."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HEARD_HZ = 16_000
START_S = 30.0
Sound = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Sink:
    environment: dict[str, str]
    """For the browser that is to play here."""

    def listen(self, seconds: float) -> Sound:
        """What a person would hear from now on, mono, -1 to 1, at ``HEARD_HZ``."""
        record = ["parec", "-d", "out.monitor", "--format=s16le", f"--rate={HEARD_HZ}"]
        recorder = subprocess.Popen(
            [*record, "--channels=1", "--latency-msec=50"],
            env=self.environment,
            stdout=subprocess.PIPE,
        )
        assert recorder.stdout is not None
        with recorder.stdout as output:
            sound = output.read(round(seconds * HEARD_HZ) * 2)
        stop(recorder)
        return np.frombuffer(sound, dtype="<i2").astype(np.float64) / 32768


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    """``folder`` is empty, and the browser's home as well."""
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{folder}/sound",
    }
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
    command.append("--load=module-null-sink sink_name=out rate=48000 channels=2")
    command.append(f"--load=module-native-protocol-unix socket={folder}/sound")
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_S
        while not (folder / "sound").exists():
            assert time.monotonic() < deadline, "pulseaudio did not start"
            time.sleep(0.05)
        yield Sink(environment)
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()


def level_at(sound: Sound, hz: float, *, block_s: float = 0.1) -> Sound:
    """Amplitude of a tone, block by block: a single bin of the discrete Fourier transform."""
    size = round(block_s * HEARD_HZ)
    blocks = sound[: len(sound) // size * size].reshape(-1, size)
    turn = np.exp(-2j * np.pi * hz * np.arange(size) / HEARD_HZ) * np.hanning(size)
    found: Sound = np.abs(blocks @ turn) * 2 / np.hanning(size).sum()
    return found
