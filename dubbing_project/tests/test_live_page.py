"""The live page in Chromium against the real server, from a new account to the subtitles."""

from __future__ import annotations

import functools
import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from dubbing_project.services.runner import RunningServices
from pipeline.sound.demo_clip import write_clip
from sessions_app.tests.portal import PATIENCE_MS, Portal, level, portal

expect.set_options(timeout=PATIENCE_MS)
QUIET = 0.004
"""Root mean square below which nothing is heard."""

TALK = "A talk to be dubbed"


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing is said of what is asked for."""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """One for all browsers here: it has a loop of its own."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def visitor(playwright: Playwright, platform: RunningServices) -> Iterator[Portal]:
    """A browser with a new account."""
    with portal(playwright, platform.url, "--autoplay-policy=no-user-gesture-required") as one:
        one.sign_up("viewer@example.org")
        yield one


@pytest.fixture(autouse=True)
def _the_console_is_empty(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "visitor" in request.fixturenames:
        one: Portal = request.getfixturevalue("visitor")
        said, one.console[:] = list(one.console), []
        assert said == []


def caption(page: Page, number: int = 1) -> Any:
    return page.locator("#captions > li .caption-target").nth(number - 1)


def slide(page: Page, name: str, value: float) -> None:
    page.locator(f'[name="{name}"]').evaluate(
        "(field, value) => { field.value = value; field.dispatchEvent(new Event('input')) }",
        value,
    )


def wait_until(page: Page, condition: str) -> None:
    """Asked again and again: the page's policy forbids waiting by a string."""
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"not within a minute: {condition}")


def cues(page: Page, kind: str) -> int:
    count: int = page.evaluate(f"tapped.cues.filter((cue) => cue.type === '{kind}').length")
    return count


def test_the_sample_is_dubbed_heard_steered_and_kept(
    visitor: Portal, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = visitor.start(kind="sample")
    visitor.tap()
    # The dub alone first: when does it sound, against when it was to?
    slide(page, "original", 0)
    expect(caption(page)).not_to_have_text("…", timeout=PATIENCE_MS)
    wait_until(page, "tapped.cues.filter((cue) => cue.type === 'ended').length >= 2")
    expect(page.locator("#lag")).to_have_text(re.compile(r"^\d+\.\d s behind$"))
    alone = visitor.tapped()

    # The original alone: how far does it go down under the dub?
    slide(page, "original", 100)
    slide(page, "dub", 0)
    since = page.evaluate("livePage.context.currentTime") + 0.3
    before = cues(page, "ended")
    wait_until(page, f"tapped.cues.filter((cue) => cue.type === 'ended').length > {before}")
    lowered = visitor.tapped()
    slide(page, "dub", 100)

    page.get_by_label("Mute Speaker 1").check(force=True)
    assert page.evaluate("livePage.dubbing.view.gains.S1") == 0
    page.get_by_label("Mute Speaker 1").uncheck(force=True)
    assert page.evaluate("livePage.dubbing.view.gains.S1") == 1
    slide(page, "offset", 0.5)
    assert page.evaluate("livePage.dubbing.view.offsetS") == 0.5
    page.get_by_label("Name of Speaker 1").fill("Robert")
    with page.expect_response("**/speakers") as kept:
        page.keyboard.press("Enter")
    assert kept.value.json() == {"message": "The names are kept."}
    # Who said the first clause may not have been clear yet.
    expect(page.locator("#captions").get_by_text("Robert").first).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#status")).to_have_text("Paused")
    page.get_by_role("button", name="Last phrase again").click()
    wait_until(page, "tapped.cues.some((cue) => cue.type === 'began' && cue.cue < 0)")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#status")).to_have_text("Dubbing", timeout=PATIENCE_MS)
    before = page.evaluate("livePage.dubbing.view.counts.lines")
    wait_until(page, f"livePage.dubbing.view.counts.lines > {before}")

    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)
    assert "0 %" not in page.locator("#summary").inner_text()

    began = [cue for cue in alone["cues"] if cue["type"] == "began"]
    ended = {cue["cue"]: cue["atS"] for cue in alone["cues"] if cue["type"] == "ended"}
    onsets = [
        onset(alone["heard"], cue["atS"]) - cue["dueS"] for cue in began if cue["cue"] in ended
    ]
    ducked, full = duck_of(lowered, since)
    with capsys.disabled():
        sys.stdout.write(
            f"\n  onsets of {len(onsets)} cues off their schedule by "
            f"{', '.join(f'{1000 * one:.0f}' for one in onsets)} ms; original at {full:.2f} of "
            f"its level between cues, {ducked:.2f} under them\n"
        )
    for cue in began:
        if cue["cue"] in ended:
            assert level(alone["heard"], cue["atS"] + 0.1, ended[cue["cue"]], 1) > QUIET
    assert ducked < 0.4 < 0.8 < full

    # What was said is kept.
    page.get_by_role("link", name="Statistics").click()
    for chart in ("latency", "lag", "quality", "level", "speakers"):
        expect(page.locator(f"#chart-{chart}")).to_be_visible()
    expect(page.get_by_text("Robert").first).to_be_visible()
    page.get_by_role("link", name="Transcript").click()
    expect(page.locator(".line-target").first).not_to_be_empty()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Subtitles (SRT)").first.click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.suffix == ".srt"
    assert re.match(r"1\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\n[¿¡]?\w", file.read_text("utf-8"))


