"""Everything owned is reached by its owner, its team and nobody else.

The rule is tried on a table of its own, so that it holds for whatever is owned later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Membership, Role, Team, User
from accounts.ownership import Owned, OwnedQuerySet
from accounts.services import create_user


class Thing(Owned):
    name = models.CharField(max_length=10)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        app_label = "accounts"
        managed = False

    def __str__(self) -> str:
        return self.name


@pytest.fixture
def things(transactional_db: None) -> Iterator[dict[str, User]]:
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    people = {
        name: create_user(email=f"{name}@example.org", password=None)
        for name in ("ana", "ben", "eva", "stranger")
    }
    team = Team.objects.create(name="studio")
    for name, role in (("ana", Role.OWNER), ("ben", Role.EDITOR), ("eva", Role.VIEWER)):
        Membership.objects.create(team=team, user=people[name], role=role)
    Thing(owner=people["ana"], name="own").save()
    Thing(owner=people["ana"], team=team, name="team").save()
    Thing(name="catalogue").save()
    yield people
    with connection.schema_editor() as editor:
        editor.delete_model(Thing)


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
    things: dict[str, User], name: str, seen: set[str], changed: set[str]
) -> None:
    user = things[name]
    assert {thing.name for thing in Thing.objects.visible_to(user)} == seen
    assert {thing.name for thing in Thing.objects.editable_by(user)} == changed


def test_someone_not_logged_in_sees_nothing(things: dict[str, User]) -> None:
    assert not Thing.objects.visible_to(AnonymousUser())
    assert not Thing.objects.editable_by(AnonymousUser())


def test_who_leaves_a_team_sees_its_things_no_more(things: dict[str, User]) -> None:
    Membership.objects.filter(user=things["ben"]).delete()
    assert {thing.name for thing in Thing.objects.visible_to(things["ben"])} == {"catalogue"}


def test_what_is_in_the_catalogue_is_in_no_team(things: dict[str, User]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Thing(team=Team.objects.get(), name="both").save()
