"""A session's figures in pictures, and its transcript as a file."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from sessions_app import selectors
from sessions_app.codes import ERRORS, NOTICES, SKIPS
from sessions_app.models import DubbingSession
from sessions_app.pages.charts import Chart, Series, over_time, shares
from sessions_app.pages.naming import (
    duration,
    languages_of,
    speaker_look,
    speaker_name,
)
from sessions_app.pages.reading import about, session_or_404, user_of
from sessions_app.statistics import STAGES, Statistics
from sessions_app.transcripts import FORMATS, LANGUAGES, Transcript

STAGE_NAMES = {
    "endpoint_ms": "Waiting for the end of the clause",
    "recognition_ms": "Recognition",
    "translation_ms": "Translation",
    "synthesis_ms": "Synthesis",
    "total_ms": "Total",
}
_EXPLAINED = {code: text for group in ERRORS.values() for code, text in group.items()} | NOTICES


@login_required
@require_safe
def session_statistics(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    session = session_or_404(request, session_id)
    figures = selectors.statistics_of_session(session)
    names = session.speaker_names
    return render(
        request,
        "sessions/statistics.html",
        {
            **about(session, user_of(request)),
            "figures": figures,
            "lag_s": figures.p50.get("lag_ms", 0) / 1000,
            "lag_p95_s": figures.p95.get("lag_ms", 0) / 1000,
            "total_s": figures.p50.get("total_ms", 0) / 1000,
            "total_p95_s": figures.p95.get("total_ms", 0) / 1000,
            "charts": _charts(figures),
            "stages": [
                (STAGE_NAMES[name], f"stage-{name}", figures.p50[name], figures.p95[name])
                for name in (*STAGES, "total_ms")
                if name in figures.p50
            ],
            "speakers": [
                {
                    "name": speaker_name(one.speaker, names),
                    "look": speaker_look(one.speaker),
                    "figures": one,
                    "percent": 100 * one.share,
                    "spoken": duration(one.spoken_s),
                }
                for one in figures.speakers
            ],
            "shares": shares(
                [
                    (speaker_name(one.speaker, names), speaker_look(one.speaker), one.share)
                    for one in figures.speakers
                ]
            ),
            "skipped": [
                (SKIPS.get(reason) or _EXPLAINED.get(reason, reason), count)
                for reason, count in figures.skipped.items()
            ],
            "incidents": _incidents(session),
        },
    )


@login_required
@require_safe
def export(request: HttpRequest, session_id: uuid.UUID, suffix: str) -> HttpResponse:
    """``?language=`` is target, source or both."""
    session = session_or_404(request, session_id)
    wanted = FORMATS.get(suffix)
    language = request.GET.get("language", "target")
    if wanted is None or language not in LANGUAGES:
        raise Http404(f"A transcript is a file of: {', '.join(FORMATS)}.")
    title = session.title or languages_of(session)
    names = session.speaker_names
    said = selectors.transcript_of(session)
    speakers = {line.speaker for line in said} - {""}
    transcript = Transcript(
        session_id=str(session.pk),
        title=title,
        created_at=session.created_at,
        names={speaker: speaker_name(speaker, names) for speaker in speakers},
        lines=said,
    )
    response = HttpResponse(
        wanted.write(transcript, language), headers={"Content-Type": wanted.content_type}
    )
    code = {"target": session.target_language, "source": session.source_language}.get(language)
    stem = slugify(session.title)[:60] or f"session-{str(session.pk)[:8]}"
    file = ".".join(filter(None, (stem, code, wanted.suffix)))
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _charts(figures: Statistics) -> list[Chart]:
    end_s = figures.media_s
    made = [
        over_time(
            "latency",
            "Latency per stage",
            "ms",
            [
                Series(STAGE_NAMES[name], f"stage-{name}", points)
                for name, points in figures.stages.items()
            ],
            end_s=end_s,
            limit=(1000, "what the total should stay below"),
        ),
        over_time(
            "lag",
            "Lag behind the original",
            "s",
            [
                Series("Median", "lag", figures.lag),
                Series("19 of 20 lines below", "lag-high", figures.lag_p95),
            ],
            end_s=end_s,
            limit=(4, "where listeners lose the thread"),
            digits=2,
        ),
        over_time(
            "quality",
            "Sound of the source: speech above the noise",
            "dB",
            [Series("Signal to noise", "quality", figures.snr)],
            end_s=end_s,
            highest=None,
        ),
        over_time(
            "level",
            "Sound of the source: level",
            "dBFS",
            [Series("Level of the speech", "level", figures.level)],
            end_s=end_s,
            lowest=-60,
            highest=0,
        ),
        over_time(
            "similarity",
            "Voice similarity of each line to its speaker",
            "cosine",
            [Series("Similarity", "similarity", figures.similarity)],
            end_s=end_s,
            highest=1,
            digits=2,
            dots=True,
        ),
    ]
    return [chart for chart in made if chart is not None]


def _incidents(session: DubbingSession) -> list[dict[str, Any]]:
    """By code, the most frequent first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, code, at in selectors.incidents_of(session):
        one = found.setdefault(
            (kind, code),
            {
                "kind": kind,
                "code": code,
                "means": _EXPLAINED.get(code, "").replace("`", ""),
                "count": 0,
                "first": at,
            },
        )
        one["count"] += 1
        one["last"] = at
    return sorted(found.values(), key=lambda one: (one["kind"] != "error", -one["count"]))
