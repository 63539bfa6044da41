"""A newcomer's whole way in a real browser: from signing up to the end of the account."""

from __future__ import annotations

import zipfile

import httpx
from playwright.sync_api import Browser

from dubbing_project.tests.portal.site import PASSWORD, Site, Window, link_in, totp, window

ANA, BEN = "ana@example.org", "ben@example.org"
STATE = "nonce-of-the-extension-1"


def api(site: Site, token: str, path: str) -> httpx.Response:
    return httpx.get(site.url + path, headers={"Authorization": f"Bearer {token}"})


def sign_up(person: Window, email: str) -> None:
    person.fill(email=email, password1=PASSWORD, password2=PASSWORD)
    person.press("Sign up")
    person.sees("Verify Your Email Address")
    person.open(link_in(person.site.mailbox.to(email, about="Confirm")))
    person.press("Confirm")
    person.page.wait_for_function("document.querySelector('.user-name') !== null")


def turn_on_two_factor(person: Window) -> list[str]:
    """Gives the recovery codes."""
    person.open("/settings/account")
    person.page.get_by_role("link", name="Turn on").click()
    person.fill(password=PASSWORD)
    person.press("Go on")
    secret = person.page.input_value("#authenticator_secret")
    person.fill(code="000000")
    person.press("Activate")
    person.sees("Incorrect code")
    person.fill(code=totp(person.page.input_value("#authenticator_secret")))
    assert person.page.input_value("#authenticator_secret") == secret
    person.press("Activate")
    person.sees("Recovery Codes")
    return person.page.input_value("#recovery_codes").split()


def log_in_with_a_recovery_code(person: Window, code: str) -> None:
    person.open("/account/logout/")
    person.page.locator("main").get_by_role("button", name="Log out").click()
    person.page.get_by_role("link", name="Log in").first.wait_for()
    person.open("/account/login/")
    person.fill(login=ANA, password=PASSWORD)
    person.press("Log in")
    # The password alone opens nothing.
    person.sees("Two-Factor Authentication")
    assert person.page.locator(".user-name").count() == 0
    person.fill(code=code)
    person.page.locator("main .btn-primary").click()
    person.page.wait_for_url(f"{person.site.url}/")


def make_a_token(person: Window) -> str:
    person.open("/settings/tokens")
    person.fill(name="script")
    person.press("Make the token")
    if "reauthenticate" in person.page.url:
        # Two-factor is on, so either of the two will do.
        if not person.page.locator("[name=password]").count():
            person.page.get_by_role("link", name="Use your password").click()
        person.fill(password=PASSWORD)
        person.press("Go on")
    person.sees("Copy it now")
    return person.page.inner_text("#new-token")


def pair(person: Window) -> str:
    """As the extension's content script does; gives the extension's token."""
    person.open(f"/account/pair-extension?name=Chromium&state={STATE}")
    person.sees("wants to dub with your account")
    person.press("Pair it")
    heard = person.page.evaluate(
        """() => new Promise((resolve) => addEventListener("message", (event) => {
            if (event.data?.type === "pairing") resolve({...event.data, origin: event.origin});
        }))"""
    )
    assert (heard["source"], heard["state"]) == ("live-dubbing", STATE)
    assert heard["origin"] == heard["server"] == person.site.url
    made = httpx.post(
        f"{heard['server']}/api/pairing/exchange", json={"code": heard["code"], "name": "Chromium"}
    )
    assert made.status_code == 201, made.text
    person.page.evaluate(
        "(state) => postMessage({source: 'live-dubbing-extension', type: 'paired', state})", STATE
    )
    person.sees("Paired. You can close this page.")
    person.open("/settings/extension")
    person.page.get_by_role("cell", name="Chromium", exact=True).wait_for()
    return str(made.json()["token"])


