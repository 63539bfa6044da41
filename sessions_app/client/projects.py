"""Projects: a file is uploaded, dubbed, corrected, dubbed again and exported."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from . import shapes
from .transport import Transport

_LOOK_S = 1.0


class ProjectMethods(Transport):
    def upload(self, path: Path) -> shapes.Upload:
        """Send a file, piece by piece. Raises OSError where it cannot be read."""
        size = path.stat().st_size
        body = {"name": path.name, "size_bytes": size}
        upload = cast(shapes.Upload, self._create("/api/uploads", body))
        with path.open("rb") as file:
            while upload["offset"] < size:
                file.seek(upload["offset"])
                sent = self.request(
                    "PATCH",
                    f"/api/uploads/{upload['id']}",
                    content=file.read(upload["piece_max_bytes"]),
                    headers={
                        "Content-Type": "application/octet-stream",
                        "Upload-Offset": str(upload["offset"]),
                    },
                )
                upload = cast(shapes.Upload, sent.json())
        return upload

    def projects(self, **filters: str) -> Iterator[shapes.Project]:
        return cast("Iterator[shapes.Project]", self._pages("/api/projects", filters))

    def project(self, project_id: str) -> shapes.Project:
        return cast(shapes.Project, self._get(f"/api/projects/{project_id}"))

    def create_project(
        self, target_language: str | None = None, **fields: Any
    ) -> shapes.MadeProject:
        """Of one of ``upload``, ``url`` and ``session``; further fields as the interface says."""
        body = {"target_language": target_language, **fields}
        return cast(shapes.MadeProject, self._create("/api/projects", body))

    def delete_project(self, project_id: str) -> None:
        self.request("DELETE", f"/api/projects/{project_id}")

    def project_lines(self, project_id: str) -> Iterator[shapes.LineOfProject]:
        path = f"/api/projects/{project_id}/lines"
        return cast("Iterator[shapes.LineOfProject]", self._pages(path))

    def project_overview(self, project_id: str) -> Iterator[shapes.LineOverview]:
        """A little of every line: many times faster than the lines."""
        path = f"/api/projects/{project_id}/lines/overview"
        return cast("Iterator[shapes.LineOverview]", self._pages(path))

    def edit_project_line(
        self, project_id: str, number: int, **changes: Any
    ) -> shapes.LineOfProject:
        path = f"/api/projects/{project_id}/lines/{number}"
        return cast(shapes.LineOfProject, self._edit(path, changes))

    def undo_line(self, project_id: str, number: int) -> shapes.LineOfProject:
        path = f"/api/projects/{project_id}/lines/{number}/undo"
        return cast(shapes.LineOfProject, self.request("POST", path).json())

    def line_sound(self, project_id: str, number: int) -> bytes:
        """FLAC."""
        return self.request("GET", f"/api/projects/{project_id}/lines/{number}/audio").content

    def dub_project(self, project_id: str) -> shapes.Job:
        """Speak what is stale."""
        return cast(shapes.Job, self.request("POST", f"/api/projects/{project_id}/dub").json())

    def job(self, job_id: str) -> shapes.Job:
        return cast(shapes.Job, self._get(f"/api/jobs/{job_id}"))

    def cancel_job(self, job_id: str) -> shapes.Job:
        return cast(shapes.Job, self.request("POST", f"/api/jobs/{job_id}/cancel").json())

    def retry_job(self, job_id: str) -> shapes.Job:
        return cast(shapes.Job, self.request("POST", f"/api/jobs/{job_id}/retry").json())

    def wait_for_job(
        self,
        job_id: str,
        *,
        timeout_s: float = 3600.0,
        on_progress: Callable[[shapes.Job], None] = lambda _: None,
    ) -> shapes.Job:
        """The job once it has ended, however. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while (job := self.job(job_id))["state"] in {"waiting", "running"}:
            if time.monotonic() > until:
                raise TimeoutError(f"the job has not ended in {timeout_s:g} seconds")
            on_progress(job)
            time.sleep(_LOOK_S)
        return job

    def create_export(self, project_id: str, form: str, *, text: str = "target") -> shapes.Export:
        body = {"form": form, "text": text}
        return cast(shapes.Export, self._create(f"/api/projects/{project_id}/exports", body))

    def exported(self, export_id: str) -> bytes:
        """The file, once its job is done."""
        return self.request("GET", f"/api/exports/{export_id}/file").content
