"""Pictures for the stores and the documents, of the real thing at work.

python -m extension.tools.screenshots [--out var/extension/screenshots] [--data FOLDER]

Starts a private server and Chromium, dubs a page, and photographs popup, panel, options and the
captions in the page.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")

from dubbing_project.services.context import running_services
from dubbing_project.tests.test_live_end_to_end import token_of
from extension.tests.chrome import chrome
from extension.tests.conftest import PAGES, make_media
from extension.tests.measured import measure
from extension.tests.site import serving
from extension.tools import build

LINES = 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=build.ROOT / "var/extension/screenshots")
    parser.add_argument("--data", type=Path, default=build.ROOT.parent / "shared" / "data")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-pictures-") as folder,
        running_services(Path(folder) / "services", durable=False) as services,
        serving([PAGES, make_media(Path(folder), asked.data)]) as site,
        chrome() as browser,
    ):
        browser.pair(
            services.url, token_of(services, "viewer@example.org"), engines={}, overlay=True
        )
        page = browser.context.new_page()
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(f"{site.url}/two.html?play&sound=book.wav")
        tab = browser.start(page)
        measure(browser, tab, lambda found: len(found.began) >= LINES)
        page.screenshot(path=asked.out / "captions.png")
        for scheme in ("light", "dark"):
            for name, size in (("popup", (360, 680)), ("panel", (420, 800))):
                shown = browser.open(f"src/ui/{name}.html?tab={tab}")
                shown.emulate_media(color_scheme=scheme)
                shown.set_viewport_size({"width": size[0], "height": size[1]})
                shown.wait_for_selector("#captions .target")
                shown.wait_for_timeout(500)
                shown.screenshot(path=asked.out / f"{name}-{scheme}.png")
                shown.close()
            options = browser.open("src/ui/options.html")
            options.emulate_media(color_scheme=scheme)
            options.set_viewport_size({"width": 1280, "height": 800})
            options.wait_for_timeout(300)
            options.screenshot(path=asked.out / f"options-{scheme}.png")
            options.close()
        browser.stop(tab)
    sys.stdout.write(f"{asked.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
