"""GET /api/metrics: figures in Prometheus's text format.

They tell how busy the house is and what goes wrong in it: not for everybody.
"""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.authentication import REST_AUTHENTICATION
from accounts.rest.views import Api
from dubbing_project.health.access import IsStaffOrScraper, ScraperAuthentication
from pipeline import metrics


class MetricsView(Api):
    tag = "health"
    pagination_class = None
    authentication_classes = (ScraperAuthentication, *REST_AUTHENTICATION)
    permission_classes = (IsStaffOrScraper,)
    # Throttling counts in Redis, which may be the very thing that is down.
    throttle_classes = ()

    @extend_schema(operation_id="read_metrics", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:  # noqa: ARG002 - Django passes it
        """For staff: figures for Prometheus."""
        return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
