"""Who was heard in past sessions: cards on which people say who it was."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from voices import selectors
from voices.models import Rejection, Speaker, SpeakerState, Voiceprint, VoiceSample
from voices.pages.reading import asked, common, page_of, standing_of, user_of

SPEAKERS_A_PAGE = 12
STRETCHES = 40
"""Of one speaker, to choose among when they are split."""
EXCERPTS = 3
_OPEN = (SpeakerState.UNKNOWN, SpeakerState.SUGGESTED)
STATES = {
    "": ("To be decided", _OPEN),
    "suggested": ("Suggested", (SpeakerState.SUGGESTED,)),
    "unknown": ("Unknown", (SpeakerState.UNKNOWN,)),
    "rejected": ("Rejected", (SpeakerState.REJECTED,)),
    "confirmed": ("Confirmed", (SpeakerState.CONFIRMED,)),
}


@never_cache
@login_required
@require_safe
def speaker_cards(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    given = asked(request, "q", "state", "language")
    _, states = STATES.get(given.get("state", ""), STATES[""])
    rows = selectors.speakers_of(user).filter(state__in=states)
    if query := given.get("q"):
        of_actor = Q(actor__name__icontains=query, actor_shown=True)
        of_title = Q(title__name__icontains=query)
        rows = rows.filter(Q(name__icontains=query) | of_actor | of_title)
    if language := given.get("language"):
        rows = rows.filter(language=language[:8])
    ordered = rows.select_related("actor", "title").order_by("-created_at", "label", "id")
    page = page_of(request, ordered, SPEAKERS_A_PAGE)
    return render(
        request,
        "voices/speakers.html",
        {
            **common(),
            "cards": _cards(request, list(page.object_list)),
            "page": page,
            "given": given,
            "states": [(value, label) for value, (label, _) in STATES.items()],
        },
    )


def _cards(request: HttpRequest, speakers: list[Any]) -> list[dict[str, Any]]:
    """A handful of queries for all of a page's cards together."""
    user, standing = user_of(request), standing_of(request)
    sessions = {one.session_id for one in speakers}
    beside: dict[uuid.UUID, list[Speaker]] = defaultdict(list)
    for other in selectors.changeable_speakers(user).filter(
        session_id__in=sessions, merged_into=None
    ):
        beside[other.session_id].append(other)
    samples = _playable(user)
    heard: dict[tuple[uuid.UUID, str], list[VoiceSample]] = defaultdict(list)
    for sample in samples.filter(session_id__in=sessions):
        heard[sample.session_id, sample.speaker_label].append(sample)
    # Whom the recogniser thinks of, to be compared by ear.
    thought = {one.actor_id for one in speakers if one.actor_id and one.actor_shown}
    known: dict[uuid.UUID, VoiceSample] = {}
    for sample in samples.filter(actor__in=thought).order_by("actor", "-speech_s", "id"):
        known.setdefault(sample.actor_id, sample)
    stretches: dict[uuid.UUID, list[Voiceprint]] = defaultdict(list)
    prints = Voiceprint.objects.filter(speaker__in=speakers, at_s__isnull=False)
    for row in prints.order_by("at_s").only("speaker_id", "at_s", "duration_s"):
        if row.speaker_id and len(stretches[row.speaker_id]) < STRETCHES:
            stretches[row.speaker_id].append(row)
    refused: dict[uuid.UUID, list[Any]] = defaultdict(list)
    visible = selectors.actors_of(user).values("pk")
    rejections = Rejection.objects.filter(speaker__in=speakers, actor__in=visible)
    for rejection in rejections.select_related("actor"):
        refused[rejection.speaker_id].append(rejection.actor)
    return [
        {
            "speaker": one,
            "actor": one.actor if one.actor_shown else None,
            "percent": round(100 * (one.confidence or 0)),
            "editable": standing.may_edit(one),
            "others": [other for other in beside[one.session_id] if other.pk != one.pk],
            "excerpts": heard[one.session_id, one.label][:EXCERPTS],
            "known": known.get(one.actor_id) if one.actor_shown else None,
            "stretches": [
                {
                    "from": _clock(row.at_s or 0.0),
                    "to": _clock((row.at_s or 0.0) + row.duration_s),
                    "start_s": row.at_s,
                    "end_s": (row.at_s or 0.0) + row.duration_s,
                }
                for row in stretches[one.pk]
            ],
            "refused": refused[one.pk],
        }
        for one in speakers
    ]


def _playable(user: User) -> QuerySet[Any]:
    """Recordings that may be heard: kept under consent, analysed, and this person's to hear."""
    return selectors.samples_of(user).filter(playable=True, consent__isnull=False)


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
