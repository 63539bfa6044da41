"""Chromium with the built extension in it, and what a person does there."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import (
    BrowserContext,
    CDPSession,
    Page,
    Playwright,
    Worker,
    sync_playwright,
)

from extension.tools import build
from pipeline.tests.waiting import wait_until as until

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The page's own player may begin without a click; the extension needs no such leave.
    "--autoplay-policy=no-user-gesture-required",
)
SCRIPTED = dict.fromkeys(("recognition", "translation", "synthesis"), "scripted")
"""Engines that take a set time and next to no processor, on however busy a machine."""
REACHED = ["http://127.0.0.1/*"]


@dataclass
class Chrome:
    """A running browser; ``console`` gathers every error of the extension's documents."""

    context: BrowserContext
    id: str
    cdp: CDPSession
    folder: Path
    playwright: Playwright
    console: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Path:
        """The folder that the browser was started with, which names its processes."""
        return self.folder.parent.parent / "profile"

    @property
    def worker(self) -> Worker:
        """The service worker: woken when it sleeps."""
        alive = [w for w in self.context.service_workers if w.url.split("/")[2] == self.id]
        if alive:
            return alive[-1]
        with self.context.expect_event("serviceworker", timeout=60_000) as awaited:
            self.open("src/ui/privacy.html").close()
        return awaited.value

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.goto(f"chrome-extension://{self.id}/{path}")
        return page

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.console.append(message.text)

    def run(self, script: str, argument: Any = None) -> Any:
        """In a document of the extension's that cannot be stopped, unlike its worker."""
        page = self.bench
        return page.evaluate(script, argument)

    @property
    def bench(self) -> Page:
        for page in self.context.pages:
            if page.url.endswith("src/ui/privacy.html"):
                return page
        return self.open("src/ui/privacy.html")

    # What a person does -----------------------------------------------------------------

    def pair(
        self, server: str, token: str, *, engines: Mapping[str, str] = SCRIPTED, **settings: Any
    ) -> None:
        """As pairing leaves it, with engines for whatever the extension itself is tried with."""
        account = {"server": server, "token": token, "name": "viewer@example.org", "pairedAt": 0}
        self.run("items => chrome.storage.local.set(items)", {"account": account})
        spoken = {"targetLanguage": "es", "sourceLanguage": "en"}
        self.set(server=server, engines=dict(engines), **spoken, **settings)

    def set(self, **settings: Any) -> None:
        self.run(
            """async changes => {
                const {settings} = await chrome.storage.local.get("settings");
                await chrome.storage.local.set({settings: {...settings, ...changes}});
            }""",
            settings,
        )

    def setting(self, name: str) -> Any:
        return self.run(
            "async name => (await chrome.storage.local.get('settings')).settings[name]", name
        )

    def tab_of(self, page: Page) -> int:
        return int(
            self.run(
                "async url => (await chrome.tabs.query({})).find(t => t.url === url).id", page.url
            )
        )

    def click_icon(self, page: Page) -> None:
        """A real click on the toolbar icon: opens the popup and lets it hear the tab."""
        page.bring_to_front()
        targets = self.cdp.send("Target.getTargets", {"filter": [{"type": "tab"}]})["targetInfos"]
        target = next(one["targetId"] for one in targets if one["url"] == page.url)
        self.cdp.send("Extensions.triggerAction", {"id": self.id, "targetId": target})

    def start(self, page: Page) -> int:
        """Click the icon, then “Dub this tab” in the popup; returns the tab."""
        tab = self.tab_of(page)
        self.click_icon(page)
        popup = self.open(f"src/ui/popup.html?tab={tab}")
        popup.click("#toggle")
        until(lambda: self.state(tab)["status"] not in ("off", "starting"), what="a start")
        popup.close()
        page.bring_to_front()
        return tab

    def stop(self, tab: int, *, now: bool = True) -> None:
        self.run(
            "m => chrome.runtime.sendMessage(m)",
            {"to": "background", "type": "stop", "tabId": tab, "now": now},
        )
        until(lambda: self.state(tab)["status"] == "off", what="a stop")

    # What is seen -----------------------------------------------------------------------

    def state(self, tab: int) -> dict[str, Any]:
        ask = {"to": "background", "type": "state", "tabId": tab}
        return dict(self.run("m => chrome.runtime.sendMessage(m)", ask))

    def badge(self, tab: int) -> str:
        return str(self.run("tabId => chrome.action.getBadgeText({tabId})", tab))

    def probe(self, tab: int, **more: Any) -> dict[str, Any] | None:
        """What was measured in the extension's own graph since the last call."""
        ask = {"to": "offscreen", "type": "probe", "tabId": tab, **more}
        script = "m => chrome.runtime.sendMessage(m).catch(() => null)"
        found: dict[str, Any] | None = self.run(script, ask)
        return found

    def view(self, tab: int) -> dict[str, Any]:
        """What a popup would be shown now; empty where nothing is dubbed."""
        return dict((self.probe(tab) or {}).get("view") or {})

    def measure(self) -> None:
        """From now on; nothing is measured unless somebody asks."""
        self.probe(-1, on=True, levels=True)


