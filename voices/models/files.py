"""Files in the storage that no row needs any more."""

from __future__ import annotations

from django.db import models


class DiscardedFile(models.Model):
    """A stored file that is to be deleted, written in the transaction that let go of it.

    Also written before a file is stored and taken back by the row that refers to it, so that
    a process killed at any step leaves no file behind: ``voices.tasks.delete_discarded``.
    """

    name = models.CharField(max_length=200, unique=True)
    """As the storage knows it."""
    after = models.DateTimeField(db_index=True)
    """Not deleted before."""

    def __str__(self) -> str:
        return self.name
