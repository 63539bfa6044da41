"""The extension in real Chromium, against the real server with its offline engines."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome
from extension.tests.conftest import NUMBERED, numbers_said
from extension.tests.measured import Measured, measure
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until

ONSET_S = 0.06
FLOOR = 0.15
LEVELS_S = 0.015
"""More than one block of levels lasts while they are measured: as many quanta of 128 samples as
it takes to have 10 ms."""
NEW_PLACE = 98
SILENCED_S = 8.0
"""From before a seek is made in the page until the dub of the old place is silent, on the graph's
clock: a second where nothing else takes the processor."""


@contextmanager
def opened(browser: Chrome, address: str) -> Iterator[Page]:
    page = browser.context.new_page()
    page.goto(address)
    try:
        yield page
    finally:
        page.close()


def heard(count: int) -> Callable[[Measured], bool]:
    return lambda found: len(found.ended) >= count


def whole(count: int) -> Callable[[Measured], bool]:
    """So many cues without a break. Engines that speak slower than they are heard, as on a busy
    machine, leave some."""
    return lambda found: sum(cue["gaps"] == 0 for cue in found.ended.values()) >= count


def test_one_click_and_the_tab_speaks_spanish_over_the_lowered_original(
    browser: Chrome,
    site: Site,
    platform: RunningServices,
    token: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    browser.pair(platform.url, token, engines={})
    browser.set(sites={"127.0.0.1": "always"})
    with opened(browser, f"{site.url}/one.html?play&sound=book.wav") as page:
        tab = browser.tab_of(page)
        assert browser.badge(tab) == ""
        browser.click_icon(page)
        # From before the first cue: what is measured then is the original alone.
        until(lambda: browser.probe(tab, on=True, levels=True), what="a capture")
        until(lambda: browser.state(tab)["status"] == "on", what="dubbing")
        until(lambda: browser.badge(tab) == "●", what="the badge")
        found = measure(browser, tab, whole(3))
        popup = browser.open(f"src/ui/popup.html?tab={tab}")
        until(lambda: "s behind" in popup.inner_text("#lag"), what="the lag")
        until(lambda: popup.locator("#captions .target").count() >= 2, what="captions")
        popup.close()
        browser.stop(tab)
        until(lambda: browser.badge(tab) == "", what="no badge")
    browser.pair(platform.url, token, sites={})

    assert all(line["source"] for line in found.lines)
    spanish = " ".join(line["text"] for line in found.lines).lower()
    assert any(word in spanish.split() for word in ("no", "una", "un", "hecho", "ha"))
    off = [abs(cue["frame"] / found.rate - cue["dueS"]) for cue in found.began.values()]
    first = min(found.began.values(), key=lambda cue: cue["frame"])
    starts_s = first["frame"] / found.rate
    before = found.gain(0, starts_s - 0.15)
    during = [
        found.gain(cue["frame"] / found.rate + 0.12, found.ended[number]["frame"] / found.rate)
        for number, cue in found.began.items()
        if number in found.ended
    ]
    lowered = median(gain for gain in during if gain is not None)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n  cues {len(found.ended)}, the first {off[0] * 1000:.1f} ms off its schedule, "
            f"original {before:.2f} then {lowered:.3f}, ear–voice span {found.view['lagS']:.2f} s, "
            f"jitter buffer {found.delay_s * 1000:.0f} ms"
        )
    assert before == pytest.approx(1, abs=0.01)
    assert all(gain is None or gain == pytest.approx(FLOOR, abs=0.01) for gain in during)
    ordered = sorted(found.began.values(), key=lambda cue: cue["frame"])
    for one, other in pairwise(ordered):
        # A cue waits for the end of the one before, when that is what kept it.
        assert other["frame"] >= found.ended[one["cue"]]["frame"]
        assert found.off_s(other, after=found.ended[one["cue"]]) < ONSET_S
    assert max(found.offs_s()) < ONSET_S
    assert max(found.dub(starts_s, starts_s + 1.0)) > 0.01
    assert max(found.dub(0, starts_s - 0.02)) == 0.0


PAGES = {
    "two videos": "/two.html?play",
    "a player of another site": "/frame.html?frame={other}/one.html?play",
    "a stream put together by the page": "/mse.html?play",
    "an endless stream": "/live.html?play",
    "a strict policy": "/one.html?play&csp",
}


CUES_OF_EACH = 4


def test_every_kind_of_page_is_dubbed_without_a_break(browser: Chrome, site: Site) -> None:
    """All at once, each in a tab of its own: with engines that are never late no cue runs dry,
    however busy the machine is otherwise."""
    with ExitStack() as pages:
        tabs = {}
        for kind, address in PAGES.items():
            page = pages.enter_context(
                opened(browser, site.url + address.format(other=site.other_url))
            )
            tabs[kind] = browser.start(page)
        for kind, tab in tabs.items():
            # The first that is measured may be waiting for one that began before.
            found = measure(
                browser,
                tab,
                lambda found: len(found.ended) >= CUES_OF_EACH and bool(found.offs_s()),
            )
            assert max(found.offs_s()) < ONSET_S, kind
            assert found.lines[0]["text"], kind
            assert found.whole(), (kind, found.ended, found.stalled, found.dropped)
        for kind, tab in tabs.items():
            until(lambda tab=tab: browser.state(tab)["status"] == "on", what=kind)  # type: ignore[misc]
            browser.stop(tab)


def test_captions_lie_over_a_video_in_fullscreen_and_go_with_the_dub(
    browser: Chrome, site: Site
) -> None:
    browser.set(overlay=True)
    with opened(browser, f"{site.url}/two.html?play") as page:
        tab = browser.start(page)
        page.evaluate("document.querySelector('#player').requestFullscreen()")
        measure(browser, tab, lambda found: len(found.began) >= 1)
        shown = "Boolean(document.querySelector('live-dubbing-captions'))"
        until(lambda: page.evaluate(shown), what="captions")
        full = "document.fullscreenElement?.id"
        until(lambda: page.evaluate(full) == "player", what="fullscreen")
        # A video that plays sound alone is dark there: what is white is text.
        until(lambda: white_pixels(browser, page) > 100, what="captions on top of the video")
        browser.stop(tab)
        until(lambda: not page.evaluate(shown), what="captions gone")
    browser.set(overlay=False)


def white_pixels(browser: Chrome, page: Page) -> int:
    """In the middle third of the lower part of what a person sees."""
    width, height = page.evaluate("[innerWidth, innerHeight]")
    clip = {"x": width / 3, "y": height * 0.7, "width": width / 3, "height": height * 0.2}
    picture = base64.b64encode(page.screenshot(clip=clip)).decode()  # type: ignore[arg-type]
    count: int = browser.run(
        """async data => {
            const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
            const picture = await createImageBitmap(new Blob([bytes]));
            const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
            canvas.drawImage(picture, 0, 0);
            const {data: pixels} = canvas.getImageData(0, 0, picture.width, picture.height);
            let white = 0;
            for (let i = 0; i < pixels.length; i += 4) if (pixels[i] > 240) white += 1;
            return white;
        }""",
        picture,
    )
    return count


def test_two_tabs_are_dubbed_at_once_and_end_apart(browser: Chrome, site: Site) -> None:
    with (
        opened(browser, f"{site.url}/one.html?play&first") as first,
        opened(browser, f"{site.url}/one.html?play&second") as second,
    ):
        one, other = browser.start(first), browser.start(second)
        measure(browser, one, heard(1))
        before = measure(browser, other, heard(1))
        browser.stop(one)
        measure(browser, other, lambda found: bool({*found.ended} - {*before.began}))
        until(lambda: browser.state(other)["status"] == "on", what="the other going on")
        browser.stop(other)


def test_a_seek_silences_the_dub_at_once_and_starts_another_run(
    browser: Chrome, site: Site
) -> None:
    with opened(browser, site.url + NUMBERED) as page:
        tab = browser.start(page)
        before = measure(browser, tab, lambda found: {*found.began} > {*found.ended})
        page.evaluate("document.querySelector('#player').currentTime = 100")

        def spoken(found: Measured) -> list[dict[str, Any]]:
            """Cues that began after the seek was told."""
            silenced = found.cleared[0]["frame"] if found.cleared else math.inf
            return [cue for cue in found.began.values() if cue["frame"] >= silenced]

        found = measure(
            browser,
            tab,
            lambda found: (
                max(numbers_said(found.lines), default=0) >= NEW_PLACE
                and bool(spoken(found))
                and found.view["status"] == "dubbing"
            ),
        )
        silenced = found.cleared[0]["frame"] / found.rate
        assert silenced - before.time_s < SILENCED_S
        again = min(cue["frame"] for cue in spoken(found)) / found.rate
        # The block of levels in which a cue begins has some of it, as has one that begins while
        # what is silenced fades away.
        assert max(found.dub(silenced + LEVELS_S, again - LEVELS_S), default=0.0) == 0.0
        said = {line["line"]: line["startS"] + found.zero_s for line in found.lines}
        assert all(said[cue["line"]] > before.time_s for cue in spoken(found))
        page.evaluate("document.querySelector('#player').pause()")
        until(lambda: browser.view(tab).get("status") == "paused", what="a pause")
        page.evaluate("document.querySelector('#player').play()")
        until(lambda: browser.view(tab).get("status") == "dubbing", what="going on")
        browser.stop(tab)


def whole_cue(
    browser: Chrome, tab: int, wanted: Callable[[dict[str, Any]], bool] = lambda cue: True
) -> tuple[Measured, float]:
    """The next such cue that begins and ends from now on, and when it ended."""
    browser.probe(tab)

    def ended(found: Measured) -> dict[str, Any] | None:
        return next((c for n, c in found.ended.items() if n in found.began and wanted(c)), None)

    found = measure(browser, tab, lambda found: ended(found) is not None)
    cue = ended(found)
    assert cue is not None
    return found, cue["frame"] / found.rate


def test_volumes_mute_offset_and_the_last_phrase_again_are_heard(
    browser: Chrome, site: Site
) -> None:
    with opened(browser, f"{site.url}/one.html?play&sound=book.wav") as page:
        tab = browser.start(page)
        measure(browser, tab, heard(1))
        popup = browser.open(f"src/ui/popup.html?tab={tab}")
        popup.locator("#bypass").click()
        until(lambda: browser.view(tab).get("volumes", {}).get("bypass"), what="original only")
        after, last = whole_cue(browser, tab)
        assert max(after.dub(last - 0.2, last)) == 0
        assert after.gain(last - 0.2, last) in (None, pytest.approx(1, abs=0.01))
        popup.locator("#bypass").click()
        mutes = popup.locator("[id^='speaker-'][id$='-mute']")
        quiet = {mute.get_attribute("id") or "" for mute in mutes.all()}
        for mute in mutes.all():
            mute.click()
        until(lambda: 0 in browser.view(tab).get("gains", {}).values(), what="a mute")
        muted, last = whole_cue(browser, tab, lambda cue: f"speaker-{cue['speaker']}-mute" in quiet)
        assert max(muted.dub(last - 0.2, last)) == 0
        for mute in mutes.all():
            if mute.get_attribute("aria-pressed") == "true":
                mute.click()
        popup.locator("#again").click()
        repeated = measure(browser, tab, lambda found: any(cue < 0 for cue in found.ended))
        assert min(repeated.ended) < 0
        popup.locator("#offset").evaluate(
            "e => { e.value = 1000; e.dispatchEvent(new Event('input')) }"
        )
        until(lambda: browser.view(tab).get("offsetS") == 1, what="the offset")

        def is_later(found: Measured) -> bool:
            """Cues that were placed before stay where they are."""
            return any(
                cue["dueS"] - found.zero_s - cue["startS"] > 1.0
                for cue in found.began.values()
                if cue["cue"] >= 0
            )

        assert is_later(measure(browser, tab, is_later))
        popup.close()
        browser.stop(tab)
        browser.set(offsetS=0)
