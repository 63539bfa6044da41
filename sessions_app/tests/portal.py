"""The portal as a person uses it: Chromium, a new account, and a tap on what is heard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from accounts.tests.letters import link_to

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
PASSWORD = "a long enough pass phrase"
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

TAP = """
() => {
  // What leaves the player, as an AnalyserNode hears it, beside what goes in.
  const { context, dubbing, source } = livePage;
  const tap = (node) => {
    const analyser = new AnalyserNode(context, { fftSize: 1024 });
    node.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    return () => {
      analyser.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    };
  };
  const [out, original] = [tap(dubbing.player.node), tap(source.node)];
  const tapped = { heard: [], cues: [] };
  const looking = setInterval(() => {
    tapped.heard.push([context.currentTime, out(), original()]);
    if (dubbing.view.status === "ended") clearInterval(looking);
  }, 15);
  dubbing.addEventListener("cue", ({ detail }) =>
    tapped.cues.push({ ...detail, atS: detail.frame / context.sampleRate }));
  window.tapped = tapped;
}
"""


@dataclass
class Portal:
    """One browser with one person's login; ``console`` is what its pages said there."""

    browser: Browser
    url: str
    page: Page
    console: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def new_page(self, **options: Any) -> Page:
        """Another window with the same login."""
        cookies = self.page.context.cookies()
        context = self.browser.new_context(**options)
        context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were given
        page = context.new_page()
        self.listen(page)
        return page

    def listen(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self.console.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.console.append(str(error)))

    def sign_up(self, email: str) -> None:
        page = self.open("/account/signup/")
        page.fill("[name=email]", email)
        page.fill("[name=password1]", PASSWORD)
        page.fill("[name=password2]", PASSWORD)
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: "signup" not in url)
        # The server sends no mail: whoever runs it passes the link on.
        page.goto(link_to(email))
        page.locator("main form button").first.click()
        page.wait_for_url(f"{self.url}/")

    def make_session(self) -> None:
        """One without a line: connecting is enough."""
        page = self.open("/")
        page.get_by_role("button", name="Connect").click()
        expect(page.locator("#status")).to_have_text("Connected")
        page.get_by_role("button", name="Disconnect").click()
        expect(page.locator("#status")).to_have_text("Not connected")

    def start(self, *, kind: str, source: str = "en", target: str = "es") -> Page:
        """Dub something on the live page, up to the moment when it is being dubbed."""
        page = self.open("/")
        expect(page.locator("html.live-ready")).to_be_attached()
        page.locator(f'[name=kind][value="{kind}"]').check()
        page.select_option("#source", source)
        page.select_option("#target", target)
        page.get_by_role("button", name="Start Dubbing").click()
        expect(page.locator("#status")).to_have_text("Dubbing", timeout=PATIENCE_MS)
        return page

    def tap(self) -> None:
        self.page.evaluate(TAP)

    def tapped(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("tapped")
        return found

    def faults_of(self, page: Page) -> list[str]:
        """What axe finds that is serious or worse."""
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


@contextmanager
def portal(
    playwright: Playwright, url: str, *more: str, sounding: bool = False, **options: Any
) -> Iterator[Portal]:
    """``more`` are arguments of Chromium's, ``options`` those of its window; ``sounding``:
    pages are not muted, so that one can be shared with its sound."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed; Debian's package chromium has it")
    browser = playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=[*ARGUMENTS, *more],
        ignore_default_args=["--mute-audio"] if sounding else None,
    )
    try:
        one = Portal(browser, url, browser.new_context(**options).new_page())
        one.listen(one.page)
        yield one
    finally:
        browser.close()


def level(heard: list[list[float]], from_s: float, to_s: float, column: int) -> float:
    """Mean of what was tapped between two times of the graph."""
    found = [row[column] for row in heard if from_s <= row[0] < to_s]
    return sum(found) / len(found) if found else 0.0
