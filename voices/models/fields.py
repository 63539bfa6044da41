"""What several models have in common."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from pipeline.bounds import ACTOR_LANGUAGES_MAX

LANGUAGE = RegexValidator(r"\A[a-z]{2,3}\Z", "Write a language as its ISO 639 code, such as es.")


class PublicId(models.Model):
    """Known outside by an id that cannot be guessed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


def languages_field() -> ArrayField[list[str], list[str]]:
    """ISO 639 codes."""
    return ArrayField(
        models.CharField(max_length=8, validators=[LANGUAGE]),
        size=ACTOR_LANGUAGES_MAX,
        default=list,
        blank=True,
        help_text="ISO 639 codes, such as en, es",
    )


def stored_name(folder: str, suffix: str) -> str:
    """Where a new file goes: nothing of its name or its owner's is in the path."""
    return f"voices/{folder}/{uuid.uuid4().hex}{suffix}"