def test_a_newcomer_signs_up_and_in_the_end_leaves_nothing_behind(
    site: Site, browser: Browser
) -> None:
    with window(browser, site) as ana:
        ana.open("/")
        ana.page.get_by_role("link", name="Sign up").first.click()
        sign_up(ana, ANA)
        codes = turn_on_two_factor(ana)
        log_in_with_a_recovery_code(ana, codes[0])

        token = make_a_token(ana)
        assert api(site, token, "/api/me").json()["email"] == ANA
        # It was shown this once.
        ana.open("/settings/tokens")
        assert token not in ana.page.content()
        extension = pair(ana)
        assert api(site, extension, "/api/preferences").status_code == 200
        assert api(site, extension, "/api/tokens").status_code == 403

        ana.open("/teams")
        ana.fill(name="Studio")
        ana.press("Make it")
        ana.fill(email=BEN)
        ana.press("Invite")
        ana.sees(f"The invitation is on its way to {BEN}")
        with window(browser, site) as ben:
            invitation = link_in(site.mailbox.to(BEN, about="Join Studio"))
            ben.open(invitation)
            ben.page.get_by_role("link", name="Make an account").click()
            sign_up(ben, BEN)
            ben.open(invitation)
            ben.press("Join the team")
            ben.sees("You are in Studio now")

            # The only owner of a team with others cannot go.
            ana.open("/settings/data/delete-account")
            if "reauthenticate" in ana.page.url:
                ana.fill(password=PASSWORD)
                ana.press("Go on")
            ana.fill(email=ANA)
            ana.press("Delete everything")
            ana.sees("You are the only owner of “Studio”")
            ana.open("/teams")
            ana.page.get_by_role("link", name="Studio").click()
            ana.page.get_by_label(f"Role of {BEN}").select_option("owner")
            ana.press(f"Set the role of {BEN}")
            ana.sees("The role is changed")

            ana.open("/settings/data/delete-account")
            ana.fill(email="else@example.org")
            ana.press("Delete everything")
            ana.sees("This is not the address of your account")
            ana.fill(email=ANA)
            ana.press("Delete everything")
            ana.sees("everything of yours is deleted")

            ben.open("/teams")
            ben.page.get_by_role("link", name="Studio").click()
            assert ANA not in ben.page.content()
        for dead in (token, extension):
            assert api(site, dead, "/api/me").status_code == 401
        ana.open("/account/login/")
        ana.fill(login=ANA, password=PASSWORD)
        ana.press("Log in")
        ana.sees("not correct")


def test_a_copy_of_ones_data_is_made_in_the_background_and_downloaded(
    site: Site, browser: Browser
) -> None:
    site.make_user("eva@example.org")
    with window(browser, site) as eva:
        eva.log_in("eva@example.org")
        eva.open("/settings/data")
        eva.press("Make a copy")
        eva.sees("The copy is being made")
        for _ in range(60):
            if eva.page.get_by_role("link", name="Download").count():
                break
            eva.page.wait_for_timeout(500)
            eva.open("/settings/data")
        with eva.page.expect_download() as download:
            eva.page.get_by_role("link", name="Download").click()
        with zipfile.ZipFile(download.value.path()) as archive:
            assert "eva@example.org" in archive.read("account.jsonl").decode()
            assert "sessions.jsonl" in archive.namelist()


def test_a_forgotten_password_is_set_anew_by_mail_and_strangers_learn_nothing(
    site: Site, browser: Browser
) -> None:
    site.make_user("joe@example.org")
    with window(browser, site) as visitor:
        answers = []
        for email in ("joe@example.org", "nobody@example.org"):
            visitor.open("/account/password/reset/")
            visitor.fill(email=email)
            visitor.page.locator("main .btn-primary").click()
            visitor.page.wait_for_url("**/reset/done/")
            answers.append(visitor.page.inner_text("main").replace(email, ""))
        assert answers[0] == answers[1]
        visitor.open(link_in(site.mailbox.to("joe@example.org", about="Password Reset")))
        visitor.fill(password1="a wholly new one", password2="a wholly new one")
        visitor.page.locator("main .btn-primary").click()
        visitor.sees("Your password is now changed")
        visitor.open("/account/login/")
        visitor.fill(login="joe@example.org", password="a wholly new one")
        visitor.press("Log in")
        visitor.page.wait_for_url(f"{site.url}/")


def test_colours_follow_the_system_until_somebody_chooses(site: Site, browser: Browser) -> None:
    with window(browser, site, color_scheme="dark") as visitor:
        theme = "document.documentElement.dataset.bsTheme"
        visitor.open("/account/login/")
        assert visitor.page.evaluate(theme) == "dark"
        visitor.press("Colours")
        visitor.press("Light")
        assert visitor.page.evaluate(theme) == "light"
        visitor.open("/account/signup/")
        assert visitor.page.evaluate(theme) == "light"


def test_the_keyboard_reaches_the_content_first(site: Site, browser: Browser) -> None:
    with window(browser, site) as visitor:
        visitor.open("/account/login/")
        visitor.page.keyboard.press("Tab")
        assert visitor.page.evaluate("document.activeElement.textContent") == "Skip to the content"
        visitor.page.keyboard.press("Enter")
        assert visitor.page.evaluate("document.activeElement.id") == "main"
