"""Pairing: one click in the portal's own page, or a code typed by hand."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route

from accounts.tests.letters import link_to
from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until

PASSWORD = "correct horse battery staple"


def account(browser: Chrome) -> dict[str, object] | None:
    found: dict[str, object] | None = browser.run(
        "async () => (await chrome.storage.local.get('account')).account ?? null"
    )
    return found


@pytest.fixture
def unpaired(browser: Chrome, platform: RunningServices, token: str) -> Iterator[Chrome]:
    browser.run("() => chrome.storage.local.remove('account')")
    yield browser
    browser.pair(platform.url, token)


def logged_in(browser: Chrome, server: str) -> Page:
    """Signs up as a person would, in the portal; whoever was logged in before is not any more."""
    browser.context.clear_cookies()
    page = browser.context.new_page()
    page.goto(f"{server}/account/signup/")
    address = f"viewer-{secrets.token_hex(4)}@example.org"
    page.fill("[name=email]", address)
    for field in page.locator("[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main form button, form .btn-primary").first.click()
    page.wait_for_url(lambda url: "signup" not in url)
    page.goto(link_to(address))
    page.locator("main form button").first.click()
    page.wait_for_url(f"{server}/")
    return page


@pytest.fixture
def connecting(unpaired: Chrome, platform: RunningServices) -> Iterator[tuple[Page, Page]]:
    """The options after a click on Connect, and the portal's page that it has opened."""
    portal = logged_in(unpaired, platform.url)
    options = unpaired.open("src/ui/options.html")
    options.fill("#server", platform.url)
    with unpaired.context.expect_page() as opened:
        options.click("#connect")
    page = opened.value
    page.wait_for_url(re.compile("/account/pair-extension"))
    yield options, page
    options.close()
    page.close()
    portal.close()


def test_one_click_in_the_portal_pairs_this_browser(
    unpaired: Chrome, platform: RunningServices, connecting: tuple[Page, Page]
) -> None:
    options, page = connecting
    page.get_by_role("button", name="Pair it").click()
    until(lambda: "Paired" in page.inner_text("#pairing-status"), what="the pairing")
    paired = account(unpaired)
    assert paired is not None
    assert paired["server"] == platform.url
    assert len(str(paired["token"])) > 30
    until(lambda: "Paired as" in options.inner_text("#paired-as"), what="whom it is paired as")


def test_the_pairing_page_says_why_the_extension_could_not_pair(
    unpaired: Chrome, connecting: tuple[Page, Page]
) -> None:
    """Its code is used up before the extension comes by it."""
    _, page = connecting

    def use_up(route: Route) -> None:
        answer = route.fetch()
        text = re.sub(r'data-pairing-code="[^"]*"', 'data-pairing-code="ABCD-2345"', answer.text())
        route.fulfill(response=answer, body=text)

    page.route(re.compile("/account/pair-extension"), use_up)
    page.get_by_role("button", name="Pair it").click()
    status = page.locator("#pairing-status.alert-danger")
    until(status.is_visible, what="the failure")
    assert "wrong, was used already or has expired" in status.inner_text()
    # The code can still be typed by hand.
    assert page.locator(".pairing-code").is_visible()
    assert account(unpaired) is None
    unpaired.console.clear()  # the browser itself notes answers that are no success


def test_a_wrong_code_and_a_wrong_server_are_told_plainly(
    unpaired: Chrome, platform: RunningServices
) -> None:
    options = unpaired.open("src/ui/options.html")
    options.locator("details summary").click()

    def said(server: str, code: str) -> str:
        options.fill("#server", server)
        options.fill("#code", code)
        options.evaluate("document.querySelector('#said').textContent = ''")
        options.click("#pair")
        return until(lambda: options.inner_text("#said"), what="an answer")

    assert "wrong, was used already or has expired" in said(platform.url, "ABCD-2345")
    assert "must begin with https" in said("http://dub.example.org", "ABCD-2345")
    assert "not an address" in said("ftp://x y", "ABCD-2345")
    assert "Type the code" in said(platform.url, " ")
    assert "cannot be reached" in said("http://127.0.0.1:9", "ABCD-2345")
    assert account(unpaired) is None
    unpaired.console.clear()  # the browser itself notes answers that are no success
    options.close()


def test_a_token_that_was_taken_away_is_told_plainly(
    unpaired: Chrome, platform: RunningServices, site: Site
) -> None:
    unpaired.pair(platform.url, "0" * 64)
    page = unpaired.context.new_page()
    page.goto(f"{site.url}/one.html?play")
    tab = unpaired.start(page)
    until(lambda: unpaired.state(tab).get("code") == "token_refused", what="the refusal")
    popup = unpaired.open(f"src/ui/popup.html?tab={tab}")
    refusal = "does not accept this browser any more"
    until(lambda: refusal in popup.inner_text("#trouble"), what="the refusal in words")
    popup.close()
    page.close()
    unpaired.console.clear()
