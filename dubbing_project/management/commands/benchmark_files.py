"""How fast workers dub a file, how well its lines fit, and what memory that takes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.models import User
from accounts.services import create_user
from dubbing_project.service_urls import parse_database_url, parse_redis_url
from dubbing_project.services.context import running_services
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.runner import RunningServices
from pipeline.batch.checking import word_errors
from pipeline.bounds import KILL_S
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.projects import making, uploads
from sessions_app.projects.job_models import UNFINISHED, Job, JobState
from sessions_app.projects.models import Project
from sessions_app.projects.placed import placed_lines

PAUSE_S = 0.6
PUNCTUAL_S = 0.15
START_S = 60.0
_LOOK_S = 1.0
_ROW = re.compile(r"^\| (?P<file>\S+?\.\w+) \|.*\| (?P<said>[^|]*) \|$")


class Command(BaseCommand):
    help = (
        "Dub a file made of recordings with the built-in engines and real workers: how many times "
        "faster than it lasts, processor time, how punctual the lines are, and memory."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--minutes", type=float, default=10.0)
        parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
        parser.add_argument("--target", default="es")
        parser.add_argument(
            "--engines",
            choices=["offline", "scripted"],
            default="offline",
            help="scripted: words and sounds that cost next to nothing, for memory and queues",
        )
        default = settings.BASE_DIR.parent / "shared" / "data"
        parser.add_argument(
            "--data", type=Path, default=os.environ.get("DUBBING_SPEECH_DATA", default)
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.engines: str = options["engines"]
        content, said = speech(Path(options["data"]), minutes=options["minutes"])
        try:
            with (
                tempfile.TemporaryDirectory(prefix="dubbing-files-") as folder,
                running_services(Path(folder), stores_only=True, durable=False) as stores,
            ):
                use(stores, Path(folder))
                call_command("migrate", verbosity=0)
                user = create_user(email="files@localhost.localdomain", password=None)
                runs = {
                    count: self._measure(user, content, said, stores, Path(folder), count, options)
                    for count in options["workers"]
                }
                self._curve(runs)
                connections.close_all()
        except ServiceError as error:
            raise CommandError(str(error)) from None

    def _measure(
        self,
        user: User,
        content: bytes,
        said: str,
        stores: RunningServices,
        folder: Path,
        count: int,
        options: dict[str, Any],
    ) -> Run:
        with worker(stores, folder, count, engines=self.engines) as process:
            began = time.perf_counter()
            upload = uploads.whole(user, name="speech.flac", content=content)
            project, job = making.create_project(
                user, upload=upload, source_language="en", target_language=options["target"]
            )
            used = Used(process)
            while job.state in UNFINISHED:
                time.sleep(_LOOK_S)
                used.look()
                job.refresh_from_db()
            took_s = time.perf_counter() - began
        if job.state != JobState.DONE:
            raise CommandError(f"{job.problem}: {job.problem_text}")
        project.refresh_from_db()
        self._report(project, said, took_s, used, count)
        self._steps(job)
        project.delete()
        return Run(took_s, used.processor_s)

    def _curve(self, runs: dict[int, Run]) -> None:
        """How much faster more workers were by the clock, which others on the machine share, and
        what they took of the processors, which is theirs."""
        first = min(runs)
        for count, run in sorted(runs.items()):
            if count != first:
                self.stdout.write(
                    f"{count} workers against {first}: {runs[first].took_s / run.took_s:.2f} times "
                    f"as fast by the clock, {run.processor_s / runs[first].processor_s:.2f} times "
                    "the processor time"
                )

    def _report(self, project: Project, said: str, took_s: float, used: Used, count: int) -> None:
        length_s = project.media["duration_s"]
        lines = placed_lines(project)
        places = [one for one, _ in lines]
        late = np.array([one.late_s for one in places])
        overlaps = sum(a.end_s > b.start_s + 1e-6 for a, b in pairwise(places))
        recognised = ""
        if self.engines == "offline":
            heard = " ".join(line.source_text for line in project.lines.all())
            recognised = f"  word errors {word_errors(said, heard):.3f}\n"
        hows: dict[str, int] = {}
        for _, line in lines:
            if line.sound:
                hows[line.sound.how] = hows.get(line.sound.how, 0) + 1
        self.stdout.write(
            f"{count} worker{'s' * (count > 1)}: {length_s:.0f} s dubbed in {took_s:.0f} s, "
            f"{length_s / took_s:.2f} × real time; {used.processor_s:.0f} s of processor, "
            f"{length_s / used.processor_s:.2f} × real time on one core, "
            f"{count * length_s / used.processor_s:.2f} × on {count} of its own"
        )
        self.stdout.write(
            f"  {project.lines.count()} lines, {len(lines)} spoken, {overlaps} overlaps; "
            f"{np.mean(late <= PUNCTUAL_S):.1%} within {PUNCTUAL_S * 1000:.0f} ms of their "
            f"original's start, at most {late.max():.2f} s late; {hows}"
        )
        self.stdout.write(
            f"{recognised}  at most "
            + ", ".join(f"{name} {mb:.0f} MB" for name, mb in sorted(used.peaks_mb.items()))
            + f", together {used.all_mb:.0f} MB"
        )
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in used.by_kind().items())
        self.stdout.write(f"  processor: {spent}")

    def _steps(self, job: Job) -> None:
        """And what more workers would give: parts of one step are done at once, steps are not."""
        steps = []
        alone_s, several_s = 0.0, dict.fromkeys((2, 4, 8), 0.0)
        for step in job.options["steps"]:
            took = list(job.parts.filter(step=step).values_list("took_s", flat=True))
            spans = [one or 0.0 for one in took]
            steps.append(f"{step} {len(spans)} in {sum(spans):.0f} s")
            alone_s += sum(spans)
            for count in several_s:
                several_s[count] += finished_s(spans, count)
        self.stdout.write(f"  parts: {', '.join(steps)}")
        gains = [f"{count} workers {alone_s / spent:.2f}" for count, spent in several_s.items()]
        self.stdout.write(f"  times as fast as one, by how long the parts took: {', '.join(gains)}")


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    """Until it takes work: how long Python takes to start is another matter."""
    from celery import current_app

    until = time.monotonic() + START_S
    while not current_app.control.ping(timeout=_LOOK_S):
        if process.poll() is not None or time.monotonic() > until:
            raise CommandError("The worker did not start; see worker.log.")


@dataclass(frozen=True, slots=True)
class Run:
    took_s: float
    """By the clock."""
    processor_s: float


class Used:
    """Processor time and memory of a process and all that it starts, as far as it is seen."""

    def __init__(self, process: psutil.Process) -> None:
        self._root = process
        self._seconds: dict[tuple[int, float], float] = {}
        self._kinds: dict[tuple[int, float], str] = {}
        self._before = 0.0
        self.peaks_mb: dict[str, float] = {}
        """Kind of process → the most that one of them took."""
        self.all_mb = 0.0
        self.look()
        self._before = sum(self._seconds.values())

    def look(self) -> None:
        total_mb = 0.0
        for one in [self._root, *self._root.children(recursive=True)]:
            try:
                times, key = one.cpu_times(), (one.pid, one.create_time())
                memory_mb = one.memory_info().rss / 1e6
                kind = _kind(one)
            except psutil.Error:
                continue
            self._seconds[key] = times.user + times.system
            self._kinds[key] = kind
            total_mb += memory_mb
            self.peaks_mb[kind] = max(self.peaks_mb.get(kind, 0.0), memory_mb)
        self.all_mb = max(self.all_mb, total_mb)

    @property
    def processor_s(self) -> float:
        return sum(self._seconds.values()) - self._before

    def by_kind(self) -> dict[str, float]:
        """Kind of process → seconds of processor, its start included; the most first."""
        found: dict[str, float] = {}
        for key, seconds in self._seconds.items():
            found[self._kinds[key]] = found.get(self._kinds[key], 0.0) + seconds
        return dict(sorted(found.items(), key=lambda one: -one[1]))


def _kind(process: psutil.Process) -> str:
    command = process.cmdline()
    if "celery" in command:
        return "worker"
    if any(part.endswith("ffmpeg") for part in command[:1]):
        return "ffmpeg"
    return next(
        (part.rsplit(".", 1)[-1] for part in command if part.startswith("pipeline.")), "engine"
    )


def finished_s(spans: list[float], workers: int) -> float:
    """When the last of the parts is done, each taken by the first worker that is free."""
    free = [0.0] * workers
    for span in spans:
        free[free.index(min(free))] += span
    return max(free)


def speech(folder: Path, *, minutes: float) -> tuple[bytes, str]:
    """FLAC of read speech by several people, again and again, and what is said in it: of the
    recordings whose manifest has the words."""
    manifest = folder / "MANIFEST.md"
    if not manifest.exists():
        raise CommandError(f"There are no recordings at {folder}; name their folder with --data.")
    said = {
        found["file"]: found["said"].strip()
        for line in manifest.read_text("utf-8").splitlines()
        if (found := _ROW.match(line))
    }
    names = [
        name
        for name, text in said.items()
        if text != "-" and name.startswith(("librispeech/", "en/")) and not name.endswith(".raw")
    ]
    pieces: list[Any] = []
    texts: list[str] = []
    samples = 0
    while samples < minutes * 60 * SAMPLE_RATE_HZ:
        for name in names:
            pcm, rate_hz = soundfile.read(folder / name, dtype="int16")
            if rate_hz != SAMPLE_RATE_HZ or pcm.ndim > 1:
                continue
            pieces += [pcm, np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), np.int16)]
            texts.append(said[name])
            samples += len(pcm) + len(pieces[-1])
            if samples >= minutes * 60 * SAMPLE_RATE_HZ:
                break
    content = io.BytesIO()
    soundfile.write(content, np.concatenate(pieces), SAMPLE_RATE_HZ, format="FLAC")
    return content.getvalue(), " ".join(texts)


def use(stores: RunningServices, folder: Path) -> None:
    """Of this process: the stores, and a folder of files, that are the benchmark's own."""
    connections["default"].close()
    place = parse_database_url(stores.database_url)
    connections["default"].settings_dict.update(
        {name: place[name] for name in ("HOST", "USER", "NAME")}
    )
    from celery import current_app

    current_app.conf.update(broker_url=parse_redis_url(stores.redis_url).celery)
    layer = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    layer["hosts"] = [parse_redis_url(stores.redis_url).client]
    settings.DUBBING_VAR = folder
    # Read when the storage is first used, which is after this.
    settings.STORAGES["default"].setdefault("OPTIONS", {})["location"] = folder / "media"


@contextmanager
def worker(
    stores: RunningServices, folder: Path, count: int, *, engines: str
) -> Iterator[psutil.Process]:
    """``count`` processes of a worker that does nothing else."""
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "dubbing_project.celery"]
    command += ["worker", "--concurrency", str(count), "--loglevel", "WARNING", "--without-gossip"]
    environment = {
        **os.environ,
        **stores.environment,
        "DUBBING_VAR": str(folder),
        "DUBBING_MODELS": str(settings.DUBBING_MODELS),
        "ENGINES": engines,
    }
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(process)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(KILL_S)
