"""What is somebody else's is not seen, guessed, played or used; a team's by its roles."""

from __future__ import annotations

import functools
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import models
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team, User
from voices import selectors, services
from voices.models import (
    Actor,
    Comparison,
    Consent,
    Decision,
    PinnedVoice,
    Preview,
    Rejection,
    Speaker,
    Title,
    VoiceClone,
    Voiceprint,
    VoiceSample,
)
from voices.tests.conftest import (
    MakeUser,
    analysed,
    client_of,
    consent_of,
    heard,
    join,
    printed,
    uploaded,
    wav,
)
from voices.tests.test_admin import picture

pytestmark = pytest.mark.django_db
TABLES: tuple[type[models.Model], ...] = (
    Actor,
    Comparison,
    Consent,
    Decision,
    PinnedVoice,
    Preview,
    Rejection,
    Speaker,
    Title,
    VoiceClone,
    Voiceprint,
    VoiceSample,
)


@dataclass
class World:
    """One of everything, and how each is asked for."""

    actor: Actor
    speaker: Speaker
    sample: VoiceSample
    consent: Consent
    pin: PinnedVoice
    title: Title
    clone: VoiceClone
    comparison: Comparison

    def reads(self) -> list[str]:
        return [
            f"/api/actors/{self.actor.pk}",
            f"/api/actors/{self.actor.pk}/picture",
            f"/api/speakers/{self.speaker.pk}",
            f"/api/samples/{self.sample.pk}",
            f"/api/samples/{self.sample.pk}/audio",
            f"/api/samples/{self.sample.pk}/link",
            f"/api/samples/{self.sample.pk}/picture",
            f"/api/clones/{self.clone.pk}",
            f"/api/clones/{self.clone.pk}/link",
            f"/api/comparisons/{self.comparison.pk}",
            f"/api/previews/{self.comparison.previews.get().pk}",
            f"/api/previews/{self.comparison.previews.get().pk}/link",
            f"/api/consents/{self.consent.pk}",
            f"/api/consents/{self.consent.pk}/evidence",
            f"/api/pinned-voices/{self.pin.pk}",
            f"/api/titles/{self.title.pk}",
        ]

    def writes(self) -> list[tuple[str, str, dict[str, Any]]]:
        actor, speaker = f"/api/actors/{self.actor.pk}", f"/api/speakers/{self.speaker.pk}"
        sample, consent = f"/api/samples/{self.sample.pk}", f"/api/consents/{self.consent.pk}"
        mine = {"actor": str(self.actor.pk)}
        return [
            ("patch", actor, {"name": "mine now"}),
            ("post", f"{actor}/merge", {"actors": [str(uuid.uuid4())]}),
            ("post", f"{actor}/split", {"name": "x", "speakers": [str(self.speaker.pk)]}),
            ("delete", f"{actor}/picture", {}),
            ("patch", speaker, {"name": "mine now"}),
            ("post", f"{speaker}/confirm", {"new_actor": "mine now"}),
            ("post", f"{speaker}/reject", {}),
            ("post", f"{speaker}/merge", {"speaker": str(uuid.uuid4())}),
            ("post", f"{speaker}/split", {"spans": [{"start_s": 0, "end_s": 1}]}),
            ("patch", sample, {"name": "mine now"}),
            ("post", f"{sample}/analysis", {}),
            ("patch", f"/api/clones/{self.clone.pk}", {"name": "mine now"}),
            ("post", f"/api/clones/{self.clone.pk}/optimise", {}),
            ("post", "/api/clones", {**mine, "engine": "scripted-synthesizer"}),
            ("delete", f"/api/comparisons/{self.comparison.pk}", {}),
            ("delete", f"/api/clones/{self.clone.pk}", {}),
            ("delete", sample, {}),
            ("post", f"{consent}/revoke", {}),
            ("delete", f"/api/pinned-voices/{self.pin.pk}", {}),
            ("delete", actor, {}),
            ("post", "/api/pinned-voices", {**mine, "engine": "x", "voice": "v"}),
            (
                "post",
                "/api/consents",
                {**mine, "given_by": "x", "uses": ["clone"], "statement": "x"},
            ),
        ]


