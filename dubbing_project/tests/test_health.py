"""The health address on the whole product, and its bound."""

from __future__ import annotations

import threading
import time

import pytest

from dubbing_project.health.probes import Recent, run_probes
from dubbing_project.services.runner import RunningServices
from dubbing_project.services.waiting import health


def test_a_running_server_reports_every_part(platform: RunningServices) -> None:
    report = health(platform.url, host_header="localhost")
    assert {name for name, part in report.items() if isinstance(part, dict) and part.get("ok")} == {
        "database",
        "redis",
        "worker",
        "engines",
    }
    assert report["status"] == "ok"
    assert report["versions"]["django"]


def test_a_failing_and_a_hanging_probe_are_reported_in_time() -> None:
    released = threading.Event()

    def hanging() -> dict[str, object]:
        released.wait(30)
        return {}

    def failing() -> dict[str, object]:
        raise OSError("secret-host refused")

    begun = time.monotonic()
    report = run_probes({"slow": hanging, "broken": failing, "fine": dict}, seconds=0.2)
    released.set()
    assert time.monotonic() - begun < 10
    assert report == {
        "slow": {"ok": False, "reason": "timeout"},
        "broken": {"ok": False, "reason": "unavailable"},
        "fine": {"ok": True},
    }


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
