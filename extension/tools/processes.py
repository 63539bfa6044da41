"""A browser's processes by what they are for, and what each has taken of processor and memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MIB = 1024 * 1024
EXTENSION = "extension"
"""The extension's own renderer: its offscreen document with the audio graph, its worker, popup."""
Amounts = defaultdict[str, float]
_UTILITIES = {"AudioService": "audio", "NetworkService": "network"}


def role_of(command: str) -> str:
    """What a Chromium process is for, by its command line."""
    if "--type=" not in command:
        return "browser"
    if "--type=renderer" in command:
        return EXTENSION if "--extension-process" in command else "page"
    for service, role in _UTILITIES.items():
        if f".{service}" in command:
            return role
    return "other"


@dataclass
class Used:
    """Of each role: seconds of processor so far, and MiB of memory now."""

    seconds: Amounts = field(default_factory=lambda: defaultdict(float))
    resident: Amounts = field(default_factory=lambda: defaultdict(float))
    """With what is shared with other processes."""
    proportional: Amounts = field(default_factory=lambda: defaultdict(float))
    """Each page counted once: divided by how many processes share it."""


class Processes:
    """Those of the browser with one profile. Seconds of a process that has ended still count."""

    def __init__(self, profile: Path) -> None:
        self._profile = str(profile)
        self._seconds: dict[tuple[int, float], tuple[str, float]] = {}

    def used(self) -> Used:
        found = Used()
        for process in self._running():
            try:
                key = (process.pid, process.create_time())
                role = role_of(" ".join(process.cmdline()))
                times, memory = process.cpu_times(), process.memory_full_info()
            except psutil.Error:
                continue
            self._seconds[key] = (role, times.user + times.system)
            found.resident[role] += memory.rss / MIB
            found.proportional[role] += memory.pss / MIB
        for role, seconds in self._seconds.values():
            found.seconds[role] += seconds
        return found

    def _running(self) -> list[psutil.Process]:
        roots = [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(self._profile in part for part in process.info["cmdline"] or [])
        ]
        children = [child for root in roots for child in _children(root)]
        return list({process.pid: process for process in [*roots, *children]}.values())


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
