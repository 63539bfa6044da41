"""The services as a whole: they come up, keep apart, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from dubbing_project.services.context import PROJECT, running_services
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.locations import ServiceLocations

BOUND_SECONDS = 60.0


@pytest.fixture
def root() -> Iterator[Path]:
    """Not pytest's own folder: its path is too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="dubbing-services-") as folder:
        yield Path(folder)


def processes_of(root: Path) -> list[str]:
    """Command lines that mention the folder, this one's left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(root) in line or f"{root}/" in environment:
                found.append(line)
    return found


def wait_until_gone(root: Path) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while (left := processes_of(root)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


@contextmanager
def runner(root: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The run command itself, ready."""
    ready = root / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "dubbing_project.services", "run", "--private", "--fast"]
    command += ["--root", str(root), "--port", "0", "--ready-file", str(ready), *options]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + BOUND_SECONDS
        while not ready.exists():
            assert process.poll() is None, "the run command ended early"
            assert time.monotonic() < deadline, "the services did not come up"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
        wait_until_gone(root)


def test_the_stores_answer_and_keep_what_was_written(root: Path) -> None:
    for round_number in (1, 2):
        with running_services(root, stores_only=True) as stores:
            with psycopg.connect(stores.database_url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS visits ()")
                connection.execute("INSERT INTO visits DEFAULT VALUES")
                row = connection.execute("SELECT count(*) FROM visits").fetchone()
                assert row == (round_number,)
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            client = redis.Redis.from_url(stores.redis_url)
            assert client.incr("visits") == round_number
            client.close()
    wait_until_gone(root)


def test_folders_with_sockets_and_data_are_private_and_others_untouched(root: Path) -> None:
    ancestors = [root, *root.parents]
    before = [folder.stat().st_mode for folder in ancestors]
    with running_services(root, stores_only=True, durable=False):
        locations = ServiceLocations(root=root)
        for folder in (locations.sockets, locations.postgres_data, locations.redis_data):
            assert folder.stat().st_mode & 0o777 == 0o700
    assert [folder.stat().st_mode for folder in ancestors] == before


def test_two_instances_stand_side_by_side() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-one-") as one,
        tempfile.TemporaryDirectory(prefix="dubbing-two-") as two,
        running_services(Path(one), stores_only=True, durable=False) as first,
        running_services(Path(two), stores_only=True, durable=False) as second,
    ):
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE TABLE only_here ()")
        with (
            psycopg.connect(second.database_url) as connection,
            pytest.raises(psycopg.errors.UndefinedTable),
        ):
            connection.execute("SELECT FROM only_here")


def test_a_second_start_on_the_same_folder_is_refused(root: Path) -> None:
    with (
        runner(root, "--stores-only") as first,
        pytest.raises(ServiceError, match=f"already running .*process {first.pid}"),
        running_services(root, stores_only=True),
    ):
        pass


def test_a_path_too_long_for_sockets_is_no_obstacle(root: Path) -> None:
    deep = root / ("a" * 60) / ("b" * 60)
    with running_services(deep, stores_only=True, durable=False) as stores:
        assert str(root) not in stores.redis_url
        with psycopg.connect(stores.database_url) as connection:
            connection.execute("SELECT 1")
    wait_until_gone(root)
    ServiceLocations(root=deep).sockets.rmdir()


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_an_asked_stop_is_orderly_and_complete(root: Path, signal_name: str) -> None:
    with runner(root) as process:
        process.send_signal(getattr(signal, signal_name))
        assert process.wait(BOUND_SECONDS) == 0
        wait_until_gone(root)


def test_a_killed_runner_leaves_nothing_and_starts_again(root: Path) -> None:
    for _ in range(2):
        with runner(root) as process:
            url = json.loads((root / "ready.json").read_text())["url"]
            assert url.startswith("http://127.0.0.1:")
            assert len(processes_of(root)) >= 5
            process.kill()
            process.wait()
            wait_until_gone(root)


def test_the_end_of_one_service_stops_all_and_is_told(root: Path) -> None:
    with runner(root, "--stores-only") as process:
        client = redis.Redis.from_url(ServiceLocations(root=root).redis_url)
        client.shutdown(nosave=True)
        client.close()
        assert process.wait(BOUND_SECONDS) == 1
        wait_until_gone(root)


def test_services_go_with_whoever_asked_for_them(root: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from dubbing_project.services.context import running_services\n"
        "with running_services(Path(sys.argv[1]), stores_only=True, durable=False):\n"
        "    print('up', flush=True)\n    time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(root)], cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until_gone(root)
