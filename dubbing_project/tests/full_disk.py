"""A session is dubbed while the services' disk fills up and is emptied again.

`python -m dubbing_project.tests.full_disk FOLDER`, the root of a small file system, is run
by test_full_disk.py in a mount namespace of its own.
"""

from __future__ import annotations

import asyncio
import errno
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from dubbing_project.services.runner import RunningServices
from dubbing_project.services.waiting import health
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import token_of
from dubbing_project.tests.viewer import Viewer, all_is_well, log_of, tracebacks

FULL_S = 15.0
PARTS = ("web-1", "worker", "postgres", "redis")


def fill(file: Path) -> int:
    """Take every byte there is; returns how many that were."""
    taken = 0
    with file.open("ab", buffering=0) as filler:
        for size in (1024 * 1024, 4096, 1):
            try:
                while True:
                    taken += filler.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC, error
    return taken


def checkpoint(services: RunningServices) -> None:
    """What Postgres does by itself every five minutes."""
    with (
        suppress(psycopg.Error),
        psycopg.connect(services.database_url, autocommit=True, connect_timeout=5) as connection,
    ):
        connection.execute("CHECKPOINT")


def logs_of(services: RunningServices) -> str:
    folder = Path(services.pids).parent / "logs"
    return log_of(services) + "".join(log.read_text() for log in folder.iterdir())


async def watch(services: RunningServices, token: str, filler: Path) -> None:
    before = {name: services.pid_of(name) for name in PARTS}
    async with Viewer.watching(services, token) as viewer:
        await viewer.hears(2)
        taken = fill(filler)
        begun = time.monotonic()
        await viewer.until(
            lambda: health(services.url, host_header="localhost")["disk"].get("reason") == "full",
            "health names the disk",
        )
        seen_s = time.monotonic() - begun
        told_s = seen_s + await viewer.is_told("disk_full")
        await asyncio.to_thread(checkpoint, services)
        while time.monotonic() < begun + FULL_S:
            fill(filler)
            await viewer.hears(1)
        heard = viewer.spoken
        filler.unlink()  # noqa: ASYNC240 - at once
        over_s = await viewer.is_told("fault_over")
        over_s += await viewer.until(lambda: all_is_well(services), "health is ok again")
        await viewer.hears(1)
        await viewer.finish()
        viewer.check_lines()
        viewer.check_record(services, token)
    begun_anew = [name for name, pid in before.items() if services.pid_of(name) != pid]
    sys.stdout.write(
        f"{taken / 1e6:.0f} MB filled; in the health report after {seen_s:.1f} s, told after "
        f"{told_s:.1f} s; {heard} lines until it was emptied; well again {over_s:.1f} s later; "
        f"notices: {[code for _, code in viewer.told]}; started again: {begun_anew}\n"
    )
    assert not tracebacks(services), tracebacks(services)
    assert "web-1" not in begun_anew, begun_anew
    logs = logs_of(services)
    for line in viewer.client.lines.values():
        assert line.source_text not in logs, f"the words of line {line.line} are in a log"


def main() -> None:
    folder = Path(sys.argv[1])
    environment = {"ENGINES": "scripted", "DUBBING_VAR": str(folder), "DISK_FREE_MIN_MB": "5"}
    with prepared_services(folder / "services", durable=True, environment=environment) as services:
        token = token_of(services, "viewer@example.org")
        try:
            asyncio.run(watch(services, token, folder / "filler"))
        except BaseException:
            (folder / "filler").unlink(missing_ok=True)
            sys.stdout.write(logs_of(services)[-20_000:])
            raise


if __name__ == "__main__":
    main()
