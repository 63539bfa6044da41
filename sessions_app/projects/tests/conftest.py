"""People, files and a worker of the test's own for the tests of projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.db import connections

from accounts.models import User
from accounts.orm_thread import close_orm_threads
from accounts.services import create_user
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.projects import making, uploads, worker_loop
from sessions_app.projects.job_models import Job, JobPart, JobState, PartState
from sessions_app.projects.models import Project
from sessions_app.projects.running import work

Drain = Callable[[Job], Job]


@pytest.fixture
def ana(transactional_db: None) -> User:
    return create_user(email="ana@example.org", password=None)


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Path:
    """Of the test's own."""
    folder = tmp_path / "media"
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder},
    }
    settings.STORAGES = {**settings.STORAGES, "default": local}
    settings.DUBBING_VAR = tmp_path
    return folder


@pytest.fixture
def scripted(settings: Any) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"


@pytest.fixture
def drain(transactional_db: None) -> Iterator[Drain]:
    """Does what the workers would until the job has ended, in this process."""

    def drained(job: Job) -> Job:
        for _ in range(1000):
            job.refresh_from_db()
            waiting = JobPart.objects.filter(job=job, state=PartState.WAITING).first()
            if job.state != JobState.RUNNING or waiting is None:
                return job
            work(waiting.pk)
        raise AssertionError("the job does not end")

    yield drained
    worker_loop.close()
    close_orm_threads()
    connections.close_all()


def talk(*names: str, folder: Path, pause_s: float = 0.6) -> Pcm:
    """Recordings one after the other."""
    pause = np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.int16)
    pieces = []
    for name in names:
        pieces += [soundfile.read(folder / name, dtype="int16")[0], pause]
    return np.concatenate(pieces)


def dubbed(
    owner: User, content: bytes, drain: Drain, *, name: str = "talk.wav", **options: Any
) -> tuple[Project, Job]:
    upload = uploads.whole(owner, name=name, content=content)
    options = {"source_language": "en", "target_language": "es", **options}
    project, job = making.create_project(owner, upload=upload, **options)
    job = drain(job)
    project.refresh_from_db()
    return project, job
