"""Makes sure that the database has pgvector, or says what its administrator has to do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db.utils import DatabaseError
from pgvector.django import VectorExtension


class NeededVectorExtension(VectorExtension):
    """Only a superuser may make the extension; where it is already there, nobody need be."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        except DatabaseError as error:
            raise CommandError(
                "This database has no pgvector, and this user may not add it. Install pgvector "
                "on the Postgres server, run CREATE EXTENSION vector; in this database as a "
                "superuser, then start again."
            ) from error
