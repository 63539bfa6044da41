"""``/api/jobs``: what is under way, how far it is, and how it ended."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.event_stream import EventStreamRenderer
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.schema import also_answers
from sessions_app.projects import jobs, selectors
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.api.events import stream
from sessions_app.projects.job_models import Job, JobKind, JobState
from sessions_app.projects.progress import counts_of, progress


class StepSerializer(serializers.Serializer[Any]):
    step = serializers.CharField()
    state = serializers.ChoiceField(choices=["waiting", "running", "done"])
    parts = serializers.IntegerField(help_text="How many there are; 0 before it begins.")
    done = serializers.IntegerField()


class JobSerializer(serializers.ModelSerializer[Job]):
    project = serializers.UUIDField(source="project_id", read_only=True)
    export = serializers.SerializerMethodField(help_text="The file that it writes, if it does.")
    steps = serializers.SerializerMethodField(help_text="In order, with the parts of each.")
    problem = serializers.CharField(
        read_only=True, help_text="Why it failed: a code that `/api/problems` explains, or empty."
    )

    class Meta:
        model = Job
        fields: tuple[str, ...] = (
            "id",
            "project",
            "kind",
            "state",
            "step",
            "steps",
            "problem",
            "problem_text",
            "export",
            "created_at",
            "started_at",
            "ended_at",
        )
        read_only_fields: tuple[str, ...] = fields

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_export(self, job: Job) -> uuid.UUID | None:
        export = getattr(job, "export", None)
        return export.pk if export is not None else None

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, job: Job) -> list[dict[str, Any]]:
        counts = self.context.get("counts")
        return progress(job, None if counts is None else counts.get(job.pk, {}))


class JobFilters(FilterSet):
    project = django_filters.UUIDFilter(field_name="project_id")
    kind = django_filters.MultipleChoiceFilter(choices=JobKind.choices)
    state = django_filters.MultipleChoiceFilter(choices=JobState.choices)

    class Meta:
        model = Job
        fields: ClassVar[list[str]] = []


class JobsView(ProjectsApi):
    serializer_class = JobSerializer
    queryset = Job.objects.none()
    filter_backends = (Filters,)
    filterset_class = JobFilters
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_jobs", responses=JobSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Jobs of your projects and your teams', newest first."""
        page = self.paginate_queryset(self.filter_queryset(selectors.jobs_of(self.person))) or []
        counts = counts_of([one.pk for one in page])
        shown = JobSerializer(page, many=True, context={"counts": counts})
        return self.get_paginated_response(shown.data)


class OfJob(ProjectsApi):
    serializer_class = JobSerializer

    def job(self, job_id: uuid.UUID, *, edits: bool = False) -> Job:
        job = selectors.job_of(self.person, job_id)
        if job is None:
            raise NotFound
        if edits:
            self.editable(job.project_id)
        return job


class JobView(OfJob):
    @extend_schema(operation_id="read_job")
    def get(self, request: Request, job_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """How far a job is: of each step how many parts there are, and how many are done."""
        return Response(JobSerializer(self.job(job_id)).data)


class JobCancelView(OfJob):
    @extend_schema(operation_id="cancel_job", request=None)
    @also_answers("409")
    def post(self, request: Request, job_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Stop a job. What it finished stays, and it can be gone on with."""
        job = self.job(job_id, edits=True)
        with told():
            jobs.cancel(job)
        job.refresh_from_db()
        return Response(JobSerializer(job).data)


class JobRetryView(OfJob):
    @extend_schema(operation_id="retry_job", request=None, responses={202: JobSerializer})
    @also_answers("409")
    def post(self, request: Request, job_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Go on with a job that failed or was cancelled; what it had finished is not done again."""
        job = self.job(job_id, edits=True)
        with told():
            job = jobs.again(job)
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)


class JobEventsView(OfJob):
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(
        operation_id="follow_job",
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request, job_id: uuid.UUID) -> HttpResponseBase:
        """Server-sent events: `progress` with the job as it is, whenever it has changed, and
        last `end`."""
        job = self.job(job_id)
        return stream(request._request, job.pk, self.person)
