"""Firefox: the page's own player is heard in the page, by the same modules."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import SCRIPTED
from extension.tests.conftest import (
    FILM,
    NUMBERED,
    SPANISH,
    TRACK_MODES,
    numbers_said,
)
from extension.tests.firefox import Firefox, firefox
from extension.tests.site import Site
from pipeline.tests.waiting import wait_until as until


@pytest.fixture(scope="module")
def fox(platform: RunningServices, token: str) -> Iterator[Firefox]:
    for program in ("firefox-esr", "pulseaudio", "parec"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; Debian's package of it is needed")
    with firefox(["http://127.0.0.1/*"]) as running:
        pair(running, platform, token)
        yield running


def pair(
    fox: Firefox,
    services: RunningServices,
    token: str,
    engines: Mapping[str, str] = SCRIPTED,
    *,
    source: str = "en",
    target: str = "es",
) -> None:
    """As pairing leaves it."""
    account = {"server": services.url, "token": token, "name": "viewer", "pairedAt": 0}
    languages = {"targetLanguage": target, "sourceLanguage": source}
    settings = {"server": services.url, "engines": dict(engines), **languages}
    stored = json.dumps({"account": account, "settings": settings})
    fox.run(f"browser.storage.local.set({stored})")


def ask(fox: Firefox, **message: Any) -> Any:
    return fox.run(f"browser.runtime.sendMessage({json.dumps({'to': 'background', **message})})")


def tab_of(fox: Firefox, address: str) -> int:
    found = f"all.find(tab => tab.url === {json.dumps(address)}).id"
    return int(fox.run(f"browser.tabs.query({{}}).then(all => {found})"))


def viewed(fox: Firefox, tab: int) -> Any:
    """What a popup would show."""
    return fox.run(
        f"""new Promise(resolve => {{
            const port = browser.runtime.connect({{name: "ui:{tab}"}});
            port.onMessage.addListener(message => {{ resolve(message); port.disconnect(); }});
        }})"""
    )


def said(fox: Firefox, tab: int) -> list[int]:
    return numbers_said(viewed(fox, tab).get("lines", []))


@pytest.mark.parametrize("page", ["one.html?play", "one.html?play&csp", "mse.html?play"])
def test_a_player_is_dubbed_in_its_page(fox: Firefox, site: Site, page: str) -> None:
    address = f"{site.url}/{page}"
    context = fox.open(address)
    tab = tab_of(fox, address)
    state = ask(fox, type="start", tabId=tab)
    assert state["status"] in ("starting", "on"), state
    until(lambda: ask(fox, type="state", tabId=tab)["status"] == "on", what="dubbing")
    spoken = until(
        lambda: next(
            (
                m
                for m in [viewed(fox, tab)]
                if any(li["how"] == "heard" for li in m.get("lines", []))
            ),
            None,
        ),
        within_s=150,
        what="a line that is heard",
    )
    assert spoken["view"]["status"] == "dubbing"
    assert spoken["lines"][0]["text"]
    assert spoken["view"]["lagS"] > 0
    ask(fox, type="stop", tabId=tab, now=True)
    until(lambda: ask(fox, type="state", tabId=tab)["status"] == "off", what="the end")
    # Longer than any pause of the original.
    until(lambda: np.sqrt(np.mean(fox.listen(1.5) ** 2)) > 0.005, what="the original at the sink")
    volume = "document.querySelector('#player').volume"
    until(lambda: fox.evaluate(context, volume) == 1, what="the player's own volume")
    fox.call("browsingContext.close", context=context)


def test_a_pages_subtitles_are_what_is_said_there_and_after_a_seek(
    fox: Firefox, site: Site
) -> None:
    address = site.url + NUMBERED
    context = fox.open(address)
    tab = tab_of(fox, address)
    ask(fox, type="start", tabId=tab)
    until(lambda: len(said(fox, tab)) >= 2, within_s=150, what="subtitles that are dubbed")
    before = said(fox, tab)
    assert before == list(range(before[0], before[0] + 2 * len(before), 2))
    assert viewed(fox, tab)["view"]["sourceText"]
    assert fox.evaluate(context, TRACK_MODES) == ["hidden"]
    fox.evaluate(context, "void (document.querySelector('#player').currentTime = 100)")
    until(lambda: max(said(fox, tab)) >= 100, within_s=150, what="those of the new place")
    after = [number for number in said(fox, tab) if number >= 60]
    assert after == list(range(after[0], after[0] + 2 * len(after), 2))
    assert after[0] >= 98
    ask(fox, type="stop", tabId=tab, now=True)
    until(lambda: ask(fox, type="state", tabId=tab)["status"] == "off", what="the end")
    until(lambda: fox.evaluate(context, TRACK_MODES) == ["disabled"], what="the page's own choice")
    fox.call("browsingContext.close", context=context)


def test_a_film_in_a_language_that_nothing_recognises_is_dubbed_from_its_subtitles(
    fox: Firefox,
    site: Site,
    platform: RunningServices,
    token: str,
) -> None:
    written = [text for _, parts in SPANISH * 6 for text in parts]
    pair(fox, platform, token, {}, source="auto", target="en")
    address = site.url + FILM
    context = fox.open(address)
    tab = tab_of(fox, address)
    ask(fox, type="start", tabId=tab)

    def heard() -> list[dict[str, Any]]:
        return [line for line in viewed(fox, tab).get("lines", []) if line["how"] == "heard"]

    until(lambda: len(heard()) >= 2, within_s=150, what="lines that are heard")
    lines, view = heard(), viewed(fox, tab)["view"]
    first = written.index(lines[0]["source"])
    sources = [line["source"] for line in lines]
    assert sources == written[first : first + len(sources)]
    assert all(line["text"] for line in lines)
    assert (view["sourceLanguage"], view["engines"]["recognition"]) == ("es", "source-text")
    ask(fox, type="stop", tabId=tab, now=True)
    until(lambda: ask(fox, type="state", tabId=tab)["status"] == "off", what="the end")
    fox.call("browsingContext.close", context=context)
    pair(fox, platform, token)


def test_protected_media_is_refused(fox: Firefox, site: Site) -> None:
    address = f"{site.url}/protected.html?now&play"
    context = fox.open(address)
    until(lambda: fox.evaluate(context, "document.title") == "protected", what="protection")
    state = ask(fox, type="start", tabId=tab_of(fox, address))
    assert (state["status"], state["code"]) == ("trouble", "protected")
    fox.call("browsingContext.close", context=context)
