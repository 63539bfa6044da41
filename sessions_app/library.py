"""Sessions as people keep them: named, found again, deleted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Func, Value

from accounts.models import User
from pipeline.bounds import SPEAKER_NAME_MAX, SPEAKER_NAMES_MAX, TITLE_MAX, TRANSCRIPT_LINES_MAX
from sessions_app import selectors
from sessions_app.models import DubbingSession, SessionState, SessionWords
from sessions_app.search import words_of


class NotAllowedError(Exception):
    """What was asked cannot be done; the text says why and what to do."""


@transaction.atomic
def rename_session(user: User, session_id: uuid.UUID, *, title: str) -> DubbingSession | None:
    """Give a session a title, or take it away; None when there is no such session to edit.

    Raises NotAllowedError.
    """
    title = " ".join(title.replace("\0", "").split())
    if len(title) > TITLE_MAX:
        raise NotAllowedError(f"A title has at most {TITLE_MAX} characters; shorten it.")
    session = _locked(user, session_id)
    if session is not None:
        session.title = title
        session.save(update_fields=["title"])
        index_words(session)
    return session


@transaction.atomic
def name_speakers(
    user: User, session_id: uuid.UUID, *, names: Mapping[str, str]
) -> DubbingSession | None:
    """Say what speakers are called; an empty name takes one away. None: no such session.

    Raises NotAllowedError.
    """
    session = _locked(user, session_id)
    if session is None:
        return None
    known = dict(session.speaker_names)
    for speaker, name in names.items():
        name = " ".join(name.replace("\0", "").split())
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
    """Delete a session with its lines; what it used still counts. False: no such session.

    Raises NotAllowedError while it is being dubbed.
    """
    session = _locked(user, session_id)
    if session is None:
        return False
    if session.state == SessionState.LIVE and session.held_by is not None:
        raise NotAllowedError("This session is being dubbed. Stop it first, then delete it.")
    session.delete()
    return True


def index_words(session: DubbingSession) -> None:
    """Bring what the session is found by up to date."""
    lines = session.lines.values_list("source_text", "target_text")[:TRANSCRIPT_LINES_MAX]
    texts = [session.title, *session.speaker_names.values()]
    words = words_of([*texts, *(text for pair in lines for text in pair)])
    vector = Func(
        Value(words, output_field=ArrayField(models.TextField())), function="array_to_tsvector"
    )
    SessionWords.objects.update_or_create(session=session, defaults={"words": vector})


def _locked(user: User, session_id: uuid.UUID) -> DubbingSession | None:
    return selectors.editable_sessions(user).select_for_update().filter(pk=session_id).first()
