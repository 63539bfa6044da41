"""``/api/projects/{id}/lines/overview``: a little of every line, for timelines and long lists."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.pages import Pages
from pipeline.bounds import OVERVIEW_PAGE_MAX
from sessions_app.projects import selectors
from sessions_app.projects.api.base import ProjectsApi
from sessions_app.projects.inputs import is_fresh, may_be_heard
from sessions_app.projects.models import LineSound, Project, ProjectLine


class LineOverviewSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    revision = serializers.IntegerField()
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    speaker = serializers.CharField(allow_null=True, help_text="Label.")
    state = serializers.ChoiceField(choices=["fresh", "stale"])
    marked = serializers.BooleanField(
        help_text="Whether there is something to listen to again, or it could not be spoken."
    )


class OverviewPages(Pages):
    page_size = max_page_size = OVERVIEW_PAGE_MAX
    page_size_query_description = f"Rows of a page, 1 to {OVERVIEW_PAGE_MAX}."


class OverviewView(ProjectsApi):
    serializer_class = LineOverviewSerializer
    queryset = ProjectLine.objects.none()
    pagination_class = OverviewPages
    ordering = ("start_s", "number")

    @extend_schema(
        operation_id="overview_of_project_lines", responses=LineOverviewSerializer(many=True)
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """A little of every line in order of time: where it is, whose, and whether it is fresh."""
        project = self.seen(project_id)
        lines = self.paginate_queryset(selectors.overview_of(project)) or []
        # One object for each speaker, instead of one for each of their lines.
        speakers = {one.pk: one for one in project.speakers.defer("shape")}
        following = [line.start_s for line in lines[1:]]
        last = [selectors.start_after(lines[-1])] if lines else []
        rows = []
        for line, next_start_s in zip(lines, [*following, *last], strict=True):
            speaker = line.speaker = speakers[line.speaker_id] if line.speaker_id else None
            rows.append(
                {
                    "number": line.number,
                    "revision": line.revision,
                    "start_s": line.start_s,
                    "end_s": line.end_s,
                    "speaker": speaker.label if speaker else None,
                    "state": "fresh" if is_fresh(line, project, next_start_s) else "stale",
                    "marked": bool(line.problem or (line.sound and _marked(line.sound, project))),
                }
            )
        # As they are: a field by field check of what was just made takes longer than all else.
        return self.get_paginated_response(rows)


def _marked(sound: LineSound, project: Project) -> bool:
    return bool(sound.marks) or not may_be_heard(sound, project)
