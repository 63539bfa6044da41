"""How long the server takes for each page of voices when there are very many."""

from __future__ import annotations

import random
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import create_user
from dubbing_project.management.commands import measure_pages
from dubbing_project.management.commands.measure_pages import OTHERS_SHARE, Page
from voices.models import Actor, CloneState, Consent, Speaker, SpeakerState, VoiceClone, VoiceSample

SAMPLES_AN_ACTOR = 3


class Command(measure_pages.Command):
    help = (
        "Fill a private database with actors, each with a clone, recordings and a speaker, and "
        "measure the pages of voices: server time in milliseconds, and queries."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--voices", type=int, default=10_000)
        parser.add_argument("--requests", type=int, default=60, help="of each page")

    def handle(self, *args: Any, **options: Any) -> None:
        if min(options["voices"], options["requests"]) < 1:
            raise CommandError("--voices and --requests must be 1 or more.")
        self._with_stores(options)

    def _measure(self, options: dict[str, Any]) -> None:
        chance = random.Random(7)
        user = create_user(email="pages@localhost.localdomain", password=None)
        other = create_user(email="other@localhost.localdomain", password=None)
        mine = fill(user, options["voices"], chance)
        fill(other, round(options["voices"] * OTHERS_SHARE), chance)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        self._head()
        for page in pages(chance, mine):
            self._ask(client, page, options["requests"])


def fill(owner: User, count: int, chance: random.Random) -> list[Actor]:
    now, languages = timezone.now(), ("en", "es", "fr", "it", "pt")
    actors = [
        Actor(
            owner=owner,
            name=f"Person {chance.randrange(10**6):06d}",
            aliases=[f"Also {chance.randrange(10**6):06d}"],
            languages=[chance.choice(languages)],
        )
        for _ in range(count)
    ]
    Actor.objects.bulk_create(actors, batch_size=2000)
    consents = [
        Consent(
            actor=one,
            owner=owner,
            given_by=one.name,
            uses=["sample", "recognise", "clone"],
            statement="Yes.",
            given_at=now,
        )
        for one in actors
    ]
    Consent.objects.bulk_create(consents, batch_size=2000)
    clones = [
        VoiceClone(
            actor=consent.actor,
            owner=owner,
            consent=consent,
            engine="espeak",
            vendor_id=f"world-{uuid.uuid4().hex}",
            name=consent.actor.name,
            state=CloneState.READY,
            pitch_hz=chance.uniform(80, 260),
            quality={"score": chance.random(), "similarity": chance.uniform(0.5, 0.8)},
        )
        for consent in consents
    ]
    VoiceClone.objects.bulk_create(clones, batch_size=2000)
    samples = [
        VoiceSample(
            actor=consent.actor, owner=owner, consent=consent, audio="none.flac", playable=True,
            state="ready", verdict="good", duration_s=20.0, speech_s=15.0,
        )
        for consent in consents
        for _ in range(SAMPLES_AN_ACTOR)
    ]  # fmt: skip
    VoiceSample.objects.bulk_create(samples, batch_size=2000)
    speakers = [
        Speaker(
            owner=owner, session_id=uuid.uuid4(), label="S1", actor=one, confidence=0.7,
            state=chance.choice((SpeakerState.SUGGESTED, SpeakerState.CONFIRMED)),
        )
        for one in actors
    ]  # fmt: skip
    Speaker.objects.bulk_create(speakers, batch_size=2000)
    return actors


def pages(chance: random.Random, actors: list[Actor]) -> list[Page]:
    listing, library = reverse("voice-management"), reverse("voice-library")
    speakers = reverse("speaker-cards")

    def of_one(name: str) -> str:
        return reverse(name, args=[chance.choice(actors).pk])

    return [
        Page("actors", lambda: listing),
        Page("actors, some page within", lambda: f"{listing}?page={chance.randint(2, 400)}"),
        Page("actors, part of a name", lambda: f"{listing}?q={chance.randrange(1000):03d}"),
        Page("actors, by language", lambda: f"{listing}?language=fr"),
        Page("actor", lambda: of_one("actor-page")),
        Page("clone wizard", lambda: of_one("clone-wizard")),
        Page("library", lambda: library),
        Page("library, some page within", lambda: f"{library}?page={chance.randint(2, 400)}"),
        Page("library, register and likeness", lambda: f"{library}?register=low&similarity=70"),
        Page("library, part of a name", lambda: f"{library}?q={chance.randrange(1000):03d}"),
        Page("speakers", lambda: speakers),
        Page("speakers, confirmed", lambda: f"{speakers}?state=confirmed"),
        Page("speakers, part of a name", lambda: f"{speakers}?q={chance.randrange(1000):03d}"),
    ]
