"""/api/health: what is up. Everybody may ask how it is, staff may ask why.

The public answers are cheap, bounded in time, and made without the database or Redis.
"""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from dubbing_project.health import report
from dubbing_project.health.access import IsStaffOrScraper, ScraperAuthentication


@never_cache
def health(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django passes it
    """`status` is ok or degraded; beside it each part's own answer. Always 200."""
    return JsonResponse(report.public(report.current()))


@never_cache
def live(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django passes it
    """200 while the process answers at all; looks at nothing else."""
    return JsonResponse({"live": True})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django passes it
    """200 when new clients are welcome here, otherwise 503 with the reason in a word."""
    reason = report.unready(report.current())
    body = {"ready": not reason, **({"reason": reason} if reason else {})}
    return JsonResponse(body, status=503 if reason else 200)


class HealthDetailView(APIView):
    authentication_classes = (ScraperAuthentication, *REST_AUTHENTICATION)
    permission_classes = (IsStaffOrScraper,)
    throttle_classes = ()

    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django passes it
        return Response(report.detail(report.current()))
