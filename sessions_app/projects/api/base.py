"""What the views of projects share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from rest_framework.exceptions import NotFound

from accounts.rest.problem_codes import EXPLAINED, IN_RECORDS, Explained
from accounts.rest.problems import Problem
from accounts.rest.row_waits import bound_row_waits
from accounts.rest.views import Api
from sessions_app.projects import selectors
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.models import Project, ProjectLine

READ, WRITE = "read:projects", "write:projects"
CODES = {
    "media_unreadable": Explained(
        415, "This is no audio or video file", "`detail` says what was found; send the media file."
    ),
    "media_too_large": Explained(
        413, "The file is too large", "`detail` says how large it may be."
    ),
    "media_without_video": Explained(
        409, "The original has no picture", "Export a track instead of a video."
    ),
    "piece_too_large": Explained(413, "The piece is too large", "Send smaller pieces."),
    "upload_offset_wrong": Explained(
        409, "The piece is not the next one", "Read the upload's `offset` and go on there."
    ),
    "upload_unfinished": Explained(
        409, "The upload is not complete", "Send the rest of the file first."
    ),
    "project_busy": Explained(
        409, "Another job of the project is under way", "Wait for it, or cancel it."
    ),
    "job_ended": Explained(409, "The job has ended", "`detail` says how; start a new one."),
    "not_dubbed": Explained(
        409, "There is no dub yet", "Give the project its original and dub it first."
    ),
    "original_there": Explained(
        409, "The project has its original", "Make another project for another file."
    ),
    "nothing_said": Explained(409, "There are no lines", "`detail` says why."),
    "nothing_to_undo": Explained(409, "There is nothing to take back", "`detail` says why."),
    "not_written": Explained(
        409, "The file is not written yet", "Wait until the job of the export is done."
    ),
    "voice_withdrawn": Explained(
        409,
        "It has a voice whose consent has ended",
        "Dub the project again: those lines are spoken in another voice.",
    ),
    "too_many_streams": Explained(
        503, "Too many event streams are open", "Read the job itself every few seconds."
    ),
}

OF_JOBS = {
    "address_invalid": "The address is none that a file can be fetched from; check it.",
    "address_private": "The address leads into a private network; upload the file instead.",
    "export_gone": "The file was deleted before it was written; ask for a new one.",
    "fetch_failed": "The address does not give the file: `problem_text` says what came.",
    "name_unresolved": "The address's host is not known; check it.",
    "nothing_left_today": "The file is longer than what may be dubbed today; try tomorrow.",
    "part_too_slow": "A part of the file took too long; retry the job.",
    "too_many_lines": "The file has more lines than a project may; cut it in parts.",
    "upload_gone": "The upload is gone; send the file again.",
    "worker_lost": "A part of the file ended every worker that took it; tell the operator.",
}
"""What only workers say, in ``problem`` of a job."""


def explain() -> None:
    """Called when the app is loaded."""
    EXPLAINED.update(CODES)
    IN_RECORDS.update(OF_JOBS)


@contextmanager
def told() -> Iterator[None]:
    """Raise what a service refuses as a problem of the interface."""
    try:
        yield
    except ProjectError as error:
        if error.code in EXPLAINED and error.code != "invalid":
            raise Problem(error.code, str(error)) from None
        errors = {error.field: [str(error)]} if error.field else None
        raise Problem("invalid", str(error), errors=errors) from None


class ProjectsApi(Api):
    """Reading needs the scope ``read:projects``, everything else ``write:projects``."""

    tag = "projects"
    scopes: ClassVar[dict[str, str]] = {
        "GET": READ,
        **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), WRITE),
    }

    def seen(self, project_id: uuid.UUID) -> Project:
        """Raises NotFound."""
        project = selectors.projects_of(self.person).filter(pk=project_id).first()
        if project is None:
            raise NotFound
        return project

    def editable(self, project_id: uuid.UUID, *, lock: bool = False) -> Project:
        """Raises NotFound, and Problem for who may only look."""
        rows = selectors.editable_projects(self.person).filter(pk=project_id)
        if lock:
            bound_row_waits()
            # Not its key: whoever writes a row that refers to it does not wait.
            rows = rows.select_for_update(of=("self",), no_key=True)
        project = rows.first()
        if project is None:
            self.seen(project_id)
            raise Problem("forbidden", "Viewers of a team do not edit what it shares.")
        return project

    def line(self, project: Project, number: int, *, lock: bool = False) -> ProjectLine:
        """Raises NotFound."""
        if lock:
            bound_row_waits()
            rows = ProjectLine.objects.filter(project=project, number=number)
            if rows.select_for_update(of=("self",)).first() is None:
                raise NotFound
        line = selectors.lines_of(project).filter(number=number).first()
        if line is None:
            raise NotFound
        line.project = project
        return line
