"""The steps of jobs: what each part of one does, and how a step is cut into parts.

A job names its steps; a step whose plan is empty is passed over.
"""

from __future__ import annotations

from collections.abc import Callable

from sessions_app.projects.jobs import PLANS
from sessions_app.projects.running import Work
from sessions_app.projects.steps import (
    casting,
    fetching,
    hearing,
    mixing,
    probing,
    relistening,
    speaking,
    writing,
)

STEPS: dict[str, Callable[[Work], None]] = {
    "fetch": fetching.do,
    "probe": probing.do,
    "recognise": hearing.do,
    "speakers": casting.do,
    "speak": speaking.do,
    "check": relistening.do,
    "mix": mixing.do,
    "mux": writing.do,
    "export": writing.do,
}
PLANS.update(
    fetch=fetching.plan,
    probe=probing.plan,
    recognise=hearing.plan,
    speakers=casting.plan,
    speak=speaking.plan,
    check=relistening.plan,
    mix=mixing.plan,
    mux=writing.plan_video,
    export=writing.plan,
)
DUB = ("probe", "recognise", "speakers", "speak", "mix", "mux")
"""Steps of a new file; ``fetch`` goes before where it comes from an address."""
REDUB = ("speak", "mix")
CHECK = ("check",)
EXPORT = ("export",)
