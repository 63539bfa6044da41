"""Everything dies or goes away at some time: the dub goes on or ends, and the original is heard."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome, urls
from extension.tests.cuttable import Network, cuttable
from extension.tests.measured import Measured, measure
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until

SHORT_S = 5
LONG_S = 30
FROZEN_S = 8


@pytest.fixture
def page(browser: Chrome, site: Site) -> Iterator[Page]:
    page = browser.context.new_page()
    page.goto(f"{site.url}/one.html?play")
    yield page
    page.close()


@dataclass(frozen=True, slots=True)
class Behind:
    """A tab that is dubbed over a network of its own."""

    network: Network
    tab: int


@pytest.fixture
def behind(
    browser: Chrome, platform: RunningServices, token: str, site: Site
) -> Iterator[Callable[[str], Behind]]:
    with ExitStack() as opened:

        def open_tab(name: str) -> Behind:
            network = opened.enter_context(cuttable(platform.url))
            browser.pair(network.url, token)
            page = browser.context.new_page()
            opened.callback(page.close)
            page.goto(f"{site.url}/one.html?play&{name}")
            return Behind(network, browser.start(page))

        yield open_tab
    browser.pair(platform.url, token)


def dubbed(count: int = 1) -> Callable[[Measured], bool]:
    """So many whole cues, and dubbing goes on."""
    return lambda found: len(found.ended) >= count and found.view["status"] == "dubbing"


def full_level(found: Measured) -> bool:
    """The last half second measured: is the original where it was?"""
    last_s = found.levels[-1]["frame"] / found.rate if found.levels else 0.0
    gain = found.gain(last_s - 0.5, last_s)
    return gain is None or gain > 0.98


def test_a_killed_service_worker_is_not_missed(browser: Chrome, page: Page) -> None:
    tab = browser.start(page)
    measure(browser, tab, dubbed())
    for target in browser.cdp.send("Target.getTargets")["targetInfos"]:
        if target["type"] == "service_worker" and browser.id in target["url"]:
            browser.cdp.send("Target.closeTarget", {"targetId": target["targetId"]})
    measure(browser, tab, dubbed(2))
    until(lambda: browser.state(tab)["status"] == "on", what="the state of the tab")
    browser.stop(tab)
    until(lambda: browser.badge(tab) == "", what="no badge")


LOST = {"began_anew", "chunks_missing", "audio_dropped", "sound_left_out"}
"""Notices of a tab for which something was lost."""


def test_networks_that_hang_or_break_are_outlived(
    browser: Chrome, behind: Callable[[str], Behind]
) -> None:
    """At once, each in a tab of its own: a link that hangs for five seconds and a network that is
    cut for five cost nothing; one that is cut beyond the grace begins anew."""
    # Tickets are asked for over the network that was paired last.
    hung, away, cut = behind("hung"), behind("away"), behind("cut")
    for one in (hung, cut, away):
        measure(browser, one.tab, dubbed())
    hung.network.hang()
    cut.network.cut()
    away.network.cut()
    since = time.monotonic()

    measure(browser, cut.tab, lambda found: found.view["status"] == "reconnecting")
    until(lambda: browser.state(cut.tab)["status"] == "waiting", what="the state of the tab")
    time.sleep(max(0.0, since + SHORT_S - time.monotonic()))
    hung.network.mend()
    cut.network.mend()
    found = measure(browser, hung.tab, dubbed(3))
    assert not LOST & {*found.notices}
    browser.stop(hung.tab)
    found = measure(
        browser, cut.tab, lambda found: "resumed" in found.notices and len(found.ended) >= 2
    )
    assert not LOST & {*found.notices}
    browser.stop(cut.tab)

    time.sleep(max(0.0, since + LONG_S - time.monotonic()))
    gone = measure(browser, away.tab, lambda found: bool(found.levels))
    assert full_level(gone)
    assert gone.view["status"] == "reconnecting"
    away.network.mend()
    again = dubbed()
    measure(browser, away.tab, lambda found: "began_anew" in found.notices and again(found))
    browser.stop(away.tab)


def test_a_killed_server_process_is_outlived(
    browser: Chrome, page: Page, platform: RunningServices, capsys: pytest.CaptureFixture[str]
) -> None:
    tab = browser.start(page)
    measure(browser, tab, dubbed())
    os.kill(platform.pid_of("web-1"), signal.SIGKILL)
    back = measure(
        browser, tab, lambda found: {"resumed", "began_anew"} & {*found.notices} != set()
    )
    measure(browser, tab, dubbed(2))
    with capsys.disabled():
        print(f"\n  after the server's death: {back.notices}")  # noqa: T201
    browser.stop(tab)


def test_a_laptop_that_was_closed_goes_on(browser: Chrome, page: Page) -> None:
    tab = browser.start(page)
    measure(browser, tab, dubbed())
    processes = [p for p in psutil.process_iter(["cmdline"]) if _is_of(p, browser.profile)]
    assert processes
    for process in processes:
        process.suspend()
    time.sleep(FROZEN_S)
    for process in processes:
        process.resume()
    measure(browser, tab, dubbed(2))
    browser.stop(tab)


def _is_of(process: psutil.Process, profile: Path) -> bool:
    return any(str(profile) in part for part in process.info["cmdline"] or [])


@pytest.mark.parametrize("how", ["navigation", "close"])
def test_leaving_the_page_ends_the_capture(
    browser: Chrome, page: Page, site: Site, how: str
) -> None:
    tab = browser.start(page)
    measure(browser, tab, lambda found: bool(found.levels))
    if how == "navigation":
        page.goto(f"{site.other_url}/one.html")
        until(lambda: browser.state(tab)["status"] == "off", what="the end")
        until(lambda: browser.badge(tab) == "", what="no badge")
    else:
        page.close()
    until(lambda: browser.probe(tab) is None, what="the end of the capture")


def test_a_reloaded_extension_leaves_the_page_its_sound_and_begins_again(
    browser: Chrome, page: Page
) -> None:
    browser.set(floor=0.2)
    tab = browser.start(page)
    measure(browser, tab, lambda found: bool(found.levels))
    browser.run("() => { setTimeout(() => chrome.runtime.reload(), 50) }")
    until(lambda: not any(url.startswith("chrome-extension") for url in urls(browser.context)))
    until(lambda: _is_back(browser), what="the extension's return")
    assert browser.setting("floor") == 0.2
    until(lambda: browser.state(tab)["status"] == "off", what="the state of the tab")
    browser.set(floor=0.15)
    assert browser.start(page) == tab
    until(lambda: browser.state(tab)["status"] == "on", what="the state of the tab")
    measure(browser, tab, dubbed())
    browser.stop(tab)


def _is_back(browser: Chrome) -> bool:
    try:
        return bool(browser.bench.evaluate("chrome.runtime.id") == browser.id)
    except Exception:  # while it is being loaded its pages cannot be opened
        return False
