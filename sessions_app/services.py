"""Writes of people: sessions are made, named, shared and deleted."""

from __future__ import annotations

from typing import Any

from accounts.models import Team, User
from sessions_app.holding import SessionBusyError, is_held
from sessions_app.models import DubbingSession
from sessions_app.records.indexing import index_words
from voices.services import ensure_title, share_session


def create_session(
    owner: User,
    *,
    source_language: str = "auto",
    target_language: str = "",
    preserve_voice: bool = True,
    title: str = "",
    content_url: str = "",
    team: Team | None = None,
) -> DubbingSession:
    """``content_url``: the address of what is dubbed, which tells two sessions of one film as
    such even where its title is written otherwise."""
    made: DubbingSession = DubbingSession.objects.create(
        owner=owner,
        title=title,
        content=ensure_title(content_url or title, owner=owner, team=team, name=title),
        team=team,
        source_language=source_language,
        target_language=target_language,
        preserve_voice=preserve_voice,
    )
    if title:
        index_words(made)
    return made


def edit_session(session: DubbingSession, **changes: Any) -> None:
    """Change its ``title`` or ``team``; the row is locked, and the caller may change it."""
    for name, value in changes.items():
        setattr(session, name, value)
    if "title" in changes and (session.content is None or not session.content.url):
        session.content = ensure_title(session.title, owner=session.owner, team=session.team)
    session.save(update_fields=[*changes, "content"])
    if "title" in changes:
        index_words(session)
    if "team" in changes:
        share_session(session.pk, team=session.team)


def delete_session(session: DubbingSession) -> None:
    """Delete it with its lines; the row is locked. Raises SessionBusyError while it is dubbed."""
    if is_held(session):
        raise SessionBusyError(str(session.pk))
    session.delete()
