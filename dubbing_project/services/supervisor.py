"""honcho's process manager, made to start again what ends and to leave nothing behind.

honcho runs each command from a small process of its own, here called its relay. Those die
with the supervisor by the kernel's hand, and each command (started through
`setpriv --pdeathsig`) with them, so even a SIGKILL of the supervisor stops everything.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import shlex
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any, TextIO

from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Process

from dubbing_project.services.errors import ServiceError
from dubbing_project.services.parent_death import die_with_parent
from pipeline.bounds import ENDS_MAX, KILL_SECONDS, LONGEST_DELAY_SECONDS

ENDS_WITHIN_SECONDS = 60.0
"""A command that ends so often within so long is not started again."""
FIRST_DELAY_SECONDS = 0.5
ROOM_BYTES = 1024 * 1024
"""Less than this is a full disk: no store starts on it."""


class Phase(IntEnum):
    STARTING = 0
    """A command that ends keeps everything from starting."""
    READY = 1
    """A command that ends is started again."""
    STOPPING = 2


class Output(Printer):  # type: ignore[misc]  # honcho is untyped
    """What cannot be written, as on a full disk, costs lines of a log and nothing else."""

    _torn = False

    def write(self, message: Any) -> None:
        try:
            if self._torn:
                # What came of the line before may be its beginning only.
                print(file=self.output)
                self._torn = False
            super().write(message)
        except OSError:
            self._torn = True


class Relay(Process):  # type: ignore[misc]  # honcho is untyped
    """The process between one command and the manager; it starts the command again."""

    phase: Any
    """The manager's word, in shared memory: read without a lock that a killed process holds."""
    pid_file: Path
    pass_fds: tuple[int, ...] = ()
    before_restart: Callable[[], object] | None = None

    def run(self, events: object = None, ignore_signals: bool = False) -> None:  # noqa: ARG002
        # Not SIG_IGN, which a command that is started later would inherit.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        parent = os.getppid()
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        self._events = events
        ends: deque[float] = deque(maxlen=ENDS_MAX)
        while True:
            returncode = self._run_once()
            ends.append(time.monotonic())
            while ends[0] < ends[-1] - ENDS_WITHIN_SECONDS:
                ends.popleft()
            if len(ends) >= ENDS_MAX and not self._has_no_room():
                break
            if not self._starts_again(returncode, len(ends)):
                break
        self._send_message({"returncode": returncode, "ends": len(ends)}, type="stop")

    def _has_no_room(self) -> bool:
        """Whether the disk is full: a store then ends until there is room, while dubbing goes
        on without it."""
        try:
            return shutil.disk_usage(self.pid_file.parent).free < ROOM_BYTES
        except OSError:
            return False

    def _run_once(self) -> int:
        """Until the command ends. It is waited for, not its output: its children hold that too."""
        child = self._child_ctor(self.cmd, env=self.env, cwd=self.cwd, pass_fds=self.pass_fds)
        # A full disk is no reason to stop what has just started.
        with contextlib.suppress(OSError):
            aside = self.pid_file.with_suffix(".new")
            aside.write_text(str(child.pid), encoding="ascii")
            aside.rename(self.pid_file)
        self._send_message({"pid": child.pid}, type="start")
        reading = threading.Thread(target=self._relay_lines, args=(child.stdout,), daemon=True)
        reading.start()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        # What it leaves behind would do its work twice. Its number is not free before wait().
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        reading.join(1)
        return int(child.wait())

    def _relay_lines(self, output: Any) -> None:
        with output:
            for line in iter(output.readline, b""):
                self._send_message(line)

    def _starts_again(self, returncode: int, ends: int) -> bool:
        if self.phase.value != Phase.READY:
            return False
        delay = min(FIRST_DELAY_SECONDS * 2 ** (ends - 1), LONGEST_DELAY_SECONDS)
        self._send_message(f"ended on its own (rc={returncode}); starts again in {delay:g} s\n")
        until = time.monotonic() + delay
        while time.monotonic() < until and self.phase.value == Phase.READY:
            time.sleep(0.05)
        if self.before_restart is not None and self.phase.value == Phase.READY:
            try:
                self.before_restart()
            except (ServiceError, OSError) as error:
                self._send_message(f"cannot start again: {error}\n")
                return False
        return bool(self.phase.value == Phase.READY)