LISTS = (
    "actors",
    "speakers",
    "samples",
    "clones",
    "comparisons",
    "consents",
    "pinned-voices",
    "titles",
    "decisions",
)


def world_of(owner: User, team: Team | None = None) -> World:
    actor = services.create_actor(owner, by=owner, team=team, name="Ida Known")
    services.set_picture(actor, by=owner, content=picture().read())
    consent = consent_of(actor, owner, evidence=b"%PDF-1.7 signed", evidence_name="signed.pdf")
    sample = analysed(uploaded(actor, owner))
    title = services.ensure_title("A film", owner=owner, team=team)
    assert title is not None
    speaker = services.ensure_speaker(uuid.uuid4(), "S1", owner=owner, team=team, title=title)
    printed(speaker)
    services.confirm(speaker, actor, by=owner)
    pin, _ = services.pin_voice(actor, owner=owner, by=owner, language="es", engine="x", voice="v")
    clone, _ = services.request_clone(
        actor, owner=owner, by=owner, samples=[sample], engine="scripted-synthesizer"
    )
    comparison = services.compare(
        owner,
        text="Hola.",
        language="es",
        actor=actor,
        voices=[services.Wished(engine="scripted-synthesizer", voice="hum-low")],
    )
    return World(actor, speaker, sample, consent, pin, title, clone, comparison)


def state() -> dict[str, list[Any]]:
    """Every row of every table but the history's, which grows by being asked."""
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in TABLES}  # type: ignore[attr-defined]


def status(api: APIClient, method: str, path: str, body: dict[str, Any]) -> int:
    if method == "get":
        answer: Any = api.get(path)
        if answer.streaming:
            list(answer.streaming_content)
        return int(answer.status_code)
    return int(
        getattr(api, method)(path, body, format="json", headers={"If-Match": "*"}).status_code
    )


def test_to_a_stranger_nothing_is_there(ana: User, ben: User) -> None:
    world, api = world_of(ana), client_of(ben)
    before = state()
    for path in world.reads():
        assert status(api, "get", path, {}) == 404, path
    for method, path, body in world.writes():
        expected = 400 if path in {"/api/pinned-voices", "/api/consents", "/api/clones"} else 404
        assert status(api, method, path, body) == expected, path
    for name in LISTS:
        answer = api.get(f"/api/{name}").json()
        assert answer["results"] == [], name
    assert state() == before


def test_to_a_visitor_nothing_is_given(ana: User) -> None:
    world, before = world_of(ana), state()
    for path in [*world.reads(), *(f"/api/{name}" for name in LISTS)]:
        assert status(APIClient(), "get", path, {}) == 401, path
    for method, path, body in world.writes():
        assert status(APIClient(), method, path, body) == 401, path
    assert state() == before


def test_a_stranger_uses_nothing_by_naming_it(ana: User, ben: User) -> None:
    """Ids in bodies are no way around: one's own things with somebody else's."""
    world, own = world_of(ana), world_of(ben)
    before, api = state(), client_of(ben)
    speaker = f"/api/speakers/{own.speaker.pk}"
    actor = f"/api/actors/{own.actor.pk}"
    tries: list[tuple[str, dict[str, Any]]] = [
        (f"{speaker}/confirm", {"actor": str(world.actor.pk)}),
        (f"{speaker}/reject", {"actor": str(world.actor.pk)}),
        (f"{speaker}/merge", {"speaker": str(world.speaker.pk)}),
        (f"{actor}/merge", {"actors": [str(world.actor.pk)]}),
        (f"{actor}/split", {"name": "x", "speakers": [str(world.speaker.pk)]}),
        (f"{actor}/split", {"name": "x", "samples": [str(world.sample.pk)]}),
    ]
    for path, body in tries:
        assert status(api, "post", path, body) == 400, path
    form: dict[str, Any] = {"actor": str(own.actor.pk), "consent": str(world.consent.pk)}
    assert api.post("/api/samples", {**form, "audio": io.BytesIO(wav())}).status_code == 400
    form = {"actor": str(world.actor.pk), "audio": io.BytesIO(wav())}
    assert api.post("/api/samples", form).status_code == 400
    for name, key in (("speakers", "actor"), ("samples", "actor"), ("consents", "actor")):
        found = api.get(f"/api/{name}?{key}={world.actor.pk}").json()
        assert found["results"] == []
    team = Team.objects.create(name="not ben's")
    assert status(api, "patch", actor, {"team": team.pk}) == 400
    assert state() == before


