"""Teams: who may do what in one, joining by invitation, and the rule of the last owner."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts import teams
from accounts.models import Invitation, Membership, Role, Team, User
from accounts.services import create_user
from pipeline.bounds import TEAMS_MAX

pytestmark = pytest.mark.django_db

People = dict[str, User]


@pytest.fixture
def people() -> People:
    return {
        name: create_user(email=f"{name}@example.org", password=None)
        for name in ("ana", "ben", "eva", "stranger")
    }


@pytest.fixture
def team(people: People) -> Team:
    made = teams.create_team(people["ana"], name="Studio")
    for name, role in (("ben", Role.EDITOR), ("eva", Role.VIEWER)):
        Membership.objects.create(team=made, user=people[name], role=role)
    return made


def member(team: Team, name: str) -> int:
    return Membership.objects.get(team=team, user__email=f"{name}@example.org").pk


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("name", ["ben", "eva"])
def test_only_owners_keep_the_team(people: People, team: Team, name: str) -> None:
    acting = people[name]
    for act in (
        lambda: teams.rename_team(acting, team.pk, name="x"),
        lambda: teams.delete_team(acting, team.pk),
        lambda: teams.invite(acting, team.pk, email="new@example.org", role="viewer"),
        lambda: teams.withdraw(acting, team.pk, invitation_id=1),
        lambda: teams.change_role(acting, team.pk, member_id=member(team, "ana"), role="viewer"),
        lambda: teams.remove_member(acting, team.pk, member_id=member(team, "ana")),
    ):
        with pytest.raises(teams.NotAllowedError):
            act()
    assert Team.objects.get().name == "Studio"


def test_a_team_needs_an_owner(people: People, team: Team) -> None:
    ana, mine = people["ana"], member(team, "ana")
    with pytest.raises(teams.LastOwnerError):
        teams.remove_member(ana, team.pk, member_id=mine)
    with pytest.raises(teams.LastOwnerError):
        teams.change_role(ana, team.pk, member_id=mine, role="editor")
    teams.change_role(ana, team.pk, member_id=member(team, "ben"), role="owner")
    assert teams.remove_member(ana, team.pk, member_id=mine)


def test_anyone_may_leave(people: People, team: Team) -> None:
    assert teams.remove_member(people["eva"], team.pk, member_id=member(team, "eva"))
    assert not Membership.objects.filter(user=people["eva"]).exists()


def test_an_invitation_lets_in_who_it_was_sent_to_and_once(people: People, team: Team) -> None:
    secret = teams.invite(
        people["ana"], team.pk, email="Stranger@Example.org", role="editor"
    ).secret
    other = create_user(email="other@example.org", password=None)
    with pytest.raises(teams.InvitationWrongError):
        teams.accept(other, secret=secret)
    assert teams.accept(people["stranger"], secret=secret) == team
    assert Membership.objects.get(user=people["stranger"]).role == "editor"
    with pytest.raises(teams.InvitationWrongError):
        teams.accept(people["stranger"], secret=secret)


def test_an_invitation_expires_and_is_replaced_by_the_next(people: People, team: Team) -> None:
    first = teams.invite(people["ana"], team.pk, email="stranger@example.org", role="viewer")
    second = teams.invite(people["ana"], team.pk, email="stranger@example.org", role="viewer")
    assert teams.invitation_of(first.secret) is None
    assert teams.invitation_of(second.secret) == second.invitation
    assert second.secret not in second.invitation.digest
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(teams.InvitationWrongError):
        teams.accept(people["stranger"], secret=second.secret)


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        ("no address", "viewer", "valid email"),
        ("x@example.org", "king", "Choose one of"),
        ("BEN@example.org", "viewer", "in the team already"),
    ],
)
def test_a_wrong_invitation_is_told_why(
    people: People, team: Team, email: str, role: str, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        teams.invite(people["ana"], team.pk, email=email, role=role)


def test_teams_of_one_person_are_bounded(people: People) -> None:
    for number in range(TEAMS_MAX):
        teams.create_team(people["ana"], name=str(number))
    with pytest.raises(ValidationError, match="leave one first"):
        teams.create_team(people["ana"], name="more")


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("", "get"),
        ("/rename", "post"),
        ("/delete", "post"),
        ("/invitations", "post"),
        ("/members/{member}/role", "post"),
        ("/members/{member}/remove", "post"),
    ],
)
def test_a_team_of_others_does_not_exist(
    people: People, team: Team, path: str, method: str
) -> None:
    address = f"/teams/{team.pk}" + path.format(member=member(team, "eva"))
    form = {"name": "x", "email": "x@example.org", "role": "viewer"}
    answer: Any = getattr(client_of(people["stranger"]), method)(address, form)
    assert answer.status_code == 404
    assert Team.objects.get().name == "Studio"
    assert team.memberships.count() == 3


def test_a_member_of_another_team_cannot_be_changed_through_ones_own(
    people: People, team: Team
) -> None:
    own = teams.create_team(people["stranger"], name="mine")
    address = f"/teams/{own.pk}/members/{member(team, 'eva')}/remove"
    assert client_of(people["stranger"]).post(address).status_code == 404
    assert team.memberships.count() == 3


def test_the_invitation_goes_out_by_mail_with_a_link_that_works(people: People, team: Team) -> None:
    page = client_of(people["ana"]).post(
        f"/teams/{team.pk}/invitations", {"email": "stranger@example.org", "role": "viewer"}
    )
    (sent,) = mail.outbox
    link = re.search(r"http\S+(/invitations/\S+)", str(sent.body))
    assert link is not None
    assert link[0] in page.content.decode()
    stranger = client_of(people["stranger"])
    assert "Join the team" in stranger.get(link[1]).content.decode()
    assert stranger.post(link[1])["Location"] == f"/teams/{team.pk}"
    assert stranger.get(link[1]).status_code == 404


def test_leaving_as_the_last_owner_says_what_to_do(people: People, team: Team) -> None:
    page = client_of(people["ana"]).post(
        f"/teams/{team.pk}/members/{member(team, 'ana')}/remove", follow=True
    )
    assert "make somebody else one first" in page.content.decode()
