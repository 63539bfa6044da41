"""The services as a whole: they come up, keep apart, and leave nothing behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from django.db.migrations.loader import MigrationLoader
from honcho.printer import Message

from dubbing_project.services import postgres
from dubbing_project.services.context import PROJECT, _await_ready, running_services
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.listening import listen
from dubbing_project.services.locations import ServiceLocations
from dubbing_project.services.runner import RunningServices
from dubbing_project.services.supervisor import Output
from dubbing_project.services.waiting import database_answers, health, redis_answers
from dubbing_project.tests.prepared import copy_cluster, prepared_services
from pipeline.bounds import ENDS_MAX
from pipeline.tests.waiting import wait_until

BOUND_SECONDS = 60.0


@pytest.fixture
def root() -> Iterator[Path]:
    """Not pytest's own folder: its path is too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="dubbing-services-") as folder:
        yield Path(folder)


def test_a_line_of_the_log_that_was_torn_ends_there(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with log.open("w") as file:
        output = Output(file)

        def say(text: str) -> None:
            output.write(Message("line", text, datetime.now(UTC), "web-1", None))

        say("the first")
        for room in (10, 40, 90):
            # No file may grow beyond this, as on a disk without room.
            most = os.fstat(file.fileno()).st_size + room
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
            try:
                for length in (30, 9000, 30, 9000):
                    say("x" * length)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            say("room again")
    lines = [line for line in log.read_text().splitlines() if line]
    assert lines[0].endswith("| the first")
    assert sum(line.endswith("| room again") for line in lines) == 3
    assert all(line.count("web-1") <= 1 for line in lines), lines


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
    wait_until(lambda: not processes_of(root), every_s=0.1, what="the end of all processes")


@contextmanager
def runner(
    root: Path, *options: str, output: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """The run command itself, ready."""
    ready = root / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "dubbing_project.services", "run", "--private", "--fast"]
    command += ["--root", str(root), "--port", "0", "--ready-file", str(ready), *options]
    with (root / "told").open("wb") as told:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=told)
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, what="the services")
        assert process.poll() is None, "the run command ended early"
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


