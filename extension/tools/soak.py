"""Dubs one tab for a while and prints how memory, processor and lag go on.

python -m extension.tools.soak [--minutes 30] [--engines offline] [--data FOLDER] [--every 60]

Chromium plays real speech over and over; the server is a private one. Processor time is that of
all Chromium's processes, beside what the page alone takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")

import psutil

from dubbing_project.services.context import running_services
from dubbing_project.tests.test_live_end_to_end import token_of
from extension.tests.chrome import Chrome, chrome
from extension.tests.conftest import PAGES, make_media
from extension.tests.site import serving

BASELINE_S = 20.0
MIB = 1024 * 1024


def processes(browser: Chrome) -> list[psutil.Process]:
    profile = str(browser.folder.parent.parent / "profile")
    roots = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(profile in part for part in process.info["cmdline"] or [])
    ]
    return list(
        {p.pid: p for root in roots for p in [root, *root.children(recursive=True)]}.values()
    )


def used(browser: Chrome) -> tuple[float, float]:
    """Seconds of processor so far, and memory in MiB, each page counted once."""
    seconds = memory = 0.0
    for process in processes(browser):
        try:
            times = process.cpu_times()
            seconds += times.user + times.system
            memory += process.memory_full_info().pss / MIB
        except psutil.Error:
            continue
    return seconds, memory


def share(browser: Chrome, seconds: float) -> float:
    """Of one core, percent."""
    before, _ = used(browser)
    time.sleep(seconds)
    after, _ = used(browser)
    return (after - before) / seconds * 100


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=60, help="seconds between two lines")
    parser.add_argument("--engines", default="offline", help="as the setting ENGINES")
    parser.add_argument(
        "--data", type=Path, default=Path(__file__).resolve().parents[3] / "shared" / "data"
    )
    asked = parser.parse_args()
    say = sys.stdout.write
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-soak-") as folder,
        running_services(
            Path(folder) / "services", durable=False, environment={"ENGINES": asked.engines}
        ) as services,
        serving([PAGES, make_media(Path(folder), asked.data)]) as site,
        chrome() as browser,
    ):
        browser.pair(services.url, token_of(services, "soak@example.org"))
        page = browser.context.new_page()
        page.goto(f"{site.url}/live.html?play")
        say(f"page alone: {share(browser, BASELINE_S):.1f} % of a core\n")
        tab = browser.start(page)
        say("minute  cpu %   MiB   lag s  cues  skipped  stalls  waiting\n")
        began = time.monotonic()
        while (passed := time.monotonic() - began) < asked.minutes * 60:
            cpu = share(browser, min(asked.every, asked.minutes * 60 - passed + 1))
            found = browser.probe(tab)
            if found is None:
                say(f"ended: {browser.state(tab)}\n")
                return 1
            view, counts = found["view"], found["view"]["counts"]
            minute = (time.monotonic() - began) / 60
            say(
                f"{minute:6.1f}  {cpu:5.1f}  {used(browser)[1]:5.0f}  {view['lagS'] or 0:5.2f}  "
                f"{counts['cues']:4d}  {counts['skipped']:7d}  {counts['stalls']:6d}  "
                f"{found['waiting']:7d}\n"
            )
            sys.stdout.flush()
        browser.stop(tab)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
