"""What sessions dub: films, series, lectures, streams."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.ownership import Owned
from voices.models.fields import PublicId


class Title(PublicId, Owned):
    """One film, series, lecture or channel; who appeared in it is told by its speakers.

    ``key`` makes two sessions of one title one title: see ``services.titles.title_key``.
    """

    name = models.CharField(max_length=300)
    url = models.URLField(max_length=2000, blank=True)
    key = models.CharField(max_length=64, editable=False)
    """SHA-256 of the normalised address, or of the normalised name where there is none."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Owned.Meta):
        abstract = False
        ordering: ClassVar[list[str]] = ["name", "id"]
        constraints = (
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["key", "owner"], nulls_distinct=False, name="one_title_a_key"
            ),
        )

    def __str__(self) -> str:
        return self.name
