"""Everything owned is reached by its owner, its team and nobody else.

The rule is tried on a table of its own, so that it holds for whatever is owned later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps

from accounts.models import Membership, Role, Team, User
from accounts.ownership import Owned
from accounts.services import create_user


class Things:
    """The table, and people with a part in its rows."""

    def __init__(self, table: Any, people: dict[str, User]) -> None:
        self.table = table
        self.people = people


@pytest.fixture
def things(transactional_db: None) -> Iterator[Things]:
    # In a registry of its own: nothing else is to look for it when people are deleted.
    with isolate_apps("accounts"):

        class Thing(Owned):
            name = models.CharField(max_length=10)

            class Meta(Owned.Meta):
                app_label = "accounts"

            def __str__(self) -> str:
                return self.name

        with connection.schema_editor() as editor:
            editor.create_model(Thing)
        people = {
            name: create_user(email=f"{name}@example.org", password=None)
            for name in ("ana", "ben", "eva", "stranger")
        }
        team = Team.objects.create(name="studio")
        for name, role in (("ana", Role.OWNER), ("ben", Role.EDITOR), ("eva", Role.VIEWER)):
            Membership.objects.create(team=team, user=people[name], role=role)
        rows: Any = Thing.objects
        rows.create(owner=people["ana"], name="own")
        rows.create(owner=people["ana"], team=team, name="team")
        rows.create(name="catalogue")
        yield Things(Thing, people)
        with connection.schema_editor() as editor:
            editor.delete_model(Thing)


def names(rows: Any) -> set[str]:
    return {row.name for row in rows}


@pytest.mark.parametrize(
    ("name", "seen", "changed"),
    [
        ("ana", {"own", "team", "catalogue"}, {"own", "team"}),
        ("ben", {"team", "catalogue"}, {"team"}),
        ("eva", {"team", "catalogue"}, set()),
        ("stranger", {"catalogue"}, set()),
    ],
)
def test_things_are_seen_and_changed_by_whom_they_belong_to(
    things: Things, name: str, seen: set[str], changed: set[str]
) -> None:
    user = things.people[name]
    assert names(things.table.objects.visible_to(user)) == seen
    assert names(things.table.objects.editable_by(user)) == changed


def test_someone_not_logged_in_sees_nothing(things: Things) -> None:
    assert not things.table.objects.visible_to(AnonymousUser())
    assert not things.table.objects.editable_by(AnonymousUser())


def test_who_leaves_a_team_sees_its_things_no_more(things: Things) -> None:
    ben = things.people["ben"]
    Membership.objects.filter(user=ben).delete()
    assert names(things.table.objects.visible_to(ben)) == {"catalogue"}


def test_what_is_in_the_catalogue_is_in_no_team(things: Things) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        things.table.objects.create(team=Team.objects.get(), name="both")