class Supervisor(Manager):  # type: ignore[misc]  # honcho is untyped
    """Runs commands until a signal comes or one cannot be kept running, then stops them all.

    `loop()` blocks; afterwards `first_stopped` names the command that ended for good, with
    `ends` of how often it did lately; it is None when we were asked to stop. Those that
    `outlive` the others are stopped after them.
    """

    def __init__(self, output: TextIO, *, pids: Path, patience: float) -> None:
        super().__init__(Output(output))
        self._process_ctor = Relay
        self._pids = pids
        self._patience = patience
        self._phase = RawValue(ctypes.c_int, Phase.STARTING)
        self._started: Callable[[], None] | None = None
        self._signals: list[int] = []
        self._outliving: set[str] = set()
        self._stage: frozenset[str] = frozenset()
        self._deadline = 0.0
        self.first_stopped: str | None = None
        self.ends = 0

    def add(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path | None = None,
        outlive: bool = False,
        pass_fds: tuple[int, ...] = (),
        before_restart: Callable[[], object] | None = None,
    ) -> None:
        """With a log, the command's output goes there alone; the file starts empty.

        `before_restart` runs in another process; a ServiceError from it ends the attempts.
        """
        line = f"exec {shlex.join(command)}"
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
            line += f" >>{shlex.quote(str(log))} 2>&1"
        relay = self.add_process(name, line, env=dict(env))
        relay.phase = self._phase
        relay.pid_file = self._pids / name
        relay.pass_fds = pass_fds
        relay.before_restart = before_restart
        if outlive:
            self._outliving.add(name)

    def once_started(self, action: Callable[[], None]) -> None:
        """Runs the action in a thread after every process was forked, never before.

        A fork copies only the forking thread: whatever lock another one holds stays shut.
        """
        self._started = action

    def ready(self) -> None:
        """From now on a command that ends is started again."""
        if self._phase.value == Phase.STARTING:
            self._phase.value = Phase.READY

    def loop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._signals.append(number))
        self._start()
        if self._started is not None:
            threading.Thread(target=self._started, daemon=True).start()
        while self._running():
            self._take_message()
            while self._signals:
                self._obey(self._signals.pop(0))
            if self._phase.value == Phase.STOPPING:
                self._press_on()
        while self._take_message():
            pass

    def _running(self) -> frozenset[str]:
        return frozenset(name for name, entry in self._processes.items() if "ended" not in entry)

    def _take_message(self) -> bool:
        try:
            message = self.events.get(timeout=0.1)
        except queue.Empty:
            self._notice_lost_relays()
            return False
        if message.type == "line":
            self._printer.write(message)
        elif message.type == "start":
            self._processes[message.name]["pid"] = message.data["pid"]
            self._system_print(f"{message.name} started (pid={message.data['pid']})\n")
            if message.name in self._stage:
                # It started while everything was being stopped.
                self._send(signal.SIGTERM, [message.name])
        else:
            self._ended(message.name, message.data["returncode"], message.data["ends"])
        return True

    def _notice_lost_relays(self) -> None:
        """A relay that was killed tells nothing; its command has gone with it."""
        for name in self._running():
            if not self._processes[name]["process"].is_alive():
                self._ended(name, self._processes[name]["process"].exitcode, 1)

    def _ended(self, name: str, returncode: int, ends: int) -> None:
        self._processes[name]["ended"] = True
        self._system_print(f"{name} stopped (rc={returncode})\n")
        if self._phase.value != Phase.STOPPING:
            self.first_stopped, self.ends = name, ends
            self._phase.value = Phase.STOPPING

    def _obey(self, number: int) -> None:
        self._system_print(f"{signal.Signals(number).name} received\n")
        if self._phase.value == Phase.STOPPING:
            # Asked again: whoever takes its time hears that too.
            self._send(signal.SIGTERM, self._stage)
        self._phase.value = Phase.STOPPING

    def _press_on(self) -> None:
        """Stops one stage after the other: first whoever uses the stores, then the stores."""
        running = self._running()
        stage = (running - self._outliving) or running
        if not stage & self._stage:
            self._stage = stage
            patience = self._patience if stage - self._outliving else 0.0
            self._deadline = time.monotonic() + patience + KILL_SECONDS
            self._send(signal.SIGTERM, stage)
        elif time.monotonic() > self._deadline:
            self._send(signal.SIGKILL, stage)

    def _send(self, number: signal.Signals, names: Sequence[str] | frozenset[str]) -> None:
        for name in self._running().intersection(names):
            pid = self._processes[name].get("pid")
            # One that has not told its number yet is told when it does.
            if pid is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, number)
