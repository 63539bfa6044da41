"""How long the server takes for the studio of a project with as many lines as one may have."""

from __future__ import annotations

import random
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import create_user
from dubbing_project.management.commands import measure_pages
from dubbing_project.management.commands.measure_pages import OTHERS_SHARE, Page, Texts
from pipeline.bounds import MEDIA_MAX_S, PAGE_MAX, PROJECT_LINES_MAX, PROJECTS_MAX
from sessions_app.projects.inputs import digest, inputs_of
from sessions_app.projects.models import LineSound, Project, ProjectLine, ProjectSpeaker

LINE_S = MEDIA_MAX_S / PROJECT_LINES_MAX
"""As long as a file may be, with as many lines as it may have."""
SPEAKERS = 8
ON_SCREEN = 30
"""Lines that the studio draws, and asks for, at a time."""


class Command(measure_pages.Command):
    help = (
        "Fill a private database with projects, one of them as long as any may be, and measure "
        "the studio and what it asks of the interface: server time in milliseconds, and queries."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lines", type=int, default=PROJECT_LINES_MAX)
        parser.add_argument("--requests", type=int, default=60, help="of each page")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["lines"] <= PROJECT_LINES_MAX or options["requests"] < 1:
            raise CommandError(
                f"--lines must be 1 to {PROJECT_LINES_MAX}, and --requests 1 or more."
            )
        self._with_stores(options)

    def _measure(self, options: dict[str, Any]) -> None:
        chance = random.Random(7)
        user = create_user(email="pages@localhost.localdomain", password=None)
        other = create_user(email="other@localhost.localdomain", password=None)
        texts = Texts(chance)
        project = fill(user, texts, options["lines"])
        fill(other, texts, round(options["lines"] * OTHERS_SHARE))
        Project.objects.bulk_create(_project(user, f"Talk {n}") for n in range(PROJECTS_MAX - 1))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        # More is asked in a minute than anybody may.
        settings.API_RATES = dict.fromkeys(settings.API_RATES, 10**6)
        self._head()
        for page in pages(client, chance, project, options["lines"]):
            self._ask(client, page, options["requests"])


def _project(owner: User, title: str) -> Project:
    return Project(
        owner=owner, title=title, origin="file", source_language="en", target_language="es",
        engines={"synthesis": "espeak"},
    )  # fmt: skip


def fill(owner: User, texts: Texts, count: int) -> Project:
    """One project whose lines are spoken; every tenth was changed since."""
    chance = random.Random(count)
    project = _project(owner, "A very long talk")
    project.save()
    speakers = ProjectSpeaker.objects.bulk_create(
        ProjectSpeaker(project=project, label=f"S{n}", voice=f"es-{n}", shape_digest=digest(str(n)))
        for n in range(1, SPEAKERS + 1)
    )
    lines = [
        ProjectLine(
            project=project,
            number=n,
            start_s=n * LINE_S,
            end_s=(n + 0.9) * LINE_S,
            speaker=chance.choice(speakers),
            language="en",
            source_text=(said := chance.choice(texts.sentences)),
            target_text=chance.choice(texts.sentences),
            translated_from=digest(said),
        )
        for n in range(count)
    ]
    sounds = LineSound.objects.bulk_create(
        (
            LineSound(
                project=project, digest=inputs_of(line, project), speed=1.0 + line.number / 10**6,
                audio="none.flac", size_bytes=20_000, sample_rate_hz=22_050,
                duration_s=0.8 * LINE_S, text=line.target_text, how="room", engine="espeak",
                voice="es-1",
                marks=["overflow"] if line.number % 97 == 0 else [],
            )
            for line in lines
        ),
        batch_size=2000,
    )  # fmt: skip
    for line, sound in zip(lines, sounds, strict=True):
        line.sound = sound
        if line.number % 10 == 0:
            line.target_text += " changed"
    ProjectLine.objects.bulk_create(lines, batch_size=2000)
    return project


def pages(client: Client, chance: random.Random, project: Project, count: int) -> list[Page]:
    listing, studio = reverse("project-list"), reverse("project-page", args=[project.pk])
    address = f"/api/projects/{project.pk}"
    overview = cursors(client, f"{address}/lines/overview")
    whole = cursors(client, f"{address}/lines?limit={PAGE_MAX}")

    def some(way: str = "") -> Callable[[], str]:
        return lambda: f"{address}/lines/{chance.randrange(count)}{way}"

    def seen() -> str:
        first = chance.randrange(max(1, count - ON_SCREEN))
        numbers = ",".join(str(n) for n in range(first, min(count, first + ON_SCREEN)))
        return f"{address}/lines?limit={PAGE_MAX}&numbers={numbers}"

    def edit(client: Client, path: str) -> Any:
        return client.patch(
            path,
            {"target_text": f"edited {chance.random()}"},
            content_type="application/json",
            headers={"If-Match": "*"},
        )

    def post(client: Client, path: str) -> Any:
        return client.post(path, headers={"If-Match": "*"})

    return [
        Page("list of projects", lambda: listing),
        Page("list, part of a title", lambda: f"{listing}?q={chance.randrange(50)}"),
        Page("studio", lambda: studio),
        Page("project", lambda: address),
        Page("speakers", lambda: f"{address}/speakers"),
        Page("overview, its first 500 lines", lambda: overview[0]),
        Page("overview, 500 lines within", lambda: chance.choice(overview)),
        Page("lines, the first 200", lambda: whole[0]),
        Page("lines, 200 within", lambda: chance.choice(whole)),
        Page(f"lines, {ON_SCREEN} that are seen", seen),
        Page("line", some()),
        Page("edit of a line", some(), edit),
        Page("changes", lambda: f"{address}/changes?limit=15"),
        Page("undo", lambda: f"{address}/undo", post),
    ]


def cursors(client: Client, first: str) -> list[str]:
    """Addresses of all pages of a list."""
    found: list[str] = []
    following: str | None = first
    while following:
        found.append(following)
        following = client.get(following).json()["next"]
    return found
