"""People, teams and actors for the tests of voices."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team, User
from accounts.services import create_token, create_user
from voices import services
from voices.models import Actor, Consent, Speaker, Voiceprint, VoiceSample
from voices.services.sample_analysis import analyse_sample

MakeUser = Callable[[str], User]


@pytest.fixture(autouse=True)
def _private_media(media: Path) -> None:
    """Every test here has one."""


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


@pytest.fixture
def make_user(db: None) -> MakeUser:
    def make(name: str) -> User:
        return create_user(email=f"{name}@example.org", password=None)

    return make


@pytest.fixture
def ana(make_user: MakeUser) -> User:
    return make_user("ana")


@pytest.fixture
def ben(make_user: MakeUser) -> User:
    return make_user("ben")


@pytest.fixture
def actor(ana: User) -> Actor:
    return services.create_actor(ana, by=ana, name="Ida Known", languages=["en"])


@pytest.fixture
def consent(actor: Actor, ana: User) -> Consent:
    return consent_of(actor, ana)


def consent_of(
    actor: Actor, owner: User | None, uses: tuple[str, ...] = (), **more: Any
) -> Consent:
    return services.give_consent(
        actor,
        owner=owner,
        by=owner,
        given_by="Ida Known",
        uses=uses or ("sample", "recognise", "clone"),
        statement="You may keep my voice.",
        **more,
    )


def client_of(user: User | None) -> APIClient:
    api = APIClient()
    if user is not None:
        token = create_token(user, name="test").token
        api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return api


@pytest.fixture
def api(ana: User) -> APIClient:
    return client_of(ana)


def wav(seconds: float = 1.0, rate_hz: int = 16_000) -> bytes:
    """A tone: readable, but nobody speaks."""
    tone = 0.3 * np.sin(np.arange(int(seconds * rate_hz)) * 2 * np.pi * 220 / rate_hz)
    content = io.BytesIO()
    soundfile.write(content, tone, rate_hz, format="WAV")
    return content.getvalue()


def heard(
    owner: User, label: str = "S1", *, session: uuid.UUID | None = None, team: Team | None = None
) -> Speaker:
    return services.ensure_speaker(session or uuid.uuid4(), label, owner=owner, team=team)


def printed(speaker: Speaker, at_s: float = 0.0, direction: int = 0) -> Voiceprint:
    vector = np.zeros(256, np.float32)
    vector[direction] = 1.0
    return Voiceprint.objects.create(
        owner=speaker.owner,
        team=speaker.team,
        speaker=speaker,
        encoder="test",
        encoder_version="1",
        vector=vector,
        weight_s=2.0,
        at_s=at_s,
        duration_s=2.0,
        actor=speaker.actor if speaker.state == "confirmed" else None,
    )


def uploaded(actor: Actor, owner: User | None, content: bytes | None = None) -> VoiceSample:
    return services.upload_sample(actor, owner=owner, by=owner, content=content or wav())


def analysed(sample: VoiceSample) -> VoiceSample:
    assert analyse_sample(sample.pk)
    sample.refresh_from_db()
    return sample


@pytest.fixture
def make_team(make_user: MakeUser) -> Callable[[User, str], Team]:
    def make(owner: User, name: str = "crew") -> Team:
        team = Team.objects.create(name=name)
        Membership.objects.create(team=team, user=owner, role=Role.OWNER)
        return team

    return make


def join(team: Team, user: User, role: str) -> User:
    Membership.objects.create(team=team, user=user, role=role)
    return user
