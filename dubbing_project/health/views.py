"""/api/health: what is up. Everybody may ask how it is, staff may ask why.

The public answers are cheap, bounded in time, and made without the database or Redis.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import REST_AUTHENTICATION
from accounts.rest.views import Api
from dubbing_project.health import report
from dubbing_project.health.access import IsStaffOrScraper, ScraperAuthentication

FRESH = {"Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private"}


class PartSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    state = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "degraded"])
    live = serializers.BooleanField()
    ready = serializers.BooleanField()
    database = PartSerializer()
    redis = PartSerializer()
    worker = PartSerializer()
    disk = PartSerializer()
    engines = PartSerializer()


class LiveSerializer(serializers.Serializer[Any]):
    live = serializers.BooleanField()


class ReadySerializer(serializers.Serializer[Any]):
    ready = serializers.BooleanField()
    reason = serializers.CharField(required=False)


class _Public(Api):
    tag = "health"
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    pagination_class = None


class HealthView(_Public):
    serializer_class = HealthSerializer

    @extend_schema(operation_id="read_health")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """`status` is ok or degraded; beside it each part's own answer. Always 200."""
        return Response(report.public(report.current()), headers=FRESH)


class LiveView(_Public):
    serializer_class = LiveSerializer

    @extend_schema(operation_id="read_live")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """200 while the process answers at all; looks at nothing else."""
        return Response({"live": True}, headers=FRESH)


class ReadyView(_Public):
    serializer_class = ReadySerializer

    @extend_schema(
        operation_id="read_ready", responses={200: ReadySerializer, 503: ReadySerializer}
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """200 when new clients are welcome here, otherwise 503 with the reason in a word."""
        reason = report.unready(report.current())
        body = {"ready": not reason, **({"reason": reason} if reason else {})}
        return Response(body, status=503 if reason else 200, headers=FRESH)


class HealthDetailView(Api):
    """For staff, and a scraper with a secret of its own."""

    tag = "health"
    authentication_classes = (ScraperAuthentication, *REST_AUTHENTICATION)
    permission_classes = (IsStaffOrScraper,)
    throttle_classes = ()
    pagination_class = None

    @extend_schema(
        operation_id="read_health_detail", responses=serializers.DictField(help_text="By part.")
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """For staff: versions, engines, sessions, loop lag, free disk, faults and since when."""
        return Response(report.detail(report.current()))
