"""The list of sessions, and one session: its transcript, its names, its end."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.selectors import editing_teams_of
from pipeline.bounds import SEARCH_MAX_CHARACTERS
from pipeline.text.bidi import isolated
from sessions_app import selectors
from sessions_app.models import DubbingSession, Line, SessionState
from sessions_app.pages.charts import clock
from sessions_app.pages.reading import STATES, about, session_or_404, user_of
from sessions_app.protocol.codes import SKIPS
from sessions_app.records import library
from sessions_app.records.listing import cursor_of, page_of
from sessions_app.records.naming import (
    duration,
    language_name,
    languages_of,
    speaker_look,
    speaker_name,
)
from sessions_app.usage import report as usage

SESSIONS_A_PAGE = 25
LINES_A_PAGE = 100
LEGS = {"recognition": 0, "translation": 1, "synthesis": 2}


@login_required
@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    user, asked = user_of(request), request.GET
    query = asked.get("q", "").strip()[:SEARCH_MAX_CHARACTERS]
    mine = selectors.sessions_of(user)
    sessions = selectors.found(mine, query)
    state, language = asked.get("state", ""), asked.get("language", "")
    if state in SessionState.values:
        sessions = sessions.filter(state=state)
    if language:
        sessions = sessions.filter(target_language=language[:8])
    first_line = Line.objects.filter(session=OuterRef("pk")).order_by("sequence")
    page = page_of(
        sessions.annotate(first_words=Subquery(first_line.values("source_text")[:1])),
        older_than=cursor_of(asked.get("before", "")),
        newer_than=cursor_of(asked.get("after", "")),
        size=SESSIONS_A_PAGE,
    )
    languages = mine.exclude(target_language="").order_by("target_language")
    filters = {
        name: value
        for name, value in (("q", query), ("state", state), ("language", language))
        if value
    }
    return render(
        request,
        "sessions/list.html",
        {
            "rows": [
                {
                    "session": session,
                    "languages": languages_of(session),
                    "state": STATES[SessionState(session.state)],
                    "duration": duration(session.media_s),
                    "lag_s": session.summary.get("p50", {}).get("lag_ms", 0) / 1000,
                }
                for session in page.sessions
            ],
            "count": sessions.count(),
            "query": query,
            "chosen_state": state,
            "chosen_language": language,
            "states": [(value, STATES[SessionState(value)].label) for value in SessionState.values],
            "known_languages": [
                (code, language_name(code))
                for code in languages.values_list("target_language", flat=True).distinct()
            ],
            "filtered": bool(filters),
            "newer": _query(filters, after=page.newer),
            "older": _query(filters, before=page.older),
        },
    )


@login_required
@require_safe
def session_page(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    session = session_or_404(request, session_id)
    query = request.GET.get("q", "").strip()[:SEARCH_MAX_CHARACTERS]
    newest = selectors.newest_line(session)
    after = _count(request.GET.get("after"), otherwise=-1)
    found = selectors.lines_found(session.lines.all(), query) if query else None
    if found is None:
        lines = selectors.lines_of(session, after=after, limit=LINES_A_PAGE + 1)
    else:
        wanted = [sequence for sequence in found if sequence > after][: LINES_A_PAGE + 1]
        lines = list(session.lines.filter(sequence__in=wanted).order_by("sequence"))
    more, lines = len(lines) > LINES_A_PAGE, lines[:LINES_A_PAGE]
    filters = {"q": query} if query else {}
    names = session.speaker_names
    speakers = sorted({*selectors.speakers_of(session), *names} - {""}, key=_by_number)
    summary = session.summary
    return render(
        request,
        "sessions/session.html",
        {
            **about(session, user_of(request)),
            "lines": [_shown_line(line, names) for line in lines],
            "count": len(found) if found is not None else newest + 1,
            "query": query,
            "earlier": _query(filters, after=after - LINES_A_PAGE) if after >= 0 else "",
            "later": _query(filters, after=lines[-1].sequence) if more else "",
            "speakers": [
                {
                    "id": speaker,
                    "name": names.get(speaker, ""),
                    "shown": speaker_name(speaker, names),
                    "look": speaker_look(speaker),
                }
                for speaker in speakers
            ],
            "summary": summary,
            "lag_s": summary.get("p50", {}).get("lag_ms", 0) / 1000,
            "total_s": summary.get("p50", {}).get("total_ms", 0) / 1000,
            "engines": _engines(session),
            "teams": list(editing_teams_of(user_of(request))),
            "currency": settings.PRICE_CURRENCY,
        },
    )


@login_required
@require_POST
def rename(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    return _edit(
        request,
        session_id,
        lambda: library.rename_session(
            user_of(request), session_id, title=request.POST.get("title", "")
        ),
        "The title is kept.",
    )


@login_required
@require_POST
def name_speakers(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Fields ``name-<speaker>``; those that are not there stay as they are."""
    prefix = "name-"
    names = {
        field.removeprefix(prefix): str(value)
        for field, value in request.POST.items()
        if field.startswith(prefix)
    }
    return _edit(
        request,
        session_id,
        lambda: library.name_speakers(user_of(request), session_id, names=names),
        "The names are kept.",
    )


