"""Sessions as people keep them on their pages: named, their speakers named, deleted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import transaction

from accounts.models import Team, User
from pipeline.bounds import SESSION_TITLE_MAX, SPEAKER_NAME_MAX, SPEAKER_NAMES_MAX
from sessions_app import holding, selectors, services
from sessions_app.models import DubbingSession
from sessions_app.records.indexing import index_words


class NotAllowedError(Exception):
    """What was asked cannot be done; the text says why and what to do."""


@transaction.atomic
def rename_session(user: User, session_id: uuid.UUID, *, title: str) -> DubbingSession | None:
    """Give a session a title, or take it away; None when there is no such session to edit.

    Raises NotAllowedError.
    """
    title = _tidy(title)
    if len(title) > SESSION_TITLE_MAX:
        raise NotAllowedError(f"A title has at most {SESSION_TITLE_MAX} characters; shorten it.")
    session = selectors.editable_session(user, session_id)
    if session is not None:
        services.edit_session(session, title=title)
    return session


@transaction.atomic
def share_session(user: User, session_id: uuid.UUID, *, team: Team | None) -> DubbingSession | None:
    """Share a session of one's own with a team in which one edits, or no longer."""
    session = selectors.editable_session(user, session_id)
    if session is None or session.owner_id != user.pk:
        return None
    services.edit_session(session, team=team)
    return session


@transaction.atomic
def name_speakers(
    user: User, session_id: uuid.UUID, *, names: Mapping[str, str]
) -> DubbingSession | None:
    """Say what speakers are called; an empty name takes one away. None: no such session.

    Raises NotAllowedError.
    """
    session = selectors.editable_session(user, session_id)
    if session is None:
        return None
    known = dict(session.speaker_names)
    for speaker, name in names.items():
        name = _tidy(name)
        if len(name) > SPEAKER_NAME_MAX or not 0 < len(speaker) <= SPEAKER_NAME_MAX:
            raise NotAllowedError(
                f"A speaker's name has at most {SPEAKER_NAME_MAX} characters; shorten it."
            )
        known.pop(speaker, None)
        if name:
            known[speaker] = name
    if len(known) > SPEAKER_NAMES_MAX:
        raise NotAllowedError(f"At most {SPEAKER_NAMES_MAX} speakers of a session can be named.")
    session.speaker_names = known
    session.save(update_fields=["speaker_names"])
    index_words(session)
    return session


@transaction.atomic
def delete_session(user: User, session_id: uuid.UUID) -> bool:
    """Delete a session of one's own with its lines; what it used still counts. False: there is
    no such session.

    Raises NotAllowedError while it is being dubbed.
    """
    session = selectors.editable_session(user, session_id)
    if session is None or session.owner_id != user.pk:
        return False
    try:
        services.delete_session(session)
    except holding.SessionBusyError:
        raise NotAllowedError(
            "This session is being dubbed. Stop it first, then delete it."
        ) from None
    return True


def _tidy(text: str) -> str:
    return " ".join(text.replace("\0", "").split())
