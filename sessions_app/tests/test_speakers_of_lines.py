"""Sessions and their speakers are kept in step: lines, titles, teams and deletions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team, User
from accounts.services import create_token, create_user
from sessions_app.models import DubbingSession, Line
from sessions_app.services import create_session, delete_session, edit_session
from voices import selectors, services
from voices.errors import VoicesError
from voices.models import Actor, Speaker, SpeakerState, Voiceprint
from voices.tests.conftest import heard, printed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return create_user(email="ana@example.org", password=None)


@pytest.fixture
def actor(ana: User) -> Actor:
    return services.create_actor(ana, by=ana, name="Ida Known")


@pytest.fixture
def api(ana: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {create_token(ana, name='test').token}")
    return client


@pytest.fixture
def make_team() -> Callable[[User], Team]:
    def make(owner: User) -> Team:
        team = Team.objects.create(name="crew")
        Membership.objects.create(team=team, user=owner, role=Role.OWNER)
        return team

    return make


def lines(session: DubbingSession, *speakers: str) -> None:
    """Of ten seconds each."""
    Line.objects.bulk_create(
        Line(
            session=session,
            sequence=number,
            speaker=speaker,
            source_language="en",
            target_language="es",
            source_text="x",
            start_s=number * 10.0,
            end_s=number * 10.0 + 8.0,
            engine="x",
            voice="x",
        )
        for number, speaker in enumerate(speakers)
    )


def test_merged_speakers_are_one_with_all_they_said(ana: User, actor: Actor) -> None:
    session = create_session(ana, target_language="es")
    first = heard(ana, "S1", session=session.pk)
    second = heard(ana, "S2", session=session.pk)
    printed(first)
    moved = printed(second, at_s=10.0)
    services.confirm(second, actor, by=ana)
    lines(session, "S1", "S2", "S2")
    services.merge_speakers(first, second, by=ana)
    first.refresh_from_db()
    moved.refresh_from_db()
    # What a person said of one of them holds for both.
    assert (first.actor, moved.speaker, moved.actor) == (actor, first, actor)
    assert set(Line.objects.values_list("speaker", flat=True)) == {"S1"}
    assert services.ensure_speaker(session.pk, "S2", owner=ana) == first
    assert list(selectors.speakers_of(ana)) == [first]
    with pytest.raises(VoicesError, match="already"):
        services.merge_speakers(first, second, by=ana)


def test_a_split_speaker_takes_their_lines_and_prints_along(ana: User, actor: Actor) -> None:
    session = create_session(ana, target_language="es")
    speaker = heard(ana, "S1", session=session.pk)
    services.confirm(speaker, actor, by=ana)
    speaker.refresh_from_db()
    stays, goes = printed(speaker, at_s=0.0), printed(speaker, at_s=11.0)
    lines(session, "S1", "S1", "S2")
    new = services.split_speaker(speaker, [(10.0, 30.0)], by=ana, name="the other one")
    stays.refresh_from_db()
    goes.refresh_from_db()
    assert (new.label, new.name, new.state) == ("S1.1", "the other one", SpeakerState.UNKNOWN)
    assert (stays.speaker, stays.actor) == (speaker, actor)
    assert (goes.speaker, goes.actor) == (new, None)
    assert list(Line.objects.order_by("sequence").values_list("speaker", flat=True)) == [
        "S1",
        "S1.1",
        "S2",
    ]
    # Whoever it is, it is not the one that they were split from.
    assert not services.note_match(new, actor, confidence=0.9, confirmed=True)
    with pytest.raises(VoicesError, match="everything"):
        services.split_speaker(speaker, [(0.0, 5.0)], by=ana)


def test_a_deleted_session_takes_its_speakers_along(ana: User) -> None:
    session = create_session(ana, target_language="es")
    printed(heard(ana, session=session.pk))
    kept = heard(ana)
    delete_session(session)
    assert list(Speaker.objects.all()) == [kept]
    assert not Voiceprint.objects.exists()


def test_a_shared_session_shares_its_speakers(ana: User, make_team: Any) -> None:
    session = create_session(ana, target_language="es")
    speaker, team = heard(ana, session=session.pk), make_team(ana)
    voiceprint = printed(speaker)
    edit_session(session, team=team)
    speaker.refresh_from_db()
    voiceprint.refresh_from_db()
    assert (speaker.team, voiceprint.team) == (team, team)


def test_who_appeared_in_a_title_is_known(api: APIClient, actor: Actor, ana: User) -> None:
    sessions = [
        create_session(ana, title="A Film", content_url=f"https://www.films.example/a?utm_x={n}#t")
        for n in "12"
    ]
    assert sessions[0].content == sessions[1].content
    for session in sessions:
        one = services.ensure_speaker(session.pk, "S1", owner=ana, title=session.content)
        services.confirm(one, actor, by=ana)
    title = sessions[0].content
    assert title is not None
    assert selectors.actors_in_title(ana, title.pk) == {actor.pk: 2}
    shown = api.get(f"/api/titles/{title.pk}").json()
    assert shown["cast"] == [{"actor": str(actor.pk), "name": "Ida Known", "sessions": 2}]
