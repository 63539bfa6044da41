"""How long the server takes for each page of sessions when there are very many lines."""

from __future__ import annotations

import os
import random
import tempfile
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import create_user
from dubbing_project.service_urls import parse_database_url, parse_redis_url
from dubbing_project.services.context import running_services
from dubbing_project.services.errors import ServiceError
from sessions_app.models import DubbingSession, SessionState
from sessions_app.records.figures import summarise
from sessions_app.records.indexing import index_words

VOCABULARY = 30_000
SENTENCES = 20_000
WARM = 3
"""Requests of each page that are not counted."""
OTHERS_SHARE = 0.2
"""So many of the sessions are somebody else's: what is theirs costs, and is not shown."""


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    address: Callable[[], str]
    """A new one every time, as different readers would ask."""
    ask: Callable[[Client, str], Any] = Client.get


class Command(BaseCommand):
    help = (
        "Fill a private database with sessions and measure the pages that list, search and show "
        "them: server time in milliseconds, and queries."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sessions", type=int, default=1000)
        parser.add_argument("--lines", type=int, default=2000, help="of each session")
        parser.add_argument("--requests", type=int, default=60, help="of each page")

    def handle(self, *args: Any, **options: Any) -> None:
        if min(options["sessions"], options["lines"], options["requests"]) < 1:
            raise CommandError("--sessions, --lines and --requests must be 1 or more.")
        self._with_stores(options)

    def _with_stores(self, options: dict[str, Any]) -> None:
        try:
            with (
                tempfile.TemporaryDirectory(prefix="dubbing-pages-") as folder,
                running_services(Path(folder), stores_only=True, durable=False) as stores,
            ):
                connections["default"].close()
                place = parse_database_url(stores.database_url)
                connections["default"].settings_dict.update(
                    {name: place[name] for name in ("HOST", "USER", "NAME")}
                )
                settings.CACHES["default"]["LOCATION"] = parse_redis_url(stores.redis_url).client
                call_command("migrate", verbosity=0)
                self._measure(options)
                connections["default"].close()
        except ServiceError as error:
            raise CommandError(str(error)) from None

    def _measure(self, options: dict[str, Any]) -> None:
        chance = random.Random(7)
        user = create_user(email="pages@localhost.localdomain", password=None)
        other = create_user(email="other@localhost.localdomain", password=None)
        began = time.perf_counter()
        made = Texts(chance)
        mine = fill(user, made, sessions=options["sessions"], lines=options["lines"])
        others = round(options["sessions"] * OTHERS_SHARE)
        theirs = fill(other, made, sessions=others, lines=options["lines"])
        took_s = time.perf_counter() - began
        total = (len(mine) + len(theirs)) * options["lines"]
        self.stdout.write(f"{total:,} lines written in {took_s:.0f} s")
        self._index([*mine, *theirs])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        self._head()
        for page in pages(chance, made, mine, options["lines"]):
            self._ask(client, page, options["requests"])

    def _index(self, sessions: list[DubbingSession]) -> None:
        took = []
        for session in sessions:
            began = time.perf_counter()
            index_words(session)
            took.append(1000 * (time.perf_counter() - began))
        self.stdout.write(
            f"words of a session gathered in {np.median(took):.0f} ms (p50), "
            f"{np.percentile(took, 95):.0f} ms (p95)"
        )

    def _head(self) -> None:
        self.stdout.write(
            f"{'milliseconds':34}{'p50':>8}{'p95':>8}{'python':>9}{'postgres':>10}{'queries':>9}"
        )

    def _ask(self, client: Client, page: Page, requests: int) -> None:
        """The last columns but one are processor time: what a busy machine does not change."""
        took, queries = [], 0
        backend = _backend()
        for number in range(requests + WARM):
            if number == WARM:  # templates and plans are there by then
                python_s, postgres_s = time.process_time(), _processor_s(backend)
            address = page.address()
            with CaptureQueriesContext(connection) as captured:
                began = time.perf_counter()
                answer = page.ask(client, address)
                body = answer.content
                elapsed = 1000 * (time.perf_counter() - began)
            if answer.status_code != 200 or not body:
                raise CommandError(f"{address} answered {answer.status_code}.")
            if number >= WARM:
                took.append(elapsed)
            queries = max(queries, len(captured))
        python_ms = 1000 * (time.process_time() - python_s) / requests
        postgres_ms = 1000 * (_processor_s(backend) - postgres_s) / requests
        self.stdout.write(
            f"{page.name:34}{np.median(took):8.1f}{np.percentile(took, 95):8.1f}"
            f"{python_ms:9.1f}{postgres_ms:10.1f}{queries:9}"
        )


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _processor_s(pid: int) -> float:
    """What a process has taken of the processor, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Texts:
    """Sentences whose words are as unevenly spread as in speech (Zipf)."""

    def __init__(self, chance: random.Random) -> None:
        numbers = np.random.default_rng(7)
        syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "ar", "en")]
        words = list(
            dict.fromkeys(
                "".join(chance.choices(syllables, k=chance.randint(1, 4)))
                for _ in range(3 * VOCABULARY)
            )
        )[:VOCABULARY]
        weights = 1 / np.arange(1, len(words) + 1)
        drawn = numbers.choice(len(words), size=(SENTENCES, 10), p=weights / weights.sum())
        self.sentences = [" ".join(words[at] for at in row) for row in drawn]
        self.common, self.rare = words[2], words[len(words) // 2]
        self.usual = words[200:1200]


def fill(user: User, texts: Texts, *, sessions: int, lines: int) -> list[DubbingSession]:
    now = timezone.now()
    made = [
        DubbingSession(
            id=uuid.uuid4(),
            owner=user,
            title=f"Lecture {number}" if number % 3 else "",
            state=SessionState.ENDED,
            source_language="en",
            target_language=("es", "fr", "it")[number % 3],
            media_s=lines * 3.5,
            summary=summarise([("S1", "", {"lag_ms": 2400.0, "total_ms": 430.0})])
            | {"lines": lines, "errors": 0},
        )
        for number in range(sessions)
    ]
    DubbingSession.objects.bulk_create(made)
    for number, session in enumerate(made):
        session.created_at = now - timedelta(hours=number)
    DubbingSession.objects.bulk_update(made, ["created_at"], batch_size=500)
    columns = (
        "session_id, sequence, speaker, source_language, target_language, source_text, "
        "target_text, start_s, end_s, cue_start_s, cue_duration_s, engine, voice, tempo, "
        "latencies, skipped_reason, level_dbfs, snr_db, similarity"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY sessions_app_line ({columns}) FROM STDIN") as copy,
    ):
        for session in made:
            for row in _rows(session, texts, lines):
                copy.write_row(row)
    return made


def _rows(session: DubbingSession, texts: Texts, lines: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(session.pk.int)
    sentences = chance.choices(texts.sentences, k=2 * lines)
    for at in range(lines):
        start_s = at * 3.5
        total = chance.lognormvariate(6, 0.4)
        latencies = (
            f'{{"endpoint_ms": {total * 0.6:.1f}, "recognition_ms": {total * 0.15:.1f}, '
            f'"translation_ms": {total * 0.05:.1f}, "synthesis_ms": {total * 0.2:.1f}, '
            f'"total_ms": {total:.1f}, "lag_ms": {2000 + total:.1f}}}'
        )
        yield (
            session.pk,
            at,
            f"S{chance.randint(1, 4)}",
            "en",
            session.target_language,
            sentences[2 * at],
            sentences[2 * at + 1],
            start_s,
            start_s + 3.0,
            start_s + 2.2,
            2.9,
            "espeak",
            "es-1",
            1.0,
            latencies,
            "backlog" if at % 97 == 0 else "",
            -20.0 + chance.random(),
            25.0 + chance.random(),
            0.8 + chance.random() / 5,
        )


def pages(
    chance: random.Random, texts: Texts, sessions: list[DubbingSession], lines: int
) -> list[Page]:
    listing = reverse("session-list")

    def deep() -> str:
        one = chance.choice(sessions)
        return f"{listing}?before={one.created_at:%Y-%m-%dT%H:%M:%S}%2B00:00_{one.pk}"

    def of_one(name: str, query: str = "", **more: str) -> Callable[[], str]:
        return lambda: reverse(name, args=[chance.choice(sessions).pk, *more.values()]) + query

    return [
        Page("list", lambda: listing),
        Page("list, some page within", deep),
        Page("list, by language", lambda: f"{listing}?language=fr"),
        Page("search, a word everybody says", lambda: f"{listing}?q={texts.common}"),
        Page("search, a rare word", lambda: f"{listing}?q={texts.rare}"),
        Page(
            "search, three words", lambda: f"{listing}?q={'+'.join(chance.sample(texts.usual, 3))}"
        ),
        Page(
            "search, the beginning of a word",
            lambda: f"{listing}?q={chance.choice(texts.usual)[:2]}",
        ),
        Page("search, nothing found", lambda: f"{listing}?q=xyzzy"),
        Page("session", of_one("session-page")),
        Page(
            "session, some page within",
            lambda: of_one("session-page", f"?after={chance.randrange(lines)}")(),
        ),
        Page(
            "session, search within",
            lambda: of_one("session-page", f"?q={chance.choice(texts.usual)}")(),
        ),
        Page("statistics", of_one("session-statistics")),
        Page("transcript as SRT", of_one("session-export", suffix="srt")),
        Page("transcript as JSON", of_one("session-export", "?language=both", suffix="json")),
    ]
