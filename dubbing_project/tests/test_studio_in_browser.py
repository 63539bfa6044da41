"""What goes otherwise than planned in the studio, in Chromium: a job that is stopped, an upload
that breaks off, a file at an address, a live session without its sound, a very long project.

``STUDIO_LINES=20000`` makes the long project as long as any may be. ``PORTAL_SHOTS=folder`` keeps
pictures of it.
"""

from __future__ import annotations

import asyncio
import http.server
import io
import os
import re
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import soundfile
from playwright.sync_api import Page, Playwright, Route, expect, sync_playwright

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_file_dubbing_live import pool_processes
from dubbing_project.tests.test_live_end_to_end import manage
from dubbing_project.tests.test_studio_page import LOUDEST
from pipeline.emulators.certificate import Certificate, make_certificate
from pipeline.providers.scripted.sounds import utterances
from sessions_app.socket_client.live_client import LiveClient
from sessions_app.tests.portal import PATIENCE_MS, Portal, portal

expect.set_options(timeout=PATIENCE_MS)
EMAIL = "studio@example.org"
JOB_MS = 120_000
PIECE = 40_000
LINES = int(os.environ.get("STUDIO_LINES", "2000"))
DRAWN_MAX = 150
TALK = utterances((1.5, 110.0), (1.5, 240.0))
SOME_LINE_IS_SEEN = """
() => [...document.querySelectorAll(".studio-line")].some((line) => {
  const { top, bottom } = line.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
})
"""
IN_THE_MIDDLE = """
(lines) => {
  // The number of a line in the middle of the window, once those of the middle are drawn.
  const line = document.elementFromPoint(innerWidth / 3, innerHeight / 2)?.closest(".studio-line");
  const number = Number(line?.dataset.number ?? 0);
  return number > lines / 4 && number < (3 * lines) / 4 ? number : false;
}
"""
FILL = f"""
import random
from accounts.models import User
from dubbing_project.management.commands.measure_pages import Texts
from dubbing_project.management.commands.measure_project_pages import fill
user = User.objects.get(email="{EMAIL}")
print("filled", fill(user, Texts(random.Random(7)), {LINES}).pk)
"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, certificate: Certificate
) -> Iterator[RunningServices]:
    """Engines that only hum, and files that may be fetched from this machine."""
    environment = {
        "ENGINES": "scripted",
        "FETCH_PRIVATE_ADDRESSES": "on",
        "WEBHOOKS_ROOT_CERTIFICATES": str(certificate.certificate),
    }
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("s")))
    with prepared_services(folder, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(playwright: Playwright, services: RunningServices) -> Iterator[Portal]:
    with portal(playwright, services.url, "--autoplay-policy=no-user-gesture-required") as one:
        one.sign_up(EMAIL)
        yield one


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, TALK, 16_000)
    return path


@pytest.fixture(autouse=True)
def _the_console_is_empty(visitor: Portal) -> Iterator[None]:
    yield
    said, visitor.console[:] = list(visitor.console), []
    assert said == []


@contextmanager
def nobody_works() -> Iterator[None]:
    """The workers of this run hold their breath: a job stays where it is."""
    held: list[psutil.Process] = []
    try:
        for process in pool_processes():
            process.suspend()
            held.append(process)
        yield
    finally:
        for process in held:
            process.resume()


def new_project(visitor: Portal, talk: Path | None = None) -> Page:
    page = visitor.open("/projects")
    expect(page.locator("html.page-ready")).to_be_attached()
    if page.locator("#new-project").get_attribute("open") is None:
        page.locator("#new-project > summary").click()
    if talk:
        page.set_input_files("#media", talk)
    page.select_option("#source", "en")
    page.select_option("#target", "es")
    return page


def is_dubbed(page: Page) -> None:
    expect(page.locator("html.page-ready")).to_be_attached()
    expect(page.locator("#job")).to_be_hidden(timeout=JOB_MS)
    expect(page.locator("#redub")).to_have_text("Mix again")
    expect(page.locator("#hear-dub")).to_be_checked()


def is_heard(page: Page, mode: str) -> None:
    page.locator(f"label[for=hear-{mode}]").click()
    page.locator("#place").evaluate(
        "(place) => { place.value = 0.3; place.dispatchEvent(new Event('input')) }"
    )
    page.locator("#play").click()
    heard = page.evaluate(LOUDEST, mode)
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("Play")
    assert heard["advancedS"] > 0.3, (mode, heard)
    assert heard["loudest"] > 0.02, (mode, heard)


def test_a_job_is_stopped_and_gone_on_with(visitor: Portal, talk: Path) -> None:
    page = new_project(visitor, talk)
    with nobody_works():
        page.get_by_role("button", name="Dub it").click()
        page.wait_for_url("**/projects/*-*")
        job = page.locator("#job")
        expect(job).to_have_attribute("data-state", "running")
        expect(job.get_by_role("button", name="Try again")).to_be_hidden()
        expect(page.locator("#redub")).to_be_disabled()
        job.get_by_role("button", name="Cancel").click()
        expect(job).to_have_attribute("data-state", "cancelled")
        expect(job).to_contain_text("it can go on from there")
        expect(job.get_by_role("button", name="Cancel")).to_be_hidden()
        # As whoever comes back later finds it.
        page.reload()
        expect(job).to_contain_text("it can go on from there")
        job.get_by_role("button", name="Try again").click()
        expect(job).to_have_attribute("data-state", "running")
        expect(job.get_by_role("button", name="Cancel")).to_be_visible()
    is_dubbed(page)
    expect(page.locator(".studio-line")).to_have_count(2)
    is_heard(page, "dub")


class Files(http.server.BaseHTTPRequestHandler):
    content = b""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/a%20talk.wav")
            self.end_headers()
            return
        found = self.path == "/a%20talk.wav"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        self.end_headers()
        self.wfile.write(self.content if found else b"")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def files(certificate: Certificate, talk: Path) -> Iterator[str]:
    """A server of files, over TLS as the page asks for."""
    Files.content = talk.read_bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_a_project_is_made_of_a_file_at_an_address(visitor: Portal, files: str) -> None:
    page = new_project(visitor)
    page.locator("#from-url").check()
    expect(page.locator("#media")).to_be_hidden()
    page.get_by_role("button", name="Dub it").click()
    expect(page.locator("#notices")).to_contain_text("begins with https://")
    expect(page.locator("#url")).to_be_focused()
    page.fill("#url", f"{files}/moved")
    page.get_by_role("button", name="Dub it").click()
    page.wait_for_url("**/projects/*-*")
    is_dubbed(page)
    assert page.request.get(f"{api_of(page)}").json()["original_name"] == "a talk.wav"
    is_heard(page, "original")

    # What is not there says so where the job was followed.
    page = new_project(visitor)
    page.locator("#from-url").check()
    page.fill("#url", f"{files}/gone.mp4")
    page.get_by_role("button", name="Dub it").click()
    page.wait_for_url("**/projects/*-*")
    expect(page.locator("#job")).to_have_attribute("data-state", "failed", timeout=JOB_MS)
    expect(page.locator("#job")).to_contain_text("answers 404 instead of the file")


def api_of(page: Page) -> str:
    server, _, project = page.url.rpartition("/projects/")
    return f"{server}/api/projects/{project}"


def test_an_upload_that_broke_off_goes_on_where_it_was(visitor: Portal, talk: Path) -> None:
    sent: list[tuple[str, str]] = []

    def uploads(route: Route) -> None:
        """Small pieces, of which the third does not come through at first."""
        request = route.request
        offset = request.headers.get("upload-offset", "")
        if request.method == "PATCH":
            sent.append((request.method, offset))
            if offset == str(2 * PIECE) and not again:
                route.abort()
                return
        elif request.method == "POST":
            sent.append((request.method, offset))
        answer = route.fetch()
        text = re.sub(r'"piece_max_bytes":\d+', f'"piece_max_bytes":{PIECE}', answer.text())
        route.fulfill(response=answer, body=text)

    again = False
    first = visitor.page
    context = first.context
    context.route("**/api/uploads**", uploads)
    page = context.new_page()
    visitor.page = page
    new_project(visitor, talk)
    page.get_by_role("button", name="Dub it").click()
    expect(page.locator("#sent-words")).to_contain_text("Sent 0.1 of 0.2 MB")
    # As when the browser is gone: nothing is asked, nothing is said.
    page.close(run_before_unload=False)

    again = True
    assert sent[:3] == [("POST", ""), ("PATCH", "0"), ("PATCH", str(PIECE))]
    sent.clear()
    visitor.page = first
    page = new_project(visitor, talk)
    page.get_by_role("button", name="Dub it").click()
    page.wait_for_url("**/projects/*-*")
    is_dubbed(page)
    context.unroute("**/api/uploads**")
    size = talk.stat().st_size
    assert sent == [("PATCH", str(offset)) for offset in range(2 * PIECE, size, PIECE)]
    original = page.request.get(f"{api_of(page)}/tracks/original")
    assert original.body() == talk.read_bytes()


async def dubbed_live(services: RunningServices, token: str) -> str:
    async with asyncio.timeout(60), LiveClient.connect(services.socket_url, token) as client:
        await client.send(type="start_dubbing", target_language="es", source_language="en")
        streaming: asyncio.Task[None] | None = None
        async for event in client.events():
            if event["type"] == "ready":
                streaming = asyncio.create_task(client.stream([TALK]))
        assert streaming is not None
        await streaming
        return client.session_id


def test_a_live_session_opens_with_one_click_and_gets_its_sound_afterwards(
    visitor: Portal, services: RunningServices, talk: Path
) -> None:
    token = manage(services, "create_token", "--email", EMAIL)
    # In this thread the browser's own loop runs.
    with ThreadPoolExecutor(1) as aside:
        session = aside.submit(asyncio.run, dubbed_live(services, token)).result()
    page = visitor.open(f"/sessions/{session}")
    button = page.get_by_role("button", name="Open in the studio")
    for _ in range(PATIENCE_MS // 500):
        if button.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    button.click()
    page.wait_for_url("**/projects/*-*")
    expect(page.locator("html.page-ready")).to_be_attached()
    expect(page.locator(".studio-line")).to_have_count(2)
    expect(page.locator("#play")).to_be_disabled()
    expect(page.locator("#redub")).to_be_disabled()
    card = page.locator("#original-card")
    card.get_by_role("button", name="Add it").click()
    expect(page.locator("#notices")).to_contain_text("either a file or an address")
    page.set_input_files("#original-file", talk)
    card.get_by_role("button", name="Add it").click()
    expect(card).to_be_hidden()
    expect(page.locator("#redub")).to_be_enabled(timeout=JOB_MS)
    is_dubbed(page)
    expect(page.locator(".studio-line")).to_have_count(2)
    for mode in ("original", "dub", "both"):
        is_heard(page, mode)


def test_what_is_no_media_is_refused_on_the_page_and_nothing_is_made(
    visitor: Portal, tmp_path: Path
) -> None:
    page = new_project(visitor)
    before = page.request.get(f"{visitor.url}/api/projects").json()["results"]
    picture = tmp_path / "song.mp3"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    page.set_input_files("#media", picture)
    page.get_by_role("button", name="Dub it").click()
    expect(page.locator("#notices")).to_contain_text("This is a picture, not an audio or video")
    expect(page.get_by_role("button", name="Dub it")).to_be_enabled()
    empty = tmp_path / "empty.wav"
    empty.touch()
    page.set_input_files("#media", empty)
    page.get_by_role("button", name="Dub it").click()
    expect(page.locator("#notices")).to_contain_text("This file is empty")
    page.get_by_text("Subtitles, voices, team").click()
    sound = io.BytesIO()
    soundfile.write(sound, TALK, 16_000, format="WAV")
    page.set_input_files(
        "#media", {"name": "a.wav", "mimeType": "audio/wav", "buffer": sound.getvalue()}
    )
    page.set_input_files(
        "#source-subtitles", {"name": "a.srt", "mimeType": "", "buffer": b"no times in this"}
    )
    page.get_by_role("button", name="Dub it").click()
    expect(page.locator("#notices")).to_contain_text("These are no SRT or WebVTT subtitles")
    assert page.request.get(f"{visitor.url}/api/projects").json()["results"] == before
    # That they were refused is what is tested: the browser says so in its console.
    refused = [line for line in visitor.console if "415" in line or "400" in line]
    assert len(refused) == 2
    visitor.console[:] = [line for line in visitor.console if line not in refused]


def test_a_very_long_project_is_drawn_where_one_looks(
    visitor: Portal, services: RunningServices
) -> None:
    found = re.search(r"filled (\S+)", manage(services, "shell", "-v", "0", "-c", FILL))
    assert found
    page = visitor.open(f"/projects/{found[1]}")
    lines, drawn = page.locator("#lines-count"), page.locator(".studio-line")
    expect(page.locator("html.page-ready")).to_be_attached()
    expect(lines).to_contain_text(f"{LINES} lines, {LINES // 10} stale")
    first = page.locator("#line-0 .line-row")
    first.focus()
    assert 5 < drawn.count() < DRAWN_MAX

    page.keyboard.press("End")
    last = page.locator(f"#line-{LINES - 1}")
    expect(last.locator(".line-row")).to_be_focused()
    expect(last).to_be_in_viewport()
    expect(last.locator(".line-target")).not_to_have_text("…")
    expect(last).to_have_attribute("aria-posinset", str(LINES))
    page.keyboard.press("ArrowUp")
    expect(page.locator(f"#line-{LINES - 2} .line-row")).to_be_focused()
    page.keyboard.press("Home")
    expect(first).to_be_focused()
    expect(first).to_be_in_viewport()

    # Somewhere within, by the bar of the window; what is edited there stays when one looks away.
    page.evaluate("scrollTo({ top: document.body.scrollHeight / 2, behavior: 'instant' })")
    middle = page.wait_for_function(IN_THE_MIDDLE, arg=LINES).json_value()
    row = page.locator(f"#line-{middle} .line-row")
    row.click()
    text = page.locator(f"#line-{middle} .line-editor").locator('[data-field="target_text"]')
    expect(text).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Una frase.")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    expect(first).to_be_in_viewport()
    expect(text).to_be_focused()
    assert drawn.count() < DRAWN_MAX
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notices")).to_contain_text(f"Line {middle + 1} is kept.")
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    expect(row).to_contain_text("Una frase.")
    page.keyboard.press("Control+z")
    expect(row).not_to_contain_text("Una frase.")

    page.select_option("#filter", "stale")
    page.keyboard.press("Tab")
    expect(page.locator(".studio-line:not(.is-stale)")).to_have_count(0)
    page.select_option("#filter", "")
    page.wait_for_function(SOME_LINE_IS_SEEN)
    if shots := os.environ.get("PORTAL_SHOTS"):
        page.screenshot(path=f"{shots}/studio-long.png")
