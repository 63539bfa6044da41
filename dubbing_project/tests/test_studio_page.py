"""A file's whole way in Chromium: uploaded, watched, corrected, dubbed again, taken back,
exported and played. ``PORTAL_SHOTS=folder`` keeps pictures of the studio."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pysubs2
import pytest
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import manage
from sessions_app.tests.portal import PATIENCE_MS, Portal, portal

expect.set_options(timeout=PATIENCE_MS)
VIDEO = "video/open_dubbing_englishvideo.mp4"
JOB_MS = 240_000
SUBTITLES = """1
00:00:00,500 --> 00:00:03,000
Good morning, my name is Jordi.

2
00:00:03,300 --> 00:00:06,000
This is a short test of a video.

3
00:00:06,300 --> 00:00:09,500
Thank you for listening to it.
"""
SUGGEST = """
from sessions_app.projects.models import Project
from voices import services as voices
project = Project.objects.get(pk="{project}")
actor = voices.create_actor(
    project.owner, by=project.owner, name="Ida Known", languages=["en"], team=None
)
first = project.speakers.order_by("pk").first()
first.actor, first.actor_state, first.actor_confidence = actor, "suggested", 0.6
first.save()
"""
LOUDEST = """
async (id) => {
  // The loudest moment of a second and a half, as it leaves the player.
  const context = new AudioContext();
  await context.resume();
  const player = document.getElementById(id);
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  for (let n = 0; n < 400 && player.readyState < 3; n++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  context.createMediaStreamSource(player.captureStream()).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const [began, from] = [performance.now(), player.currentTime];
  let loudest = 0;
  const passed = () => performance.now() - began;
  while (passed() < 1500 || (player.currentTime === from && passed() < 20000)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }
  await context.close();
  return { loudest, advancedS: player.currentTime - from };
}
"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def visitor(playwright: Playwright, platform: RunningServices) -> Iterator[Portal]:
    with portal(playwright, platform.url, "--autoplay-policy=no-user-gesture-required") as one:
        one.sign_up("studio-page@example.org")
        yield one


class StudioPage:
    """The studio of one project, as a person and as the interface see it."""

    def __init__(self, visitor: Portal, page: Page) -> None:
        self.visitor, self.page = visitor, page
        self.project = f"{visitor.url}/api/projects/{page.url.rpartition('/')[2]}"

    def get(self, path: str = "") -> Any:
        return self.page.request.get(self.project + path).json()

    def lines(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/lines?limit=100")["results"]
        return found

    def sounds(self) -> dict[int, bytes]:
        return {
            line["number"]: self.page.request.get(
                f"{self.project}/lines/{line['number']}/audio"
            ).body()
            for line in self.lines()
        }

    def row(self, number: int) -> Any:
        return self.page.locator(f"#line-{number} .line-row")

    def open_line(self, number: int) -> Any:
        """By keyboard; gives its editor."""
        self.row(number).focus()
        self.page.keyboard.press("Enter")
        editor = self.page.locator(f"#line-{number} .line-editor")
        expect(editor.locator('[data-field="target_text"]')).to_be_focused()
        return editor

    def keep(self) -> None:
        with self.page.expect_response(lambda one: one.request.method == "PATCH") as kept:
            self.page.keyboard.press("Control+Enter")
        assert kept.value.status == 200, kept.value.text()

    def dub(self) -> None:
        self.page.locator("#redub").click()
        expect(self.page.locator("#job")).to_be_visible()
        expect(self.page.locator("#job")).to_be_hidden(timeout=JOB_MS)
        expect(self.page.locator("#redub")).to_have_text("Mix again")

    def loudest(self, mode: str, player: str) -> dict[str, float]:
        self.page.locator(f"label[for=hear-{mode}]").click()
        self.page.locator("#place").evaluate(
            "(place) => { place.value = 1; place.dispatchEvent(new Event('input')) }"
        )
        self.page.locator("#play").click()
        heard: dict[str, float] = self.page.evaluate(LOUDEST, player)
        self.page.locator("#play").click()
        expect(self.page.locator("#play")).to_have_text("Play")
        return heard

    def exported(self, form: str, folder: Path) -> Path:
        before = self.page.locator(f'.export[data-form="{form}"]').count()
        self.page.select_option("#export-form", form)
        self.page.get_by_role("button", name="Make it").click()
        mine = self.page.locator(f'.export[data-form="{form}"]')
        expect(mine).to_have_count(before + 1)
        expect(mine.first.locator("a")).to_be_visible(timeout=JOB_MS)
        with self.page.expect_download() as download:
            mine.first.locator("a").click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


@pytest.fixture(scope="module")
def studio(visitor: Portal, speech_data: Path) -> StudioPage:
    """A video that was uploaded on the page and dubbed, with its progress watched."""
    page = visitor.open("/")
    page.get_by_role("link", name="Projects").click()
    page.wait_for_url("**/projects")
    expect(page.locator("html.page-ready")).to_be_attached()
    page.get_by_role("button", name="Dub it").click()
    expect(page.get_by_text("Choose an audio or video file.").first).to_be_visible()
    page.set_input_files("#media", speech_data / VIDEO)
    page.select_option("#source", "en")
    page.select_option("#target", "es")
    page.fill("#title", "A short video")
    page.get_by_text("Subtitles, voices, team").click()
    page.set_input_files(
        "#source-subtitles",
        {"name": "said.srt", "mimeType": "application/x-subrip", "buffer": SUBTITLES.encode()},
    )
    page.get_by_role("button", name="Dub it").click()
    page.wait_for_url("**/projects/*-*")
    seen = watched(page)
    one = StudioPage(visitor, page)
    job = page.request.get(f"{visitor.url}/api/jobs?project={one.project[-36:]}&kind=dub").json()
    steps = job["results"][0]["steps"]
    assert all(step["state"] == "done" for step in steps)
    # Short steps may come and go between two looks.
    assert seen
    assert seen <= {step["step"] for step in steps}
    return one


def watched(page: Page) -> set[str]:
    """Follows the job to its end; gives the steps that were seen under way."""
    expect(page.locator("html.page-ready")).to_be_attached()
    seen: set[str] = set()
    for _ in range(JOB_MS // 50):
        if page.locator("#job").is_hidden():
            break
        assert page.locator("#job").get_attribute("data-state") != "failed", page.inner_text("#job")
        running = page.locator('#job [aria-current="step"]')
        if running.count():
            seen.add(running.first.get_attribute("data-step") or "")
        page.wait_for_timeout(50)
    expect(page.locator("#redub")).to_have_text("Mix again")
    expect(page.locator("#hear-dub")).to_be_checked()
    return seen - {""}


@pytest.fixture(autouse=True)
def _the_console_is_empty(visitor: Portal) -> Iterator[None]:
    yield
    said, visitor.console[:] = list(visitor.console), []
    assert said == []


def test_original_dub_and_both_are_heard(studio: StudioPage) -> None:
    for mode, player in (("original", "original"), ("dub", "dub"), ("both", "both")):
        heard = studio.loudest(mode, player)
        assert heard["advancedS"] > 0.5, (mode, heard)
        assert heard["loudest"] > 0.02, (mode, heard)


def test_only_what_was_changed_is_spoken_anew_and_taken_back_by_keys(studio: StudioPage) -> None:
    page, before, lines = studio.page, studio.sounds(), studio.lines()
    assert len(lines) == 3
    studio.open_line(0)
    page.keyboard.press("Control+A")
    page.keyboard.type("Una frase muy distinta.")
    expect(page.locator("#line-0 .line-badges")).to_contain_text("Not kept yet")
    studio.keep()
    expect(page.locator("#line-0 .line-badges")).to_contain_text("Stale")
    page.keyboard.press("Escape")
    expect(studio.row(0)).to_be_focused()

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(studio.row(2)).to_be_focused()
    editor = studio.open_line(2)
    editor.locator('[data-field="speaker"]').select_option("new speaker")
    studio.keep()
    page.keyboard.press("Escape")
    expect(page.locator("#redub")).to_have_text("Dub 2 stale lines")
    expect(page.locator("#speakers > li")).to_have_count(
        len({line["speaker"] for line in lines}) + 1
    )
    studio.dub()
    after = studio.sounds()
    assert [number for number in before if before[number] != after[number]] == [0, 2]

    studio.row(0).focus()
    for left in (1, 0):
        page.keyboard.press("Control+z")
        expect(page.locator("#changes > li").nth(0)).to_contain_text("taken back")
        expect(page.locator(".studio-line.is-stale")).to_have_count(2 - left)
    studio.dub()
    assert studio.sounds() == before
    assert [one["target_text"] for one in studio.lines()] == [one["target_text"] for one in lines]


def test_an_edit_of_somebody_else_in_between_is_told_and_nothing_is_lost(
    studio: StudioPage,
) -> None:
    page = studio.page
    studio.open_line(1)
    page.keyboard.press("Control+A")
    page.keyboard.type("Lo que escribo yo.")
    other = StudioPage(studio.visitor, studio.visitor.new_page())
    other.page.goto(page.url)
    other.project = studio.project
    expect(other.page.locator("html.page-ready")).to_be_attached()
    other.open_line(1)
    other.page.keyboard.press("Control+A")
    other.page.keyboard.type("Lo que escribe otra persona.")
    other.keep()
    other.page.context.close()

    # That the interface refuses it is what is tested: the browser says so in its console.
    page.bring_to_front()
    editor = page.locator("#line-1 .line-editor")
    editor.locator('[data-field="target_text"]').focus()
    page.keyboard.press("Control+Enter")
    conflict = editor.locator(".conflict")
    expect(conflict).to_contain_text("Lo que escribe otra persona.")
    expect(conflict).to_contain_text("Lo que escribo yo.")
    refused = [line for line in studio.visitor.console if "412" in line]
    assert len(refused) == 1
    studio.visitor.console.remove(refused[0])
    expect(editor.locator('[data-field="target_text"]')).to_have_value("Lo que escribo yo.")
    conflict.get_by_role("button", name="Keep mine").click()
    expect(conflict).to_be_hidden()
    expect(studio.row(1)).to_contain_text("Lo que escribo yo.")
    # Both are in the history, and what was theirs comes back with one step.
    editor.get_by_role("button", name="Undo here").click()
    expect(studio.row(1)).to_contain_text("Lo que escribe otra persona.")
    editor.get_by_role("button", name="Undo here").click()
    page.keyboard.press("Escape")


def test_speakers_and_comments(studio: StudioPage) -> None:
    page = studio.page
    label = studio.lines()[0]["speaker"]
    speaker = page.locator(f'#speakers [data-speaker="{label}"]')
    speaker.locator('[data-part="name"]').fill("Jordi")
    page.keyboard.press("Tab")
    expect(studio.row(0)).to_contain_text("Jordi")
    editor = studio.open_line(0)
    editor.get_by_text("Comments").click()
    editor.get_by_label("A new comment").fill("Is this how he says his name?")
    editor.get_by_role("button", name="Say it").click()
    expect(editor.locator(".comment")).to_contain_text("Is this how he says his name?")
    expect(editor.locator(".comment")).to_contain_text("You")
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)


def test_who_a_speaker_is_is_settled_with_one_click(
    studio: StudioPage, platform: RunningServices
) -> None:
    page, project = studio.page, studio.project.rpartition("/")[2]
    manage(platform, "shell", "-v", "0", "-c", SUGGEST.format(project=project))
    page.reload()
    speaker = page.locator("#speakers > li").first
    expect(page.locator("html.page-ready")).to_be_attached()
    expect(speaker.locator("[data-part=actor]")).to_contain_text("Perhaps this is Ida Known")
    kept("suggested", page)
    yes = speaker.get_by_role("button", name="is Ida Known")
    yes.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("That is Ida Known.")
    expect(speaker.locator("[data-part=actor]")).to_contain_text("This is Ida Known")
    expect(speaker.locator("[data-part=confirm]")).to_be_hidden()
    assert decided(studio) == ("Ida Known", "confirmed", True)
    kept("confirmed", page)
    speaker.get_by_role("button", name="is not Ida Known").click()
    expect(page.locator("#notices")).to_contain_text("That is not Ida Known.")
    expect(speaker.locator("[data-part=actor]")).to_be_hidden()
    assert decided(studio) == ("", "", True)


def decided(studio: StudioPage) -> tuple[str, str, bool]:
    first = studio.get("/speakers")["results"][0]
    return first["actor_name"], first["actor_state"], first["actor_decided"]


def kept(name: str, page: Page) -> None:
    if shots := os.environ.get("PORTAL_SHOTS"):
        page.locator("#speakers").screenshot(path=f"{shots}/studio-speakers-{name}.png")


def test_subtitles_and_video_are_exported_and_can_be_played(
    studio: StudioPage, tmp_path: Path
) -> None:
    if studio.page.locator("#redub").inner_text() != "Mix again":
        studio.dub()
    subtitles = pysubs2.load(str(studio.exported("srt", tmp_path)))
    assert [one.plaintext for one in subtitles] == [one["target_text"] for one in studio.lines()]
    video = studio.exported("video", tmp_path)
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,duration", "-of", "csv=p=0",
         str(video)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    streams = [one.split(",") for one in probed.stdout.split()]
    assert sorted(kind for kind, *_ in streams) == ["audio", "audio", "subtitle", "video"]
    played = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(video), "-map", "0:v", "-map", "0:a", "-f", "null",
         "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert played.stderr == ""


def test_a_file_that_cannot_be_read_says_so_and_may_be_tried_again(studio: StudioPage) -> None:
    page = studio.visitor.new_page()
    page.goto(f"{studio.visitor.url}/projects")
    expect(page.locator("html.page-ready")).to_be_attached()
    page.locator("#new-project > summary").click()
    noise = {"name": "broken.mp4", "mimeType": "video/mp4", "buffer": bytes(range(1, 200)) * 50}
    page.set_input_files("#media", noise)  # type: ignore[arg-type]  # as a dictionary of these
    page.get_by_role("button", name="Dub it").click()
    page.wait_for_url("**/projects/*-*")
    job = page.locator("#job")
    expect(job).to_have_attribute("data-state", "failed", timeout=JOB_MS)
    expect(job).to_contain_text("no audio or video file that can be read")
    expect(page.locator("#redub")).to_be_disabled()
    job.get_by_role("button", name="Try again").click()
    # The upload is not kept: there is nothing in it to be dubbed.
    expect(job).to_contain_text("upload it again", timeout=JOB_MS)
    page.locator("#delete-project").click()
    page.locator("dialog.question .btn-danger").click()
    page.wait_for_url("**/projects")
    expect(page.get_by_role("link", name="broken.mp4")).to_have_count(0)
    page.context.close()


LOOKS: dict[str, Callable[[Page], None]] = {
    "light": lambda page: page.emulate_media(color_scheme="light"),
    "dark": lambda page: page.emulate_media(color_scheme="dark"),
    "tablet": lambda page: page.set_viewport_size({"width": 820, "height": 1180}),
    "phone": lambda page: page.set_viewport_size({"width": 390, "height": 844}),
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible_and_fit(studio: StudioPage, look: str) -> None:
    page = studio.visitor.new_page()
    shots = os.environ.get("PORTAL_SHOTS")
    LOOKS[look](page)
    page.emulate_media(reduced_motion="reduce", color_scheme="dark" if look == "dark" else "light")
    faults = []
    for name, address in (
        ("projects", f"{studio.visitor.url}/projects"),
        ("studio", studio.page.url),
    ):
        page.goto(address)
        expect(page.locator("html.page-ready")).to_be_attached(timeout=PATIENCE_MS)
        if name == "studio":
            page.locator("#line-0 .line-row").click()
            expect(page.locator("#line-0 .line-editor")).to_be_visible()
        faults += [f"{name}: {one}" for one in studio.visitor.faults_of(page)]
        wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wide > 0:
            faults.append(f"{name}: {wide} pixels too wide")
        if shots:
            Path(shots).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{shots}/{name}-{look}.png", full_page=True)
    page.context.close()
    assert not faults, "\n".join(faults)
