"""What is said is found again, whatever its case, its accents and its script."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from pipeline.bounds import QUERY_WORDS_MAX, SESSION_WORDS_MAX
from sessions_app import holding, selectors, services
from sessions_app.models import DubbingSession, SessionState, SessionWords
from sessions_app.records import library
from sessions_app.records.indexing import index_words
from sessions_app.records.search import as_tsquery, finder, wanted, words_of
from sessions_app.tests.conftest import Person, person_of
from sessions_app.tests.test_record import line


@pytest.fixture
def ana(db: None) -> Person:
    return person_of("ana")


@pytest.fixture
def ben(db: None) -> Person:
    return person_of("ben")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Café", True),
        ("CAFE", True),
        ("caf", True),
        ("afé", False),
        ("café mañana", True),
        ("café ayer", False),
        ("mañana café", True),
        ("Straße", True),
        ("strasse", True),
        ("Привет", True),
        ("привет", True),
        ("한국", True),
        ("日本", True),
        ("本語", True),
        ("日", True),
        ("語日", False),
        ("l'eau", True),
    ],
)
def test_words_are_found_by_their_beginning(query: str, found: bool) -> None:
    text = "Un café, mañana. Straße! Привет 한국어 日本語です L’eau"
    assert finder(wanted(query))(text) is found


def test_the_index_says_the_same_as_the_text(ana: Person) -> None:
    text = "Un café, mañana. Straße! Привет 한국어 日本語です L’eau \\ ' & | :* <->"
    session = ended(ana, text)
    for query in ("café", "CAF", "afé", "strasse привет", "日本", "語日", "한국", "l'eau", "eau"):
        listed = selectors.found(selectors.sessions_of(ana.user), query).exists()
        assert listed is finder(wanted(query))(text), query
        assert bool(selectors.lines_found(session.lines.all(), query)) is listed, query


@pytest.mark.parametrize(
    "query", ["' \\", "!!", "a & b | !c <-> :*", "'); drop table", "\0", "%", "_"]
)
def test_a_query_is_never_more_than_words(ana: Person, query: str) -> None:
    ended(ana, "something else")
    assert not selectors.found(selectors.sessions_of(ana.user), query).exists()


def test_an_empty_query_finds_everything(ana: Person) -> None:
    ended(ana, "something")
    assert selectors.found(selectors.sessions_of(ana.user), "").count() == 1
    assert selectors.found(selectors.sessions_of(ana.user), " ").count() == 1


def test_both_languages_titles_and_names_are_searched(ana: Person) -> None:
    session = ended(ana, "the garden", target="el jardín")
    library.rename_session(ana.user, session.pk, title="Botanics 101")
    library.name_speakers(ana.user, session.pk, names={"S1": "Marguerite"})
    mine = selectors.sessions_of(ana.user)
    for query in ("garden", "jardin", "botanics", "101", "marguer", "botanics jardin"):
        assert selectors.found(mine, query).get() == session, query
    library.rename_session(ana.user, session.pk, title="")
    assert not selectors.found(mine, "botanics").exists()


def test_a_session_that_is_live_is_found_by_what_was_said_so_far(ana: Person) -> None:
    session = services.create_session(ana.user, target_language="es")
    DubbingSession.objects.filter(pk=session.pk).update(state=SessionState.LIVE)
    holding.save_lines(session.pk, [replace(line(0), source_text="the weather is fine")])
    mine = selectors.sessions_of(ana.user)
    assert selectors.found(mine, "weather fine").get() == session
    assert not selectors.found(mine, "weather rain").exists()


def test_what_somebody_else_said_is_not_found(ana: Person, ben: Person) -> None:
    ended(ben, "a secret")
    assert not selectors.found(selectors.sessions_of(ana.user), "secret").exists()


def test_words_are_bounded() -> None:
    assert len(words_of(f"word{n}" for n in range(2 * SESSION_WORDS_MAX))) == SESSION_WORDS_MAX
    assert len(wanted(" ".join(f"w{n}" for n in range(100)))) == QUERY_WORDS_MAX
    assert max(map(len, words_of(["x" * 5000]))) <= 64
    assert as_tsquery(["a", "b"]) == "'a':* & 'b':*"


def ended(person: Person, text: str, *, target: str = "") -> DubbingSession:
    session = services.create_session(person.user, target_language="es")
    holding.save_lines(session.pk, [replace(line(0), source_text=text, target_text=target)])
    DubbingSession.objects.filter(pk=session.pk).update(
        state=SessionState.ENDED, ended_at=timezone.now()
    )
    session.refresh_from_db()
    index_words(session)
    return session


def test_what_was_dubbed_before_there_was_a_search_is_found_as_well(ana: Person) -> None:
    session = ended(ana, "an old garden")
    SessionWords.objects.all().delete()
    migration = import_module("sessions_app.migrations.0005_search_names_incidents")
    migration.gather_words(apps, SimpleNamespace(connection=connection))
    assert selectors.found(selectors.sessions_of(ana.user), "gard").get() == session
