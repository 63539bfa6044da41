"""What is copy-protected is refused, and so is what cannot be looked into."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome, chrome
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until

IN_FRAME = "/frame.html?frame={frame}&allow=autoplay;encrypted-media"


def refused(browser: Chrome, address: str) -> dict[str, object]:
    """What the extension says of a page; nothing of it is captured."""
    page = browser.context.new_page()
    page.goto(address)
    until(lambda: "rotected" not in address or _is_protected(page), what="protection")
    tab = browser.start(page)
    state = browser.state(tab)
    captured = browser.probe(tab)
    badge = "!" if state["status"] == "trouble" else "●"
    until(lambda: browser.badge(tab) == badge, what="the badge")
    if state["status"] == "on":
        browser.stop(tab)
    page.close()
    assert (captured is None) == (state["status"] == "trouble")
    return state


def _is_protected(page: object) -> bool:
    frames = page.frames  # type: ignore[attr-defined]
    return any(frame.title() == "protected" for frame in frames)


def test_protected_media_is_refused_with_a_plain_message(browser: Chrome, site: Site) -> None:
    page = browser.context.new_page()
    page.goto(f"{site.url}/protected.html?now&play")
    until(lambda: page.title() == "protected", what="protection")
    tab = browser.tab_of(page)
    browser.click_icon(page)
    popup = browser.open(f"src/ui/popup.html?tab={tab}")
    popup.click("#toggle")
    refusal = "copy-protected (DRM) and cannot be dubbed"
    until(lambda: refusal in popup.inner_text("#trouble"), what="the refusal in words")
    popup.close()
    assert browser.probe(tab) is None
    page.close()


def test_protected_media_in_frames_is_refused(browser: Chrome, site: Site) -> None:
    for origin in (site.url, site.other_url):
        frame = f"{origin}/protected.html?now"
        state = refused(browser, site.url + IN_FRAME.format(frame=frame))
        assert state["code"] == "protected", origin


def test_a_frame_that_could_be_protected_and_cannot_be_looked_into_is_refused_by_name(
    browser: Chrome, site: Site
) -> None:
    elsewhere = site.other_url.replace("127.0.0.1", "localhost")
    state = refused(browser, site.url + IN_FRAME.format(frame=f"{elsewhere}/one.html"))
    assert (state["code"], state["origins"]) == ("frame_unknown", [elsewhere])


@pytest.mark.parametrize("how", ["keys", "event"])
def test_protection_that_begins_later_ends_the_dub(browser: Chrome, site: Site, how: str) -> None:
    page = browser.context.new_page()
    page.goto(f"{site.url}/protected.html?play")
    tab = browser.start(page)
    assert browser.state(tab)["status"] == "on"
    page.evaluate(
        "protect()"
        if how == "keys"
        else "document.querySelector('#player').dispatchEvent(new MediaEncryptedEvent('encrypted'))"
    )
    until(lambda: browser.state(tab).get("code") == "protected", what="the refusal")
    until(lambda: browser.probe(tab) is None, what="the end of the capture")
    until(lambda: browser.badge(tab) == "!", what="the badge")
    page.close()


def test_without_the_check_the_same_page_would_be_dubbed(
    browser: Chrome, site: Site, platform: RunningServices, token: str
) -> None:
    """So the tests above see the check, and not some other failure."""

    def take_out(folder: Path) -> None:
        path = folder / "src/background/protection.js"
        code = path.read_text(encoding="utf-8")
        check = "protected: reports.some((report) => report.protected),"
        assert check in code
        path.write_text(code.replace(check, "protected: false,"), encoding="utf-8")

    with chrome(change=take_out, playwright=browser.playwright) as careless:
        careless.pair(platform.url, token)
        state = refused(careless, f"{site.url}/protected.html?now&play")
        assert state["status"] == "on"
