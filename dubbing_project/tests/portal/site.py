"""The whole product with a mail server, and people in front of real Chromium."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default as email_policy
from hashlib import sha1
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

from dubbing_project.services.context import PROJECT
from dubbing_project.tests.prepared import prepared_services
from pipeline.tests.ports import kept_port
from pipeline.tests.waiting import wait_until

PASSWORD = "correct horse battery"
CHROMIUM = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


class Mailbox:
    """Receives what the server sends, by SMTP."""

    def __init__(self) -> None:
        self._mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        self._mails.append(message_from_bytes(envelope.content, policy=email_policy))
        return "250 OK"

    @contextmanager
    def open(self) -> Iterator[str]:
        """Gives the EMAIL_URL."""
        # The library connects to the port that it was given, so it cannot be told 0.
        with kept_port() as port:
            controller = Controller(self, hostname="127.0.0.1", port=port)
            controller.start()
            try:
                yield f"smtp://127.0.0.1:{port}"
            finally:
                controller.stop()

    def to(self, address: str, *, about: str) -> Any:
        """The newest mail to somebody whose subject has these words."""

        def newest() -> Any:
            fitting = (
                mail
                for mail in reversed(self._mails)
                if mail["To"] == address and about in mail["Subject"]
            )
            return next(fitting, None)

        return wait_until(newest, what=f"mail to {address} about {about!r}")


def link_in(mail: Any) -> str:
    text = mail.get_content()
    found = re.search(r"https?://\S+", text)
    assert found, text
    return found[0]


@dataclass
class Site:
    url: str
    environment: dict[str, str]
    mailbox: Mailbox

    def manage(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make_user(self, email: str, *options: str) -> None:
        self.manage("create_user", "--email", email, *options, stdin=PASSWORD)


@contextmanager
def running_site(folder: Path, environment: dict[str, str]) -> Iterator[Site]:
    mailbox = Mailbox()
    with mailbox.open() as email_url:
        mine = {"ENGINES": "scripted", "EMAIL_URL": email_url}
        with prepared_services(folder, environment=mine) as services:
            yield Site(services.url, {**environment, **mine, **services.environment}, mailbox)


@dataclass
class Window:
    """One person's browser window; what its console says is kept."""

    page: Page
    site: Site
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.site.url + path)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"main [name={name}]", value)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def agree(self, name: str) -> None:
        """Press a button, and it again in the question that it asks."""
        self.page.locator("main").get_by_role("button", name=name).click()
        self.page.locator("dialog.question .btn-danger").click()

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=60_000)

    def log_in(self, email: str) -> None:
        self.open("/account/login/")
        self.fill(login=email, password=PASSWORD)
        self.press("Log in")
        self.page.wait_for_url(f"{self.site.url}/")


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)


@contextmanager
def window(browser: Browser, site: Site, **options: Any) -> Iterator[Window]:
    """Closed with an empty console, or the test fails."""
    context = browser.new_context(**options)
    found = Window(context.new_page(), site)

    def keep(message: ConsoleMessage) -> None:
        found.said.append(f"{message.type} on {found.page.url}: {message.text}")

    found.page.on("console", keep)
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    try:
        yield found
        assert found.said == [], found.said
    finally:
        context.close()


def totp(secret: str) -> str:
    """The six digits that an authenticator app shows now (RFC 6238), and for a while longer."""
    left_s = 30 - time.time() % 30
    if left_s < 10:
        time.sleep(left_s)
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
