"""One load test against a server that is up: plan, clients, samples, figures."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions_app.load import figures, schedule
from sessions_app.load.fleet import Fleet, running_fleet
from sessions_app.load.messages import ClientsPlan
from sessions_app.load.profile import Profile, ProfileError
from sessions_app.load.session import CLOSE_S, FINISH_S, OPEN_S, READY_S
from sessions_app.load.watch import ProcessWatch, Sample

SERIES_S = 10.0
TICK_S = 0.25
IDLE_S = 3.0
"""How long the server is watched before the first session."""
CLIENTS_START_S = 3.0
"""Until the client processes have imported what they need and read their plans."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTest:
    """What to do. Durations in seconds."""

    server: str
    """Like ``ws://127.0.0.1:8000``."""
    token: str
    sessions: int
    seconds: float
    ramp_s: float
    processes: int
    folder: Path
    """Where the clients' log and the profile go."""
    engines: str
    engines_take: figures.EnginesTake | None = None
    """None: not known, overhead is not told."""
    pid: int | None = None
    """Process above all of the server's; None: not of this machine, not watched."""
    clip: Path | None = None
    """Recording to send; None: tones."""
    source_language: str = "en"
    target_language: str = "es"
    overload: bool = False
    profile_s: int = 0


class LoadTestError(Exception):
    """The test cannot be run; the text says why."""


def run(test: LoadTest, say: Say) -> dict[str, Any]:
    """Blocks until all sessions have ended. Raises LoadTestError."""
    return _Run(test, say).run()


class _Run:
    def __init__(self, test: LoadTest, say: Say) -> None:
        self._test = test
        self._say = say
        self._watch = ProcessWatch(test.pid) if test.pid else None
        if test.profile_s and not (self._watch and self._watch.sample() and self._watch.web):
            raise LoadTestError("--profile needs a server that this command started itself")
        self._profile: Profile | None = None
        self._profile_text = ""

    def run(self) -> dict[str, Any]:
        test = self._test
        load_before = os.getloadavg()
        resting = self._sample()
        if resting:
            time.sleep(IDLE_S)
        idle = (resting, self._sample())
        start_s = time.monotonic() + CLIENTS_START_S
        make = schedule.overloaded if test.overload else schedule.steady
        plan = make(test.sessions, seconds=test.seconds, ramp_s=test.ramp_s, start_s=start_s)
        gathered = figures.Figures(plan.phases, start_s=start_s, engines=test.engines_take)
        busy: list[Sample] = []
        try:
            with running_fleet(self._plans(plan), test.folder / "clients.log") as fleet:
                clients = self._follow(fleet, plan, gathered, start_s, busy)
                if fleet.broken:
                    log = test.folder / "clients.log"
                    raise LoadTestError(f"a client process failed; see {log}")
        finally:
            if self._profile is not None:
                self._profile.stop()
        made = gathered.result() | {
            "asked": {
                "engines": test.engines,
                "sessions": test.sessions,
                "seconds": test.seconds,
                "ramp_s": test.ramp_s,
                "overload": test.overload,
            },
            "machine": {
                "cores": os.cpu_count(),
                "load_before": [round(value, 2) for value in load_before],
                "load_after": [round(value, 2) for value in os.getloadavg()],
            },
            "clients": clients,
            "processes": {},
            "profile": self._profile_text,
        }
        if idle[0] and idle[1] and len(busy) > 1:
            sessions = plan.phases[0].sessions
            others = figures.cores_of_others(busy[0], busy[-1], clients["cores"])
            made["machine"]["cores_of_others"] = others
            made["processes"] = figures.usage((idle[0], idle[1]), (busy[0], busy[-1]), sessions)
        made["sessions_per_core"] = _sessions_per_core(made["processes"])
        return made

    def _plans(self, plan: schedule.Schedule) -> list[ClientsPlan]:
        test = self._test
        shares = [plan.sessions[part :: test.processes] for part in range(test.processes)]
        return [
            ClientsPlan(
                server=test.server,
                token=test.token,
                clip=str(test.clip) if test.clip else None,
                source_language=test.source_language,
                target_language=test.target_language,
                sessions=list(share),
            )
            for share in shares
            if share
        ]

    def _follow(
        self,
        fleet: Fleet,
        plan: schedule.Schedule,
        gathered: figures.Figures,
        start_s: float,
        busy: list[Sample],
    ) -> dict[str, Any]:
        """Until the clients have left; ``busy`` gets samples of the first phase."""
        first = plan.phases[0]
        deadline = start_s + plan.end_s + OPEN_S + READY_S + FINISH_S + CLOSE_S
        next_point_s = start_s + SERIES_S
        beats = gathered.beats()
        clients: dict[str, Any] = {}
        while not fleet.over:
            time.sleep(TICK_S)
            gathered.take(fleet.take())
            now = time.monotonic()
            since_s = now - start_s
            if not busy and first.begin_s <= since_s < first.end_s:
                busy += filter(None, [self._sample()])
                beats = gathered.beats()
                self._begin_profile()
            if busy and not clients and since_s >= first.end_s:
                busy += filter(None, [self._sample()])
                clients = gathered.clients(beats)
            if now >= next_point_s:
                next_point_s += SERIES_S
                point = gathered.end_interval(self._sample())
                if not math.floor(point["at_s"] + 0.5) % 60:
                    self._say(_in_words(point))
            self._end_profile()
            if now > deadline:
                raise LoadTestError("the sessions did not end in time")
        gathered.take(fleet.take())
        return clients or gathered.clients(beats)

    def _begin_profile(self) -> None:
        if self._test.profile_s and self._watch:
            file = self._test.folder / "profile.txt"
            seconds = self._test.profile_s
            self._profile = Profile(self._watch.web[0], seconds=seconds, file=file)

    def _end_profile(self) -> None:
        if self._profile is None or self._profile.running:
            return
        profile, self._profile = self._profile, None
        try:
            self._profile_text = profile.finish()
        except ProfileError as error:
            self._profile_text = str(error)

    def _sample(self) -> Sample | None:
        return self._watch.sample() if self._watch else None


def _sessions_per_core(processes: dict[str, dict[str, float]]) -> float | None:
    """By what the web processes take of a core for each session."""
    each = sum(
        used["cores_per_session"] for name, used in processes.items() if name.startswith("web")
    )
    return round(1 / each, 1) if each > 0 else None


def _in_words(point: dict[str, Any]) -> str:
    rss = "  ".join(f"{name} {mb:.0f} MB" for name, mb in point["rss_mb"].items())
    lag_s = (point["lag_p50_ms"] or 0) / 1000
    return (
        f"{point['at_s'] / 60:4.0f} min  {point['sessions']} sessions  {point['lines']} lines  "
        f"lag {lag_s:.2f} s  backlog {point['backlog_p50_s'] or 0:.2f} s  "
        f"skipped {point['skipped']}  {rss}"
    )
