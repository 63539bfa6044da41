"""What this app keeps of a person: see ``accounts.personal_data``."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F

from accounts.models import User
from accounts.personal_data import Keeper, Rows
from sessions_app.glossaries.models import Term
from sessions_app.models import DailyUse, EngineUse, Line
from sessions_app.projects import keeping as projects
from sessions_app.selectors import sessions_of

_ROWS_AT_ONCE = 2000


def export(user: User) -> Iterator[tuple[str, Rows]]:
    own = sessions_of(user).filter(owner=user)
    yield "sessions", own.values(*_columns(own.model, without={"owner", "held_by", "held_at"}))
    lines = Line.objects.filter(session__in=own).order_by("session_id", "sequence")
    yield "lines", lines.values(*_columns(Line, without={"id"})).iterator(_ROWS_AT_ONCE)
    yield (
        "glossary_terms",
        Term.objects.filter(glossary__owner=user)
        .values(
            "source",
            "target",
            glossary_name=F("glossary__name"),
            source_language=F("glossary__source_language"),
            target_language=F("glossary__target_language"),
        )
        .iterator(_ROWS_AT_ONCE),
    )
    yield (
        "engine_use",
        EngineUse.objects.filter(user=user)
        .values("day", "session", "engine", "leg", "unit", "amount", "requests")
        .iterator(_ROWS_AT_ONCE),
    )
    yield "daily_use", DailyUse.objects.filter(user=user).values("day", "heard_s")
    yield from projects.export(user)


def obstacle(user: User) -> str | None:
    """What is live still writes."""
    if sessions_of(user).filter(owner=user, held_by__isnull=False).exists():
        return "You are dubbing right now: stop your live sessions, wait a minute and try again."
    return projects.obstacle(user)


KEEPER = Keeper(export=export, obstacle=obstacle)


def _columns(model: type, *, without: set[str]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.name not in without]  # type: ignore[attr-defined]
