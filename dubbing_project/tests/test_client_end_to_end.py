"""The Python client against the whole product: sessions, exports, tokens, and webhooks that a
receiver gets although it was down."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from accounts.webhooks.tests.receiver import Receiver, receiving
from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import PROJECT, token_of
from pipeline.providers.scripted.sounds import utterances
from pipeline.tests.waiting import wait_until
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.client import ApiError, DubbingClient, NotVerifiedError, verify_webhook
from sessions_app.socket_client.live_client import LiveClient


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServices]:
    environment = {"ENGINES": "scripted", "WEBHOOKS_PRIVATE_ADDRESSES": "on"}
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-client-") as folder,
        prepared_services(Path(folder), environment=environment) as services,
    ):
        yield services


@pytest.fixture(scope="module")
def token(server: RunningServices) -> str:
    return token_of(server, "integrator@example.org")


@pytest.fixture
def api(server: RunningServices, token: str) -> Iterator[DubbingClient]:
    with DubbingClient(server.url, token) as client:
        yield client


async def dub(server: RunningServices, token: str, session_id: str) -> None:
    sound = utterances((2.0, 140.0), (2.0, 220.0))

    def blocks() -> Iterator[Any]:
        for start in range(0, len(sound), SAMPLE_RATE_HZ // 10):
            yield sound[start : start + SAMPLE_RATE_HZ // 10]

    async with LiveClient.connect(server.socket_url, token, session_id=session_id) as client:
        await client.send(type="start_dubbing", target_language="es", source_language="en")
        streaming: asyncio.Task[None] | None = None
        async with asyncio.timeout(60):
            async for event in client.events():
                if event["type"] == "ready":
                    streaming = asyncio.create_task(client.stream(blocks()))
        assert streaming is not None
        await streaming


def test_a_session_is_dubbed_named_searched_exported_measured_and_told_of(
    server: RunningServices, token: str, api: DubbingClient, free_port: int
) -> None:
    hook = api.create_webhook(
        f"http://127.0.0.1:{free_port}/hook", event_types=["session.started", "session.ended"]
    )
    assert hook["secret"].startswith("whsec_")
    session = api.create_session("es", source_language="en", title="A talk")
    # The receiver is down while everything happens.
    asyncio.run(dub(server, token, session["id"]))

    read = api.session(session["id"])
    assert (read["state"], read["title"]) == ("ended", "A talk")
    lines = list(api.lines(session["id"]))
    assert lines
    assert [line["sequence"] for line in lines] == list(range(len(lines)))
    assert api.edit_session(session["id"], title="A long talk")["title"] == "A long talk"
    assert [one["id"] for one in api.sessions(q="long talk", state="ended")] == [session["id"]]
    word = lines[0]["source_text"].split()[0].strip(".,")
    assert session["id"] in {one["id"] for one in api.sessions(q=word)}
    assert api.transcript(session["id"], format="srt").startswith("1\n00:00:0")
    assert api.transcript(session["id"], format="vtt", text="target").startswith("WEBVTT\n\n00:")
    assert lines[0]["source_text"] in api.transcript(session["id"], text="source")
    figures = api.statistics(session["id"])
    assert figures["lines"] == len(lines)
    assert figures["latencies"]["total_ms"]["count"] == figures["spoken"]

    wait_until(lambda: any(one["attempts"] for one in api.deliveries(hook["id"])), every_s=0.2)
    assert not list(api.deliveries(hook["id"], status="delivered"))
    with receiving(port=free_port) as receiver:
        delivered = partial(api.deliveries, hook["id"], status="delivered")
        wait_until(lambda: len(list(delivered())) == 2, every_s=0.2)
        told = heard(receiver, hook["secret"])
        assert sorted(one["type"] for one in told) == ["session.ended", "session.started"]
        assert {one["data"]["session"] for one in told} == {session["id"]}
        (ended,) = (one for one in told if one["type"] == "session.ended")
        assert ended["data"]["lines"] == len(lines)
        assert "source_text" not in str(told)
        # Once each, under one id; and again when it is asked for.
        assert len({one["id"] for one in told}) == len(told)
        (_, first) = api.deliveries(hook["id"])
        assert api.delivery(hook["id"], first["id"])["log"][0]["error"] == "connection_failed"
        api.replay_delivery(hook["id"], first["id"])
        wait_until(lambda: len(receiver.accepted) == 3)
        assert heard(receiver, hook["secret"])[-1]["id"] == first["event"]
    api.delete_webhook(hook["id"])
    api.delete_session(session["id"])
    with pytest.raises(ApiError) as gone:
        api.session(session["id"])
    assert (gone.value.status, gone.value.code) == (404, "not_found")
    assert gone.value.request_id


def heard(receiver: Receiver, secret: str) -> list[dict[str, Any]]:
    events = []
    for one in receiver.accepted:
        events.append(verify_webhook(secret, one.headers, one.body))
        with pytest.raises(NotVerifiedError):
            verify_webhook(secret, one.headers, one.body + b" ")
        with pytest.raises(NotVerifiedError):
            verify_webhook(secret, one.headers, one.body, now=time.time() + 3600)
    return events


def test_a_webhook_is_tried_and_its_secret_renewed(api: DubbingClient) -> None:
    with receiving() as receiver:
        hook = api.create_webhook(receiver.url, description="try")
        renewed = api.renew_webhook_secret(hook["id"])["secret"]
        api.test_webhook(hook["id"])
        wait_until(lambda: receiver.accepted)
        assert heard(receiver, hook["secret"])[0]["type"] == "webhook.test"
        assert heard(receiver, renewed)[0]["data"] == {"webhook": hook["id"]}
    assert {one["name"] for one in api.event_types()} >= {
        "session.started",
        "session.ended",
        "session.failed",
        "quota.near",
    }
    api.delete_webhook(hook["id"])


def test_the_rest_of_the_interface_is_at_hand(api: DubbingClient, server: RunningServices) -> None:
    assert api.me()["email"] == "integrator@example.org"
    assert {"source": "en", "target": "es"} in api.languages()["pairs"]
    assert api.voices("es")
    assert api.usage(days=2)["days"] == 2
    assert api.ticket()["expires_in_s"] == 30
    assert api.request("GET", "/api/actors", query={"limit": 1}).json()["results"] == []
    narrow = api.create_token("reader", scopes=["read:sessions"], expires_in_days=1)
    assert narrow["id"] in {one["id"] for one in api.tokens()}
    with DubbingClient(server.url, narrow["token"]) as reader:
        assert reader.me()["scopes"] == ["read:sessions"]
        with pytest.raises(ApiError) as refused:
            reader.create_session("es")
        assert refused.value.code == "scope_missing"
    api.revoke_token(narrow["id"])
    with pytest.raises(ApiError) as wrong:
        api.create_session("Spanish")
    assert set(wrong.value.errors) == {"target_language"}
    glossary = api.create_glossary("names", target_language="es")
    assert api.set_terms(glossary["id"], {"Big Ben": "", "lift": "ascensor"}) == 2
    assert [one["source"] for one in api.terms(glossary["id"], q="ben")] == ["Big Ben"]
    assert api.edit_glossary(glossary["id"], enabled=False)["enabled"] is False
    api.delete_glossary(glossary["id"])
    assert glossary["id"] not in {one["id"] for one in api.glossaries()}


def test_pages_are_followed_to_their_end(api: DubbingClient) -> None:
    made = [api.create_session("es", title=f"many {n}")["id"] for n in range(5)]
    assert [one["id"] for one in api.sessions(q="many", limit=2)] == made[::-1]
    for session_id in made:
        api.delete_session(session_id)


def test_of_two_who_edit_the_slower_is_told(api: DubbingClient, server: RunningServices,
                                            token: str) -> None:  # fmt: skip
    session = api.create_session("es")
    with DubbingClient(server.url, token) as other:
        other.edit_session(session["id"], title="theirs")
    with pytest.raises(ApiError) as late:
        api.edit_session(session["id"], title="mine")
    assert late.value.code == "changed_meanwhile"
    api.session(session["id"])
    assert api.edit_session(session["id"], title="mine")["title"] == "mine"


def blocks_of_the_docs(language: str) -> list[str]:
    """Of the section on the interface."""
    text = (PROJECT / "docs" / "integration.md").read_text(encoding="utf-8")
    section = text.split("## REST API and webhooks")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL)


def run_example(command: list[str], folder: Path, server: RunningServices, token: str) -> str:
    environment = {**os.environ, "SERVER": server.url, "TOKEN": token}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    return done.stdout


def test_the_examples_of_the_docs_do_what_they_say(
    server: RunningServices, token: str, tmp_path: Path
) -> None:
    (shell,) = blocks_of_the_docs("sh")
    first = run_example(["bash", "-euc", shell], tmp_path, server, token)
    again = run_example(["bash", "-euc", shell], tmp_path, server, token)
    assert first == again
    assert '"title":"Lecture 4"' in first
    assert "quota.near" in first
    shutil.copytree(PROJECT / "sessions_app" / "client", tmp_path / "client")
    python, receiver = blocks_of_the_docs("python")
    said = run_example([sys.executable, "-c", python], tmp_path, server, token)
    assert "Lecture 5, part 1 created 0" in said
    assert "invalid {'target_language'" in said

    handled: list[tuple[str, Any]] = []
    scope: dict[str, Any] = {
        "SECRET": "whsec_" + base64.b64encode(b"x" * 32).decode(),
        "done": set(),
        "handle": lambda *event: handled.append(event),
    }
    exec(receiver.replace("from client", "from sessions_app.client"), scope)
    body, at = b'{"type":"session.ended","timestamp":"","data":{"lines":3}}', datetime.now(UTC)
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(scope["SECRET"]).sign("evt_1", at, body.decode()),
    }
    assert [scope["receive"](headers, body) for _ in range(2)] == [204, 204]
    assert scope["receive"](headers, body + b" ") == 401
    assert handled == [("session.ended", {"lines": 3})]


def test_the_client_needs_nothing_of_this_project(tmp_path: Path) -> None:
    """Its folder is copied elsewhere, and imported by a Python that sees httpx alone."""
    shutil.copytree(PROJECT / "sessions_app" / "client", tmp_path / "client")
    code = (
        "import sys, client; client.DubbingClient('http://127.0.0.1:9', 'x').close(); "
        "print(sorted({'django', 'sessions_app', 'accounts', 'pipeline'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
