"""A page's own subtitles are what is said, where it has some in the language that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome
from extension.tests.conftest import (
    FILM,
    NUMBERED,
    SPANISH,
    TRACK_MODES,
    numbers_said,
)
from extension.tests.measured import Measured, measure
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until
from sessions_app.client import DubbingClient


@contextmanager
def opened(browser: Chrome, address: str) -> Iterator[Page]:
    page = browser.context.new_page()
    page.goto(address)
    try:
        yield page
    finally:
        page.close()


def texts(found: Measured) -> list[str]:
    return [line["source"] for line in found.lines if line["source"]]


def numbers(found: Measured) -> list[int]:
    return numbers_said(found.lines)


def numbered(count: int) -> Callable[[Measured], bool]:
    return lambda found: len(numbers(found)) >= count


@pytest.fixture
def spanish(
    browser: Chrome,
    platform: RunningServices,
    token: str,
) -> Iterator[str]:
    """The offline engines, which recognise English alone, into English; gives the token."""
    browser.pair(platform.url, token, engines={})
    browser.set(sourceLanguage="auto", targetLanguage="en")
    yield token
    browser.pair(platform.url, token)


def test_a_film_in_a_language_that_nothing_recognises_is_dubbed_from_its_subtitles(
    browser: Chrome, site: Site, platform: RunningServices, spanish: str
) -> None:
    written = [text for _, parts in SPANISH * 6 for text in parts]
    with DubbingClient(platform.url, spanish) as api:
        before = {session["id"] for session in api.sessions()}
    with opened(browser, site.url + FILM) as page:
        tab = browser.start(page)
        found = measure(browser, tab, lambda found: len(found.ended) >= 3)
        popup = browser.open(f"src/ui/popup.html?tab={tab}")
        until(lambda: "from this page’s subtitles" in popup.inner_text("#lag"), what="the source")
        assert popup.is_checked("#subtitles")
        popup.close()
        assert page.evaluate(TRACK_MODES) == ["hidden"]
        browser.stop(tab)
        until(lambda: page.evaluate(TRACK_MODES) == ["disabled"], what="the page's own choice")
    said = texts(found)
    assert len(said) >= 3
    # Sound that came before the text was there is not dubbed.
    first = written.index(said[0])
    assert said == written[first : first + len(said)]
    assert found.view["engines"]["recognition"] == "source-text"
    assert found.view["sourceLanguage"] == "es"
    english = " ".join(line["text"] for line in found.lines).lower()
    assert any(word in english.split() for word in ("the", "and", "was", "than"))
    with DubbingClient(platform.url, spanish) as api:
        [session] = [one for one in api.sessions() if one["id"] not in before]
        kept = [line["source_text"] for line in api.lines(session["id"])]
    assert kept
    assert kept == said[: len(kept)] or said == kept[: len(said)]


def test_a_language_that_nothing_recognises_can_be_chosen_and_says_what_it_needs(
    browser: Chrome, site: Site, spanish: str
) -> None:
    with opened(browser, f"{site.url}/one.html?play&untitled") as page:
        tab = browser.tab_of(page)
        popup = browser.open(f"src/ui/panel.html?tab={tab}")
        offered = popup.locator("#source option")
        until(lambda: "Catalan – subtitles only" in offered.all_inner_texts(), what="languages")
        assert {"Find out", "English"} <= {*offered.all_inner_texts()}
        assert popup.inner_text("#target option:checked") == "English – subtitles only"
        popup.select_option("#source", "ca")
        until(lambda: browser.setting("sourceLanguage") == "ca", what="the choice")
        popup.close()
        browser.start(page)
        until(lambda: browser.state(tab).get("code") == "subtitles_missing", what="the refusal")
        popup = browser.open(f"src/ui/popup.html?tab={tab}")
        refusal = "recognises Catalan, and this page has no subtitles in it"
        until(lambda: refusal in popup.inner_text("#trouble"), what="the refusal in words")
        popup.locator("details", has=popup.locator("#subtitles")).locator("summary").click()
        popup.uncheck("#subtitles")
        offered = popup.locator("#source option")
        until(lambda: len(offered.all()) == 3, what="what is recognised, and what was chosen")
        assert "Catalan – subtitles only" in offered.all_inner_texts()
        popup.close()
    browser.set(subtitles=True)


def test_subtitles_that_come_later_are_used_until_they_are_switched_off(
    browser: Chrome, site: Site
) -> None:
    with opened(browser, f"{site.url}{NUMBERED}&late") as page:
        tab = browser.start(page)
        recognised = measure(browser, tab, lambda found: bool(texts(found)))
        assert numbers(recognised) == []
        assert not recognised.view["sourceText"]
        page.evaluate("subtitle()")
        written = measure(browser, tab, numbered(3))
        assert written.view["sourceText"]
        assert numbers(written) == sorted(numbers(written))
        popup = browser.open(f"src/ui/popup.html?tab={tab}")
        until(lambda: "subtitles" in popup.inner_text("#lag"), what="the source")
        popup.locator("details", has=popup.locator("#subtitles")).locator("summary").click()
        popup.uncheck("#subtitles")
        off = measure(browser, tab, lambda found: not found.view["sourceText"])
        more = len(texts(off)) + 2
        again = measure(browser, tab, lambda found: found.view["counts"]["lines"] > more)
        assert not texts(again)[-1].startswith("Text ")
        popup.close()
        browser.stop(tab)
        browser.set(subtitles=True)


def test_after_a_seek_the_text_is_that_of_the_new_place(browser: Chrome, site: Site) -> None:
    with opened(browser, site.url + NUMBERED) as page:
        tab = browser.start(page)
        before = measure(browser, tab, numbered(2))
        assert max(numbers(before)) < 60
        page.evaluate("document.querySelector('#player').currentTime = 100")
        after = measure(browser, tab, lambda found: max(numbers(found), default=0) >= 100)
        said = numbers(after)
        jump = next(at for at, number in enumerate(said) if number >= 98)
        # Nothing of between, and nothing of before once the new place was heard.
        assert said[jump:] == list(range(said[jump], said[jump] + 2 * len(said[jump:]), 2))
        assert max(said[:jump], default=0) < 60
        browser.stop(tab)


def test_subtitles_in_another_language_are_left_alone(browser: Chrome, site: Site) -> None:
    with opened(browser, site.url + NUMBERED.replace("language=en", "language=fr")) as page:
        tab = browser.start(page)
        found = measure(browser, tab, lambda found: len(texts(found)) >= 2)
        assert numbers(found) == []
        assert not found.view["sourceText"]
        assert page.evaluate(TRACK_MODES) == ["disabled"]
        browser.stop(tab)
