"""People and their clients, for the tests of what all addresses share."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.models import User
from accounts.rest.scopes import EVERYTHING
from accounts.services import create_token, create_user


@pytest.fixture
def ana(transactional_db: None) -> User:
    return create_user(email="ana@example.org", password=None)


@pytest.fixture
def ben(transactional_db: None) -> User:
    return create_user(email="ben@example.org", password=None)


def client_of(user: User, *scopes: str, **headers: Any) -> APIClient:
    """A client with a token of these scopes; of every scope when none is named."""
    token = create_token(user, name="test", scopes=scopes or (EVERYTHING,)).token
    client = APIClient()
    client.default_format = "json"
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}", **headers)
    return client


@pytest.fixture
def api(ana: User) -> APIClient:
    return client_of(ana)


@pytest.fixture(autouse=True)
def _nothing_counted(db: None) -> None:
    cache.clear()
