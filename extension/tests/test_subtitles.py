"""A page's own subtitles are what is said, where it has some in the language that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import token_of
from extension.tests.chrome import Chrome, until
from extension.tests.conftest import SPANISH, VIEWER
from extension.tests.measured import Measured, measure
from extension.tests.site import Site
from sessions_app.client import DubbingClient

NUMBERED = "/subtitles.html?play&film=speech.wav&track=speech.vtt&language=en"
FILM = "/subtitles.html?play&film=film.wav&track=film.vtt&language=es-MX"


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
    """Of the cues of `speech.vtt` among the lines."""
    return [int(text[5:-1]) for text in texts(found) if text.startswith("Text ")]


def numbered(count: int) -> Callable[[Measured], bool]:
    return lambda found: len(numbers(found)) >= count


@pytest.fixture
def spanish(
    browser: Chrome, platform: RunningServices, quick: RunningServices, token: str
) -> Iterator[str]:
    """The offline engines, which recognise English alone, into English; gives the token."""
    own = token_of(platform, f"film-{VIEWER}")
    browser.pair(platform.url, own)
    browser.set(sourceLanguage="auto", targetLanguage="en")
    yield own
    browser.pair(quick.url, token)


def test_a_film_in_a_language_that_nothing_recognises_is_dubbed_from_its_subtitles(
    browser: Chrome, site: Site, platform: RunningServices, spanish: str
) -> None:
    written = [text for _, parts in SPANISH * 6 for text in parts]
    with opened(browser, site.url + FILM) as page:
        tab = browser.start(page)
        found = measure(browser, tab, lambda found: len(found.ended) >= 3)
        popup = browser.open(f"src/ui/popup.html?tab={tab}")
        until(lambda: "from this page’s subtitles" in popup.inner_text("#lag"), what="the source")
        assert popup.is_checked("#subtitles")
        popup.close()
        modes = "[...document.querySelector('#player').textTracks].map(track => track.mode)"
        assert page.evaluate(modes) == ["hidden"]
        browser.stop(tab)
        until(lambda: page.evaluate(modes) == ["disabled"], what="the page's own choice")
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
        [session] = api.sessions()
        kept = [line["source_text"] for line in api.lines(session["id"])]
    assert kept
    assert kept == said[: len(kept)] or said == kept[: len(said)]


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
        again = measure(
            browser, tab, lambda found: found.view["counts"]["lines"] > more, within_s=60
        )
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
        modes = "[...document.querySelector('#player').textTracks].map(track => track.mode)"
        assert page.evaluate(modes) == ["disabled"]
        browser.stop(tab)
