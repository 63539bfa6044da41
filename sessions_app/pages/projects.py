"""The list of projects, and the studio of one; what is done there goes over the interface."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.preferences import LANGUAGES
from accounts.selectors import addresses_in, editing_teams_of
from pipeline.batch.checking import MARKS
from pipeline.bounds import (
    COMMENT_MAX,
    MEDIA_MAX_BYTES,
    PROJECT_TEXT_MAX,
    SEARCH_MAX_CHARACTERS,
    SUBTITLES_MAX_BYTES,
)
from pipeline.ports import EngineError
from sessions_app.engines import loaded
from sessions_app.engines.languages import available_pairs
from sessions_app.pages.reading import StateShown, session_or_404, user_of
from sessions_app.projects import making, selectors
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.job_models import UNFINISHED, ExportForm, Job, JobKind, JobState
from sessions_app.projects.models import Project
from sessions_app.projects.progress import Counts, counts_of, progress
from sessions_app.records.naming import duration, language_name

PROJECTS_A_PAGE = 25
STEPS = {
    "fetch": "Fetching the file",
    "probe": "Reading the file",
    "recognise": "Recognising speech",
    "speakers": "Telling speakers apart",
    "speak": "Translating and speaking",
    "check": "Listening to the dub",
    "mix": "Mixing",
    "mux": "Writing the video",
    "export": "Writing the file",
}
"""As a person reads them; the same in the list and in the studio."""
STATES = {
    "dubbing": StateShown("Being dubbed", "badge-live"),
    "ready": StateShown("Ready", "badge-good"),
    "failed": StateShown("Failed", "badge-bad"),
    "stopped": StateShown("Stopped", "badge-warn"),
    "text": StateShown("Without sound", "badge-quiet"),
}
_OF_JOB = {
    "dubbing": UNFINISHED,
    "failed": (JobState.FAILED,),
    "stopped": (JobState.CANCELLED,),
}
STYLES = (
    ("energy_db", "Loudness, dB", -6, 6, 1, 0.0),
    ("pitch_semitones", "Pitch, semitones", -4, 4, 0.5, 0.0),
    ("pitch_range", "Liveliness", 0.5, 1.6, 0.1, 1.0),
    ("arousal", "Excitement", -1, 1, 0.1, 0.0),
)
"""Field of a style, its name, from, to, step, and what is neutral."""
SHORTCUTS = (
    (("↑", "↓"), "the line before, the next line"),
    (("Enter",), "edit the line"),
    (("Space",), "play from the line, stop"),
    (("Ctrl", "Enter"), "keep the edit"),
    (("Esc",), "close the editor; what was not kept is asked about"),
    (("Ctrl", "Z"), "take back your newest change"),
    (("O",), "hear the original"),
    (("D",), "hear the dub"),
    (("B",), "hear both"),
    (("+", "−"), "zoom the timeline in, out"),
    (("R",), "dub what is stale"),
    (("?",), "this list"),
)


@login_required
@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    user, asked = user_of(request), request.GET
    query = asked.get("q", "").strip()[:SEARCH_MAX_CHARACTERS]
    state = asked.get("state", "")
    projects = with_state(selectors.projects_of(user))
    if query:
        projects = projects.filter(title__icontains=query)
    if state in STATES:
        projects = in_state(projects, state)
    page = Paginator(projects.order_by("-created_at", "-id"), PROJECTS_A_PAGE).get_page(
        asked.get("page")
    )
    shown: list[Any] = list(page)
    jobs = Job.objects.in_bulk([one.job_id for one in shown if one.job_state in UNFINISHED])
    counts = counts_of(jobs)
    return render(
        request,
        "projects/list.html",
        {
            "page": page,
            "rows": [_row(one, jobs.get(one.job_id), counts) for one in shown],
            "query": query,
            "chosen_state": state,
            "states": [(value, shown.label) for value, shown in STATES.items()],
            "filtered": bool(query or state),
            "teams": list(editing_teams_of(user)),
            "settings_of_page": {
                "csrf": get_token(request),
                "steps": STEPS,
                "mediaMaxBytes": MEDIA_MAX_BYTES,
                "subtitlesMaxBytes": SUBTITLES_MAX_BYTES,
                **_languages(user.pk),
            },
        },
    )


@login_required
@require_safe
def project_page(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    user = user_of(request)
    project = with_state(selectors.projects_of(user)).filter(pk=project_id).first()
    if project is None:
        raise Http404("There is no such project.")
    own = project.owner_id == user.pk
    editable = selectors.editable_projects(user).filter(pk=project.pk).exists()
    return render(
        request,
        "projects/studio.html",
        {
            **_row(project, None, {}),
            "own": own,
            "editable": editable,
            "teams": list(editing_teams_of(user)) if own else [],
            "styles": STYLES,
            "shortcuts": SHORTCUTS,
            "forms": ExportForm.choices,
            "has_video": bool(project.media.get("has_video")),
            "text_max": PROJECT_TEXT_MAX,
            "comment_max": COMMENT_MAX,
            "settings_of_page": {
                "csrf": get_token(request),
                "project": f"/api/projects/{project.pk}",
                "languages": {
                    "source": project.source_language.replace("auto", ""),
                    "target": project.target_language,
                },
                "user": user.pk,
                "owner": project.owner_id,
                "people": addresses_in(project.team_id, seen_by=user) if project.team_id else {},
                "own": own,
                "editable": editable,
                "steps": STEPS,
                "marks": MARKS,
                "forms": dict(ExportForm.choices),
                "styles": {name: neutral for name, *_, neutral in STYLES},
                "waveforms": {
                    "original": bool(project.waveform),
                    "dub": bool(project.dub_waveform),
                },
                "mediaMaxBytes": MEDIA_MAX_BYTES,
            },
        },
    )


@login_required
@require_POST
def open_session(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """One click on a session's page: its lines become a project."""
    session = session_or_404(request, session_id)
    try:
        project = making.open_session(user_of(request), session)
    except ProjectError as refusal:
        messages.error(request, str(refusal))
        return redirect("session-page", session_id)
    return redirect("project-page", project.pk)


