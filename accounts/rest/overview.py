"""Pages about the interface: ``/api/docs``, to read and try it, and ``/api/problems``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.rest.problem_codes import EXPLAINED, IN_RECORDS


@require_safe
def problems_page(request: HttpRequest) -> HttpResponse:
    rows = sorted(EXPLAINED.items(), key=lambda one: (one[1].status, one[0]))
    in_records = sorted(one for one in IN_RECORDS.items() if one[0] not in EXPLAINED)
    told = {"problems": rows, "in_records": in_records}
    return render(request, "api/problems.html", told)


@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    """Swagger UI, served from here; what is tried on it is done as who is logged in, or with a
    token that is typed in."""
    return render(request, "api/docs.html")
