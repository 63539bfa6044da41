"""The front page: for a visitor what this is, for a user the place to dub."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pipeline.ports import EngineError
from pipeline.sound.demo_clip import DemoClipError
from sessions_app import example, selectors
from sessions_app.engines import loaded
from sessions_app.engines.engine_access import access_of
from sessions_app.engines.engine_list import engines_for
from sessions_app.engines.languages import available_pairs
from sessions_app.models import DubbingSession
from sessions_app.pages.reading import user_of
from sessions_app.pages.sounds import sound_response
from sessions_app.records.naming import language_name, languages_of
from sessions_app.tasks import make_example

NO_SESSION = uuid.UUID(int=0)
"""Stands in addresses for the session that the page is going to make."""
KINDS = (
    ("sample", "Sample", "chat-quote", "Two people talking, built in"),
    ("microphone", "Microphone", "mic", "Of this machine"),
    ("tab", "Tab or window", "window", "Shared with its sound"),
    ("file", "File", "file-earmark-music", "Audio or video from disk"),
)
ROLES = (
    ("recognition", "Recognition"),
    ("translation", "Translation"),
    ("synthesis", "Synthesis"),
)
SHORTCUTS = (
    (("S",), "start or stop dubbing"),
    (("Space",), "pause, go on"),
    (("R",), "say the last phrase again"),
    (("O",), "original only, and back"),
    (("M",), "mute the dub"),
    (("+", "−"), "dub louder, quieter"),
    (("]", "["), "original louder, quieter"),
    ((".", ","), "dub 0.1 s later, sooner"),
    (("1", "…", "9"), "mute a speaker, by place in the list"),
    (("C",), "show or hide the original’s words"),
    (("?",), "this list"),
)


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "home.html", {"example": _example(), "target": example.TARGET})
    session = _to_dub_on(request)
    return render(
        request,
        "live/live.html",
        {
            "dub_on": session,
            "dub_on_languages": languages_of(session) if session else "",
            "settings_of_page": _settings(request, session),
            "no_session": NO_SESSION,
            "kinds": KINDS,
            "roles": ROLES,
            "shortcuts": SHORTCUTS,
        },
    )


@require_safe
def example_lines(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django passes it
    """What is said in the example; 404 while it is being made."""
    made = _example()
    if made is None:
        return JsonResponse({"message": "The example is being made."}, status=404)
    return JsonResponse({"lines": made.lines})


@require_safe
def example_sound(request: HttpRequest, name: str) -> HttpResponse:
    made = example.example()
    if made is None or name not in example.SOUNDS:
        raise Http404("There is no such sound.")
    return sound_response(request, made.sound(name), "audio/mpeg")


@require_safe
def sample_sound(request: HttpRequest) -> HttpResponse:
    """The built-in sample, to be dubbed from the page."""
    try:
        file = example.sample()
    except DemoClipError:
        raise Http404("The sample is not there.") from None
    return sound_response(request, file, "audio/wav")


def _example() -> example.Example | None:
    """Has it made where it is not; the page asks again."""
    made = example.example()
    if made is None and example.claim():
        make_example.delay()
    return made


def _to_dub_on(request: HttpRequest) -> DubbingSession | None:
    """``?session=``: one of the user's own."""
    try:
        wanted = uuid.UUID(request.GET.get("session", ""))
    except ValueError:
        return None
    session = selectors.session_of(user_of(request), wanted)
    return session if session is not None and session.owner_id == request.user.pk else None


def _settings(request: HttpRequest, session: DubbingSession | None) -> dict[str, Any]:
    """What the page's script has to know; it asks for nothing else before it connects."""
    user = user_of(request)
    problem = ""
    try:
        pairs = loaded.ask(user.pk, available_pairs)
    except EngineError as error:
        pairs, problem = [], str(error)
    codes = sorted({code for pair in pairs for code in pair})
    engines = engines_for(access_of(user.pk))
    return {
        "csrf": get_token(request),
        "sample": reverse("sample-sound"),
        "noSession": str(NO_SESSION),
        "speakersAddress": reverse("session-speakers", args=[NO_SESSION]),
        "pairs": pairs,
        "languages": {code: language_name(code) for code in codes},
        "engines": engines["engines"],
        "problem": problem or (engines["problem"] or {}).get("message", ""),
        "session": {
            "id": str(session.pk),
            "title": session.title,
            "source": session.source_language,
            "target": session.target_language,
            "preserve_voice": session.preserve_voice,
            "names": session.speaker_names,
        }
        if session
        else None,
    }
