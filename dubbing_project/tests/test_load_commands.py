"""The commands that drive a running server: the load test and the protocol check."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import manage, token_of
from sessions_app.socket_client.live_client import LiveClient

PROJECT = Path(__file__).resolve().parent.parent.parent


def command(
    *arguments: str, seconds: float, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
    )


async def session_of(services: RunningServices, token: str) -> str:
    """A session of this token's owner, made over the socket as anybody would."""
    async with LiveClient.connect(services.socket_url, token) as client:
        await client.send(type="ping")
        await anext(client.events())
        return client.session_id


@pytest.fixture(scope="module")
def scripted_check() -> Iterator[subprocess.Popen[str]]:
    """The check of a server with scripted engines, begun before the other and let run beside it:
    either mostly waits for what is spoken."""
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-scripted-") as folder,
        prepared_services(Path(folder), environment={"ENGINES": "scripted"}) as services,
    ):
        token = token_of(services, "checker@example.org")
        options = ("check_websocket", "--server", services.url, "--token", token)
        with subprocess.Popen(
            [sys.executable, "manage.py", *options],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as checking:
            yield checking
            checking.kill()


def test_the_server_speaks_the_protocol(
    platform: RunningServices, scripted_check: subprocess.Popen[str]
) -> None:
    foreign = asyncio.run(session_of(platform, token_of(platform, "other@example.org")))
    manage(platform, "create_user", "--no-password", "--email", "checker@example.org")
    done = command(
        *("check_websocket", "--server", platform.url, "--email", "checker@example.org"),
        *("--foreign-session", foreign),
        seconds=240,
        environment=platform.environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert "not checked" not in done.stdout
    assert "ok           every cue brings its sound and its end" in done.stdout


def test_it_speaks_the_protocol_with_scripted_engines_too(
    scripted_check: subprocess.Popen[str],
) -> None:
    told, _ = scripted_check.communicate(timeout=240)
    assert scripted_check.returncode == 0, told


def test_without_a_database_or_a_server_it_says_what_it_expected() -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    done = command(
        *("check_websocket", "--server", "http://127.0.0.1:9", "--token", "x"),
        seconds=60,
        environment=nowhere,
    )
    assert done.returncode == 1
    assert "a WebSocket at ws://127.0.0.1:9" in done.stdout
    assert "ok " not in done.stdout


def test_a_refused_session_is_counted_with_its_reason(
    platform: RunningServices, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    done = command(
        *("load_test", "--server", platform.url, "--token", "wrong", "--sessions", "2"),
        *("--seconds", "2", "--json", str(figures)),
        seconds=60,
    )
    assert done.returncode == 1, done.stdout
    made = json.loads(figures.read_text(encoding="utf-8"))
    (refusal,) = made["refusals"]
    assert (refusal["code"], refusal["count"]) == ("4401", 2)
    assert refusal["message"] in done.stdout
    assert made["started"] == 0


def test_a_load_test_of_scripted_sessions_has_sane_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = command(
        *("load_test", "--sessions", "3", "--seconds", "12", "--json", str(figures)),
        seconds=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(figures.read_text(encoding="utf-8"))
    assert (made["started"], made["ended"], made["lost"]) == (3, 3, 0)
    assert made["refusals"] == made["errors"] == []
    assert made["skipped"] == 0
    assert made["engines"]["recognition"] == "scripted-clock"
    (phase,) = made["phases"]
    assert phase["lines"] >= 3
    # What was guessed is translated already: less than the engines' own time is possible.
    assert -80 <= phase["overhead_ms"]["p50"] < phase["answer_ms"]["p50"]
    assert phase["answer_ms"]["p50"] >= 200
    assert phase["overhead_ms"]["p50"] <= phase["overhead_ms"]["p95"] <= phase["overhead_ms"]["p99"]
    assert made["processes"]["web"]["cores"] > 0
    assert made["processes"]["postgres"]["rss_mb"] > 0
    assert made["series"][0]["sessions"] == 3
    assert "3 sessions started, 3 ended" in done.stdout
