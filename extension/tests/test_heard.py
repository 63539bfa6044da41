"""What a person hears, at a sound device: the original, lowered under the dub, and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import Chrome, chrome
from extension.tests.conftest import TONE_HZ, TONE_LEVEL
from extension.tests.measured import measure
from extension.tests.sink import Sink, Sound, level_at, sink
from extension.tests.site import Site
from pipeline.providers.scripted.speaking import ScriptedSynthesizer
from pipeline.tests.waiting import wait_until as until

FLOOR = 0.15
HUMS_HZ = [voice.pitch_hz for voice in ScriptedSynthesizer().stock]
"""What the scripted voices hum."""
AUDIBLE = 0.05
LISTEN_S = 4.0


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Sink]:
    for program in ("pulseaudio", "parec"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; Debian's package of it is needed")
    with sink(tmp_path) as made:
        yield made


@pytest.fixture
def loud(heard: Sink, browser: Chrome, platform: RunningServices, token: str) -> Iterator[Chrome]:
    """A browser whose sound goes to the sink."""
    with chrome(environment=heard.environment, playwright=browser.playwright) as running:
        running.pair(platform.url, token, preserveVoice=False)
        yield running


def tone(sound: Sound) -> Sound:
    return level_at(sound, TONE_HZ)


def hum(sound: Sound) -> Sound:
    found: Sound = np.max([level_at(sound, hz) for hz in HUMS_HZ], axis=0)
    return found


def listen_until(heard: Sink, fits: Callable[[Sound], bool], what: str) -> Sound:
    found: list[Sound] = []

    def listen() -> bool:
        found.append(heard.listen(LISTEN_S))
        return fits(found[-1])

    until(listen, within_s=90, what=what)
    return found[-1]


def is_plain(sound: Sound) -> bool:
    """The original at its own level, and nothing else."""
    return bool(
        np.max(tone(sound)) == pytest.approx(TONE_LEVEL, rel=0.1) and max(hum(sound)) < 0.01
    )


def test_the_original_is_lowered_under_the_dub_and_is_itself_again(
    loud: Chrome, heard: Sink, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    page = loud.context.new_page()
    page.goto(f"{site.url}/tone.html?play")
    before = listen_until(heard, is_plain, "the page alone")
    tab = loud.start(page)
    measure(loud, tab, lambda found: len(found.ended) >= 1)

    def under_the_dub(sound: Sound) -> Sound:
        """The tone where the dub sounds before, there and behind: not on the way up or down."""
        sounding = hum(sound) > AUDIBLE
        steady = sounding[:-2] & sounding[1:-1] & sounding[2:]
        there = tone(sound)[1:-1]
        return there[steady & (there > 0.01)]

    during = listen_until(heard, lambda sound: len(under_the_dub(sound)) >= 5, "a dub")
    loud.stop(tab)
    after = listen_until(heard, is_plain, "the page alone again")
    lowered = float(np.median(under_the_dub(during)))
    with capsys.disabled():
        print(  # noqa: T201
            f"\n  at the sink: original {max(tone(before)):.3f}, {lowered:.3f} under a dub of "
            f"{max(hum(during)):.3f}, {max(tone(after)):.3f} again"
        )
    assert lowered == pytest.approx(TONE_LEVEL * FLOOR, rel=0.25)
    page.close()
