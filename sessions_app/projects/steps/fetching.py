"""``fetch``: a file is brought from its address; see ``sessions_app.projects.fetching``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sessions_app.projects.fetching import fetch
from sessions_app.projects.files import workspace
from sessions_app.projects.job_models import Job
from sessions_app.projects.running import Work
from sessions_app.projects.steps.probing import take_original


def plan(job: Job) -> Sequence[Mapping[str, Any]]:
    return [{}] if job.options.get("url") and not job.project.original else []


def do(work: Work) -> None:
    if not work.project.original:
        with workspace() as folder:
            path = folder / "fetched"
            name = fetch(work.job.options["url"], path, check=work.check)
            take_original(work, path, name=name)
    work.finish()
