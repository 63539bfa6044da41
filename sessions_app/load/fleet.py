"""Starts the client processes of a load test and gathers what they report."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sessions_app.load.messages import AnyReport, ClientsPlan, encoder, report_decoder

PROJECT = Path(__file__).resolve().parent.parent.parent
WAITING_MAX = 100_000
STOP_S = 10.0


class Fleet:
    """Running client processes; ``over`` once all have left."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        self._processes = processes
        self._reports: queue.Queue[AnyReport] = queue.Queue(WAITING_MAX)
        self._readers = [
            threading.Thread(target=self._read, args=(process,), daemon=True)
            for process in processes
        ]
        for reader in self._readers:
            reader.start()

    @property
    def over(self) -> bool:
        return not any(reader.is_alive() for reader in self._readers)

    @property
    def broken(self) -> bool:
        """Whether a client process ended by a fault of its own."""
        return any(process.poll() not in (None, 0) for process in self._processes)

    def take(self) -> list[AnyReport]:
        """What was reported since the last call."""
        taken = []
        while True:
            try:
                taken.append(self._reports.get_nowait())
            except queue.Empty:
                return taken

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._reports.put(report_decoder.decode(line))


@contextmanager
def running_fleet(plans: Sequence[ClientsPlan], log: Path) -> Iterator[Fleet]:
    """One process per plan; none is left afterwards. What they complain of goes to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as complaints:
            for plan in plans:
                process = subprocess.Popen(
                    [sys.executable, "-m", "sessions_app.load.clients"],
                    cwd=PROJECT,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=complaints,
                    # Ctrl-C reaches the command alone, which then closes their input.
                    start_new_session=True,
                )
                processes.append(process)
                assert process.stdin is not None
                process.stdin.write(encoder.encode(plan) + b"\n")
                process.stdin.flush()
        yield Fleet(processes)
    finally:
        for process in processes:
            _close_input(process)
        for process in processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)
            if process.stdout is not None:
                process.stdout.close()


def _close_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has left already
        process.stdin.close()
