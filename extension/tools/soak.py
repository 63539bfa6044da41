"""Dubs one tab for a while and prints, minute by minute, how lag, memory and processor go on.

python -m extension.tools.soak [--minutes 30] [--engines offline] [--data FOLDER] [--every 60]

Chromium plays real speech over and over; the server is a private one. The sound is measured in
the extension's own graph: how far each cue's middle is behind the middle of what it dubs, cues
that began more than 60 ms after they could, and breaks inside cues. Processor time is in seconds
a minute, of the extension's own renderer and of all Chromium beside what the page alone takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")

from dubbing_project.services.context import running_services
from dubbing_project.tests.test_live_end_to_end import token_of
from extension.tests.chrome import Chrome, chrome
from extension.tests.conftest import PAGES, make_media
from extension.tests.measured import Measured
from extension.tests.site import serving
from extension.tools.heaps import ARGUMENT, Heaps, heaps
from extension.tools.processes import EXTENSION, Processes, Used

BASELINE_S = 30.0
ONSET_S = 0.06
HEADS = (
    *("minute", "ext s/min", "all s/min", "all %", "ext MiB", "all MiB", "offscreen", "worker"),
    *("audio", "lag s", "max", "cues", "late", "broken", "dropped", "skipped", "waiting"),
)
"""Of the lines that are printed; ``offscreen``, ``worker`` and ``audio`` are heaps in MiB."""


@dataclass
class Minute:
    at: float
    """Minutes since the beginning."""
    extension_s: float
    all_s: float
    """Seconds of processor a minute."""
    extension_mib: float
    """Resident."""
    all_mib: float
    heap: dict[str, float]
    lags_s: list[float]
    cues: int
    late: int
    broken: int
    dropped: int
    skipped: int
    waiting: int

    def __str__(self) -> str:
        sizes = (self.heap.get(name) for name in ("offscreen", "worker", "audio"))
        lags = (median(self.lags_s), max(self.lags_s)) if self.lags_s else (None, None)
        counts = (self.cues, self.late, self.broken, self.dropped, self.skipped, self.waiting)
        return row(
            f"{self.at:.1f}",
            *(f"{figure:.1f}" for figure in (self.extension_s, self.all_s, self.all_s / 0.6)),
            *(f"{figure:.0f}" for figure in (self.extension_mib, self.all_mib)),
            *("–" if figure is None else f"{figure:.2f}" for figure in (*sizes, *lags)),
            *map(str, counts),
        )


def row(*cells: str) -> str:
    return " ".join(cell.rjust(max(5, len(head))) for cell, head in zip(cells, HEADS, strict=True))


@dataclass
class Soak:
    browser: Chrome
    tab: int
    processes: Processes
    heap: Heaps
    began: float = field(default_factory=time.monotonic)
    found: Measured = field(default_factory=Measured)
    done: int = 0
    """Cues and what was dropped and skipped, as of the minute before."""
    gone: int = 0
    left_out: int = 0
    ended: set[int] = field(default_factory=set)

    def next(self, seconds: float) -> Minute | None:
        """None when the dub has ended by itself."""
        before, since = self.processes.used(), time.monotonic()
        time.sleep(seconds)
        after, lasted = self.processes.used(), time.monotonic() - since
        probe = self.browser.probe(self.tab)
        if probe is None:
            return None
        self.found.take(probe)
        fresh = self.found.ended.keys() - self.ended
        self.ended |= fresh
        dropped, skipped = len(self.found.dropped), int(probe["view"]["counts"]["skipped"])
        minute = Minute(
            at=(time.monotonic() - self.began) / 60,
            extension_s=_spent(before, after, lasted, EXTENSION),
            all_s=_spent(before, after, lasted),
            extension_mib=after.resident[EXTENSION],
            all_mib=sum(after.proportional.values()),
            heap=self.heap.sizes(),
            lags_s=[lag for number in fresh if (lag := self._lag_s(number)) is not None],
            cues=len(fresh),
            late=sum(self._is_late(number) for number in fresh),
            broken=sum(self.found.ended[number]["gaps"] > 0 for number in fresh),
            dropped=dropped - self.gone,
            skipped=skipped - self.left_out,
            waiting=self.found.waiting,
        )
        self.gone, self.left_out = dropped, skipped
        return minute

    def _lag_s(self, number: int) -> float | None:
        """From the middle of what was said to the middle of its cue, as it was heard."""
        began, ended = self.found.began.get(number), self.found.ended[number]
        line = next((li for li in self.found.lines if li["line"] == ended.get("line")), None)
        if began is None or line is None:
            return None
        heard = (began["frame"] + ended["frame"]) / 2 / self.found.rate - self.found.zero_s
        return float(heard - (line["startS"] + line["endS"]) / 2)

    def _is_late(self, number: int) -> bool:
        began = self.found.began.get(number)
        after = self.found.ended.get(number - 1)
        return began is not None and self.found.off_s(began, after=after) > ONSET_S


def _spent(before: Used, after: Used, lasted_s: float, role: str | None = None) -> float:
    """Seconds of processor a minute."""
    roles = [role] if role else list(after.seconds)
    return sum(after.seconds[one] - before.seconds[one] for one in roles) / lasted_s * 60


def summary(minutes: list[Minute]) -> str:
    """The first and the last third, side by side."""
    third = max(1, len(minutes) // 3)

    def both(name: str, values: list[float | None]) -> str:
        ends = [[v for v in part if v is not None] for part in (values[:third], values[-third:])]
        first, last = (f"{fmean(part):.2f}" if part else "–" for part in ends)
        return f"  {name}: {first} in the first third, {last} in the last\n"

    cues = sum(one.cues for one in minutes)
    return "".join(
        [
            both("processor of all Chromium, % of a core", [one.all_s / 0.6 for one in minutes]),
            both("processor of the extension, % of a core", [m.extension_s / 0.6 for m in minutes]),
            both("memory of the extension, MiB", [one.extension_mib for one in minutes]),
            both("memory of all Chromium, MiB", [one.all_mib for one in minutes]),
            both("heap of the offscreen document, MiB", [m.heap.get("offscreen") for m in minutes]),
            both("heap of the worker, MiB", [one.heap.get("worker") for one in minutes]),
            both("lag, s", [median(m.lags_s) if m.lags_s else None for m in minutes]),
            f"  {cues} cues, {sum(m.late for m in minutes)} late, "
            f"{sum(m.broken for m in minutes)} broken, {sum(m.dropped for m in minutes)} dropped, "
            f"{sum(m.skipped for m in minutes)} lines skipped\n",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
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
        chrome(arguments=(ARGUMENT,)) as browser,
        heaps(browser.profile, browser.id) as heap,
    ):
        browser.pair(services.url, token_of(services, "soak@example.org"), engines={})
        page = browser.context.new_page()
        page.goto(f"{site.url}/live.html?play&sound=live.wav%3Fbook.wav")
        processes = Processes(browser.profile)
        before = processes.used()
        time.sleep(BASELINE_S)
        alone = _spent(before, processes.used(), BASELINE_S)
        say(f"page alone: {alone:.1f} s/min, {alone / 0.6:.1f} % of a core\n{row(*HEADS)}\n")
        tab = browser.start(page)
        browser.probe(tab, on=True, levels=False)
        soak = Soak(browser, tab, processes, heap)
        minutes: list[Minute] = []
        while (left := asked.minutes * 60 - (time.monotonic() - soak.began)) > 1:
            minute = soak.next(min(asked.every, left))
            if minute is None:
                say(f"ended: {browser.state(tab)}\n")
                return 1
            minutes.append(minute)
            say(f"{minute}\n")
            sys.stdout.flush()
        browser.stop(tab)
        say(summary(minutes))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
