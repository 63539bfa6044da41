"""Projects in the admin pages: found and looked at by staff alone, and bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from sessions_app.admin import pages
from sessions_app.projects.job_models import Export, Job, Upload
from sessions_app.projects.models import Project, ProjectLine
from sessions_app.tests.belongings import projects_of
from sessions_app.tests.conftest import Person, person_of

SECRET = "what-is-said-in-anas-project"
MODELS: dict[str, Any] = {
    "project": Project,
    "projectline": ProjectLine,
    "job": Job,
    "export": Export,
}


@pytest.fixture
def ana(db: None) -> Person:
    return person_of("ana")


@pytest.fixture
def theirs(ana: Person, media: Path) -> dict[str, str]:
    return projects_of(ana.user, SECRET)


@pytest.fixture
def staff(db: None) -> Client:
    return logged_in(User.objects.create_superuser("root@example.org"))


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def address(model: str, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:sessions_app_{model}_{page}", args=args)


@pytest.mark.parametrize("model", [*MODELS, "upload"])
def test_staff_find_rows_by_project_and_owner_without_what_is_said(
    staff: Client, ana: Person, theirs: dict[str, str], model: str
) -> None:
    whole = staff.get(address(model)).content.decode()
    assert ana.user.email in whole
    assert SECRET not in whole
    by_owner = staff.get(address(model), {"q": ana.user.email.upper()})
    assert by_owner.context["cl"].queryset.count() > 0
    assert staff.get(address(model), {"q": "nobody"}).context["cl"].queryset.count() == 0
    if model != "upload":
        found = staff.get(address(model), {"q": theirs["project_id"]}).context["cl"]
        assert found.queryset.count() == by_owner.context["cl"].queryset.count()
    row = (Upload if model == "upload" else MODELS[model]).objects.first()
    assert row is not None
    assert staff.get(address(model, "change", row.pk)).status_code == 200
    assert staff.get(address(model, "add")).status_code == 403
    assert logged_in(ana.user).get(address(model)).status_code == 302


def test_a_jobs_options_are_not_shown(staff: Client, theirs: dict[str, str]) -> None:
    Job.objects.update(options={"url": "https://example.org/?key=hidden-in-the-address"})
    page = staff.get(address("job", "change", theirs["job_id"])).content.decode()
    assert "hidden-in-the-address" not in page


def test_a_project_goes_with_all_that_is_its_own_and_its_parts_do_not_go_alone(
    staff: Client, theirs: dict[str, str]
) -> None:
    line = ProjectLine.objects.get()
    assert staff.post(address("projectline", "delete", line.pk), {"post": "yes"}).status_code == 403
    asked = staff.get(address("project", "delete", theirs["project_id"])).content.decode()
    assert "project lines: 1" in asked.lower()
    assert SECRET not in asked
    staff.post(address("project", "delete", theirs["project_id"]), {"post": "yes"})
    assert [model.objects.count() for model in MODELS.values()] == [0, 0, 0, 0]


def test_a_long_list_is_counted_so_far_and_no_further(
    staff: Client, theirs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ADMIN_ROWS_MAX", 60)
    ProjectLine.objects.bulk_create(
        ProjectLine(project_id=theirs["project_id"], number=n, start_s=n, end_s=n + 1)
        for n in range(1, 100)
    )
    found = staff.get(address("projectline")).context["cl"]
    assert (found.paginator.count, found.paginator.num_pages, found.full_result_count) == (
        60,
        2,
        None,
    )
