"""What sessions are found by, gathered when they end or are named."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Value

from pipeline.bounds import TRANSCRIPT_LINES_MAX
from sessions_app.models import DubbingSession, SessionWords
from sessions_app.records.search import words_of


def index_words(session: DubbingSession) -> None:
    """Bring what the session is found by up to date: its title, its names, all that was said."""
    lines = session.lines.values_list("source_text", "target_text")[:TRANSCRIPT_LINES_MAX]
    texts = [session.title, *session.speaker_names.values()]
    words = words_of([*texts, *(text for pair in lines for text in pair)])
    vector = Func(
        Value(words, output_field=ArrayField(models.TextField())), function="array_to_tsvector"
    )
    SessionWords.objects.update_or_create(session=session, defaults={"words": vector})
