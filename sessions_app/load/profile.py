"""Where a running Python process spends its time: py-spy's record, summed up as text."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

RATE_HZ = 200
MARGIN_S = 30.0
INSTALL = (
    "py-spy is not installed: run `.venv/bin/pip install py-spy` "
    "(it is in requirements/test.txt), as a user who may trace the server's processes."
)


class ProfileError(Exception):
    """The profile cannot be made; the text says what to do."""


def find_py_spy() -> str:
    """The program's path; raises ProfileError."""
    beside = Path(sys.executable).parent / "py-spy"
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise ProfileError(INSTALL)
    return found


class Profile:
    """A recording under way. The process is sampled while it runs on, not halted."""

    def __init__(self, pid: int, *, seconds: int, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        self._file = file
        self._seconds = seconds
        command = [find_py_spy(), "record", "--pid", str(pid), "--duration", str(seconds)]
        command += ["--rate", str(RATE_HZ), "--format", "raw", "--function", "--nonblocking"]
        self._recorder = subprocess.Popen(
            [*command, "--output", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self._recorder.poll() is None

    def finish(self) -> str:
        """Waits for the recording's end and sums it up. Raises ProfileError."""
        try:
            _, said = self._recorder.communicate(timeout=self._seconds + MARGIN_S)
        except subprocess.TimeoutExpired:
            self.stop()
            raise ProfileError("py-spy did not end") from None
        if self._recorder.returncode or not self._file.exists():
            raise ProfileError(f"py-spy could not record: {said.strip()[-500:]}")
        return summarise(self._file.read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self._recorder.poll() is None:
            self._recorder.kill()
            self._recorder.communicate(timeout=MARGIN_S)


def summarise(raw: str, *, top: int = 30) -> str:
    """Shares by function: of its own, and with all it calls. ``raw`` is py-spy's format."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not count.isdigit() or not frames[-1]:
            continue
        own[frames[-1]] += int(count)
        whole.update(dict.fromkeys(frames, int(count)))
    total = sum(own.values())
    if not total:
        return "The process did nothing while it was watched."
    lines = [f"{total} samples at work"]
    for title, shares in (("by itself", own), ("with what it calls", whole)):
        lines += ["", f"  share  {title}"]
        lines += [f"{100 * n / total:6.1f}%  {name}" for name, n in shares.most_common(top)]
    return "\n".join(lines)
