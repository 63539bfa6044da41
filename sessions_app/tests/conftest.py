"""People, tokens and scripted engines for the tests of sessions."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.models import User
from accounts.orm_thread import close_orm_threads
from accounts.services import create_token, create_user
from pipeline.runtime import pressure
from pipeline.tests.waiting import until
from sessions_app.engines import loaded
from sessions_app.live import registry as live
from sessions_app.tests import engines as scripted_sets
from sessions_app.usage import report as usage


@dataclass(frozen=True)
class Person:
    user: User
    token: str


MakePerson = Callable[[str], Person]
Server = Callable[[], Any]
"""Gives the newest set of scripted engines."""


def person_of(name: str) -> Person:
    user = create_user(email=f"{name}@example.org", password=None)
    return Person(user, create_token(user, name="test").token)


@pytest.fixture
def make_person(transactional_db: None) -> MakePerson:
    return person_of


@pytest.fixture
def ana(make_person: MakePerson) -> Person:
    return make_person("ana")


@pytest.fixture
def ben(make_person: MakePerson) -> Person:
    return make_person("ben")


@pytest.fixture(autouse=True)
def _the_machine_may_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runs as fast as it can, and is no reason to refuse the session of the next one."""
    monkeypatch.setattr(live, "LATE_MAX_S", 60.0)
    monkeypatch.setattr(pressure, "LATE_MAX_S", 60.0)
    monkeypatch.setattr(pressure, "BUSY_MAX", 2.0)


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is counted by the day, also where a test runs over midnight."""
    day = usage.today()
    monkeypatch.setattr(usage, "today", lambda: day)


@pytest_asyncio.fixture
async def server(ana: Person, settings: Any) -> AsyncIterator[Server]:
    """Scripted engines behind the real application; calls give the newest set."""
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    scripted_sets.made.clear()
    await loaded.engines()
    yield lambda: scripted_sets.made[-1]
    await live.close()
    await loaded.close_engines()
    # The database cannot be dropped while threads of ours hold connections to it.
    close_orm_threads()
    await sync_to_async(connections.close_all)()


async def until_gone(session_id: str) -> None:
    """Wait until a session whose client left has ended."""
    await until(lambda: live.find(uuid.UUID(session_id)) is None)
