"""A server process of its own for test_web.py: our host around an application that misbehaves.

`python -m dubbing_project.tests.web_host DRAIN_SECONDS` prints its port. What the application
is doing is asked over HTTP, which also lets it go on.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter
from typing import Any

from dubbing_project.services.web import serve

BLOCK = bytes(64 * 1024)
BLOCKS = 800

counts: Counter[str] = Counter()
go_on = asyncio.Event()
drained = asyncio.Event()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await answer(scope["path"], receive, send)
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    counts["open"] += 1
    try:
        await BEHAVIOURS[scope["path"]](receive, send)
    finally:
        counts["open"] -= 1


async def answer(path: str, receive: Any, send: Any) -> None:
    if path == "/go_on":
        go_on.set()
    if path == "/drained":
        drained.set()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if path == "/download":
        for _ in range(BLOCKS):
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
            counts["sent"] += 1
    body = json.dumps(counts).encode()
    await send({"type": "http.response.body", "body": body})


async def echo(receive: Any, send: Any) -> None:
    """Says of each message what it was."""
    while (message := await receive())["type"] == "websocket.receive":
        said = {
            name: len(value) if isinstance(value, bytes) else value
            for name, value in message.items()
        }
        await send({"type": "websocket.send", "text": json.dumps(said)})


async def late(receive: Any, send: Any) -> None:
    """Takes nothing until it is told to."""
    await go_on.wait()
    while (await receive())["type"] == "websocket.receive":
        counts["received"] += 1


async def flood(receive: Any, send: Any) -> None:
    for _ in range(BLOCKS):
        await send({"type": "websocket.send", "bytes": BLOCK})
        counts["sent"] += 1


async def goodbye(receive: Any, send: Any) -> None:
    await send({"type": "websocket.close", "code": 1013, "reason": "Too busy: é" + "x" * 200})
    await send({"type": "websocket.send", "text": "nobody hears this"})


BEHAVIOURS = {"/echo": echo, "/late": late, "/flood": flood, "/goodbye": goodbye}


async def drain(timeout_s: float) -> None:
    print("draining", timeout_s, flush=True)  # noqa: T201 - read by the test
    await drained.wait()


async def warm() -> None:
    counts["warm"] += 1


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - read by the test
    serve(listener, application, warm=warm, drain=drain, drain_seconds=float(sys.argv[1]))


if __name__ == "__main__":
    main()
