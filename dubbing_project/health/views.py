"""GET /api/health: public, cheap to ask, and 200 even while something is down."""

from __future__ import annotations

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dubbing_project.health.probes import PROBE_SECONDS, PROBES, Recent, run_probes, versions

KEPT_SECONDS = 1.0

_services = Recent(lambda: run_probes(PROBES, seconds=PROBE_SECONDS), seconds=KEPT_SECONDS)


class HealthView(APIView):
    """`status` is ok or degraded; beside it each service's own answer."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    # Throttling counts in Redis, which may be the very thing that is down.
    throttle_classes = ()

    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django passes it
        services = _services.get()
        well = all(service["ok"] for service in services.values())
        status = "ok" if well else "degraded"
        return Response({"status": status, **services, "versions": versions()})
