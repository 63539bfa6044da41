"""A glossary and its terms."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from accounts.ownership import Owned
from pipeline.bounds import GLOSSARY_TERM_MAX


class Glossary(Owned):
    """Terms for one pair of languages, or for any."""

    name = models.CharField(max_length=100)
    source_language = models.CharField(max_length=3, blank=True)
    """ISO 639 code; empty: any."""
    target_language = models.CharField(max_length=3, blank=True)
    """ISO 639 code; empty: any."""
    enabled = models.BooleanField(default=True)
    """Whether sessions use it."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Owned.Meta):
        ordering: ClassVar[list[str]] = ["name", "pk"]
        verbose_name_plural = "glossaries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "name"], name="glossary_owner_name"),
            models.Index(fields=["team"], name="glossary_team"),
        ]

    def __str__(self) -> str:
        return self.name


class Term(models.Model):
    glossary = models.ForeignKey(Glossary, on_delete=models.CASCADE, related_name="terms")
    source = models.CharField(max_length=GLOSSARY_TERM_MAX)
    """As it is heard, in any case."""
    target = models.CharField(max_length=GLOSSARY_TERM_MAX, blank=True)
    """What it becomes, exactly; empty: it stays as it is."""

    class Meta:
        ordering = (Lower("source"), "pk")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("glossary", Lower("source"), name="term_once_a_glossary"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} of {self.glossary_id}"
