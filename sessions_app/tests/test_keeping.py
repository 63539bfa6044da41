"""What sessions keep of a person: in the copy of their data, and gone with their account."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from django.utils import timezone

from accounts import personal_data
from accounts.models import User
from accounts.services import create_user
from sessions_app import holding, services
from sessions_app.glossaries import services as glossaries
from sessions_app.glossaries.models import Glossary
from sessions_app.keeping import export
from sessions_app.models import DailyUse, DubbingSession, EngineUse, Line
from sessions_app.tests.test_record import line

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, User]:
    """Each with a session of two lines, a glossary and use."""
    found = {}
    for name in ("ana", "ben"):
        user = found[name] = create_user(email=f"{name}@example.org", password=None)
        session = services.create_session(user, target_language="es")
        said = [replace(line(number), source_text=f"{name} said {number}") for number in (0, 1)]
        holding.save_lines(session.pk, said)
        glossary = glossaries.create_glossary(user, name="names")
        glossaries.put_term(glossary, source=name, target="")
        today = timezone.now().date()
        DailyUse.objects.create(user=user, day=today, heard_s=3.0)
        EngineUse.objects.create(
            user=user, session=session, day=today, engine="x", leg="recognition", unit="seconds"
        )
    return found


def test_the_copy_holds_ones_own_and_nobody_elses(people: dict[str, User]) -> None:
    copied = {name: list(rows) for name, rows in export(people["ana"])}
    assert [row["source_text"] for row in copied["lines"]] == ["ana said 0", "ana said 1"]
    assert [row["source"] for row in copied["glossary_terms"]] == ["ana"]
    assert [len(copied[name]) for name in ("sessions", "engine_use", "daily_use")] == [1, 1, 1]
    assert not {"held_by", "owner_id"} & set(copied["sessions"][0])


def test_all_of_it_goes_with_the_account_and_the_others_stays(people: dict[str, User]) -> None:
    personal_data.delete_account(people["ana"])
    for model in (DubbingSession, Glossary, DailyUse, EngineUse):
        assert model.objects.count() == 1
    assert {row.source_text for row in Line.objects.all()} == {"ben said 0", "ben said 1"}


def test_nobody_goes_while_they_dub(people: dict[str, User]) -> None:
    mine = DubbingSession.objects.filter(owner=people["ana"])
    mine.update(held_by=uuid.uuid4(), held_at=timezone.now())
    with pytest.raises(personal_data.ObstacleError, match="dubbing right now"):
        personal_data.delete_account(people["ana"])
    mine.update(held_by=None)
    personal_data.delete_account(people["ana"])
    assert not User.objects.filter(email="ana@example.org").exists()