@pytest.mark.parametrize("role", [Role.OWNER, Role.EDITOR])
def test_who_edits_in_a_team_changes_what_it_shares(
    ana: User, ben: User, make_team: Callable[..., Team], role: str
) -> None:
    team = make_team(ana)
    world = world_of(ana, team)
    api = client_of(join(team, ben, role))
    for path in world.reads():
        assert status(api, "get", path, {}) == 200, path
    refused = []
    for method, path, body in world.writes():
        code = status(api, method, path, body)
        if code == 403:
            refused.append((method, path))
        assert code < 500
    # Deleting the whole actor is for its owner alone.
    assert refused == [("delete", f"/api/actors/{world.actor.pk}")]
    world.actor.refresh_from_db()
    assert world.actor.name == "mine now"


def test_a_viewer_of_a_team_looks_and_hears(
    ana: User, ben: User, make_team: Callable[..., Team]
) -> None:
    team = make_team(ana)
    world = world_of(ana, team)
    api, before = client_of(join(team, ben, Role.VIEWER)), state()
    for path in world.reads():
        assert status(api, "get", path, {}) == 200, path
    for name in LISTS:
        shown = api.get(f"/api/{name}").json()["results"]
        assert shown, name
        assert all(not one.get("editable") for one in shown)
        assert all(one.get("whose", "team") == "team" for one in shown)
    for method, path, body in world.writes():
        assert status(api, method, path, body) == 403, path
    form: dict[str, Any] = {"actor": str(world.actor.pk), "audio": io.BytesIO(wav())}
    assert api.post("/api/samples", form).status_code == 403
    assert state() == before


def test_who_has_left_the_team_sees_nothing_any_more(
    ana: User, ben: User, make_team: Callable[..., Team]
) -> None:
    team = make_team(ana)
    world = world_of(ana, team)
    api = client_of(join(team, ben, Role.EDITOR))
    link = api.get(f"/api/samples/{world.sample.pk}/link").json()["url"]
    assert status(APIClient(), "get", link, {}) == 200
    Membership.objects.filter(user=ben).delete()
    assert status(APIClient(), "get", link, {}) == 404
    for path in world.reads():
        assert status(api, "get", path, {}) == 404, path


