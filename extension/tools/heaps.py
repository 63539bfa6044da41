"""How much JavaScript the extension's own documents hold, asked over Chromium's DevTools protocol.

Runtime.getHeapUsage and HeapProfiler.collectGarbage of chromedevtools.github.io/devtools-protocol;
over a connection of its own, for an offscreen document is not among the pages of Playwright.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

ARGUMENT = "--remote-debugging-port=0"
"""For the browser: it then writes the port that it found free into its profile."""
ANSWER_S = 30.0
MIB = 1024 * 1024
_KINDS = {"background_page": "offscreen", "service_worker": "worker"}
"""What Chromium calls the extension's documents that matter while a tab is dubbed."""


class Heaps:
    def __init__(self, connection: ClientConnection, extension: str) -> None:
        self._connection = connection
        self._origin = f"chrome-extension://{extension}/"
        self._ids = itertools.count(1)
        self._attached: list[dict[str, Any]] = []

    def sizes(self) -> dict[str, float]:
        """MiB in use once garbage is collected, by document; ``audio`` is the audio graph's own
        heap, with its garbage, for to collect there would be heard. What does not run, or does
        not answer, is left out.
        """
        found = {}
        for target in self._call("Target.getTargets")["targetInfos"]:
            if target["url"].startswith(self._origin) and (name := _KINDS.get(target["type"])):
                with suppress(RuntimeError, TimeoutError):
                    found.update(self._sizes_of(target["targetId"], name))
        return found

    def _sizes_of(self, target: str, name: str) -> dict[str, float]:
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("HeapProfiler.collectGarbage", session)
        sizes = {name: self._size(session)}
        if name == "offscreen":
            self._attached.clear()
            attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
            self._call("Target.setAutoAttach", session, **attach)
            inner = [self._size(one["sessionId"]) for one in self._attached]
            if inner:
                sizes["audio"] = sum(inner)
        # A worker that is watched does not fall asleep.
        self._call("Target.detachFromTarget", sessionId=session)
        return sizes

    def _size(self, session: str) -> float:
        return float(self._call("Runtime.getHeapUsage", session)["usedSize"]) / MIB

    def _call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        self._connection.send(
            json.dumps({**message, **({"sessionId": session} if session else {})})
        )
        while True:
            answer: dict[str, Any] = json.loads(self._connection.recv(timeout=ANSWER_S))
            if answer.get("method") == "Target.attachedToTarget":
                self._attached.append(answer["params"])
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])


@contextmanager
def heaps(profile: Path, extension: str) -> Iterator[Heaps]:
    """Of the extension with this id, in a browser that was started with ``ARGUMENT``."""
    port, path = (profile / "DevToolsActivePort").read_text(encoding="utf-8").split("\n")[:2]
    with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, ping_interval=None) as connection:
        yield Heaps(connection, extension)
