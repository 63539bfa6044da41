"""The host of pages and sockets, as a process of its own: bounds both ways, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from dubbing_project.services.context import PROJECT
from pipeline.bounds import BODY_MAX_BYTES
from pipeline.bounds import SOCKET_MESSAGE_MAX_BYTES as MESSAGE_MAX_BYTES
from pipeline.tests.waiting import wait_until

BOUND_SECONDS = 60.0
"""Less than the longest drain."""
MEGABYTE = 1024 * 1024


@dataclass
class Host:
    process: subprocess.Popen[str]
    port: int

    def get(self, path: str = "/") -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_SECONDS)
        try:
            connection.request("GET", path)
            answer: dict[str, int] = json.load(connection.getresponse())
            return answer
        finally:
            connection.close()

    def megabytes(self) -> float:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / MEGABYTE

    @asynccontextmanager
    async def socket(self, path: str, **options: Any) -> AsyncIterator[ClientConnection]:
        options = {"compression": None, "open_timeout": BOUND_SECONDS, "close_timeout": 2} | options
        async with connect(f"ws://127.0.0.1:{self.port}{path}", **options) as client:
            yield client

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(BOUND_SECONDS)


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    seconds = str(getattr(request, "param", 15))
    command = [sys.executable, "-m", "dubbing_project.tests.web_host", seconds]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            host = Host(process, int(process.stdout.readline()))
            wait_until(lambda: answers(host))
            yield host
        finally:
            process.kill()


def answers(host: Host) -> bool:
    try:
        host.get()
    except OSError:
        return False
    return True


async def settled(ask: Callable[[], int]) -> int:
    """The figure once it has begun to move, and stopped."""
    before = 0
    async with asyncio.timeout(BOUND_SECONDS):
        while (now := await asyncio.to_thread(ask)) != before or not now:
            before = now
            await asyncio.sleep(0.5)
    return now


async def comes_to_be(question: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, question)


async def said(client: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(client.recv(), BOUND_SECONDS))
    return message


async def test_a_message_that_is_too_long_is_thrown_away_and_the_socket_goes_on(host: Host) -> None:
    before = host.megabytes()
    async with host.socket("/echo") as client:
        for sent in (bytes(10 * MEGABYTE), "é" * (5 * MEGABYTE)):
            await client.send(sent)
            assert await said(client) == {
                "type": "websocket.receive",
                "text": None,
                "bytes": None,
                "too_long": 10 * MEGABYTE,
            }
        await client.send([bytes(MEGABYTE)] * 10)
        assert (await said(client))["too_long"] == 10 * MEGABYTE
        pong = await client.ping()
        await asyncio.wait_for(pong, BOUND_SECONDS)
        for length in (MESSAGE_MAX_BYTES, 0, 1):
            await client.send(bytes(length))
            assert await said(client) == {"type": "websocket.receive", "bytes": length}
        await client.send([b"ab", b"cd", b"e"])
        assert (await said(client))["bytes"] == 5
        await client.send("still é")
        assert (await said(client))["text"] == "still é"
    assert host.megabytes() - before < 4 * MESSAGE_MAX_BYTES / MEGABYTE


async def test_a_client_is_not_read_while_the_application_is_behind(host: Host) -> None:
    before = host.megabytes()
    messages = 2000
    async with host.socket("/late") as client:

        async def send_all() -> None:
            for _ in range(messages):
                await client.send(bytes(32 * 1024))

        sending = asyncio.create_task(send_all())
        await asyncio.sleep(2)
        assert not sending.done()
        assert host.megabytes() - before < 25
        await asyncio.to_thread(host.get, "/go_on")
        await asyncio.wait_for(sending, BOUND_SECONDS)
        # Small messages are bounded by their number.
        await comes_to_be(lambda: host.get()["received"] == messages)


async def test_the_application_waits_for_a_client_that_reads_nothing(host: Host) -> None:
    before = host.megabytes()
    async with host.socket("/flood", max_queue=1, max_size=None) as client:
        sent = await settled(lambda: host.get().get("sent", 0))
        assert 0 < sent < 400
        assert host.megabytes() - before < 15
        # What was held back comes once it is read.
        for _ in range(800):
            assert len(await asyncio.wait_for(client.recv(), BOUND_SECONDS)) == 64 * 1024
    await comes_to_be(lambda: host.get()["sent"] == 800)


async def test_the_application_is_let_go_when_such_a_client_leaves(host: Host) -> None:
    async with host.socket("/flood", max_queue=1, max_size=None) as client:
        await settled(lambda: host.get().get("sent", 0))
        assert host.get()["open"] == 1
        client.transport.abort()
        await comes_to_be(lambda: host.get()["open"] == 0)


async def test_a_download_waits_for_its_client_too(host: Host) -> None:
    before = host.megabytes()
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.sendall(b"GET /download HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        sent = await settled(lambda: host.get().get("sent", 0))
        assert 0 < sent < 400
        assert host.megabytes() - before < 15
        received = 0
        while piece := client.recv(MEGABYTE):
            received += len(piece)
    assert received > 800 * 64 * 1024


async def test_a_goodbye_carries_its_code_and_reason(host: Host) -> None:
    async with host.socket("/goodbye") as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert closed.value.rcvd.reason.startswith("Too busy: éxxx")
    await comes_to_be(lambda: host.get()["open"] == 0)


def test_a_body_that_is_too_long_is_refused_while_it_arrives(host: Host) -> None:
    before = host.megabytes()
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=BOUND_SECONDS)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(BODY_MAX_BYTES * 8))
    connection.endheaders()
    block = bytes(MEGABYTE)
    with contextlib.suppress(OSError):  # it hangs up in the middle
        for _ in range(BODY_MAX_BYTES * 8 // MEGABYTE):
            connection.send(block)
    connection.close()
    assert host.megabytes() - before < 2 * BODY_MAX_BYTES / MEGABYTE
    assert host.get()["warm"] == 1
    small = http.client.HTTPConnection("127.0.0.1", host.port, timeout=BOUND_SECONDS)
    small.request("POST", "/", bytes(BODY_MAX_BYTES))
    assert small.getresponse().status == 200
    small.close()
    large = http.client.HTTPConnection("127.0.0.1", host.port, timeout=BOUND_SECONDS)
    large.putrequest("POST", "/")
    large.putheader("Transfer-Encoding", "chunked")
    large.endheaders()
    for _ in range(BODY_MAX_BYTES // MEGABYTE):
        large.send(b"%x\r\n%b\r\n" % (MEGABYTE, block))
    large.send(b"1\r\nx\r\n")
    assert large.getresponse().status == 413
    large.close()


async def test_a_stopped_server_lets_sessions_end_and_takes_no_new_ones(host: Host) -> None:
    async with host.socket("/echo", subprotocols=["dub.v1"]) as client:
        host.signal(signal.SIGTERM)
        assert host.process.stdout is not None
        assert host.process.stdout.readline() == "draining 15.0\n"
        assert host.get() == {"open": 1, "warm": 1}
        await client.send("still heard")
        assert (await said(client))["text"] == "still heard"
        async with host.socket("/echo", subprotocols=["token.x", "ticket.x", "dub.v1"]) as late:
            assert late.subprotocol == "dub.v1"
            with pytest.raises(ConnectionClosed) as refused:
                await late.recv()
        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == 1012
        assert "connect again" in refused.value.rcvd.reason
        host.get("/drained")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert host.ended() == 0


@pytest.mark.parametrize("host", [1], indirect=True)
async def test_draining_is_bounded(host: Host) -> None:
    async with host.socket("/late"):
        began = time.monotonic()
        host.signal(signal.SIGINT)
        assert await asyncio.to_thread(host.ended) == 0
        assert time.monotonic() - began >= 1


@pytest.mark.parametrize("host", [300], indirect=True)
async def test_a_second_signal_stops_at_once(host: Host) -> None:
    async with host.socket("/echo"):
        host.signal(signal.SIGTERM)
        assert host.process.stdout is not None
        host.process.stdout.readline()
        host.signal(signal.SIGTERM)
        assert await asyncio.to_thread(host.ended) == 0