def with_state(projects: QuerySet[Project]) -> QuerySet[Any]:
    """Projects with ``job_id`` and ``job_state`` of the newest job that was no export."""
    newest = (
        Job.objects.filter(project=OuterRef("pk"))
        .exclude(kind=JobKind.EXPORT)
        .order_by("-created_at", "-id")
    )
    return projects.annotate(
        job_id=Subquery(newest.values("pk")[:1]), job_state=Subquery(newest.values("state")[:1])
    )


def in_state(projects: QuerySet[Any], state: str) -> QuerySet[Any]:
    """Of ``with_state`` those in one of STATES, as ``state_of`` names it."""
    if state in _OF_JOB:
        return projects.filter(job_state__in=_OF_JOB[state])
    quiet = projects.filter(Q(job_state=None) | Q(job_state=JobState.DONE))
    return quiet.filter(mix="") if state == "text" else quiet.exclude(mix="")


def state_of(project: Any) -> str:
    for state, jobs in _OF_JOB.items():
        if project.job_state in jobs:
            return state
    return "ready" if project.mix else "text"


def _row(project: Any, job: Job | None, counts: Mapping[uuid.UUID, Counts]) -> dict[str, Any]:
    media = project.media
    return {
        "project": project,
        "title": project.title or project.original_name or "Untitled project",
        "languages": f"{language_name(project.source_language)} → "
        f"{language_name(project.target_language)}",
        "state": STATES[state_of(project)],
        "duration": duration(media["duration_s"]) if media.get("duration_s") else "",
        "job": job,
        "step": _step(job, counts.get(job.pk, {})) if job else None,
    }


def _step(job: Job, counts: Counts) -> dict[str, Any]:
    """Of a job under way: what is done now, and how many parts of it are."""
    running = next((one for one in progress(job, counts) if one["state"] == "running"), None)
    if running is None:
        return {"label": "Waiting for a worker", "done": 0, "parts": 0}
    return {**running, "label": STEPS.get(running["step"], running["step"])}


def _languages(user_id: int) -> dict[str, Any]:
    """What the person's engines can dub; with words where they cannot be asked."""
    problem = ""
    try:
        pairs = loaded.ask(user_id, available_pairs)
    except EngineError as error:
        pairs, problem = [], str(error)
    codes = sorted({code for pair in pairs for code in pair})
    names = {code: LANGUAGES.get(code, language_name(code)) for code in codes}
    return {"pairs": pairs, "languages": names, "problem": problem}
