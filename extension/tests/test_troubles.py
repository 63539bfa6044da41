"""What keeps a tab from being dubbed is said, each in its own words."""

from __future__ import annotations

import pytest

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome, chrome
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until


def begin(browser: Chrome, tab: int) -> dict[str, object]:
    """Asked for by the extension itself, without anybody's click."""
    ask = {"to": "background", "type": "start", "tabId": tab}
    return dict(browser.run("m => chrome.runtime.sendMessage(m)", ask))


def test_without_a_click_no_tab_is_heard(browser: Chrome, site: Site) -> None:
    page = browser.context.new_page()
    page.goto(f"{site.url}/one.html?play&unclicked")
    state = begin(browser, browser.tab_of(page))
    assert (state["status"], state["code"]) == ("trouble", "needs_click")
    page.close()


def test_a_page_of_the_browser_itself_is_refused(browser: Chrome) -> None:
    page = browser.context.new_page()
    page.goto("chrome://version")
    page.bring_to_front()
    active = "async () => (await chrome.tabs.query({active: true}))[0].id"
    state = begin(browser, browser.run(active))
    assert (state["status"], state["code"]) == ("trouble", "page_not_allowed")
    page.close()


def test_a_site_with_the_rule_never_is_left_alone(browser: Chrome, site: Site) -> None:
    browser.set(sites={"127.0.0.1": "never"})
    page = browser.context.new_page()
    page.goto(f"{site.url}/one.html?play&never")
    tab = browser.start(page)
    assert browser.state(tab)["code"] == "site_never"
    until(lambda: browser.badge(tab) == "!", what="the badge")
    page.close()
    browser.set(sites={})


def test_a_language_without_a_voice_ends_it_in_the_servers_words(
    browser: Chrome, site: Site, platform: RunningServices, token: str
) -> None:
    browser.set(targetLanguage="xx")
    page = browser.context.new_page()
    page.goto(f"{site.url}/one.html?play&language")
    tab = browser.start(page)
    until(lambda: browser.state(tab)["status"] == "trouble", what="a refusal")
    assert str(browser.state(tab)["code"]).endswith("unsupported")
    browser.set(targetLanguage="es")
    page.close()


def test_silence_is_told(browser: Chrome, site: Site) -> None:
    page = browser.context.new_page()
    page.goto(f"{site.url}/one.html")
    tab = browser.start(page)
    until(lambda: browser.view(tab).get("silent"), what="silence")
    popup = browser.open(f"src/ui/popup.html?tab={tab}")
    until(lambda: "Nothing is heard" in popup.inner_text("#notice"), what="the message")
    popup.close()
    browser.stop(tab)
    page.close()


def test_a_language_that_is_never_dubbed_is_heard_as_it_is(browser: Chrome, site: Site) -> None:
    browser.set(languagesNever=["en"])
    page = browser.context.new_page()
    page.goto(f"{site.url}/one.html?play&left")
    tab = browser.start(page)
    until(lambda: browser.view(tab).get("volumes", {}).get("bypass"), what="the original only")
    browser.stop(tab)
    browser.set(languagesNever=[])
    page.close()


@pytest.mark.parametrize(
    "stored",
    [{"server": "https://old.example.org", "floor": 0.3, "gone": 1}, {"floor": "loud"}, 7, None],
)
def test_settings_of_older_versions_are_kept_where_they_fit(
    browser: Chrome, stored: object
) -> None:
    found = browser.run(
        """async stored => {
            const {migrated} = await import(chrome.runtime.getURL("src/settings.js"));
            return migrated(stored);
        }""",
        stored,
    )
    kept = stored if isinstance(stored, dict) else {}
    assert found["server"] == kept.get("server", "")
    assert found["floor"] == (0.3 if kept.get("floor") == 0.3 else 0.15)
    assert "gone" not in found


def test_a_server_that_may_not_be_reached_is_asked_for_by_name_and_no_other(
    browser: Chrome, site: Site, platform: RunningServices, token: str
) -> None:
    """The prompt opens, and stays: where there is no window nobody can answer it."""
    with chrome(hosts=[], playwright=browser.playwright) as shut:
        shut.pair(platform.url, token)
        page = shut.context.new_page()
        page.goto(f"{site.url}/one.html?play&shut")
        page.bring_to_front()
        active = "async () => (await chrome.tabs.query({active: true, lastFocusedWindow: true}))"
        tab = int(shut.run(f"async () => (await ({active})())[0].id"))
        shut.click_icon(page)
        popup = shut.open(f"src/ui/popup.html?tab={tab}")
        popup.click("#toggle")
        until(lambda: shut.state(tab).get("code") == "server_permission", what="the refusal")
        assert shut.state(tab)["origins"] == [platform.url]
        until(lambda: popup.locator("#trouble-act").is_visible(), what="a way out")
        assert "127.0.0.1" in popup.inner_text("#trouble-act")
        popup.evaluate(
            """() => {
                const ask = chrome.permissions.request.bind(chrome.permissions);
                window.asked = [];
                chrome.permissions.request = (wish) => {
                    window.asked.push(wish);
                    return ask(wish);
                };
            }"""
        )
        popup.click("#trouble-act")
        until(lambda: popup.evaluate("window.asked"), what="the question")
        assert popup.evaluate("window.asked") == [{"origins": ["http://127.0.0.1/*"]}]
        granted = shut.run("async () => (await chrome.permissions.getAll()).origins")
        assert granted == []
        assert shut.probe(tab) is None
