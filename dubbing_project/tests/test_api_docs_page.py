"""The interactive documentation works in a real browser under the pages' strict policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import ConsoleMessage, Request, expect, sync_playwright

from accounts.services import create_user

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.mark.django_db(transaction=True)
def test_the_interface_is_read_and_tried_in_a_browser(live_server: Any) -> None:
    person = create_user(email="ana@example.org", password=None)
    client = Client()
    client.force_login(person)
    cookie: Any = {
        "name": "sessionid",
        "value": client.cookies["sessionid"].value,
        "url": live_server.url,
    }
    complaints: list[str] = []
    elsewhere: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.append(said.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((live_server.url, "data:", "blob:")):
            elsewhere.append(request.url)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=ARGUMENTS, timeout=60_000
        )
        context = browser.new_context()
        context.add_cookies([cookie])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", asked)
        answer = page.goto(f"{live_server.url}/api/docs")
        assert answer is not None
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        operation = page.locator("#operations-tokens-create_token")
        for tag in ("tokens", "webhooks"):
            page.locator(f"#operations-tag-{tag}").click(timeout=60_000)
        expect(operation).to_be_visible(timeout=60_000)
        expect(page.locator("#operations-webhooks-create_webhook")).to_be_visible()
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.locator("textarea").first.fill('{"name": "robot", "scopes": ["dub"]}')
        operation.get_by_role("button", name="Execute").click()
        expect(operation.locator(".live-responses-table .response .response-col_status").first
               ).to_have_text("201", timeout=60_000)  # fmt: skip
        browser.close()
    assert complaints == []
    assert elsewhere == []
