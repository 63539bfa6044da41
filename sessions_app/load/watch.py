"""Processor time and memory of the server's processes, by what they are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import psutil

WEB = "dubbing_project.services.web"
_ROLES = (
    (WEB, "web"),
    ("celery", "worker"),
    ("redis-server", "redis"),
    ("postgres", "postgres"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the processes had used at one moment of the monotonic clock."""

    at_s: float
    cpu_s: dict[str, float] = field(default_factory=dict)
    """Name → processor time since its start, seconds; of those that left too."""
    rss_mb: dict[str, float] = field(default_factory=dict)
    """Name → resident memory, MB; of names with several processes without what they share."""
    machine_busy_s: float = 0.0
    """Processor time of everything on this machine."""


class ProcessWatch:
    """Everything below one process. Web processes stand alone, others are one sum each.

    What the web processes start are the engines.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._names: dict[psutil.Process, str] = {}
        self._cpu_s: dict[psutil.Process, float] = {}
        self.web: list[int] = []
        """Process ids of the web processes, in the order they were found."""

    def sample(self) -> Sample:
        at_s = time.monotonic()
        rss_mb: dict[str, float] = {}
        for process in [self._root, *self._root.children(recursive=True)]:
            try:
                name = self._name(process)
                with process.oneshot():
                    used = process.cpu_times()
                    memory = process.memory_info()
                    resident = memory.rss if name.startswith("web") else memory.rss - memory.shared
            except psutil.Error:
                continue  # it left while we looked
            self._cpu_s[process] = used.user + used.system
            rss_mb[name] = rss_mb.get(name, 0.0) + resident / 1e6
        cpu_s: dict[str, float] = {}
        for process, seconds in self._cpu_s.items():
            name = self._names[process]
            cpu_s[name] = cpu_s.get(name, 0.0) + seconds
        return Sample(at_s, cpu_s, rss_mb, _machine_busy_s())

    def _name(self, process: psutil.Process) -> str:
        name = self._names.get(process)
        if name is None:
            name = self._names[process] = self._found(process)
        return name

    def _found(self, process: psutil.Process) -> str:
        if process.ppid() in self.web:
            return "engines"
        command = process.cmdline()
        said = " ".join(part for part in command[:4] if not part.startswith("/bin/sh"))
        role = next((role for sign, role in _ROLES if sign in said), "supervisor")
        if role == "web" and WEB in command:
            self.web.append(process.pid)
            return role if len(self.web) == 1 else f"{role} {len(self.web)}"
        return "supervisor" if role == "web" else role


def _machine_busy_s() -> float:
    times = psutil.cpu_times()
    busy_s: float = times.user + times.nice + times.system + times.irq + times.softirq
    return busy_s
