"""What was said in a session: its lines, its transcript in files, its figures."""

from __future__ import annotations

import re
import uuid
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import tagged
from accounts.rest.fields import ChoiceField
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.schema import with_tag
from accounts.rest.views import Api
from pipeline.bounds import SEARCH_MAX_CHARACTERS
from sessions_app import selectors
from sessions_app.api.sessions import found
from sessions_app.models import Line
from sessions_app.records import statistics, transcripts


class LineSerializer(serializers.ModelSerializer[Line]):
    latencies = serializers.DictField(
        child=serializers.FloatField(),
        read_only=True,
        help_text="Stage → milliseconds; empty when the line was skipped.",
    )

    class Meta:
        model = Line
        fields: tuple[str, ...] = (
            "sequence",
            "speaker",
            "source_language",
            "target_language",
            "source_text",
            "target_text",
            "start_s",
            "end_s",
            "cue_start_s",
            "cue_duration_s",
            "engine",
            "voice",
            "tempo",
            "latencies",
            "skipped_reason",
            "level_dbfs",
            "snr_db",
            "similarity",
        )
        read_only_fields: tuple[str, ...] = fields


class LineFilters(FilterSet):
    speaker = django_filters.CharFilter(max_length=64)
    skipped_reason = django_filters.CharFilter(max_length=64)
    after = django_filters.NumberFilter(
        method="later", min_value=-1, max_value=2**31 - 1, help_text="With a greater sequence."
    )
    from_s = django_filters.NumberFilter(
        field_name="end_s", lookup_expr="gte", help_text="That end at this media time or later."
    )
    until_s = django_filters.NumberFilter(
        field_name="start_s", lookup_expr="lt", help_text="That begin before this media time."
    )
    q = django_filters.CharFilter(
        method="search",
        max_length=SEARCH_MAX_CHARACTERS,
        help_text="Beginnings of words that it all has, in either language.",
    )

    class Meta:
        model = Line
        fields: ClassVar[list[str]] = []

    def later(self, rows: QuerySet[Line], name: str, value: int) -> QuerySet[Line]:  # noqa: ARG002 - the library\'s signature
        return rows.filter(sequence__gt=int(value))

    def search(self, rows: QuerySet[Line], name: str, value: str) -> QuerySet[Line]:  # noqa: ARG002 - the library\'s signature
        return rows.filter(sequence__in=selectors.lines_found(rows, value))


class LinesView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:sessions"}
    serializer_class = LineSerializer
    queryset = Line.objects.none()
    filter_backends = (Filters,)
    filterset_class = LineFilters
    ordering = ("sequence",)

    @extend_schema(operation_id="list_lines", responses=LineSerializer(many=True))
    def get(self, request: Request, session_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """The lines of a session, in order."""
        return self.page_of(self.filter_queryset(found(self, session_id).lines.all()))


class LineView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:sessions"}
    serializer_class = LineSerializer

    @extend_schema(operation_id="read_line")
    @with_tag
    def get(self, request: Request, session_id: uuid.UUID, sequence: int) -> Response:
        """One line of a session."""
        line = None
        if sequence < 2**31:
            line = found(self, session_id).lines.filter(sequence=sequence).first()
        if line is None:
            raise NotFound
        return tagged(request, LineSerializer(line).data, ())


class TranscriptQuery(serializers.Serializer[Any]):
    format = ChoiceField(choices=list(transcripts.MEDIA_TYPES), default="txt")
    text = ChoiceField(
        choices=transcripts.TEXTS, default="both", help_text="Which language's text."
    )
    times = ChoiceField(
        choices=transcripts.TIMES,
        default="source",
        help_text="When it was said, or when its dub is heard.",
    )


class TranscriptView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:sessions"}
    serializer_class = None
    pagination_class = None

    @extend_schema(
        operation_id="export_transcript",
        parameters=[TranscriptQuery],
        responses={
            (200, media_type): OpenApiResponse(
                OpenApiTypes.STR if name != "json" else OpenApiTypes.OBJECT
            )
            for name, media_type in transcripts.MEDIA_TYPES.items()
        },
    )
    def get(self, request: Request, session_id: uuid.UUID) -> HttpResponseBase:
        """Everything that was said, as a file: plain text, SRT, WebVTT or JSON."""
        asked = TranscriptQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        session = found(self, session_id)
        form: str = asked.validated_data["format"]
        body = transcripts.transcript(
            session,
            form=form,
            text=asked.validated_data["text"],
            times=asked.validated_data["times"],
        )
        response = HttpResponse(
            body, content_type=f"{transcripts.MEDIA_TYPES[form]}; charset=utf-8"
        )
        name = re.sub(r"[^A-Za-z0-9]+", "-", session.title).strip("-")[:60] or str(session.pk)
        response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
        return response


class SpreadSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    p50 = serializers.FloatField()
    p95 = serializers.FloatField()
    max = serializers.FloatField()


class SpeakerShareSerializer(serializers.Serializer[Any]):
    speaker = serializers.CharField(allow_blank=True, help_text="Empty: not known.")
    lines = serializers.IntegerField()
    speech_s = serializers.FloatField()
    share = serializers.FloatField(help_text="Of all speech, 0 to 1.")
    words_per_minute = serializers.FloatField()
    similarity = serializers.FloatField(
        allow_null=True, help_text="Median cosine of their lines to their voice."
    )


class MinuteSerializer(serializers.Serializer[Any]):
    start_s = serializers.FloatField(help_text="Where the interval begins, in media time.")
    lines = serializers.IntegerField()
    skipped = serializers.IntegerField()
    latencies = serializers.DictField(
        child=serializers.FloatField(), help_text="Stage → median milliseconds."
    )
    lag_p95_ms = serializers.FloatField(allow_null=True)
    level_dbfs = serializers.FloatField(allow_null=True, help_text="Of the source's speech.")
    snr_db = serializers.FloatField(allow_null=True, help_text="Its speech to its noise.")
    similarity = serializers.FloatField(
        allow_null=True, help_text="Median cosine of the lines to their speakers' voices."
    )


class StatisticsSerializer(serializers.Serializer[Any]):
    lines = serializers.IntegerField()
    spoken = serializers.IntegerField()
    merged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    skipped_reasons = serializers.DictField(child=serializers.IntegerField())
    engines = serializers.DictField(child=serializers.IntegerField(), help_text="Engine → lines.")
    source_s = serializers.FloatField()
    dubbed_s = serializers.FloatField()
    tempo = serializers.FloatField(help_text="Of the dub, on average; 1 is as it was made.")
    errors = serializers.IntegerField()  # type: ignore[assignment]  # a field, not the property
    lost_lines = serializers.IntegerField()
    latencies = serializers.DictField(
        child=SpreadSerializer(), help_text="Stage → milliseconds; `lag_ms` is the lag."
    )
    speakers = SpeakerShareSerializer(many=True)
    interval_s = serializers.FloatField(help_text="Length of the intervals of `over_time`.")
    over_time = MinuteSerializer(many=True)


class StatisticsView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:sessions"}
    serializer_class = StatisticsSerializer
    pagination_class = None

    @extend_schema(operation_id="read_statistics")
    @with_tag
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """How a session went: latencies by stage and over time, speakers' shares, skips."""
        return tagged(request, statistics.of_session(found(self, session_id)), ())
