"""An account and a token in services that a command started for itself."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections

from accounts.selectors import user_by_email
from accounts.services import create_token, create_user
from dubbing_project.service_urls import parse_database_url

PERSON = "demo@localhost.localdomain"


def make_token(database_url: str, *, name: str) -> str:
    """A token of two hours, of an account made for such commands, in their own database."""
    connections["default"].settings_dict.update(
        {name: parse_database_url(database_url)[name] for name in ("HOST", "USER", "NAME")}
    )
    person = user_by_email(PERSON) or create_user(email=PERSON, password=None)
    try:
        return create_token(person, name=name, lasts=timedelta(hours=2)).token
    finally:
        connections["default"].close()