def onset(heard: list[list[float]], near_s: float) -> float:
    """When the graph's output is heard first from shortly before ``near_s`` on."""
    return next((at for at, out, _ in heard if at >= near_s - 0.15 and out > QUIET), near_s + 9)


def duck_of(tapped: dict[str, Any], since: float) -> tuple[float, float]:
    """Output over input while a cue is heard and between cues; medians. What comes out is the
    original alone."""
    ended = {cue["cue"]: cue["atS"] for cue in tapped["cues"] if cue["type"] == "ended"}
    spans = [
        (cue["atS"], ended.get(cue["cue"], cue["atS"] + 60))
        for cue in tapped["cues"]
        if cue["type"] == "began"
    ]
    loud = [(at, out / sound) for at, out, sound in tapped["heard"] if at > since and sound > 0.02]
    under = [share for at, share in loud if within(at, spans, 0.15)]
    # It comes up for 0.6 s after it was held down for 0.52 s.
    between = [share for at, share in loud if not within(at, spans, -1.3)]
    return median(under), median(between or [1.0])


def within(at_s: float, spans: list[tuple[float, float]], margin_s: float) -> bool:
    return any(start + margin_s <= at_s <= end - margin_s for start, end in spans)


@pytest.fixture(scope="module")
def long_talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes: a slow machine is not overtaken by the end."""
    folder = tmp_path_factory.mktemp("talk")
    write_clip(folder / "dialogue.wav")
    sound, rate = soundfile.read(folder / "dialogue.wav", dtype="int16")
    soundfile.write(folder / "talk.wav", np.tile(sound, 6), rate, "PCM_16")
    return folder / "talk.wav"


def test_a_connection_that_breaks_is_taken_up_again(visitor: Portal, long_talk: Path) -> None:
    page = visitor.open("/")
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("#status")).to_have_text("Connected")
    page.locator('[name=kind][value="file"]').check()
    page.set_input_files("#file", str(long_talk))
    page.select_option("#source", "en")
    page.get_by_role("button", name="Start Dubbing").click()
    expect(page.locator("#status")).to_have_text("Dubbing", timeout=PATIENCE_MS)
    expect(caption(page)).not_to_have_text("…", timeout=PATIENCE_MS)
    lines = page.evaluate("livePage.dubbing.view.counts.lines")
    # A browser says goodbye when a page closes a socket: this one is just let go.
    page.evaluate("livePage.link._lost(1006)")
    expect(page.locator("#notices")).to_contain_text("Connected again. Nothing was lost.")
    wait_until(page, f"livePage.dubbing.view.counts.lines > {lines}")
    numbers = page.evaluate("livePage.dubbing.captions.lines.map((line) => line.line)")
    assert numbers == sorted(set(numbers)) == list(range(numbers[0], numbers[-1] + 1))
    # A jump in the file: the dub of the place that was left is not heard, and goes on there.
    visitor.tap()
    left = numbers[-1]
    page.evaluate("document.querySelector('#media').currentTime = 120")
    wait_until(page, "tapped.cues.some((cue) => cue.type === 'cleared')")
    after = "tapped.cues.slice(tapped.cues.findIndex((cue) => cue.type === 'cleared'))"
    wait_until(page, f"{after}.some((cue) => cue.type === 'ended')")
    began = [cue["line"] for cue in page.evaluate(after) if cue["type"] == "began"]
    lines = page.evaluate("livePage.dubbing.captions.lines")
    starts = {line["line"]: line["startS"] for line in lines}
    assert began
    assert all(line > left for line in began), (began, starts)
    # Keys do what the buttons do.
    page.keyboard.press("o")
    expect(page.get_by_role("button", name="Dub again")).to_be_visible()
    page.keyboard.press("o")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("say the last phrase again")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)


def test_a_file_is_played_and_dubbed_and_the_session_is_dubbed_on(
    visitor: Portal, speech_data: Path
) -> None:
    page = visitor.open("/")
    page.locator('[name=kind][value="file"]').check()
    page.set_input_files("#file", str(speech_data / "en" / "LJ001-0001.flac"))
    page.select_option("#source", "en")
    page.select_option("#target", "fr")
    page.get_by_role("button", name="Start Dubbing").click()
    expect(page.locator("#summary")).to_be_visible(timeout=2 * PATIENCE_MS)
    page.get_by_role("link", name="Open the session").click()
    expect(page.get_by_role("heading", name="English → French")).to_be_visible()
    lines = page.locator(".line-target").count()
    assert lines >= 1
    page.get_by_label("Title", exact=True).fill("An old book")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="An old book")).to_be_visible()
    page.get_by_role("link", name="Dub on").click()
    expect(page.get_by_text("Dub on: An old book")).to_be_visible()
    session = page.url.partition("session=")[2]
    page.locator('[name=kind][value="sample"]').check()
    page.get_by_role("button", name="Start Dubbing").click()
    expect(caption(page)).not_to_have_text("…", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"{visitor.url}/sessions/{session}")
    assert page.locator(".line-target").count() > lines


@pytest.mark.parametrize(
    ("name", "told"),
    [("notes.txt", "This browser cannot play the file."), ("empty.wav", "The file is empty.")],
)
def test_a_file_that_cannot_be_played_is_told_in_plain_words(
    visitor: Portal, tmp_path: Path, name: str, told: str
) -> None:
    (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"no sound in here")
    page = visitor.open("/")
    page.locator('[name=kind][value="file"]').check()
    page.set_input_files("#file", str(tmp_path / name))
    page.get_by_role("button", name="Start Dubbing").click()
    expect(page.locator("#notices")).to_contain_text(told)
    expect(page.get_by_role("button", name="Start Dubbing")).to_be_enabled()


def test_who_was_logged_out_meanwhile_is_told_to_log_in(visitor: Portal) -> None:
    page = visitor.new_page()
    page.goto(visitor.url)
    expect(page.locator("html.live-ready")).to_be_attached()
    page.context.clear_cookies()
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("#notices").get_by_role("link", name="Log in")).to_be_visible()
    page.context.close()


def write_speech(data: Path, wave: Path) -> None:
    """Three sentences that one person reads."""
    parts = [np.zeros(16_000)]
    for number in ("0880", "0930", "0890"):
        name = f"sense_and_sensibility_01_austen_64kb-{number}.wav"
        sound, rate = soundfile.read(data / "en" / name)
        assert rate == 16_000
        parts += [0.8 * sound, np.zeros(16_000)]
    soundfile.write(wave, soxr.resample(np.concatenate(parts), 16_000, 48_000), 48_000, "PCM_16")


def test_a_microphone_is_dubbed(
    playwright: Playwright, platform: RunningServices, speech_data: Path, tmp_path: Path
) -> None:
    wave = tmp_path / "speech.wav"
    write_speech(speech_data, wave)
    flags = (
        "--autoplay-policy=no-user-gesture-required",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={wave}",
    )
    with portal(playwright, platform.url, *flags, permissions=["microphone"]) as one:
        one.sign_up("speaker@example.org")
        page = one.start(kind="microphone")
        one.tap()
        expect(caption(page)).not_to_have_text("…", timeout=PATIENCE_MS)
        wait_until(page, "tapped.cues.some((cue) => cue.type === 'ended')")
        # Played back, the microphone would hear itself: only the dub comes out.
        tapped = one.tapped()
        began = next(cue for cue in tapped["cues"] if cue["type"] == "began")
        ended = next(cue for cue in tapped["cues"] if cue["type"] == "ended")
        assert level(tapped["heard"], began["atS"] + 0.1, ended["atS"], 1) > QUIET
        assert level(tapped["heard"], 0, began["atS"] - 0.1, 1) < QUIET
        expect(page.locator("[data-no-original]")).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)
        assert one.console == []


@pytest.fixture
def talk(speech_data: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a page of another site that talks by itself."""
    write_speech(speech_data, tmp_path / "speech.wav")
    page = f"<!doctype html><title>{TALK}</title><audio src=speech.wav autoplay loop></audio>"
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    serve = functools.partial(QuietFiles, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_shared_tab_is_dubbed_and_ends_with_its_sharing(
    playwright: Playwright, platform: RunningServices, talk: str
) -> None:
    flags = (
        "--autoplay-policy=no-user-gesture-required",
        f"--auto-select-tab-capture-source-by-title={TALK}",
    )
    with portal(playwright, platform.url, *flags, sounding=True) as one:
        one.sign_up("sharer@example.org")
        talking = one.page.context.new_page()
        talking.goto(talk)
        page = one.start(kind="tab")
        one.tap()
        expect(caption(page)).not_to_have_text("…", timeout=PATIENCE_MS)
        wait_until(page, "tapped.cues.some((cue) => cue.type === 'ended')")
        tapped = one.tapped()
        began = next(cue for cue in tapped["cues"] if cue["type"] == "began")
        ended = next(cue for cue in tapped["cues"] if cue["type"] == "ended")
        # The tab is heard by the page, and its dub is heard on the page.
        assert level(tapped["heard"], 0, ended["atS"], 2) > QUIET
        assert level(tapped["heard"], began["atS"] + 0.1, ended["atS"], 1) > QUIET
        # Whoever closes the tab has what was said dubbed, and the figures.
        talking.close()
        expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)
        # Chromium asks the camera's policy about pictures of tabs, and shares them all the same.
        assert [said for said in one.console if "camera is not allowed" not in said] == []


