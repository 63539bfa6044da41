"""pgvector is made where that is allowed, taken where it is, and asked for otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.db.utils import ConnectionHandler

from voices.vector_extension import NeededVectorExtension

NAME, USER = "bare_of_vectors", "bare_of_rights"


@pytest.fixture
def bare(transactional_db: None) -> Iterator[Any]:
    """A database without the extension, as a user sees it who owns it and is no superuser."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME}")
        cursor.execute(f"DROP ROLE IF EXISTS {USER}")
        cursor.execute(f"CREATE ROLE {USER} LOGIN")
        cursor.execute(f"CREATE DATABASE {NAME} OWNER {USER} TEMPLATE template0")
    asked = ConnectionHandler({"default": {**connection.settings_dict, "NAME": NAME, "USER": USER}})
    yield asked["default"]
    asked["default"].close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {NAME}")
        cursor.execute(f"DROP ROLE {USER}")


def migrate(database: Any) -> None:
    with database.schema_editor() as editor:
        NeededVectorExtension().database_forwards("voices", editor, None, None)


def test_who_may_not_make_it_is_told_what_to_do(bare: Any) -> None:
    with pytest.raises(CommandError, match="CREATE EXTENSION vector"):
        migrate(bare)


def test_what_an_administrator_has_made_is_taken(bare: Any) -> None:
    admin = ConnectionHandler({"default": {**connection.settings_dict, "NAME": NAME}})["default"]
    migrate(admin)
    admin.close()
    migrate(bare)
    with bare.cursor() as cursor:
        cursor.execute("SELECT '[3,4]'::vector <-> '[0,0]'")
        assert cursor.fetchone() == (5.0,)