def test_the_catalogue_is_used_by_all_and_changed_by_nobody(ana: User, ben: User) -> None:
    world = world_of(ana)
    services.give_actor(world.actor, by=None, owner=None, team=None)
    api = client_of(ben)
    for path in (
        f"/api/actors/{world.actor.pk}",
        f"/api/actors/{world.actor.pk}/picture",
        f"/api/samples/{world.sample.pk}/audio",
        f"/api/pinned-voices/{world.pin.pk}",
    ):
        assert status(api, "get", path, {}) == 200, path
    # Who gave the consent is nobody's business but the staff's.
    assert status(api, "get", f"/api/consents/{world.consent.pk}", {}) == 404
    assert status(api, "get", f"/api/consents/{world.consent.pk}/evidence", {}) == 404
    assert api.get("/api/decisions").json()["results"] == []
    actor = f"/api/actors/{world.actor.pk}"
    for member in (client_of(ben), client_of(ana)):
        assert status(member, "patch", actor, {"name": "mine now"}) == 403
        assert status(member, "delete", actor, {}) == 403
        assert status(member, "delete", f"/api/samples/{world.sample.pk}", {}) == 403
        assert status(member, "delete", f"/api/pinned-voices/{world.pin.pk}", {}) == 403
    # Everyone adds to it for themselves.
    body = {"actor": str(world.actor.pk), "language": "es", "engine": "y", "voice": "w"}
    assert status(api, "post", "/api/pinned-voices", body) == 201
    assert selectors.pinned_voice(ben, world.actor.pk, "es").voice == "w"  # type: ignore[union-attr]
    assert selectors.pinned_voice(ana, world.actor.pk, "es").voice == "v"  # type: ignore[union-attr]
    form: dict[str, Any] = {"actor": str(world.actor.pk), "audio": io.BytesIO(wav())}
    assert api.post("/api/samples", form).status_code == 201
    assert len(client_of(ana).get("/api/samples").json()["results"]) == 1


def test_an_actor_whom_one_may_not_see_is_not_named(
    ana: User, ben: User, make_team: Callable[..., Team]
) -> None:
    """A shared session's speaker who is its owner's own, private actor."""
    team = make_team(ana)
    join(team, ben, Role.EDITOR)
    private = services.create_actor(ana, by=ana, name="Secret Name")
    speaker = heard(ana, team=team)
    services.confirm(speaker, private, by=ana)
    api = client_of(ben)
    shown = api.get(f"/api/speakers/{speaker.pk}").json()
    assert (shown["state"], shown["actor"], shown["actor_name"]) == ("confirmed", None, "")
    assert api.get("/api/speakers?q=Secret").json()["results"] == []
    assert api.get(f"/api/speakers?actor={private.pk}").json()["results"] == []
    # And Ben's own is not confirmed for a session whose owner could not see him.
    own = services.create_actor(ben, by=ben, name="Ben's")
    answer = api.post(f"/api/speakers/{speaker.pk}/confirm", {"actor": str(own.pk)}, format="json")
    assert answer.status_code == 400
    assert "cannot see this actor" in answer.json()["detail"]


def test_the_scope_of_a_token_is_heeded(ana: User) -> None:
    from accounts.services import create_token

    world = world_of(ana)

    @functools.cache
    def with_scopes(*scopes: str) -> APIClient:
        api = APIClient()
        token = create_token(ana, name="narrow", scopes=list(scopes)).token
        api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return api

    dubs, reads = with_scopes("dub"), with_scopes("read:voices")
    for path in world.reads():
        assert status(dubs, "get", path, {}) == 403, path
        assert status(reads, "get", path, {}) == 200, path
    for method, path, body in world.writes():
        assert status(reads, method, path, body) == 403, path


def test_a_clone_speaks_for_whom_it_may_and_under_a_consent_only(
    ana: User, ben: User, consent: Consent, actor: Actor
) -> None:
    clone = VoiceClone.objects.create(
        actor=actor, owner=ana, consent=consent, engine="x", vendor_id="c1", state="ready"
    )
    assert list(selectors.usable_clones(ana)) == [clone]
    assert not selectors.usable_clones(ben).exists()
    services.revoke_consent(consent, by=ana)
    assert not selectors.usable_clones(ana).exists()
    clone.refresh_from_db()
    assert clone.state == "revoked"


def test_new_names_are_not_taken_for_granted(make_user: MakeUser) -> None:
    """Every row a new table of this app may hold is looked at by the tests above."""
    from django.apps import apps

    known = {table.__name__ for table in TABLES} | {
        "ActorCentroid",
        "DiscardedClone",
        "DiscardedFile",
        # Served nowhere; whose it is, test_recognition tries.
        "UsualVoice",
    }
    assert {model.__name__ for model in apps.get_app_config("voices").get_models()} == known
