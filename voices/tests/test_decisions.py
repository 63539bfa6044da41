"""What people decide about speakers and actors is done, is final, and stands in the history."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Role, Team, User
from voices import selectors, services
from voices.errors import VoicesError
from voices.models import (
    Actor,
    ActorCentroid,
    Decision,
    DecisionKind,
    Rejection,
    Speaker,
    SpeakerState,
)
from voices.recognition.remembering import note_voice, voice_for
from voices.tests.conftest import client_of, consent_of, heard, join, printed, uploaded

pytestmark = pytest.mark.django_db


def kinds() -> list[str]:
    return list(Decision.objects.order_by("pk").values_list("kind", flat=True))


@pytest.fixture
def speaker(ana: User) -> Speaker:
    return heard(ana)


@pytest.fixture
def other(ana: User) -> Actor:
    return services.create_actor(ana, by=ana, name="Otto Other", languages=["de"])


def test_a_suggestion_teaches_nothing_and_a_confirmation_does(
    speaker: Speaker, actor: Actor, ana: User
) -> None:
    one = printed(speaker)
    assert services.note_match(speaker, actor, confidence=0.75, confirmed=False)
    one.refresh_from_db()
    assert one.actor is None
    speaker.language = "fr"
    speaker.save()
    services.confirm(speaker, actor, by=ana)
    one.refresh_from_db()
    speaker.refresh_from_db()
    actor.refresh_from_db()
    assert (one.actor_id, speaker.state) == (actor.pk, SpeakerState.CONFIRMED)
    assert speaker.confidence == 1.0
    assert (speaker.decided_by, speaker.decided_by_person) == (ana, True)
    assert actor.languages == ["en", "fr"]
    assert kinds()[-1] == DecisionKind.CONFIRMED


def test_the_recogniser_does_not_overrule_a_person(
    speaker: Speaker, actor: Actor, other: Actor, ana: User
) -> None:
    services.confirm(speaker, actor, by=ana)
    assert not services.note_match(speaker, other, confidence=0.99, confirmed=True)
    assert not services.note_match(speaker, None, confidence=0.0, confirmed=False)
    services.reject(speaker, actor, by=ana)
    assert not services.note_match(speaker, actor, confidence=0.99, confirmed=True)
    assert services.note_match(speaker, other, confidence=0.9, confirmed=True)
    speaker.refresh_from_db()
    assert (speaker.actor, speaker.decided_by_person) == (other, False)
    # A person may overrule the recogniser, and themselves.
    services.confirm(speaker, actor, by=ana)
    speaker.refresh_from_db()
    assert speaker.actor == actor
    assert not Rejection.objects.exists()


def test_a_rejection_unlearns(speaker: Speaker, actor: Actor, ana: User) -> None:
    services.confirm(speaker, actor, by=ana)
    one = printed(Speaker.objects.get())
    ActorCentroid.objects.create(
        actor=actor,
        owner=ana,
        encoder="test",
        encoder_version="1",
        vector=one.vector,
        weight_s=2.0,
        count=1,
    )
    services.reject(speaker, actor, by=ana)
    one.refresh_from_db()
    speaker.refresh_from_db()
    assert (one.actor, speaker.actor, speaker.state) == (None, None, SpeakerState.REJECTED)
    assert not ActorCentroid.objects.exists()
    assert selectors.rejected_actors(speaker) == {actor.pk}
    assert [pair.actor for pair in selectors.rejected_pairs(ana)] == [actor]


def test_speakers_of_two_sessions_are_not_merged(ana: User) -> None:
    with pytest.raises(VoicesError, match="two sessions"):
        services.merge_speakers(heard(ana), heard(ana), by=ana)


def test_merged_actors_keep_everything(ana: User, actor: Actor, other: Actor) -> None:
    consent_of(actor, ana)
    consent_of(other, ana)
    sample = uploaded(other, ana)
    speaker, rejected = heard(ana), heard(ana)
    services.confirm(speaker, other, by=ana)
    services.reject(rejected, other, by=ana)
    one = printed(Speaker.objects.get(pk=speaker.pk))
    for whose, voice in ((actor, "kept"), (other, "lost")):
        services.pin_voice(whose, owner=ana, by=ana, language="es", engine="x", voice=voice)
    services.pin_voice(other, owner=ana, by=ana, language="fr", engine="x", voice="french")
    services.merge_actors(actor, [other], by=ana)
    actor.refresh_from_db()
    for row in (sample, speaker, one):
        row.refresh_from_db()
    assert not Actor.objects.filter(pk=other.pk).exists()
    assert (actor.aliases, actor.languages) == (["Otto Other"], ["en", "de"])
    assert (sample.actor, speaker.actor, one.actor) == (actor, actor, actor)
    assert actor.consents.count() == 2
    voices = dict(actor.pinned_voices.values_list("language", "voice"))
    assert voices == {"es": "kept", "fr": "french"}
    assert selectors.rejected_actors(rejected) == {actor.pk}


def test_a_merged_actor_goes_on_with_the_voice_that_spoke(
    ana: User, actor: Actor, other: Actor
) -> None:
    note_voice(ana, actor.pk, "es", "espeak", "low")
    for language in ("es", "fr"):
        note_voice(ana, other.pk, language, "espeak", "high")
    services.merge_actors(actor, [other], by=ana)
    wishes = [voice_for(ana, actor.pk, language, "espeak") for language in ("es", "fr")]
    assert [one and one.voice for one in wishes] == ["low", "high"]


def test_an_actor_that_is_gone_meanwhile_is_not_merged(
    ana: User, actor: Actor, other: Actor
) -> None:
    # Two tabs: one merges, the other one still shows both.
    third = services.create_actor(ana, by=ana, name="Third")
    services.merge_actors(actor, [other], by=ana)
    for into, gone in ((other, third), (third, other)):
        with pytest.raises(VoicesError) as refused:
            services.merge_actors(into, [gone], by=ana)
        assert refused.value.code == "merge_gone"
    assert set(Actor.objects.all()) == {actor, third}


def test_nobody_takes_a_team_mates_actor_away_by_merging(
    ana: User, ben: User, make_team: Callable[..., Team]
) -> None:
    team = make_team(ana)
    join(team, ben, Role.EDITOR)
    shared = services.create_actor(ana, by=ana, name="Shared", team=team)
    private = services.create_actor(ben, by=ben, name="Ben's own")
    body = {"actors": [str(shared.pk)]}
    address = f"/api/actors/{private.pk}/merge"
    refused = client_of(ben).post(address, body, format="json")
    assert (refused.status_code, [*refused.json()["errors"]]) == (400, ["actors"])
    assert client_of(ana).get(f"/api/actors/{shared.pk}").status_code == 200
    # Where both are seen by both, and the other way round, it goes.
    services.share_actor(private, by=ben, team=team)
    assert client_of(ben).post(address, body, format="json").status_code == 200
    assert client_of(ana).get(f"/api/actors/{private.pk}").status_code == 200


def test_an_actor_is_split_again(ana: User, actor: Actor) -> None:
    consent_of(actor, ana)
    sample, speaker, stays = uploaded(actor, ana), heard(ana), heard(ana)
    for one in (speaker, stays):
        services.confirm(one, actor, by=ana)
        one.refresh_from_db()
    voiceprint = printed(speaker)
    new = services.split_actor(
        actor, by=ana, name="Somebody else", speakers=[speaker], samples=[sample]
    )
    for row in (sample, speaker, stays, voiceprint):
        row.refresh_from_db()
    assert (sample.actor, speaker.actor, voiceprint.actor, stays.actor) == (new, new, new, actor)
    assert selectors.rejected_actors(speaker) == {actor.pk}
    with pytest.raises(VoicesError, match="Not all"):
        services.split_actor(actor, by=ana, name="x", speakers=[speaker])


def test_a_deleted_actor_leaves_their_speakers_unknown(ana: User, actor: Actor) -> None:
    speaker = heard(ana)
    services.confirm(speaker, actor, by=ana)
    services.delete_actor(actor, by=ana)
    speaker.refresh_from_db()
    assert (speaker.state, speaker.actor, speaker.decided_by_person) == ("unknown", None, False)
    assert kinds()[-1] == DecisionKind.DELETED


# Over REST --------------------------------------------------------------------------------


def test_somebody_new_is_made_and_confirmed_in_one(api: APIClient, speaker: Speaker) -> None:
    body = {"new_actor": "Nina New"}
    answer = api.post(f"/api/speakers/{speaker.pk}/confirm", body, format="json").json()
    assert (answer["actor_name"], answer["state"]) == ("Nina New", "confirmed")
    assert answer["decided_by_person"]


@pytest.mark.parametrize("body", [{}, {"actor": str(uuid.uuid4()), "new_actor": "x"}])
def test_a_confirmation_names_one(api: APIClient, speaker: Speaker, body: Any) -> None:
    answer = api.post(f"/api/speakers/{speaker.pk}/confirm", body, format="json")
    assert answer.status_code == 400


def test_an_edit_of_something_that_changed_is_refused(api: APIClient, actor: Actor) -> None:
    path = f"/api/actors/{actor.pk}"
    tag = api.get(path)["ETag"]
    assert api.patch(path, {"notes": "x"}, format="json").status_code == 428
    first = api.patch(path, {"notes": "x"}, format="json", headers={"If-Match": tag})
    assert first.status_code == 200
    late = api.patch(path, {"notes": "y"}, format="json", headers={"If-Match": tag})
    assert late.status_code == 412


def test_actors_are_searched_and_filtered(
    api: APIClient, actor: Actor, other: Actor, ana: User
) -> None:
    services.edit_actor(actor, by=ana, changes={"aliases": ["The Voice"]})

    def names(query: str) -> list[str]:
        return [one["name"] for one in api.get(f"/api/actors?{query}").json()["results"]]

    assert names("") == ["Ida Known", "Otto Other"]
    assert names("q=voice") == ["Ida Known"]
    assert names("language=de") == ["Otto Other"]
    assert names("whose=catalogue") == []
    assert api.get("/api/actors?colour=red").status_code == 400
    page = api.get("/api/actors?limit=1").json()
    assert len(page["results"]) == 1
    assert api.get(page["next"]).json()["results"][0]["name"] == "Otto Other"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "languages": ["English"]}, "languages.0"),
        ({"name": "x", "aliases": ["x"] * 33}, "aliases"),
        ({"name": "x", "team": 99}, "team"),
    ],
)
def test_a_wrong_actor_is_refused_by_the_field(api: APIClient, body: Any, field: str) -> None:
    answer = api.post("/api/actors", body, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_the_same_creation_happens_once(api: APIClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    made = [api.post("/api/actors", {"name": "Ida"}, format="json", headers=headers) for _ in "ab"]
    assert made[0].json()["id"] == made[1].json()["id"]
    assert Actor.objects.count() == 1


def test_the_history_is_told_and_filtered(
    api: APIClient, actor: Actor, speaker: Speaker, ana: User
) -> None:
    services.confirm(speaker, actor, by=ana)
    told = api.get(f"/api/decisions?speaker={speaker.pk}").json()["results"]
    assert [(one["kind"], one["actor"], one["by"]) for one in told] == [
        ("confirmed", str(actor.pk), ana.pk)
    ]
    assert api.post("/api/decisions", {}).status_code == 405


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("", "https://youtu.be/abc"), ("", "https://www.youtube.com/watch?v=abc&t=5s"), True),
        (("", "https://m.youtube.com/watch?v=abc"), ("", "http://youtube.com/watch?v=abd"), False),
        (("Amélie", ""), ("AMELIE!", ""), True),
        (("Film 1", ""), ("Film 2", ""), False),
        # Vowel signs, tone and voicing marks make other words, points and accents do not.
        (("कल", ""), ("कली", ""), False),
        (("ปี", ""), ("ปา", ""), False),
        (("がん", ""), ("かん", ""), False),
        (("שָׁלוֹם", ""), ("שלום", ""), True),
        (("كِتَاب", ""), ("كتاب", ""), True),
        (("Liebe ❤️", ""), ("liebe", ""), True),
        (("…", ""), ("?!", ""), False),
    ],
)
def test_one_title_has_one_key(first: Any, second: Any, same: bool) -> None:
    assert (services.title_key(*first) == services.title_key(*second)) is same


# In a team -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.OWNER, Role.EDITOR, Role.VIEWER])
def test_of_a_shared_session_members_decide_who_edit(
    ana: User, ben: User, make_team: Callable[..., Team], role: str
) -> None:
    team = make_team(ana)
    actor = services.create_actor(ana, by=ana, team=team, name="Shared")
    speaker = heard(ana, team=team)
    api, path = client_of(join(team, ben, role)), f"/api/speakers/{speaker.pk}"
    before = kinds()
    confirmed = api.post(f"{path}/confirm", {"actor": str(actor.pk)}, format="json")
    speaker.refresh_from_db()
    if role == Role.VIEWER:
        assert confirmed.status_code == 403
        assert confirmed.json()["code"] == "forbidden"
        assert api.post(f"{path}/reject", {"actor": str(actor.pk)}).status_code == 403
        speaker.refresh_from_db()
        assert (speaker.state, speaker.actor) == (SpeakerState.UNKNOWN, None)
        assert kinds() == before
        return
    assert confirmed.status_code == 200
    assert (speaker.actor, speaker.decided_by) == (actor, ben)
    # It is as final as the owner's own.
    assert not services.note_match(speaker, None, confidence=0.0, confirmed=False)
    assert api.post(f"{path}/reject", {}, format="json").status_code == 200
    speaker.refresh_from_db()
    assert (speaker.state, speaker.actor) == (SpeakerState.REJECTED, None)
    assert selectors.rejected_actors(speaker) == {actor.pk}
    history = client_of(ana).get("/api/decisions").json()["results"]
    assert [one["kind"] for one in history[:2]] == ["rejected", "confirmed"]
    assert set(Decision.objects.order_by("-pk").values_list("by", flat=True)[:2]) == {ben.pk}
