"""Actors recognised among those that a user may use, in the real database."""

from __future__ import annotations

import dataclasses
import uuid

import numpy as np
import pytest
from django.db import connection

from accounts.models import Membership, Role, Team, User
from pipeline.bounds import ACTORS_MAX
from pipeline.speakers.identification import Band, Heard, Match, Mean
from pipeline.speakers.memory import Heard as Spoken
from pipeline.speakers.memory import Stretch
from pipeline.speakers.voiceprinting import Voiceprints
from pipeline.types import Embedding
from voices import services
from voices.errors import LimitReachedError
from voices.models import Actor, ActorCentroid, Speaker, SpeakerState, Title, Voiceprint
from voices.recognition.recognising import recognise
from voices.recognition.remembering import Place, get_to_know, keep, note_voice, voice_for
from voices.recognition.search import nearest

pytestmark = pytest.mark.django_db

ENCODER, VERSION = "resemblyzer", "0.1.4"


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana@example.org")


@pytest.fixture
def ben() -> User:
    return User.objects.create_user("ben@example.org")


def voice(number: int, similarity: float = 1.0) -> Embedding:
    made = np.zeros(256, np.float32)
    made[number], made[255] = similarity, np.sqrt(1 - similarity**2)
    return made


def heard(number: int, similarity: float = 1.0, speech_s: float = 6.0) -> dict[Band, Mean]:
    return {"wide": Mean(voice(number, similarity), speech_s)}


def known(
    name: str, number: int, *, owner: User | None, team: Team | None = None, version: str = VERSION
) -> Actor:
    """An actor with a voiceprint of ten seconds, who was confirmed in some session."""
    actor = Actor.objects.create(name=name, owner=owner, team=team)
    speaker = Speaker.objects.create(
        owner=owner, team=team, session_id=uuid.uuid4(), label="S1", actor=actor, state="confirmed"
    )
    Voiceprint.objects.create(
        owner=owner, team=team, speaker=speaker, actor=actor, encoder=ENCODER,
        encoder_version=version, vector=voice(number), weight_s=10.0,
    )  # fmt: skip
    return actor


def found(user: User, number: int, similarity: float = 0.95, **more: object) -> Match[uuid.UUID]:
    return recognise(
        user,
        heard(number, similarity),
        encoder=ENCODER,
        version=VERSION,
        **more,  # type: ignore[arg-type]
    )


def test_own_shared_and_catalogue_actors_are_recognised_and_nobody_elses(
    ana: User, ben: User
) -> None:
    team = Team.objects.create(name="Studio")
    Membership.objects.create(team=team, user=ana, role=Role.VIEWER)
    own = known("Own", 1, owner=ana)
    shared = known("Shared", 2, owner=ben, team=team)
    catalogue = known("Catalogue", 3, owner=None)
    private = known("Ben's own", 4, owner=ben)
    matches = [found(ana, number) for number in (1, 2, 3, 4)]
    assert [one.actor for one in matches] == [own.pk, shared.pk, catalogue.pk, None]
    assert [one.state for one in matches[:3]] == ["confirmed"] * 3
    assert found(ben, 4).actor == private.pk
    assert found(ben, 1).actor is None
    # Nor do the neighbours of a search tell that somebody else's are there.
    seen = nearest(ana.pk, voice(4), encoder=ENCODER, version=VERSION)
    assert {one.actor for one in seen} == {own.pk, shared.pk, catalogue.pk}


def test_voiceprints_of_another_version_are_never_compared(ana: User) -> None:
    known("Old", 1, owner=ana, version="0.1.3")
    assert found(ana, 1).state == "unknown"
    assert nearest(ana.pk, voice(1), encoder=ENCODER, version=VERSION) == []


def test_a_rejected_actor_never_comes_again_also_in_other_sessions(ana: User) -> None:
    actor = known("Paul", 1, owner=ana)
    place = Place(uuid.uuid4(), ana)
    match = found(ana, 1, 0.9)
    speaker = keep(
        place, said("S1", 1, 0.9), match, encoder=ENCODER, version=VERSION, voiceprints=True
    )
    assert speaker is not None
    assert speaker.actor == actor
    services.reject(speaker, actor, by=ana)
    again = found(ana, 1, 0.9, speaker=Speaker.objects.get(pk=speaker.pk))
    assert again.actor is None
    assert found(ana, 1, 0.9).actor is None
    # One who sounds more like Paul than the rejected speaker did still is him.
    assert found(ana, 1, 1.0).actor == actor.pk


def test_what_a_person_confirmed_is_learned_and_final(ana: User) -> None:
    actor = Actor.objects.create(name="Paul", owner=ana)
    place = Place(uuid.uuid4(), ana)
    nobody: Match[uuid.UUID] = Match("unknown")
    speaker = keep(place, said("S1", 5), nobody, encoder=ENCODER, version=VERSION, voiceprints=True)
    assert speaker is not None
    assert found(ana, 5).actor is None
    services.confirm(speaker, actor, by=ana)
    assert found(ana, 5).actor == actor.pk
    other = found(ana, 9, speaker=Speaker.objects.get(pk=speaker.pk))
    assert (other.actor, other.by_person) == (actor.pk, True)


