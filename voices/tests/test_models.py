"""What the database itself does not allow."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pgvector.django import CosineDistance

from accounts.models import User
from voices.models import Actor, Consent, Decision, DecisionKind, Speaker, Title, Voiceprint
from voices.recognition import search
from voices.recognition.search import literal

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana@example.org")


@pytest.fixture
def actor(ana: User) -> Actor:
    return Actor.objects.create(owner=ana, name="Ana's actor")


def voiceprint(actor: Actor, direction: int) -> Voiceprint:
    vector = np.zeros(256, np.float32)
    vector[direction] = 1.0
    speaker = Speaker.objects.create(
        owner=actor.owner,
        session_id=actor.pk,
        label=f"S{direction}",
        state="confirmed",
        actor=actor,
    )
    return Voiceprint.objects.create(
        owner=actor.owner,
        speaker=speaker,
        actor=actor,
        encoder="resemblyzer",
        encoder_version="0.1.4",
        vector=vector,
        weight_s=2.0,
    )


def test_the_nearest_voiceprint_is_found_by_its_cosine(actor: Actor) -> None:
    first, second = voiceprint(actor, 0), voiceprint(actor, 1)
    asked = np.zeros(256, np.float32)
    asked[1], asked[0] = 0.8, 0.6
    found = Voiceprint.objects.alias(far=CosineDistance("vector", asked)).order_by("far")
    assert list(found) == [second, first]
    assert found.annotate(at=CosineDistance("vector", asked))[0].at == pytest.approx(0.2, abs=1e-5)


def test_voiceprints_are_searched_by_an_index_of_their_cosines(actor: Actor) -> None:
    voiceprint(actor, 0)
    with connection.cursor() as cursor:
        # Of so few rows the planner would compare all.
        for other in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            cursor.execute(f"SET LOCAL {other} = off")
        asked = {"user": actor.owner_id, "vector": literal(np.full(256, 1 / 16, np.float32))}
        asked |= {"encoder": "resemblyzer", "version": "0.1.4", "limit": 5}
        cursor.execute(f"EXPLAIN {search.SEARCH}", asked)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "voiceprint_nearest on" in plan
    assert "voiceprint_nearest_catalogue on" in plan


def test_a_voiceprint_belongs_to_a_speaker_or_a_sample(actor: Actor) -> None:
    one = voiceprint(actor, 0)
    one.speaker = None
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save()


def test_what_is_in_the_catalogue_is_of_no_team(actor: Actor) -> None:
    from accounts.models import Team

    with pytest.raises(IntegrityError), transaction.atomic():
        Actor.objects.create(owner=None, team=Team.objects.create(name="crew"), name="nobody's")


def test_a_speaker_whom_nobody_is_thought_to_be_has_no_actor(actor: Actor) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Speaker.objects.create(
            owner=actor.owner, session_id=actor.pk, label="S1", state="unknown", actor=actor
        )


def test_two_titles_of_one_owner_have_two_keys(ana: User) -> None:
    Title.objects.create(owner=ana, name="a film", key="1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Title.objects.create(owner=ana, name="a film", key="1")


@pytest.mark.parametrize("lacks", [{"uses": []}, {"statement": ""}])
def test_a_consent_says_what_it_allows_and_proves_it(
    actor: Actor, lacks: dict[str, object]
) -> None:
    whole = {"given_by": "Ana", "uses": ["clone"], "statement": "I agree."}
    Consent.objects.create(owner=actor.owner, actor=actor, given_at=timezone.now(), **whole)
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(
            owner=actor.owner, actor=actor, given_at=timezone.now(), **{**whole, **lacks}
        )


def test_a_line_of_the_history_is_written_once(ana: User) -> None:
    line = Decision.objects.create(owner=ana, kind=DecisionKind.CREATED, at=timezone.now())
    line.kind = DecisionKind.DELETED
    with pytest.raises(TypeError):
        line.save()