def test_a_microphone_that_is_refused_is_told_in_plain_words(
    playwright: Playwright, platform: RunningServices
) -> None:
    with portal(playwright, platform.url) as one:
        one.sign_up("nobody@example.org")
        page = one.open("/")
        page.locator('[name=kind][value="microphone"]').check()
        page.get_by_role("button", name="Start Dubbing").click()
        told = re.compile("microphone is not allowed|no microphone")
        expect(page.locator("#notices")).to_contain_text(told)
        assert one.console == []


def test_a_visitor_hears_the_example(playwright: Playwright, platform: RunningServices) -> None:
    with portal(playwright, platform.url, "--autoplay-policy=no-user-gesture-required") as one:
        page = one.open("/")
        expect(page.locator("[data-plays]")).to_be_visible(timeout=2 * PATIENCE_MS)
        expect(page.locator(".example-target")).not_to_be_empty()
        page.locator("#example-dub").evaluate("player => player.play()")
        wait_until(page, "document.getElementById('example-dub').currentTime > 1")
        page.locator("#example-dub").evaluate("player => { player.currentTime = 20 }")
        wait_until(page, "document.getElementById('example-dub').currentTime > 20.2")
        page.get_by_text("Original, English").click()
        wait_until(page, "document.getElementById('example-original').currentTime > 20.2")
        assert page.evaluate("document.getElementById('example-dub').paused")
        assert one.faults_of(page) == []
        assert one.console == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_fault_and_fit_a_phone(visitor: Portal, scheme: str) -> None:
    visitor.make_session()
    page = visitor.new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    addresses = ["/", "/sessions", "/sessions?q=nothing+like+it"]
    page.goto(f"{visitor.url}/sessions")
    first = page.locator(".session-row-title").first.get_attribute("href")
    addresses += [f"{first}", f"{first}/statistics"]
    for address in addresses:
        page.goto(f"{visitor.url}{address}")
        assert visitor.faults_of(page) == [], address
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{address} is {width} wide"
    page.context.close()


def test_the_first_load_of_each_page_is_light(visitor: Portal) -> None:
    visitor.make_session()
    page = visitor.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    taken: list[float] = []
    session.on("Network.loadingFinished", lambda event: taken.append(event["encodedDataLength"]))
    page.goto(f"{visitor.url}/sessions")
    first = page.locator(".session-row-title").first.get_attribute("href")
    for address in ("/", "/sessions", first, f"{first}/statistics"):
        taken.clear()
        page.goto(f"{visitor.url}{address}")
        page.wait_for_load_state("networkidle")
        sys.stdout.write(f"{address}: {sum(taken) / 1000:.0f} kB\n")
        assert sum(taken) <= 150_000, json.dumps({address: sum(taken)})
    page.context.close()
