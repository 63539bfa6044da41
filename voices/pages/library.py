"""Voices to choose among: clones by page; stock voices are asked of the engines by the page."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from pipeline.voices.casting import HIGH_FROM_HZ, LOW_BELOW_HZ, register_of
from voices import selectors
from voices.api.rows import Standing
from voices.models import Actor, VoiceClone
from voices.pages.reading import (
    COMPARED_MAX,
    ENGINE_NAMES,
    asked,
    common,
    page_of,
    standing_of,
    user_of,
)

VOICES_A_PAGE = 24
REGISTERS = (("low", "Low"), ("mid", "Middle"), ("high", "High"))
LIKENESSES = ("50", "60", "70", "80")
"""Of a hundred: from what likeness on."""
_NEWEST = ("-created_at", "id")
ORDERS: dict[str, tuple[Any, ...]] = {
    "best": (F("score").desc(nulls_last=True), *_NEWEST),
    "like": (F("likeness").desc(nulls_last=True), *_NEWEST),
    "newest": _NEWEST,
}


@never_cache
@login_required
@require_safe
def voice_library(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    names = ("q", "language", "register", "engine", "whose", "similarity", "order")
    given = asked(request, *names)
    page = page_of(request, _found(user, given), VOICES_A_PAGE)
    standing = standing_of(request)
    usable = selectors.usable_clones(user)
    listed = list(page.object_list)
    chosen = _chosen(request)
    elsewhere = chosen - {one.pk for one in listed}
    return render(
        request,
        "voices/library.html",
        {
            **common(),
            "rows": [_shown(one, standing) for one in listed],
            # What was chosen on other pages stays so.
            "clones": [
                _shown(one, standing) | {"usable": True}
                for one in selectors.offered_clones(user).filter(pk__in=elsewhere)
            ],
            "picked": chosen,
            "page": page,
            "given": given,
            "registers": REGISTERS,
            "likenesses": LIKENESSES,
            "stock_engines": list(ENGINE_NAMES.items()),
            "engines": sorted(usable.values_list("engine", flat=True).distinct().order_by()),
        },
    )


def _chosen(request: HttpRequest) -> set[uuid.UUID]:
    """Voices that were chosen to be compared; what is no id is left out."""
    found: set[uuid.UUID] = set()
    for text in request.GET.get("chosen", "")[: 40 * COMPARED_MAX].split(",")[:COMPARED_MAX]:
        with contextlib.suppress(ValueError):
            found.add(uuid.UUID(text))
    return found


def _shown(clone: Any, standing: Standing) -> dict[str, Any]:
    return {
        "clone": clone,
        # An actor is named only to those who may see them.
        "actor": clone.actor if clone.actor_shown else None,
        "name": clone.name or (clone.actor.name if clone.actor_shown else "A voice"),
        "whose": standing.whose(clone),
        "register": register_of(clone.pitch_hz or 0.0),
        "score": clone.quality.get("score"),
        "likeness": clone.quality.get("similarity"),
    }


def _found(user: User, given: dict[str, str]) -> QuerySet[VoiceClone]:
    """Those of the usable ones that are asked for; what a filter does not know finds nothing."""
    # Numbers of what was measured; where nothing was, none.
    rows: Any = selectors.offered_clones(user).annotate(
        score=Cast(KT("quality__score"), FloatField()),
        likeness=Cast(KT("quality__similarity"), FloatField()),
    )
    # Looked up once, where ``actor_shown`` would be asked of every row.
    seen = Actor.objects.visible_to(user).values("pk")
    if query := given.get("q"):
        of_actor = Q(actor__in=seen.filter(name__icontains=query))
        rows = rows.filter(Q(name__icontains=query) | of_actor)
    if language := given.get("language"):
        rows = rows.filter(actor__in=seen.filter(languages__contains=[language[:8]]))
    if engine := given.get("engine"):
        rows = rows.filter(engine=engine)
    if whose := given.get("whose"):
        own = Q(owner=user)
        kinds = {"own": own, "team": ~own & Q(owner__isnull=False), "catalogue": Q(owner=None)}
        rows = rows.filter(kinds[whose]) if whose in kinds else rows.none()
    if register := given.get("register"):
        middle = Q(pitch_hz__gte=LOW_BELOW_HZ, pitch_hz__lt=HIGH_FROM_HZ)
        heights = {
            "low": Q(pitch_hz__gt=0, pitch_hz__lt=LOW_BELOW_HZ),
            "mid": middle | Q(pitch_hz=None) | Q(pitch_hz__lte=0),
            "high": Q(pitch_hz__gte=HIGH_FROM_HZ),
        }
        rows = rows.filter(heights[register]) if register in heights else rows.none()
    if (likeness := given.get("similarity", "")) and likeness.isascii() and likeness.isdigit():
        rows = rows.filter(likeness__gte=min(int(likeness[:3]), 100) / 100)
    found: QuerySet[VoiceClone] = rows.order_by(*ORDERS.get(given.get("order", ""), ORDERS["best"]))
    return found