def test_the_database_s_log_holds_nobodys_words(root: Path) -> None:
    with running_services(root, stores_only=True, durable=False) as stores:
        with psycopg.connect(stores.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE lines (text text UNIQUE)")
            for _ in range(2):
                with suppress(psycopg.errors.UniqueViolation):
                    connection.execute("INSERT INTO lines VALUES ('words of somebody')")
        log = (root / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "words of somebody" not in log


def test_folders_with_sockets_and_data_are_private_and_others_untouched(root: Path) -> None:
    ancestors = [root, *root.parents]
    before = [folder.stat().st_mode for folder in ancestors]
    with running_services(root, stores_only=True, durable=False):
        locations = ServiceLocations(root=root)
        for folder in (locations.sockets, locations.postgres_data, locations.redis_data):
            assert folder.stat().st_mode & 0o777 == 0o700
    assert [folder.stat().st_mode for folder in ancestors] == before


def test_a_prepared_database_has_every_migration_and_is_one_s_own(root: Path) -> None:
    expected = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    with prepared_services(root, stores_only=True) as stores:
        with psycopg.connect(stores.database_url) as connection:
            rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
            connection.execute("CREATE TABLE only_here ()")
        assert set(rows) == expected
    with pytest.raises(FileExistsError):
        copy_cluster(root)
    copy_cluster(root / "another")
    with (
        running_services(root / "another", stores_only=True, durable=False) as stores,
        psycopg.connect(stores.database_url) as connection,
        pytest.raises(psycopg.errors.UndefinedTable),
    ):
        connection.execute("SELECT FROM only_here")


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
    with runner(root, "--stores-only") as first:
        (root / "run.log").write_text("of the first")
        with (
            pytest.raises(ServiceError, match=f"already running .*process {first.pid}"),
            running_services(root, stores_only=True),
        ):
            pass
        # Who started the first may be about to read them.
        assert json.loads((root / "ready.json").read_text())["pid"] == first.pid
        assert (root / "run.log").read_text() == "of the first"


def test_services_of_somebody_else_are_not_taken_for_one_s_own(root: Path) -> None:
    ready = root / "ready.json"
    ready.write_text(json.dumps(asdict(RunningServices("", "of", "others", 1, str(root)))))
    with (
        subprocess.Popen(["sleep", "0.5"]) as started,
        pytest.raises(ServiceError, match="did not start"),
    ):
        _await_ready(started, ready, root / "run.log")


def test_an_old_database_server_is_seen_through_a_link_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "OLD_SERVER_SECONDS", 0.0)
    (root / "real" / "postgres").mkdir(parents=True)
    (root / "link").symlink_to(root / "real")
    locations = ServiceLocations(root=root / "link")
    pid_file = locations.postgres_data / "postmaster.pid"
    pid_file.touch()
    with subprocess.Popen(["sleep", "60"], cwd=root / "real" / "postgres") as old:
        try:
            with pytest.raises(ServiceError, match="still runs"):
                postgres.clear_leftovers(locations)
            assert pid_file.exists()
        finally:
            old.kill()
    postgres.clear_leftovers(locations)
    assert not pid_file.exists()


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
    copy_cluster(root)
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


def kill(services: RunningServices, name: str) -> None:
    """Kills it without warning and waits until another process is in its place."""
    before = services.pid_of(name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: services.pid_of(name) != before)


def test_killed_stores_come_back_with_their_data(root: Path) -> None:
    with running_services(root, stores_only=True) as stores:
        with psycopg.connect(stores.database_url) as connection:
            connection.execute("CREATE TABLE kept ()")
        client = redis.Redis.from_url(stores.redis_url)
        client.set("kept", "yes")
        for _ in range(2):
            kill(stores, "redis")
            kill(stores, "postgres")
            wait_until(lambda: redis_answers(stores.redis_url))
            wait_until(lambda: database_answers(stores.database_url))
            assert client.get("kept") == b"yes"
            with psycopg.connect(stores.database_url) as connection:
                connection.execute("SELECT FROM kept")
        client.close()
    wait_until_gone(root)
    assert "starts again in 0.5 s" in (root / "run.log").read_text()


def served_by(services: RunningServices, names: Sequence[str]) -> str:
    """The name of the process that took a new connection to the server."""
    address = urlsplit(services.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        client.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        port = client.getsockname()[1]
        (inode,) = (
            fields[9]
            for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
            if fields[2].endswith(f":{port:04X}")
        )
        for name in names:
            for number in Path(f"/proc/{services.pid_of(name)}/fd").iterdir():
                with suppress(OSError):
                    if str(number.readlink()) == f"socket:[{inode}]":
                        return name
    raise AssertionError("nobody took the connection")


def test_servers_share_the_port_and_whoever_is_killed_comes_back(root: Path) -> None:
    environment = {"WEB_PROCESSES": "2", "ENGINES": "scripted"}
    with prepared_services(root, environment=environment) as services:
        servers = ("web-1", "web-2")
        seen: set[str] = set()

        def both_seen() -> bool:
            seen.add(served_by(services, servers))
            return seen == set(servers)

        wait_until(both_seen)

        kill(services, "web-1")
        assert served_by(services, servers) == "web-2", "it cannot be up again so soon"
        kill(services, "web-2")
        # With both away, a client waits for whichever is back first.
        assert served_by(services, servers) in servers

        kill(services, "worker")
        wait_until(lambda: health(services.url, host_header="localhost")["worker"]["ok"])
    wait_until_gone(root)


def test_what_keeps_ending_stops_all_and_is_told(root: Path) -> None:
    with runner(root, "--stores-only") as process:
        stores = RunningServices(**json.loads((root / "ready.json").read_text()))
        for _ in range(ENDS_MAX - 1):
            kill(stores, "redis")
        os.kill(stores.pid_of("redis"), signal.SIGKILL)
        assert process.wait(BOUND_SECONDS) == 1
        wait_until_gone(root)
    told = (root / "told").read_text()
    assert f"redis stopped {ENDS_MAX} times within 60 seconds, so everything was stopped" in told
    assert "redis.log" in told


def test_output_that_cannot_be_written_costs_only_lines(root: Path) -> None:
    """As when it goes to a file and the disk is full."""
    with (
        Path("/dev/full").open("wb") as full,
        runner(root, "--stores-only", output=full) as process,
    ):
        stores = RunningServices(**json.loads((root / "ready.json").read_text()))
        kill(stores, "redis")
        wait_until(lambda: redis_answers(stores.redis_url))
        process.terminate()
        process.wait(BOUND_SECONDS)
        wait_until_gone(root)


def test_what_cannot_even_start_is_not_tried_again(root: Path) -> None:
    folder = root / "redis" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("not a manifest")
    began = time.monotonic()
    with (
        pytest.raises(ServiceError, match="redis stopped on its own, so everything was stopped"),
        running_services(root, stores_only=True),
    ):
        pass
    assert time.monotonic() - began < BOUND_SECONDS / 2
    wait_until_gone(root)


def test_a_taken_port_is_told_at_once(root: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ServiceError, match="cannot listen on 127"),
        running_services(root, port=taken.getsockname()[1]),
    ):
        pass
    wait_until_gone(root)


def test_a_name_that_nobody_knows_and_a_folder_that_cannot_be_are_told_in_a_line() -> None:
    with pytest.raises(ServiceError, match=r"port 1 .*(not known|resolution)"):
        listen("no.such.host.invalid", 1)
    command = [sys.executable, "-m", "dubbing_project.services", "run", "--root", "/dev/null/x"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Cannot run from /dev/null/x: ")


def test_an_address_of_the_newer_kind_is_served(root: Path) -> None:
    environment = {"HOST": "::1", "ENGINES": "scripted"}
    with prepared_services(root, environment=environment) as services:
        assert services.url.startswith("http://[::1]:")
        assert health(services.url, host_header="[::1]")["database"]["ok"]


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
