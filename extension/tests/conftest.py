"""One browser, one server and one set of pages for all tests of the extension."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import token_of
from extension.tests.chrome import Chrome, chrome
from extension.tests.site import Site, serving

VIEWER = "tab-viewer@example.org"
PAGES = Path(__file__).resolve().parent / "pages"
BOOK = "sense_and_sensibility_01_austen_64kb-{}.wav"
SENTENCES = ("0880", "0930", "0890", "0920")
RATE_HZ = 16_000
PAUSE_S = 0.7
PHRASE_S = 1.2
PHRASE_PAUSE_S = 0.6
MEDIA_S = 160
LEVEL = 0.7


@pytest.fixture(scope="package")
def media(tmp_path_factory: pytest.TempPathFactory, speech_data: Path) -> Path:
    return make_media(tmp_path_factory.mktemp("media"), speech_data)


def make_media(folder: Path, speech_data: Path) -> Path:
    """``book.wav``: a person reading whole sentences, with pauses. ``speech.wav``: the same voice
    in short phrases, for engines that dub whatever is loud, and soon; ``speech.webm`` for MSE.
    """
    sentences = []
    for sentence in SENTENCES:
        sound, rate = soundfile.read(speech_data / "en" / BOOK.format(sentence))
        assert rate == RATE_HZ
        sentences.append(sound * LEVEL)
    seconds = write_speech(folder / "book.wav", sentences, PAUSE_S)
    size = round(PHRASE_S * RATE_HZ)
    phrases = [
        sound[at : at + size] for sound in sentences for at in range(0, len(sound) - size, size)
    ]
    write_speech(folder / "speech.wav", phrases, PHRASE_PAUSE_S)
    convert = ["ffmpeg", "-loglevel", "error", "-i", str(folder / "speech.wav")]
    subprocess.run([*convert, "-c:a", "libopus", str(folder / "speech.webm")], check=True)
    numbered = [(at, at + 1.6, f"Text {at}.") for at in range(0, int(seconds), 2)]
    write_subtitles(folder / "speech.vtt", numbered)
    make_film(folder, speech_data)
    make_tone(folder)
    return folder


def write_speech(path: Path, parts: Sequence[np.ndarray], pause_s: float) -> float:
    """The parts over and over, a pause before each; returns how many seconds that lasts."""
    pause = np.zeros(round(pause_s * RATE_HZ))
    once = np.concatenate([piece for part in parts for piece in (pause, part)])
    # Long enough that no player comes to its end within a test: that would be a seek.
    spoken = np.tile(once, math.ceil(MEDIA_S * RATE_HZ / len(once)))
    soundfile.write(path, spoken, RATE_HZ, subtype="PCM_16")
    return len(spoken) / RATE_HZ


NUMBERED = "/subtitles.html?play&film=book.wav&track=speech.vtt&language=en"
"""A page whose subtitles say where in them they are, whatever is spoken."""
FILM = "/subtitles.html?play&film=film.wav&track=film.vtt&language=es-MX"
TRACK_MODES = "[...document.querySelector('#player').textTracks].map(track => track.mode)"


def numbers_said(lines: Sequence[dict[str, Any]]) -> list[int]:
    """Of the subtitles of ``NUMBERED`` among the lines, in seconds of the player."""
    said = [line["source"] for line in lines]
    return [int(text[5:-1]) for text in said if text.startswith("Text ")]


SPANISH = (
    ("leopard_es.wav", ("Las arenas son blanquecinas de grano medio", "y tienen poca asistencia.")),
    ("cheetah_es.wav", ("El homenaje era más que necesario.",)),
)
"""Recordings and their subtitles, each an equal part of its recording."""


TONE_HZ = 1000.0
TONE_LEVEL = 0.3


def make_tone(folder: Path) -> None:
    """``tone.wav``: what scripted engines take for speech, and a test for the original."""
    at = np.arange(90 * RATE_HZ) / RATE_HZ
    # Two seconds of every three, so that there are pauses to end what is said.
    tone = TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * at) * (at % 3 < 2)
    soundfile.write(folder / "tone.wav", tone, RATE_HZ, subtype="PCM_16")


def make_film(folder: Path, speech_data: Path) -> None:
    """``film.wav``: Spanish, which nothing offline recognises, and ``film.vtt``."""
    parts: list[np.ndarray] = []
    cues = []
    for name, texts in SPANISH * 6:
        sound, rate = soundfile.read(speech_data / "es" / name)
        assert rate == RATE_HZ
        parts.append(np.zeros(round(PAUSE_S * rate)))
        began, lasts = sum(map(len, parts)) / rate, len(sound) / rate / len(texts)
        parts.append(sound * LEVEL)
        cues += [(began + n * lasts, began + (n + 1) * lasts, text) for n, text in enumerate(texts)]
    soundfile.write(folder / "film.wav", np.concatenate(parts), RATE_HZ, subtype="PCM_16")
    write_subtitles(folder / "film.vtt", cues)


def write_subtitles(path: Path, cues: Sequence[tuple[float, float, str]]) -> None:
    def stamp(seconds: float) -> str:
        minutes, rest = divmod(seconds, 60)
        return f"{int(minutes):02}:{rest:06.3f}"

    blocks = [f"{stamp(start)} --> {stamp(end)}\n{text}" for start, end, text in cues]
    path.write_text("\n\n".join(["WEBVTT", *blocks]) + "\n", encoding="utf-8")


@pytest.fixture(scope="package")
def site(media: Path) -> Iterator[Site]:
    with serving([PAGES, media]) as found:
        yield found


@pytest.fixture(scope="package")
def token(platform: RunningServices) -> str:
    return token_of(platform, VIEWER)


@pytest.fixture(scope="package")
def browser(platform: RunningServices, token: str) -> Iterator[Chrome]:
    """Chromium, paired with the platform."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed; Debian's package chromium has it")
    with chrome() as running:
        running.pair(platform.url, token)
        yield running


@pytest.fixture(autouse=True)
def _console_is_empty(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves an error in a console of the extension's."""
    yield
    if "browser" in request.fixturenames:
        running: Chrome = request.getfixturevalue("browser")
        said, running.console[:] = list(running.console), []
        assert said == []
