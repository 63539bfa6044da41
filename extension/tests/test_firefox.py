"""Firefox: the page's own player is heard in the page, by the same modules."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dubbing_project.services.runner import RunningServices
from extension.tests.chrome import until
from extension.tests.firefox import Firefox, firefox
from extension.tests.site import Site


@pytest.fixture(scope="module")
def fox(quick: RunningServices, token: str) -> Iterator[Firefox]:
    for program in ("firefox-esr", "pulseaudio", "parec"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; Debian's package of it is needed")
    with firefox(["http://127.0.0.1/*"]) as running:
        account = {"server": quick.url, "token": token, "name": "viewer", "pairedAt": 0}
        settings = {"server": quick.url, "targetLanguage": "es", "sourceLanguage": "en"}
        stored = json.dumps({"account": account, "settings": settings})
        running.run(f"browser.storage.local.set({stored})")
        yield running


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
    heard = fox.listen(4.0)
    assert np.sqrt(np.mean(heard**2)) > 0.005, "the original is not heard after the dub"
    volume = "document.querySelector('#player').volume"
    until(lambda: fox.evaluate(context, volume) == 1, what="the player's own volume")
    fox.call("browsingContext.close", context=context)


def test_protected_media_is_refused(fox: Firefox, site: Site) -> None:
    address = f"{site.url}/protected.html?now&play"
    context = fox.open(address)
    until(lambda: fox.evaluate(context, "document.title") == "protected", what="protection")
    state = ask(fox, type="start", tabId=tab_of(fox, address))
    assert (state["status"], state["code"]) == ("trouble", "protected")
    fox.call("browsingContext.close", context=context)