@contextmanager
def chrome(
    *,
    change: Callable[[Path], None] = lambda folder: None,
    hosts: list[str] = REACHED,
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    playwright: Playwright | None = None,
) -> Iterator[Chrome]:
    """``change`` alters the unpacked copy; ``hosts`` are what the person has allowed already.

    ``environment`` names the sound device, say; without, nothing is really played.
    A second browser takes the ``playwright`` of the first: there is one in a process.
    """
    with tempfile.TemporaryDirectory(prefix="dubbing-chrome-") as temporary:
        root = Path(temporary)
        folder = build.write("chrome", root / "built")
        identity = _fix_identity(folder, hosts)
        change(folder)
        # Without it what is loaded unpacked does not come back from a reload.
        preferences = {"extensions": {"ui": {"developer_mode": True}}}
        (root / "profile" / "Default").mkdir(parents=True)
        stored = root / "profile" / "Default" / "Preferences"
        stored.write_text(json.dumps(preferences), encoding="utf-8")
        with nullcontext(playwright) if playwright else sync_playwright() as running:
            context = running.chromium.launch_persistent_context(
                str(root / "profile"),
                executable_path="/usr/bin/chromium",
                headless=True,
                env={**environment} if environment else None,
                # Else a captured tab is all zeros.
                ignore_default_args=["--mute-audio"],
                args=[
                    *ARGUMENTS,
                    *arguments,
                    f"--load-extension={folder}",
                    f"--disable-extensions-except={folder}",
                ],
            )
            try:
                assert context.browser is not None
                cdp = context.browser.new_browser_cdp_session()
                browser = Chrome(context, identity, cdp, folder, running)
                # An extension that is new shows its options, in whatever empty tab there is.
                until(lambda: _greeted(context), what="the extension's first page")
                until(lambda: _awake(browser), what="the extension's settings")
                yield browser
            finally:
                context.close()
        shutil.rmtree(root / "built", ignore_errors=True)


def urls(context: BrowserContext) -> list[str]:
    """Of all pages, as they are now: what is known of them changes only while asking."""
    context.cookies()
    return [page.url for page in context.pages]


def _greeted(context: BrowserContext) -> bool:
    return any(url.endswith("src/ui/options.html") for url in urls(context))


def _awake(browser: Chrome) -> bool:
    return bool(
        browser.run("async () => Boolean((await chrome.storage.local.get('settings')).settings)")
    )


def _fix_identity(folder: Path, hosts: list[str]) -> str:
    """A key makes the id known; returns it. Prompts cannot be answered here, so what a person
    would allow is allowed from the start."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["key"] = base64.b64encode(der).decode()
    manifest["host_permissions"] = hosts
    path.write_text(json.dumps(manifest), encoding="utf-8")
    digest = hashlib.sha256(der).hexdigest()[:32]
    return digest.translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))
