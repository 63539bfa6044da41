"""The pages of voices in Chromium against the real server, its worker and the offline engine.

``PORTAL_SHOTS=folder`` keeps pictures of them in light, dark and phone width.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import (
    FilePayload,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from dubbing_project.services.context import PROJECT
from dubbing_project.services.runner import RunningServices
from sessions_app.tests.portal import PATIENCE_MS, Portal, level, portal

expect.set_options(timeout=PATIENCE_MS)
WORKER_MS = 180_000
"""For what a worker makes, on a machine that has much else to do."""
TABS_MAX = 300
QUIET = 0.004
"""Root mean square below which nothing is heard."""
EMAIL = "caster@example.org"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
SEED = """
import uuid
from accounts.models import User
from voices import services
from voices.models import Actor
owner = User.objects.get(email="{email}")
session = uuid.uuid4()
for label, name in (("S1", "The reader"), ("S2", "Her echo"), ("S3", "A stranger")):
    speaker = services.ensure_speaker(session, label, owner=owner)
    services.rename_speaker(speaker, name, by=owner)
    if label == "S1":
        actor = Actor.objects.get(owner=owner, name="Nora Reads")
        services.note_match(speaker, actor, confidence=0.72, confirmed=False)
"""
COPIES = """
import uuid
from django.utils import timezone
from voices.models import VoiceClone
made = VoiceClone.objects.get(owner__email="{email}", name="Nora's copy")
for number in range(25):
    VoiceClone(
        actor=made.actor, consent=made.consent, owner=made.owner, engine=made.engine,
        vendor_id=f"{{made.vendor_id}}-{{number}}", name=f"Copy {{number:02d}}",
        profile=made.profile.name, preview=made.preview.name, state="ready",
        submission=uuid.uuid4().hex, settings=made.settings, quality=made.quality,
        pitch_hz=made.pitch_hz,
    ).save()
"""
UNCOPIES = """
from voices.models import VoiceClone
VoiceClone.objects.filter(owner__email="{email}", name__startswith="Copy ").update(
    profile="", preview="", state="deleted")
"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


def speech(folder: Path, *numbers: int, form: str = "FLAC") -> bytes:
    """Some clips of one reader in a row."""
    files = sorted((folder / "librispeech").glob("3080-*.flac"))
    sound = [soundfile.read(files[number], dtype="int16")[0] for number in numbers]
    content = io.BytesIO()
    soundfile.write(content, np.concatenate(sound), 16_000, format=form, subtype="PCM_16")
    return content.getvalue()


@pytest.fixture(scope="module")
def caster(
    playwright: Playwright,
    platform: RunningServices,
    speech_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Portal]:
    """A browser with a new account, and a microphone that hears a reader."""
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    heard.write_bytes(speech(speech_data, 4, 5, form="WAV"))
    arguments = (
        "--autoplay-policy=no-user-gesture-required",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
    )
    with portal(playwright, platform.url, *arguments) as one:
        one.sign_up(EMAIL)
        yield one
        assert one.console == []


def reach(field: Locator) -> None:
    """By the Tab key, from wherever the focus is."""
    expect(field).to_be_enabled()
    for _ in range(TABS_MAX):
        if field.evaluate("one => one === document.activeElement"):
            return
        field.page.keyboard.press("Tab")
    raise AssertionError(f"no way to {field} by keyboard")


def press(place: Page | Locator, name: str, key: str = "Enter") -> None:
    """By keyboard alone."""
    button = place.get_by_role("button", name=name, exact=True)
    expect(button).to_be_visible()
    expect(button.page.locator("html.voices-ready")).to_be_attached()
    reach(button)
    button.page.keyboard.press(key)


def write(field: Locator, text: str) -> None:
    reach(field)
    field.page.keyboard.press("ControlOrMeta+a")
    field.page.keyboard.insert_text(text)


LOUD = """
async (player) => {
  // As it leaves the player, until something is heard; the loudest of a while where nothing is.
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  context.createMediaStreamSource(player.captureStream()).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (let n = 0; n < 1000 && (loudest < 0.02 || player.currentTime === 0); n++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }
  await context.close();
  return loudest;
}
"""


def is_heard_by_keyboard(player: Locator) -> None:
    reach(player)
    player.page.keyboard.press("Space")
    assert player.evaluate(LOUD) >= 0.02
    player.evaluate("player => player.pause()")


