"""Actors: the list, one with all that is theirs, and the way to a clone of their voice."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.rest.conditional import etag
from accounts.selectors import editing_teams_of
from pipeline.ports import EngineError
from pipeline.providers.catalogue import BANKS
from voices import selectors
from voices.api.actors import EDITABLE, ActorFilters, ActorSerializer
from voices.cloning.engines import usual_engine
from voices.models import Actor, CloneState, ConsentUse
from voices.pages.reading import (
    ENGINE_NAMES,
    actor_or_404,
    asked,
    clones_shown,
    common,
    consents_shown,
    page_of,
    samples_shown,
    standing_of,
    user_of,
)
from voices.services.consents import valid_consent

ACTORS_A_PAGE = 24
ROWS_OF_ACTOR = 50
HISTORY = 15


@never_cache
@login_required
@require_safe
def actor_list(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    given = asked(request, "q", "language", "whose")
    found = ActorFilters(given, Actor.objects.visible_to(user), request=request)
    filtered = found.qs if found.is_valid() else Actor.objects.none()
    # Counts of what belongs to actors are made for those of one page only.
    page = page_of(
        request, filtered.order_by("name", "id").values_list("pk", flat=True), ACTORS_A_PAGE
    )
    ids = list(page.object_list)
    actors = selectors.actors_of(user).filter(pk__in=ids).order_by("name", "id")
    standing = standing_of(request)
    return render(
        request,
        "voices/actors.html",
        {
            **common(),
            "rows": [{"actor": one, "whose": standing.whose(one)} for one in actors],
            "page": page,
            "given": given,
            "teams": list(editing_teams_of(user)),
        },
    )


@never_cache
@login_required
@require_safe
def actor_page(request: HttpRequest, actor_id: uuid.UUID) -> HttpResponse:
    user, actor = user_of(request), actor_or_404(request, actor_id)
    context = _about(request, actor)
    return render(
        request,
        "voices/actor.html",
        {
            **context,
            "teams": list(editing_teams_of(user)) if context["editable"] else [],
            "pins": _pins(request, actor),
            "etag": _etag(request, actor),
            "history": selectors.decisions_of(user).filter(actor_id=actor.pk)[:HISTORY],
        },
    )


@never_cache
@login_required
@require_safe
def clone_wizard(request: HttpRequest, actor_id: uuid.UUID) -> HttpResponse:
    """``?clone=<id>``: where one that is being made, or was made, is looked at again."""
    user, actor = user_of(request), actor_or_404(request, actor_id)
    context = _about(request, actor)
    wanted = request.GET.get("clone", "")
    chosen = [one for one in context["clones"] if str(one.clone.pk) == wanted]
    return render(
        request,
        "voices/wizard.html",
        {**context, "chosen": chosen[0] if chosen else None, "engines": _engines(user)},
    )


def _about(request: HttpRequest, actor: Actor) -> dict[str, Any]:
    """Consents, recordings and clones of an actor, as far as this person may see them."""
    user, standing = user_of(request), standing_of(request)
    editable = standing.may_edit(actor)
    consents = selectors.consents_of(user).filter(actor=actor)[:ROWS_OF_ACTOR]
    samples = selectors.samples_of(user).filter(actor=actor)
    clones = selectors.clones_of(user).filter(actor=actor).exclude(state=CloneState.DELETED)
    shown = consents_shown(consents, standing)
    return {
        **common(),
        "actor": actor,
        "whose": standing.whose(actor),
        "editable": editable,
        "own": actor.owner_id == user.pk,
        # To the catalogue's everyone adds for themselves.
        "may_add": editable or actor.owner_id is None,
        "consents": shown,
        "to_clone": [one for one in shown if one.to_clone],
        "may_keep": valid_consent(actor, owner=user, use=ConsentUse.SAMPLE) is not None,
        "uses": ConsentUse.choices,
        "samples": samples_shown(samples[:ROWS_OF_ACTOR], standing),
        "samples_left_out": max(0, samples.count() - ROWS_OF_ACTOR),
        "clones": clones_shown(clones[:ROWS_OF_ACTOR], standing, user),
    }


def _etag(request: HttpRequest, actor: Actor) -> str:
    """Of the profile as it is shown: an edit of another one is refused."""
    shown = ActorSerializer(actor, context={"standing": standing_of(request)}).data
    return etag(shown, EDITABLE)


def _pins(request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    """Pinned voices by language, each with its name where it is a clone's."""
    user, standing = user_of(request), standing_of(request)
    rows = selectors.pinned_voices_of(user).filter(actor=actor).order_by("language", "id")
    clones = selectors.clones_of(user).exclude(vendor_id="").filter(actor=actor)
    names = {(one.engine, one.vendor_id): str(one) for one in clones}
    return [
        {
            "pin": pin,
            "clone": names.get((pin.engine, pin.voice)),
            "whose": standing.whose(pin),
            "editable": standing.may_edit(pin),
        }
        for pin in rows[:ROWS_OF_ACTOR]
    ]


def _engines(user: User) -> list[dict[str, Any]]:
    """Synthesisers whose voices can be made: the person's usual one first."""
    try:
        usual = usual_engine(user.pk)
    except EngineError:
        usual = ""
    known = [name for name, provider in BANKS.items() if provider in ENGINE_NAMES or name == usual]
    return [
        {
            "engine": name,
            "name": ENGINE_NAMES.get(BANKS[name], name),
            "usual": name == usual,
        }
        for name in sorted(known, key=lambda one: one != usual)
    ]
