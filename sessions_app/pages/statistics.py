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
from sessions_app.models import DubbingSession
from sessions_app.pages.charts import Chart, Point, Series, over_time, shares
from sessions_app.pages.reading import about, session_or_404, user_of
from sessions_app.protocol.codes import ERRORS, NOTICES, SKIPS
from sessions_app.records.naming import (
    duration,
    speaker_look,
    speaker_name,
)
from sessions_app.records.statistics import STAGES, of_session
from sessions_app.records.transcripts import MEDIA_TYPES, TEXTS, transcript

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
    figures = of_session(session)
    spreads, names = figures["latencies"], session.speaker_names
    speakers = [
        {
            **one,
            "name": speaker_name(one["speaker"], names),
            "look": speaker_look(one["speaker"]),
            "percent": 100 * one["share"],
            "spoken": duration(one["speech_s"]),
        }
        for one in figures["speakers"]
    ]
    return render(
        request,
        "sessions/statistics.html",
        {
            **about(session, user_of(request)),
            "figures": figures,
            "lag": _seconds(spreads, "lag_ms"),
            "total": _seconds(spreads, "total_ms"),
            "charts": _charts(figures),
            "stages": [
                (STAGE_NAMES[name], f"stage-{name}", spreads[name])
                for name in (*STAGES, "total_ms")
                if name in spreads
            ],
            "speakers": speakers,
            "shares": shares([(one["name"], one["look"], one["share"]) for one in speakers]),
            "skipped": [
                (SKIPS.get(reason) or _EXPLAINED.get(reason, reason), count)
                for reason, count in figures["skipped_reasons"].items()
            ],
            "incidents": _incidents(session),
        },
    )


@login_required
@require_safe
def export(request: HttpRequest, session_id: uuid.UUID, suffix: str) -> HttpResponse:
    """``?language=`` is target, source or both."""
    session = session_or_404(request, session_id)
    text = request.GET.get("language", "target")
    if suffix not in MEDIA_TYPES or text not in TEXTS:
        raise Http404(f"A transcript is a file of: {', '.join(MEDIA_TYPES)}.")
    # The dub's text is read while the dub is heard.
    times = "dub" if text == "target" else "source"
    response = HttpResponse(
        transcript(session, form=suffix, text=text, times=times),
        headers={"Content-Type": f"{MEDIA_TYPES[suffix]}; charset=utf-8"},
    )
    code = {"target": session.target_language, "source": session.source_language}.get(text)
    stem = slugify(session.title)[:60] or f"session-{str(session.pk)[:8]}"
    file = ".".join(filter(None, (stem, code, suffix)))
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _seconds(spreads: dict[str, Any], name: str) -> dict[str, float]:
    spread = spreads.get(name, {"p50": 0.0, "p95": 0.0})
    return {"p50": spread["p50"] / 1000, "p95": spread["p95"] / 1000}


def _charts(figures: dict[str, Any]) -> list[Chart]:
    interval_s, told = figures["interval_s"], figures["over_time"]
    end_s = told[-1]["start_s"] + interval_s if told else 0.0

    def over(name: str, scale: float = 1.0) -> list[Point]:
        """A figure of the intervals, each in its middle."""
        values = [(one["start_s"], one.get(name, one["latencies"].get(name))) for one in told]
        return [
            (round(start_s + interval_s / 2, 2), round(value * scale, 3))
            for start_s, value in values
            if value is not None
        ]

    made = [
        over_time(
            "latency",
            "Latency per stage",
            "ms",
            [
                Series(STAGE_NAMES[name], f"stage-{name}", over(name))
                for name in ("total_ms", *STAGES)
            ],
            end_s=end_s,
            limit=(1000, "what the total should stay below"),
        ),
        over_time(
            "lag",
            "Lag behind the original",
            "s",
            [
                Series("Median", "lag", over("lag_ms", 0.001)),
                Series("19 of 20 lines below", "lag-high", over("lag_p95_ms", 0.001)),
            ],
            end_s=end_s,
            limit=(4, "where listeners lose the thread"),
            digits=2,
        ),
        over_time(
            "quality",
            "Sound of the source: speech above the noise",
            "dB",
            [Series("Signal to noise", "quality", over("snr_db"))],
            end_s=end_s,
        ),
        over_time(
            "level",
            "Sound of the source: level",
            "dBFS",
            [Series("Level of the speech", "level", over("level_dbfs"))],
            end_s=end_s,
            lowest=-60,
            highest=0,
        ),
        over_time(
            "similarity",
            "Voice similarity of each line to its speaker",
            "cosine",
            [Series("Similarity", "similarity", over("similarity"))],
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
