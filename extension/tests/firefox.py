"""Firefox with the built extension, driven over WebDriver BiDi; what is heard goes to a sink of
its own, for without a sound device its audio clock stands still."""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from extension.tests.sink import Sink, Sound, sink, stop
from extension.tools import build
from pipeline.tests.ports import kept_port
from pipeline.tests.waiting import wait_until as until

PREFERENCES = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "browser.shell.checkDefaultBrowser": False,
}


@dataclass
class Firefox:
    socket: ClientConnection
    sink: Sink
    base: str = ""
    context: str = ""
    """Of the extension's own page, which stays open."""
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer: dict[str, Any] = json.loads(self.socket.recv(timeout=90))
            if answer.get("id") == number:
                assert answer["type"] == "success", f"{method}: {answer}"
                return dict(answer["result"])

    def evaluate(self, context: str, expression: str) -> Any:
        """Of what JSON can say."""
        done = self.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": context},
            awaitPromise=True,
            userActivation=True,
        )
        assert done["type"] == "success", done
        return json.loads(done["result"].get("value", "null"))

    def run(self, expression: str) -> Any:
        return self.evaluate(self.context, expression)

    def open(self, address: str) -> str:
        context = str(self.call("browsingContext.create", type="tab")["context"])
        self.call("browsingContext.navigate", context=context, url=address, wait="complete")
        return context

    def listen(self, seconds: float) -> Sound:
        return self.sink.listen(seconds)


@contextmanager
def firefox(hosts: list[str]) -> Iterator[Firefox]:
    """``hosts`` are what the person has allowed already: prompts cannot be answered here."""
    with tempfile.TemporaryDirectory(prefix="dubbing-firefox-", ignore_cleanup_errors=True) as made:
        root = Path(made)
        folder = build.write("firefox", root)
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**manifest, "host_permissions": hosts}), encoding="utf-8")
        profile = root / "profile"
        profile.mkdir()
        preferences = [
            f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()
        ]
        (profile / "user.js").write_text("\n".join(preferences), encoding="utf-8")
        (root / "home").mkdir()
        with sink(root / "home") as heard, kept_port() as port:
            start = ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile)]
            process = subprocess.Popen(
                [*start, f"--remote-debugging-port={port}"],
                env=heard.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                with _connected(port) as connection:
                    yield _with_extension(Firefox(connection, heard), folder)
            finally:
                stop(process)


@contextmanager
def _connected(port: int) -> Iterator[ClientConnection]:
    deadline = time.monotonic() + 90
    while True:
        try:
            connection = connect(f"ws://127.0.0.1:{port}/session", max_size=None)
            break
        except OSError:
            assert time.monotonic() < deadline, "Firefox did not start"
            time.sleep(0.2)
    with connection:
        yield connection


def _with_extension(browser: Firefox, folder: Path) -> Firefox:
    browser.call("session.new", capabilities={})
    browser.call("webExtension.install", extensionData={"type": "path", "path": str(folder)})

    def options() -> dict[str, Any] | None:
        tabs = browser.call("browsingContext.getTree")["contexts"]
        return next((tab for tab in tabs if tab["url"].startswith("moz-extension")), None)

    page = until(options, what="the extension's first page")
    browser.context, browser.base = str(page["context"]), page["url"].split("/src/")[0]
    return browser