def test_a_person_gives_consent_uploads_watches_a_clone_listens_and_pins(
    caster: Portal, platform: RunningServices, speech_data: Path
) -> None:
    page = caster.open("/")
    page.get_by_role("link", name="Voices").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Actors")
    write(page.get_by_label("Name", exact=True), "Nora Reads")
    page.get_by_label("Language they speak").select_option("en")
    press(page, "Add the actor")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nora Reads")

    # Nothing is kept, and nothing made, before somebody allowed it.
    page.get_by_role("link", name="Make a voice like theirs").press("Enter")
    expect(page.get_by_role("button", name="Make the voice")).to_be_disabled()
    expect(page.get_by_text("No valid consent allows recordings")).to_be_visible()
    write(page.get_by_label("In which words"), "You may keep, recognise and copy my voice.")
    press(page, "Write the consent down")
    expect(page.get_by_text("allows it since")).to_be_visible()
    expect(page.get_by_role("button", name="Make the voice")).to_be_enabled()

    # Too much is refused here, and is told where it was chosen.
    big: FilePayload = {
        "name": "big.wav",
        "mimeType": "audio/wav",
        "buffer": bytes(16 * 1024**2),
    }
    page.set_input_files("#audio", [big])
    press(page, "Upload")
    expect(page.locator("#audio-fault")).to_contain_text("larger than 15 MiB")
    clips: list[FilePayload] = [
        {"name": f"{name}.flac", "mimeType": "audio/flac", "buffer": speech(speech_data, *numbers)}
        for name, numbers in (("First pages", (0, 1)), ("Later pages", (2, 3)))
    ]
    reach(page.locator("#audio"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(clips)
    press(page, "Upload")
    for name in ("First pages", "Later pages"):
        expect(page.get_by_label(f"Use {name}")).to_be_checked(timeout=WORKER_MS)
    # And one is recorded here.
    press(page, "Record")
    expect(page.locator("[data-record-time]")).to_have_text(re.compile(r"0:0[6-9]|0:[1-9]"))
    press(page, "Stop")
    is_heard_by_keyboard(page.locator("[data-recorded-sound]"))
    press(page, "Keep this recording")
    expect(page.get_by_label(re.compile("^Use Recorded"))).to_be_enabled(timeout=WORKER_MS)
    reach(page.locator("summary", has_text="Analysis").first)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Voice over noise").first).to_be_visible()
    expect(page.locator(".sample-picture").first).to_be_visible()

    expect(page.get_by_label("This server, offline")).to_be_checked()
    write(page.get_by_label("Name of the voice"), "Nora's copy")
    press(page, "Make the voice")
    page.wait_for_url(re.compile(r"clone=[0-9a-f-]{36}"))
    expect(page.locator("#making .badge")).to_have_text("Ready", timeout=WORKER_MS)
    expect(page.get_by_role("group", name="Quality")).to_contain_text("Likeness to the person")

    # Three voices beside her own recording.
    expect(page.get_by_role("checkbox", name="Nora's copy clone")).to_be_checked()
    stock = page.locator("[data-stock] input")
    for number in range(2):
        reach(stock.nth(number))
        page.keyboard.press("Space")
    expect(stock.nth(2)).to_be_disabled()
    press(page, "Let them speak")
    spoken = page.locator(".compared article")
    expect(spoken).to_have_count(4)
    expect(page.locator(".compared button:visible")).to_have_count(3, timeout=WORKER_MS)
    expect(page.get_by_text(re.compile("Likeness to the recording"))).to_have_count(3)
    lengths = page.locator(".compared audio").evaluate_all(
        """players => Promise.all(players.map(player => new Promise((done, fail) => {
             player.addEventListener("loadedmetadata", () => done(player.duration));
             player.addEventListener("error", () => fail(new Error(player.src)));
             player.preload = "metadata";
             player.load();
           })))"""
    )
    assert all(1 < length < 60 for length in lengths), lengths
    for player in page.locator(".compared audio").all():
        is_heard_by_keyboard(player)
    press(page, "Pin Nora's copy for English")
    expect(page.locator("#said")).to_have_text(
        "Nora Reads speaks English as Nora's copy from now on."
    )
    page.get_by_role("link", name="Nora Reads").press("Enter")
    expect(page.locator("#pins tbody tr")).to_have_count(1)
    expect(page.locator("#pins tbody tr")).to_contain_text("English")
    expect(page.locator("#pins tbody tr")).to_contain_text("Nora's copy")
    expect(page.locator("#recordings .row-card")).to_have_count(3)


def in_shell(platform: RunningServices, script: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", script.format(email=EMAIL)],
        cwd=PROJECT,
        env={**os.environ, **platform.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_voices_chosen_on_two_pages_of_the_library_are_heard_side_by_side(
    caster: Portal, platform: RunningServices
) -> None:
    in_shell(platform, COPIES)
    page = caster.open("/voice-management/voices?order=newest")
    expect(page.get_by_text("26 voices")).to_be_visible()
    expect(page.locator("html.voices-ready")).to_be_attached()
    first = page.get_by_role("checkbox", name="Copy 24 : compare")
    reach(first)
    page.keyboard.press("Space")
    reach(page.get_by_role("link", name="Next"))
    page.keyboard.press("Enter")
    second = page.get_by_role("checkbox", name="Nora's copy : compare")
    expect(page.locator("html.voices-ready")).to_be_attached()
    reach(second)
    page.keyboard.press("Space")
    # Whoever comes back by the address finds both.
    page.reload()
    expect(second).to_be_checked()
    expect(page.get_by_role("checkbox", name="Copy 24 clone")).to_be_checked()
    press(page, "Let them speak")
    spoken = page.locator(".compared article")
    expect(spoken.get_by_role("heading")).to_have_text(["Nora's copy", "Copy 24"])
    players = page.locator(".compared audio:visible")
    expect(players).to_have_count(2, timeout=WORKER_MS)
    for player in players.all():
        is_heard_by_keyboard(player)
    in_shell(platform, UNCOPIES)


def test_speakers_of_sessions_are_confirmed_rejected_taken_back_and_merged(
    caster: Portal, platform: RunningServices
) -> None:
    in_shell(platform, SEED)
    page = caster.open("/voice-management/speakers")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(3)
    reader = page.get_by_role("article", name="The reader")
    expect(reader).to_contain_text("Perhaps it is Nora Reads (72 % sure)")
    expect(reader.get_by_label("A recording of Nora Reads")).to_be_visible()
    press(reader, "It is not Nora Reads")
    expect(cards).to_have_count(2)

    page.get_by_label("State").select_option("rejected")
    press(page, "Search")
    press(reader, "Undo: it is Nora Reads after all")
    expect(cards).to_have_count(0)
    page.get_by_label("State").select_option("confirmed")
    press(page, "Search")
    expect(reader).to_contain_text("You or somebody of your team said: it is Nora Reads.")
    reader.locator("summary", has_text="Merge").press("Enter")
    reader.get_by_label("Who was The reader all along").select_option("Her echo (Speaker 2)")
    press(reader, "Merge")
    page.locator("dialog.question").get_by_role("button", name="Merge").press("Enter")
    expect(page.locator("#said")).to_have_text("They are one speaker now.")

    page = caster.open("/voice-management/speakers")
    expect(cards).to_have_count(1)
    stranger = page.get_by_role("article", name="A stranger")
    stranger.locator("summary", has_text="Say who it is").press("Enter")
    stranger.get_by_label("Or somebody new").fill("Sam Elsewhere")
    press(stranger, "Add and confirm")
    expect(cards).to_have_count(0)
    page = caster.open("/voice-management?q=elsewh")
    expect(page.get_by_role("heading", name="Sam Elsewhere")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_accessible_and_as_wide_as_the_window(caster: Portal, look: str) -> None:
    """As the tests above have left them."""
    page = caster.new_page(**LOOKS[look])
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{caster.url}/voice-management?q=nora")
    page.get_by_role("link", name="Nora Reads").click()
    page.wait_for_url(re.compile("/actors/"))
    actor = page.url.removeprefix(caster.url)
    made = page.locator("#clones a[href*='?clone=']").get_attribute("href")
    assert made is not None
    paths = {
        "actors": "/voice-management",
        "actor": actor,
        "wizard": f"{actor}/clone",
        "made": made,
        "library": "/voice-management/voices",
        "speakers": "/voice-management/speakers?state=confirmed",
    }
    shots, faults = os.environ.get("PORTAL_SHOTS"), []
    for name, path in paths.items():
        page.goto(f"{caster.url}{path}")
        if name in {"actor", "library", "made"}:
            page.locator("[data-stock] input").first.wait_for()
        page.evaluate(
            "for (const one of document.querySelectorAll('main details')) one.open = true"
        )
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if page.evaluate(wide) > 0:
            faults.append(f"{name}: {page.evaluate(wide)} pixels too wide")
        if look != "phone":
            faults += [f"{name}: {fault}" for fault in caster.faults_of(page)]
        if shots:
            Path(shots).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{shots}/voices-{name}-{look}.png", full_page=True)
    page.context.close()
    assert not faults, "\n".join(faults)


SPOKEN_IN = """
async (voice) => {
  const get = async (path) => (await fetch(path)).json();
  const [session] = (await get("/api/sessions?limit=1")).results;
  const { results } = await get(`/api/sessions/${session.id}/lines?limit=200`);
  return results.filter((line) => line.voice.includes(voice)).map((line) => line.sequence);
}
"""


def test_the_pinned_voice_is_heard_in_a_live_session_and_is_on_its_record(caster: Portal) -> None:
    page = caster.open("/voice-management?q=nora")
    page.get_by_role("link", name="Nora Reads").press("Enter")
    press(page, "Pin for every language : Nora's copy")
    expect(page.locator("#said")).to_have_text("The voice is pinned.")
    expect(page.locator("#pins tbody tr")).to_have_count(2)
    pinned = page.locator("#clones form[data-api='/api/pinned-voices'] [name=voice]")
    voice = pinned.get_attribute("value")
    assert voice

    # The microphone hears Nora, who is recognised; then she speaks Spanish in that voice.
    page = caster.start(kind="microphone")
    caster.tap()
    heard: list[dict[str, Any]] = []
    for _ in range(WORKER_MS // 1000):
        lines = page.evaluate(SPOKEN_IN, voice)
        cues = [cue for cue in caster.tapped()["cues"] if cue.get("line") in lines]
        ended = {cue["cue"]: cue["atS"] for cue in cues if cue["type"] == "ended"}
        heard = [cue for cue in cues if cue["type"] == "began" and cue["cue"] in ended]
        if heard:
            break
        page.wait_for_timeout(1000)
    assert heard, "no line was spoken in the pinned voice"
    sound = caster.tapped()["heard"]
    assert level(sound, heard[0]["atS"] + 0.1, ended[heard[0]["cue"]], 1) > QUIET
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)


def test_a_voice_of_the_library_is_pinned_and_two_who_are_one_are_merged(caster: Portal) -> None:
    page = caster.open("/voice-management/voices")
    expect(page.locator("html.voices-ready")).to_be_attached()
    # However many actors there are, one is found by a part of the name.
    page.get_by_label("Search for the actor").press_sequentially("elsew")
    expect(page.get_by_label("Actor", exact=True)).to_contain_text("Sam Elsewhere")
    page.get_by_label("Language of the text").select_option("es")
    stock = page.locator("[data-stock] input")
    stock.first.press("Space")
    chosen = stock.first.get_attribute("data-name")
    page.get_by_label("What they say").fill("Nadie quería irse a casa.")
    press(page, "Let them speak")
    press(page, f"Pin {chosen} for Spanish")
    expect(page.locator("#said")).to_contain_text("Sam Elsewhere speaks Spanish")

    page = caster.open("/voice-management?q=nora")
    page.get_by_role("link", name="Nora Reads").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nora Reads")
    page.locator("summary", has_text="Edit the profile").press("Enter")
    page.get_by_label("Search for the other one").press_sequentially("elsew")
    expect(page.get_by_label("Actor", exact=True)).to_contain_text("Sam Elsewhere")
    press(page, "Merge")
    page.locator("dialog.question").get_by_role("button", name="Merge").press("Enter")
    expect(page.locator("#head")).to_contain_text("also Sam Elsewhere")
    expect(page.locator("#pins tbody tr")).to_have_count(3)

    # The consent ends, and all that rests on it.
    press(page, "Revoke")
    page.locator("dialog.question").get_by_role("button", name="Revoke").press("Enter")
    expect(page.locator("#consents")).to_contain_text("Revoked")
    expect(page.locator("#recordings audio")).to_have_count(0)
    expect(page.locator("#clones")).not_to_contain_text("Ready")
