"""The health addresses on the whole product, what each asker sees, and the probes' bounds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import create_token
from dubbing_project.health import report
from dubbing_project.health.folders import DiskTroubleError, examine
from dubbing_project.health.probes import Recent, redis_server, run_probes
from dubbing_project.health.watch import watch
from dubbing_project.services.context import PROJECT
from dubbing_project.services.runner import RunningServices
from dubbing_project.services.waiting import health
from dubbing_project.tests.prepared import prepared_services
from pipeline.tests.waiting import wait_until
from sessions_app.processes import faults, readiness
from sessions_app.processes.faults import FaultChange, Faults

SECRET = "a-scraper-s-own-secret"
PARTS = {"database", "redis", "worker", "disk", "engines"}


@pytest.fixture(scope="module")
def scraped() -> Iterator[RunningServices]:
    """A product of its own, whose stores may be stopped, with a secret for the scraper."""
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-health-") as folder,
        prepared_services(
            Path(folder),
            environment={"METRICS_TOKEN": SECRET, "ENGINES": "scripted", "DUBBING_VAR": folder},
        ) as services,
    ):
        yield services


def get(services: RunningServices, path: str, *, token: str = "") -> tuple[int, bytes]:
    headers = {"Host": "localhost"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{services.url}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def detail(services: RunningServices) -> dict[str, Any]:
    status, body = get(services, "/api/health/detail", token=SECRET)
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def postgres_pid(services: RunningServices) -> int:
    root = Path(services.redis_url.removeprefix("unix://").partition("/run/")[0])
    return int((root / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def redis_pid(services: RunningServices) -> int:
    client = redis.Redis.from_url(services.redis_url)
    try:
        return int(client.info("server")["process_id"])
    finally:
        client.close()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Alive and deaf: worse than gone, because nothing refuses the connection."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_running_server_reports_every_part(platform: RunningServices) -> None:
    found = health(platform.url, host_header="localhost")
    parts = {name for name, part in found.items() if isinstance(part, dict) and part.get("ok")}
    assert parts == PARTS
    assert (found["status"], found["live"], found["ready"]) == ("ok", True, True)


def test_strangers_learn_nothing_of_versions_and_engines(scraped: RunningServices) -> None:
    found = json.loads(get(scraped, "/api/health")[1])
    assert set(found) == {"status", "live", "ready", *PARTS}
    for name in PARTS - {"engines"}:
        assert set(found[name]) == {"ok"}
    assert set(found["engines"]) == {"ok", "state"}
    for path in ("/api/health/detail", "/api/metrics"):
        assert get(scraped, path)[0] == 401
        assert get(scraped, path, token="not-the-secret-at-all")[0] == 401


def test_the_scraper_sees_everything(scraped: RunningServices) -> None:
    found = detail(scraped)
    assert found["versions"]["django"]
    assert found["database"]["version"]
    assert found["engines"]["synthesis"]
    assert found["disk"]["free_bytes"] > 0
    assert found["faults"] == []
    assert found["sessions"] == {"attached": 0, "detached": 0}
    wait_until(lambda: b"dubbing_event_loop_lag_seconds_count 0.0" not in figures(scraped))
    text = figures(scraped)
    assert b"# HELP dubbing_line_seconds " in text
    assert b"process_resident_memory_bytes " in text


def figures(services: RunningServices) -> bytes:
    status, body = get(services, "/api/metrics", token=SECRET)
    assert status == 200
    return body


def test_a_deaf_database_is_told_within_seconds_and_its_return_too(
    scraped: RunningServices,
) -> None:
    def codes() -> list[str]:
        return [fault["code"] for fault in detail(scraped)["faults"]]

    with stopped(postgres_pid(scraped)):
        wait_until(lambda: get(scraped, "/api/health/ready")[0] == 503)
        assert json.loads(get(scraped, "/api/health/ready")[1])["reason"] == "database_away"
        wait_until(lambda: codes() == ["database_away"])
        assert get(scraped, "/api/health/live")[0] == 200
        assert json.loads(get(scraped, "/api/health")[1])["status"] == "degraded"
        assert b'dubbing_fault{code="database_away"} 1.0' in figures(scraped)
    wait_until(lambda: codes() == [])
    assert get(scraped, "/api/health/ready")[0] == 200


def test_a_deaf_redis_degrades_and_leaves_the_server_ready(scraped: RunningServices) -> None:
    def codes() -> list[str]:
        return [fault["code"] for fault in detail(scraped)["faults"]]

    with stopped(redis_pid(scraped)):
        wait_until(lambda: codes() == ["redis_away"])
        assert get(scraped, "/api/health/ready")[0] == 200
        assert not json.loads(get(scraped, "/api/health")[1])["redis"]["ok"]
    wait_until(lambda: codes() == [])
    wait_until(lambda: json.loads(get(scraped, "/api/health")[1])["status"] == "ok")


@contextmanager
def redis_at(socket: Path) -> Iterator[None]:
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=socket.parent)
    try:
        wait_until(socket.exists)
        yield
    finally:
        server.terminate()
        server.wait(60)


async def test_the_watch_tells_that_redis_went_and_came(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = Recent(lambda: run_probes({"redis": redis_server}, seconds=1), seconds=0.05)
    monkeypatch.setattr(report, "_recent", recent)
    monkeypatch.setattr(faults, "present", Faults())
    heard: asyncio.Queue[FaultChange] = asyncio.Queue()
    stop = faults.subscribe(heard.put_nowait)
    with tempfile.TemporaryDirectory(prefix="dubbing-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        settings.REDIS_URL = f"unix://{socket}?db=0"
        watching = asyncio.create_task(watch(0.1))
        try:
            for _ in range(2):
                async with asyncio.timeout(90):
                    begun = await heard.get()
                    assert (begun.code, begun.over) == ("redis_away", False)
                    with redis_at(socket):
                        ended = await heard.get()
                        assert (ended.code, ended.over) == ("redis_away", True)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            stop()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/health/detail", "/api/metrics"])
def test_details_are_for_staff_with_token_or_cookie(path: str) -> None:
    staff = User.objects.create_superuser("root@example.org", "correct horse battery")
    other = User.objects.create_user("ana@example.org", "correct horse battery")
    for user, status in ((staff, 200), (other, 403)):
        with_token = APIClient()
        token = create_token(user, name="test").token
        with_token.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        assert with_token.get(path).status_code == status
        with_cookie = Client()
        with_cookie.force_login(user)
        assert with_cookie.get(path).status_code == status
    assert Client().get(path).status_code == 401


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer x", "Basic x"])
def test_an_unset_secret_opens_nothing(given: str, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    answer = Client().get("/api/metrics", headers={"Authorization": given})
    assert answer.status_code == 401


def test_a_server_that_drains_is_not_ready_for_new_clients() -> None:
    found: report.Report = {"database": {"ok": True}, "engines": {"ok": True, "state": "ready"}}
    assert report.unready(found) == ""
    readiness.withdraw("draining")
    try:
        assert report.unready(found) == "draining"
    finally:
        readiness.restore()
    assert report.unready({**found, "engines": {"ok": True, "state": "starting"}})
    assert not report.unready({**found, "engines": {"ok": False, "state": "failed"}})
    assert not report.unready({**found, "redis": {"ok": False}, "worker": {"ok": False}})


def test_a_failing_and_a_hanging_probe_are_reported_in_time() -> None:
    released = threading.Event()

    def hanging() -> dict[str, object]:
        released.wait(30)
        return {}

    def failing() -> dict[str, object]:
        raise OSError("secret-host refused")

    begun = time.monotonic()
    found = run_probes({"slow": hanging, "broken": failing, "fine": dict}, seconds=1.5)
    released.set()
    # The probe would take thirty.
    assert time.monotonic() - begun < 20
    assert found == {
        "slow": {"ok": False, "reason": "timeout"},
        "broken": {"ok": False, "reason": "unavailable"},
        "fine": {"ok": True},
    }


def test_a_probe_that_hangs_for_long_does_not_hold_up_the_others() -> None:
    released = threading.Event()
    runs: list[int] = []

    def hanging() -> dict[str, object]:
        runs.append(1)
        released.wait(60)
        return {}

    try:
        for _ in range(20):
            found = run_probes({"hangs on": hanging, "goes on": dict}, seconds=0.02)
            assert not found["hangs on"]["ok"]
        assert run_probes({"goes on": dict}, seconds=30) == {"goes on": {"ok": True}}
    finally:
        released.set()
    assert len(runs) == 1


@pytest.mark.parametrize("asked", [1, 20])
def test_a_report_is_made_once_a_moment_however_many_ask(asked: int) -> None:
    made: list[int] = []

    def make() -> dict[str, dict[str, object]]:
        made.append(1)
        return {}

    recent = Recent(make, seconds=60)
    for _ in range(asked):
        recent.get()
    assert len(made) == 1


def test_a_folder_with_room_is_fine_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    assert examine([tmp_path], free_min_bytes=1)["free_bytes"] > 1
    assert list(tmp_path.iterdir()) == []


def test_little_room_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskTroubleError, match="little_room"):
        examine([tmp_path], free_min_bytes=2**62)


def test_a_folder_that_cannot_be_written_to_is_told() -> None:
    # Root may write anywhere but here; an ordinary user neither.
    with pytest.raises(DiskTroubleError, match="not_writable"):
        examine([Path("/proc/self")], free_min_bytes=0)


def test_a_folder_that_takes_a_file_but_no_contents_is_told(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from dubbing_project.health.folders import DiskTroubleError, examine\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: examine([Path(sys.argv[1])], free_min_bytes=0)\n"
        "except DiskTroubleError as error: print(error.reason)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert done.stdout.strip() == "not_writable", done.stderr