def test_who_appeared_in_the_title_is_likelier(ana: User) -> None:
    title = Title.objects.create(owner=ana, name="A film", key="0" * 64)
    actor = known("Paul", 1, owner=ana)
    for number in range(2, 60):
        Actor.objects.create(name=f"Somebody {number}", owner=ana)
    without = found(ana, 1, 0.78)
    Speaker.objects.filter(actor=actor).update(title=title)
    within = found(ana, 1, 0.78, title_id=title.pk)
    assert within.score > without.score
    assert within.deviations == without.deviations


def test_centroids_are_made_once_and_anew_after_a_decision(ana: User) -> None:
    actor = known("Paul", 1, owner=ana)
    found(ana, 1)
    assert ActorCentroid.objects.get(actor=actor).weight_s == pytest.approx(10.0)
    speaker = keep(
        Place(uuid.uuid4(), ana), said("S1", 1), Match("confirmed", actor.pk, 0.9),
        encoder=ENCODER, version=VERSION, voiceprints=True,
    )  # fmt: skip
    assert speaker is not None
    found(ana, 1)
    assert ActorCentroid.objects.get(actor=actor).weight_s == pytest.approx(16.0)


def test_somebody_heard_long_enough_becomes_an_actor_without_a_name(ana: User) -> None:
    place = Place(uuid.uuid4(), ana)
    nobody: Match[uuid.UUID] = Match("unknown")
    for seconds in (4.0, 12.0):
        keep(
            place, said("S1", 5, speech_s=seconds), nobody,
            encoder=ENCODER, version=VERSION, voiceprints=True,
        )  # fmt: skip
        met = get_to_know(place, "S1", nobody)
        assert (met is not None) == (seconds == 12.0)
    assert met is not None
    assert met.state == SpeakerState.CONFIRMED
    assert not met.decided_by_person
    assert found(ana, 5).actor == met.actor_id


def test_where_there_is_no_room_for_more_actors_a_stranger_stays_one(ana: User) -> None:
    place = Place(uuid.uuid4(), ana)
    nobody: Match[uuid.UUID] = Match("unknown")
    for label in ("S1", "S2"):
        long = dataclasses.replace(said(label, 5, speech_s=12.0), language="")
        keep(place, long, nobody, encoder=ENCODER, version=VERSION, voiceprints=True)
    met = get_to_know(place, "S1", nobody)
    assert met is not None
    assert met.actor is not None
    # Nothing was heard of a language: none is written down.
    assert met.actor.languages == []
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO voices_actor (id, name, aliases, languages, notes, picture, owner_id, "
            "created_at, updated_at) SELECT gen_random_uuid(), 'Extra', '{}', '{}', '', '', %s, "
            "now(), now() FROM generate_series(2, %s)",
            [ana.pk, ACTORS_MAX],
        )
    assert get_to_know(place, "S2", nobody) is None
    # Nor by splitting one.
    with pytest.raises(LimitReachedError):
        services.split_actor(met.actor, by=ana, name="Other", speakers=[met])


def test_nothing_is_kept_of_strangers_where_voices_are_not_remembered(ana: User) -> None:
    place = Place(uuid.uuid4(), ana)
    kept = keep(
        place, said("S1", 5), Match("unknown"), encoder=ENCODER, version=VERSION, voiceprints=False
    )
    assert kept is None
    assert not Speaker.objects.exists()
    assert not Voiceprint.objects.exists()


def test_the_first_voice_of_an_actor_stays_and_a_pin_goes_before_it(ana: User, ben: User) -> None:
    actor = known("Paul", 1, owner=ana)
    for chosen in ("low", "high"):
        note_voice(ana, actor.pk, "es", "espeak", chosen)
    note_voice(ben, actor.pk, "es", "espeak", "mid")
    wish = voice_for(ana, actor.pk, "es", "espeak")
    assert wish is not None
    assert (wish.voice, wish.pinned) == ("low", False)
    assert voice_for(ben, actor.pk, "es", "espeak") is None
    assert voice_for(ana, actor.pk, "fr", "espeak") is None
    services.pin_voice(actor, language="es", engine="espeak", voice="high", owner=ana, by=ana)
    wish = voice_for(ana, actor.pk, "es", "espeak")
    assert wish is not None
    assert (wish.voice, wish.pinned) == ("high", True)


def said(label: str, number: int, similarity: float = 1.0, speech_s: float = 6.0) -> Spoken:
    one = Heard(voice(number, similarity), speech_s)
    return Spoken(
        speaker=label,
        voice=heard(number, similarity, speech_s),
        new=(Stretch(0.0, speech_s, Voiceprints({"wide": one}, {"wide": one}, 30.0)),),
        speech_s=speech_s,
        language="en",
        stock=None,
    )
