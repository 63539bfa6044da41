"""A copy of one's data, and an account's end: nothing of the person's is left."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts import personal_data, teams
from accounts.models import DataExport, Membership, Role, Team, User
from accounts.pairing import issue_code
from accounts.preferences import set_preferences
from accounts.services import create_token, create_user, issue_ticket, keep_engine_key
from accounts.webhooks import services as webhooks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }


@pytest.fixture
def ana() -> User:
    user = create_user(email="ana@example.org", password="correct horse battery")
    create_token(user, name="laptop")
    issue_ticket(user)
    issue_code(user)
    keep_engine_key(user, vendor="elevenlabs", text="sk_" + "0" * 48)
    set_preferences(user, target_language="es", always_dub=["ja"], never_dub=[])
    team = teams.create_team(user, name="Studio")
    teams.invite(user, team.pk, email="new@example.org", role="viewer")
    webhooks.create_webhook(user, url="https://example.org/x", event_types=["*"], team=None)
    return user


def rows_that_name(user_id: int) -> list[str]:
    """Every model with a row that points to the person."""
    return [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is User
        and model._default_manager.filter(**{field.attname: user_id}).exists()
    ]


def exported(user: User) -> dict[str, list[dict[str, Any]]]:
    personal_data.ask_for_export(user)
    personal_data.make_export(user.pk)
    export = DataExport.objects.get(user=user)
    assert export.state == DataExport.State.READY
    with default_storage.open(export.file) as file, zipfile.ZipFile(file) as archive:
        return {
            name.removesuffix(".jsonl"): [
                json.loads(line) for line in archive.read(name).decode().splitlines()
            ]
            for name in archive.namelist()
        }


def test_the_copy_has_everything_but_secrets(ana: User) -> None:
    found = exported(ana)
    assert found["account"][0]["email"] == ana.email
    assert found["preferences"] == [
        {"target_language": "es", "always_dub": ["ja"], "never_dub": []}
    ]
    assert found["teams"][0]["team"] == "Studio"
    assert found["tokens"][0]["name"] == "laptop"
    assert found["engine_keys"][0]["ends_in"] == "0000"
    assert {"sessions", "lines", "glossary_terms", "engine_use"} <= set(found)
    assert "sk_0000" not in json.dumps(found)


def test_a_new_copy_takes_the_old_ones_place_and_old_ones_go(ana: User) -> None:
    exported(ana)
    first = DataExport.objects.get().file
    exported(ana)
    assert not default_storage.exists(first)
    second = DataExport.objects.get().file
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert personal_data.sweep_exports() == 1
    assert not default_storage.exists(second)


def test_a_copy_that_fails_says_so(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "EXPORT_MAX_BYTES", 10)
    personal_data.ask_for_export(ana)
    personal_data.make_export(ana.pk)
    assert DataExport.objects.get().state == DataExport.State.FAILED


def test_a_deleted_account_leaves_no_row_and_no_file(ana: User) -> None:
    exported(ana)
    file = DataExport.objects.get().file
    user_id = ana.pk
    assert len(rows_that_name(user_id)) > 7
    personal_data.delete_account(ana)
    assert rows_that_name(user_id) == []
    assert not Team.objects.exists()
    assert not default_storage.exists(file)


def test_an_only_owner_leaves_no_team_behind_that_others_are_in(ana: User) -> None:
    ben = create_user(email="ben@example.org", password=None)
    team = Team.objects.get()
    theirs = Membership.objects.create(team=team, user=ben, role=Role.EDITOR)
    with pytest.raises(personal_data.ObstacleError, match="only owner of “Studio”"):
        personal_data.delete_account(ana)
    assert User.objects.filter(pk=ana.pk).exists()
    theirs.role = Role.OWNER
    theirs.save()
    personal_data.delete_account(ana)
    assert Team.objects.get() == team
