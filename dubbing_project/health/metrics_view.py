"""GET /api/metrics: figures in Prometheus's text format.

They tell how busy the house is and what goes wrong in it: not for everybody.
"""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from dubbing_project.health.access import IsStaffOrScraper, ScraperAuthentication
from pipeline import metrics


class MetricsView(APIView):
    authentication_classes = (ScraperAuthentication, *REST_AUTHENTICATION)
    permission_classes = (IsStaffOrScraper,)
    # Throttling counts in Redis, which may be the very thing that is down.
    throttle_classes = ()

    def get(self, request: Request) -> HttpResponse:  # noqa: ARG002 - Django passes it
        return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