@login_required
@require_POST
def share(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Field ``team``: an id, or nothing to share it no longer."""
    user, wanted = user_of(request), request.POST.get("team", "")
    team = None
    if wanted:
        team = editing_teams_of(user).filter(pk=_count(wanted, otherwise=0)).first()
        if team is None:
            session_or_404(request, session_id)
            messages.error(request, "You edit in no such team. Choose one of the list.")
            return redirect("session-page", session_id)
    done = f"Shared with {isolated(team.name)}." if team else "Shared with nobody."
    return _edit(
        request,
        session_id,
        lambda: library.share_session(user, session_id, team=team),
        done,
    )


@login_required
@require_POST
def delete(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    session_or_404(request, session_id)
    try:
        gone = library.delete_session(user_of(request), session_id)
    except library.NotAllowedError as refusal:
        messages.error(request, str(refusal))
        return redirect("session-page", session_id)
    if not gone:
        raise Http404("There is no such session.")
    messages.success(request, "The session and its transcript are deleted.")
    return redirect("session-list")


def _edit(request: HttpRequest, session_id: uuid.UUID, edit: Any, done: str) -> HttpResponse:
    """The live page asks for JSON; a form is sent back to the session's page."""
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    try:
        if edit() is None:
            raise Http404("There is no such session.")
    except library.NotAllowedError as refusal:
        if wants_json:
            return JsonResponse({"message": str(refusal)}, status=400)
        messages.error(request, str(refusal))
    else:
        if wants_json:
            return JsonResponse({"message": done})
        messages.success(request, done)
    return redirect("session-page", session_id)


def _engines(session: DubbingSession) -> list[dict[str, Any]]:
    """Which engine did what, and how much of it; also those that stood in for another."""
    used = usage.usage_of_session(session)
    legs = {row["leg"] for row in used}
    chosen = [
        {"leg": leg, "engine": engine}
        for leg, engine in sorted(session.engines.items())
        if leg not in legs
    ]
    return sorted([*used, *chosen], key=lambda row: LEGS.get(row["leg"], 9))


def _shown_line(line: Line, names: dict[str, str]) -> dict[str, Any]:
    reason = line.skipped_reason
    return {
        "line": line,
        "time": clock(line.start_s),
        "name": speaker_name(line.speaker, names),
        "look": speaker_look(line.speaker),
        "lag_s": line.latencies.get("lag_ms", 0) / 1000,
        "remark": ""
        if not reason
        else "Spoken together with another line."
        if reason == "merged"
        else SKIPS.get(reason, f"Not spoken: {reason.replace('_', ' ')}."),
    }


def _query(filters: dict[str, str], **place: Any) -> str:
    given = {name: str(value) for name, value in place.items() if value is not None}
    return "?" + urlencode({**filters, **given}) if given else ""


def _count(text: str | None, *, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _by_number(speaker: str) -> tuple[int, str]:
    digits = speaker.lstrip("S")
    return (int(digits) if digits.isdigit() else 10**9, speaker)
