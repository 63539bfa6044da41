"""The hotkeys: what each does. The keys themselves are the browser's affair, and cannot be
pressed where there is no window; their events are made here instead."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from extension.tests.chrome import Chrome
from extension.tests.site import Site
from extension.tools import build
from pipeline.tests.waiting import wait_until as until


def press(browser: Chrome, command: str, tab: int) -> None:
    browser.worker.evaluate(
        """async ([command, tabId]) => {
            chrome.commands.onCommand.dispatch(command, await chrome.tabs.get(tabId));
        }""",
        [command, tab],
    )


def test_every_command_of_the_manifest_has_its_key(browser: Chrome) -> None:
    manifest = json.loads((build.EXTENSION / "manifest.json").read_text(encoding="utf-8"))
    wanted = {
        name: command["suggested_key"]["default"] for name, command in manifest["commands"].items()
    }
    known = browser.run("async () => await chrome.commands.getAll()")
    # “Up Arrow” is how people are shown what the manifest calls “Up”.
    keys = {
        one["name"]: one["shortcut"].removesuffix(" Arrow")
        for one in known
        if one["name"] in wanted
    }
    assert keys == wanted
    options = browser.open("src/ui/options.html")
    options.set_viewport_size({"width": 375, "height": 800})
    rows = options.locator("#hotkeys tr")
    until(lambda: rows.count() == len(known), what="the list of hotkeys")
    # The browser's own command too is told in words, and all of it in a narrow window.
    assert "_" not in options.inner_text("#hotkeys")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert options.evaluate(wide) == 0
    options.close()


def test_hotkeys_start_stop_and_steer_the_dub(browser: Chrome, site: Site) -> None:
    page: Page = browser.context.new_page()
    page.goto(f"{site.url}/one.html?play&hotkeys")
    tab = browser.tab_of(page)
    # What pressing a real key would allow as well: to hear this tab.
    browser.click_icon(page)
    press(browser, "toggle", tab)
    until(lambda: browser.view(tab).get("status") == "dubbing", what="a start")
    volume = browser.view(tab)["volumes"]["dub"]
    press(browser, "dub-louder", tab)
    until(lambda: browser.view(tab)["volumes"]["dub"] > volume, what="a louder dub")
    press(browser, "dub-softer", tab)
    until(lambda: browser.view(tab)["volumes"]["dub"] == volume, what="the dub as before")
    press(browser, "original-only", tab)
    until(lambda: browser.view(tab)["volumes"]["bypass"], what="the original only")
    press(browser, "original-only", tab)
    until(lambda: not browser.view(tab)["volumes"]["bypass"], what="the dub again")
    press(browser, "toggle", tab)
    until(lambda: browser.state(tab)["status"] == "off", what="a stop")
    page.close()
