"""honcho's process manager, made to leave nothing behind however it ends.

honcho runs each command from a small process of its own. Those die with the supervisor by
the kernel's hand, and each command (started through `setpriv --pdeathsig`) with them, so
even a SIGKILL of the supervisor stops everything.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Process

from dubbing_project.services.parent_death import die_with_parent


class DyingWithParent(Process):  # type: ignore[misc]
    """honcho's relay between one command and the manager."""

    def run(self, events: object = None, ignore_signals: bool = False) -> None:
        parent = os.getppid()
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        super().run(events, ignore_signals)


class Supervisor(Manager):  # type: ignore[misc]
    """Runs commands until one of them ends or a signal comes, then stops them all.

    `loop()` blocks; afterwards `first_stopped` names the command that ended on its own, and
    is None when we were asked to stop.
    """

    def __init__(self, output: TextIO) -> None:
        super().__init__(Printer(output))
        self._process_ctor = DyingWithParent
        self._started: Callable[[], None] | None = None
        self.first_stopped: str | None = None

    def add(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path | None = None,
    ) -> None:
        """With a log, the command's output goes there alone; the file starts empty."""
        line = f"exec {shlex.join(command)}"
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            line += f" >{shlex.quote(str(log))} 2>&1"
        self.add_process(name, line, env=dict(env))

    def once_started(self, action: Callable[[], None]) -> None:
        """Runs the action in a thread after every process was forked, never before.

        A fork copies only the forking thread: whatever lock another one holds stays shut.
        """
        self._started = action

    def _start(self) -> None:
        super()._start()
        if self._started is not None:
            threading.Thread(target=self._started, daemon=True).start()

    def terminate(self) -> None:
        if not self._terminating and self.returncode not in (130, 143):
            ended = [name for name, entry in self._processes.items() if "returncode" in entry]
            self.first_stopped = ended[0] if ended else None
        super().terminate()

    def _killall(self, force: bool = False) -> None:
        # A signal may come before a process has told its id; honcho's own loop would fail
        # on that. It kills whatever still runs five seconds after the first one ended.
        for entry in self._processes.values():
            if "pid" in entry and "returncode" not in entry:
                stop = self._procmgr.kill if force else self._procmgr.terminate
                stop(entry["pid"])
