"""Nobody's credential, and nobody else's, opens anything: every message and every address."""

from __future__ import annotations

import json
import typing
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts.models import ApiToken, User, WebhookDelivery, WebhookEndpoint
from accounts.services import create_token
from accounts.webhooks.services import create_webhook, send_test
from pipeline.client_messages import AnyClientMessage
from pipeline.providers.scripted.sounds import utterances
from sessions_app import holding, services
from sessions_app.glossaries.services import create_glossary, put_term
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession, Term
from sessions_app.protocol.examples import EXAMPLES
from sessions_app.protocol.schemas import tag
from sessions_app.tests.belongings import projects_of, voices_of
from sessions_app.tests.conftest import Person, Server, person_of, until_gone
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_record import line

SECRET = "what-was-said-in-bens-session"


@dataclass(frozen=True)
class Rule:
    """What an address gives to whom; ``foreign`` is somebody else's object at it."""

    methods: tuple[str, ...]
    public: bool = False
    staff: bool = False
    foreign: bool = False


RULES = {
    "api/health": Rule(("get",), public=True),
    "api/health/live": Rule(("get",), public=True),
    "api/health/ready": Rule(("get",), public=True),
    "api/health/detail": Rule(("get",), staff=True),
    "api/metrics": Rule(("get",), staff=True),
    "api/asyncapi.json": Rule(("get",), public=True),
    "api/openapi.json": Rule(("get",), public=True),
    "api/docs": Rule(("get",), public=True),
    "api/problems": Rule(("get",), public=True),
    "api/me": Rule(("get", "patch")),
    "api/ticket": Rule(("post",)),
    "api/tokens": Rule(("get", "post")),
    "api/pairing/codes": Rule(("post",)),
    "api/pairing/exchange": Rule(("post",), public=True),
    "api/preferences": Rule(("get", "put")),
    "api/tokens/<int:token_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/sessions": Rule(("get", "post")),
    "api/sessions/<uuid:session_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/sessions/<uuid:session_id>/lines": Rule(("get",), foreign=True),
    "api/sessions/<uuid:session_id>/lines/<int:sequence>": Rule(("get",), foreign=True),
    "api/sessions/<uuid:session_id>/transcript": Rule(("get",), foreign=True),
    "api/sessions/<uuid:session_id>/statistics": Rule(("get",), foreign=True),
    "api/sessions/live": Rule(("get",)),
    "api/webhooks": Rule(("get", "post")),
    "api/webhooks/event-types": Rule(("get",)),
    "api/webhooks/<uuid:webhook_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/webhooks/<uuid:webhook_id>/secret": Rule(("post",), foreign=True),
    "api/webhooks/<uuid:webhook_id>/test": Rule(("post",), foreign=True),
    "api/webhooks/<uuid:webhook_id>/replay": Rule(("post",), foreign=True),
    "api/webhooks/<uuid:webhook_id>/deliveries": Rule(("get",), foreign=True),
    "api/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>": Rule(("get",), foreign=True),
    "api/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay": Rule(
        ("post",), foreign=True
    ),
    "api/glossaries": Rule(("get", "post")),
    "api/glossaries/<int:glossary_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/glossaries/<int:glossary_id>/terms": Rule(("get", "post", "put"), foreign=True),
    "api/glossaries/<int:glossary_id>/terms/<int:term_id>": Rule(
        ("get", "patch", "delete"), foreign=True
    ),
    "api/actors": Rule(("get", "post")),
    "api/actors/<uuid:actor_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/actors/<uuid:actor_id>/picture": Rule(("get", "put", "delete"), foreign=True),
    "api/actors/<uuid:actor_id>/merge": Rule(("post",), foreign=True),
    "api/actors/<uuid:actor_id>/split": Rule(("post",), foreign=True),
    "api/speakers": Rule(("get",)),
    "api/speakers/<uuid:speaker_id>": Rule(("get", "patch"), foreign=True),
    "api/speakers/<uuid:speaker_id>/confirm": Rule(("post",), foreign=True),
    "api/speakers/<uuid:speaker_id>/reject": Rule(("post",), foreign=True),
    "api/speakers/<uuid:speaker_id>/merge": Rule(("post",), foreign=True),
    "api/speakers/<uuid:speaker_id>/split": Rule(("post",), foreign=True),
    "api/samples": Rule(("get", "post")),
    "api/samples/<uuid:sample_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/samples/<uuid:sample_id>/audio": Rule(("get",), foreign=True),
    "api/samples/<uuid:sample_id>/picture": Rule(("get",), foreign=True),
    "api/samples/<uuid:sample_id>/link": Rule(("get",), foreign=True),
    "api/samples/<uuid:sample_id>/analysis": Rule(("post",), foreign=True),
    "api/consents": Rule(("get", "post")),
    "api/consents/<uuid:consent_id>": Rule(("get",), foreign=True),
    "api/consents/<uuid:consent_id>/revoke": Rule(("post",), foreign=True),
    "api/consents/<uuid:consent_id>/evidence": Rule(("get",), foreign=True),
    "api/clones": Rule(("get", "post")),
    "api/clones/<uuid:clone_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/clones/<uuid:clone_id>/optimise": Rule(("post",), foreign=True),
    "api/clones/<uuid:clone_id>/preview": Rule(("get",), foreign=True),
    "api/clones/<uuid:clone_id>/events": Rule(("get",), foreign=True),
    "api/clones/<uuid:clone_id>/link": Rule(("get",), foreign=True),
    "api/comparisons": Rule(("get", "post")),
    "api/comparisons/<uuid:comparison_id>": Rule(("get", "delete"), foreign=True),
    "api/previews/<uuid:preview_id>": Rule(("get",), foreign=True),
    "api/previews/<uuid:preview_id>/audio": Rule(("get",), foreign=True),
    "api/previews/<uuid:preview_id>/link": Rule(("get",), foreign=True),
    "api/pinned-voices": Rule(("get", "post")),
    "api/pinned-voices/<uuid:pin_id>": Rule(("get", "delete"), foreign=True),
    "api/titles": Rule(("get",)),
    "api/titles/<uuid:title_id>": Rule(("get",), foreign=True),
    "api/decisions": Rule(("get",)),
    "api/upload-audio": Rule(("post",)),
    "api/uploads": Rule(("get", "post")),
    "api/uploads/<uuid:upload_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/projects": Rule(("get", "post")),
    "api/projects/<uuid:project_id>": Rule(("get", "patch", "delete"), foreign=True),
    "api/projects/<uuid:project_id>/original": Rule(("post",), foreign=True),
    "api/projects/<uuid:project_id>/dub": Rule(("post",), foreign=True),
    "api/projects/<uuid:project_id>/check": Rule(("post",), foreign=True),
    "api/projects/<uuid:project_id>/undo": Rule(("post",), foreign=True),
    "api/projects/<uuid:project_id>/changes": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/waveform": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/tracks/original": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/tracks/dub": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/tracks/mix": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/speakers": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/speakers/<int:project_speaker_id>": Rule(
        ("get", "patch"), foreign=True
    ),
    "api/projects/<uuid:project_id>/speakers/<int:project_speaker_id>/confirm": Rule(
        ("post",), foreign=True
    ),
    "api/projects/<uuid:project_id>/speakers/<int:project_speaker_id>/reject": Rule(
        ("post",), foreign=True
    ),
    "api/projects/<uuid:project_id>/lines": Rule(("get", "post"), foreign=True),
    "api/projects/<uuid:project_id>/lines/overview": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/lines/<int:number>": Rule(
        ("get", "patch", "delete"), foreign=True
    ),
    "api/projects/<uuid:project_id>/lines/<int:number>/undo": Rule(("post",), foreign=True),
    "api/projects/<uuid:project_id>/lines/<int:number>/audio": Rule(("get",), foreign=True),
    "api/projects/<uuid:project_id>/lines/<int:number>/comments": Rule(
        ("get", "post"), foreign=True
    ),
    "api/projects/<uuid:project_id>/lines/<int:number>/comments/<int:comment_id>": Rule(
        ("delete",), foreign=True
    ),
    "api/projects/<uuid:project_id>/exports": Rule(("get", "post"), foreign=True),
    "api/exports/<uuid:export_id>": Rule(("get", "delete"), foreign=True),
    "api/exports/<uuid:export_id>/file": Rule(("get",), foreign=True),
    "api/jobs": Rule(("get",)),
    "api/jobs/<uuid:job_id>": Rule(("get",), foreign=True),
    "api/jobs/<uuid:job_id>/cancel": Rule(("post",), foreign=True),
    "api/jobs/<uuid:job_id>/retry": Rule(("post",), foreign=True),
    "api/jobs/<uuid:job_id>/events": Rule(("get",), foreign=True),
    "api/usage": Rule(("get",)),
    "api/languages": Rule(("get",)),
    "api/voices": Rule(("get",)),
    "api/engines": Rule(("get",)),
    "api/engine-keys": Rule(("get", "put", "delete")),
    "api/engine-keys/check": Rule(("post",)),
}


EDITS = {
    "api/me": {"speakers": "off"},
    "api/tokens/<int:token_id>": {"name": "mine"},
    "api/sessions/<uuid:session_id>": {"title": "mine"},
    "api/webhooks/<uuid:webhook_id>": {"enabled": False},
    "api/glossaries/<int:glossary_id>": {"name": "mine"},
    "api/glossaries/<int:glossary_id>/terms": {
        "source": "x",
        "target": "y",
        "terms": [{"source": "x"}],
    },
    "api/glossaries/<int:glossary_id>/terms/<int:term_id>": {"target": "mine"},
    "api/actors/<uuid:actor_id>": {"name": "mine"},
    "api/speakers/<uuid:speaker_id>": {"name": "mine"},
    "api/samples/<uuid:sample_id>": {"name": "mine"},
    "api/clones/<uuid:clone_id>": {"name": "mine"},
    "api/projects/<uuid:project_id>": {"title": "mine"},
    "api/projects/<uuid:project_id>/original": {"url": "https://example.org/a.mp4"},
    "api/projects/<uuid:project_id>/lines": {"start_s": 1, "end_s": 2},
    "api/projects/<uuid:project_id>/lines/<int:number>": {"target_text": "mine"},
    "api/projects/<uuid:project_id>/lines/<int:number>/comments": {"text": "mine"},
    "api/projects/<uuid:project_id>/speakers/<int:project_speaker_id>": {"name": "mine"},
    "api/projects/<uuid:project_id>/exports": {"form": "srt"},
}
"""Bodies that would be taken if the object were one's own."""


def addresses() -> Iterator[str]:
    def walk(patterns: list[Any], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                yield route

    for route in walk(get_resolver().url_patterns, ""):
        if route.startswith("api/"):
            yield route


def test_every_address_has_its_rule() -> None:
    assert set(addresses()) == set(RULES)


@dataclass(frozen=True)
class Foreign:
    """What is Ben's."""

    session: DubbingSession
    token: ApiToken
    delivery: WebhookDelivery
    term: Term
    voices: dict[str, str]
    """Placeholder in an address → id of what is Ben's there."""

    def path(self, route: str) -> str:
        route = route.replace("<uuid:webhook_id>", str(self.delivery.endpoint_id))
        route = route.replace("<uuid:delivery_id>", str(self.delivery.pk))
        route = route.replace("<int:glossary_id>", str(self.term.glossary_id))
        route = route.replace("<int:term_id>", str(self.term.pk))
        for placeholder, pk in self.voices.items():
            route = route.replace(f"<uuid:{placeholder}>", pk).replace(f"<int:{placeholder}>", pk)
        route = route.replace("<uuid:session_id>", str(self.session.pk))
        route = route.replace("<int:sequence>", "0")
        return "/" + route.replace("<int:token_id>", str(self.token.pk))


def things_of(ben: Person) -> Foreign:
    session = services.create_session(ben.user, target_language="es")
    holding.save_lines(session.pk, [replace(line(0), source_text=SECRET)])
    webhook, _ = create_webhook(
        ben.user, url=f"https://receiver.example/{SECRET}", event_types=["*"], team=None
    )
    term = put_term(create_glossary(ben.user, name="of ben"), source=SECRET, target=SECRET)
    token = create_token(ben.user, name="of ben").record
    things = voices_of(ben.user, session, SECRET) | projects_of(ben.user, SECRET)
    return Foreign(session, token, send_test(webhook), term, things)


def with_token(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def nobody(ana: Person) -> APIClient:
    return APIClient()


def wrong(ana: Person) -> APIClient:
    return with_token("f" * 64)


def expired(ana: Person) -> APIClient:
    new = create_token(ana.user, name="old", lasts=timedelta(days=1))
    new.record.auth_token.expiry = new.record.auth_token.created - timedelta(days=1)
    new.record.auth_token.save()
    return with_token(new.token)


def inactive(ana: Person) -> APIClient:
    ana.user.is_active = False
    ana.user.save()
    return with_token(ana.token)


def of_a_ticket(ana: Person) -> APIClient:
    """A ticket is for one socket, and no token."""
    return with_token(with_token(ana.token).post("/api/ticket").json()["ticket"])


CASES = [
    (route, method) for route, rule in RULES.items() for method in rule.methods if not rule.public
]


@pytest.fixture(scope="class")
def both(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Person, Foreign]]:
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path_factory.mktemp("media")},
    }
    with (
        override_settings(STORAGES={**settings.STORAGES, "default": local}),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        yield person_of("ana"), things_of(person_of("ben"))
        transaction.set_rollback(True)


@pytest.mark.django_db
class TestAddresses:
    """Ana and Ben are made once for all cases; what a case writes is taken back after it."""

    @pytest.fixture
    def ana(self, both: tuple[Person, Foreign]) -> Person:
        """As the database has her: a case before may have changed her in memory."""
        return replace(both[0], user=User.objects.get(pk=both[0].user.pk))

    @pytest.fixture
    def foreign(self, both: tuple[Person, Foreign]) -> Foreign:
        return both[1]

    @pytest.mark.parametrize("who", [nobody, wrong, expired, inactive, of_a_ticket])
    @pytest.mark.parametrize(("route", "method"), CASES)
    def test_without_a_good_token_nothing_is_given(
        self,
        ana: Person,
        foreign: Foreign,
        route: str,
        method: str,
        who: Callable[[Person], APIClient],
    ) -> None:
        answer = getattr(who(ana), method)(foreign.path(route))
        assert answer.status_code == 401
        assert SECRET not in answer.content.decode()
        assert str(foreign.session.pk) not in answer.content.decode()

    @pytest.mark.parametrize(("route", "method"), CASES)
    def test_what_is_somebody_elses_does_not_exist(
        self, ana: Person, foreign: Foreign, route: str, method: str
    ) -> None:
        body = {"data": EDITS.get(route, {}), "format": "json"} if method != "get" else {}
        answer = getattr(with_token(ana.token), method)(foreign.path(route), **body)
        rule = RULES[route]
        if rule.foreign:
            assert answer.status_code == 404
        elif rule.staff:
            assert answer.status_code == 403
        assert answer.status_code < 500
        assert SECRET not in answer.content.decode()
        assert str(foreign.session.pk) not in answer.content.decode()
        assert foreign.token.name not in answer.content.decode()
        # Nothing of Ben's was changed either.
        assert ApiToken.objects.filter(pk=foreign.token.pk).exists()
        assert DubbingSession.objects.filter(pk=foreign.session.pk, title="").exists()
        term = Term.objects.filter(pk=foreign.term.pk, target=SECRET)
        assert term.filter(glossary__name="of ben").exists()
        webhook = WebhookEndpoint.objects.filter(pk=foreign.delivery.endpoint_id)
        assert webhook.filter(enabled=True).exists()


CLIENT_MESSAGES = [tag(kind) for kind in typing.get_args(AnyClientMessage)]


@pytest.mark.parametrize("kind", [*CLIENT_MESSAGES, "sound"])
async def test_no_message_reaches_a_session_of_somebody_else(
    server: Server, ana: Person, ben: Person, kind: str
) -> None:
    owner = Socket(token=ben.token)
    await owner.connect()
    await owner.send(type="start_dubbing", source_language="en", target_language="es", number=1)
    await owner.until("ready")
    for query in ("", "?resume=-1", "?resume=0&cue=0&samples=0"):
        stranger = Socket(token=ana.token, session_id=owner.session_id, query=query)
        await stranger.connect()
        # Sent at once, before the refusal can have been read.
        if kind == "sound":
            await stranger.send_audio(utterances((1.0, 140.0)))
        else:
            await stranger.send_text(json.dumps({**EXAMPLES[kind], "type": kind}))
        assert await stranger.closing() == (4403, "session_forbidden")
    await owner.send(type="ping", id="mine")
    await owner.until("pong")
    # Neither sound nor a message has come in but the owner's own.
    await owner.send_audio(utterances((2.0, 140.0)))
    await owner.send(type="stop_dubbing", number=2)
    summary = await owner.until("summary")
    assert summary["media_s"] == pytest.approx(len(utterances((2.0, 140.0))) / 16_000, abs=0.01)
    assert not owner.heard("error")
    await owner.leave()


async def test_a_ticket_that_was_used_opens_nothing_else(server: Server, ana: Person) -> None:
    def ticket() -> str:
        made: str = with_token(ana.token).post("/api/ticket").json()["ticket"]
        return made

    used = await sync_to_async(ticket)()
    socket = Socket(subprotocols=["dub.v1", f"ticket.{used}"])
    await socket.connect()
    await socket.send(type="ping")
    await socket.until("pong")
    # While the session that it opened lives, and when it has gone.
    for _ in range(2):
        for scheme in ("Token", "Bearer", "Ticket"):
            client = APIClient()
            client.credentials(HTTP_AUTHORIZATION=f"{scheme} {used}")
            answer = await sync_to_async(client.get)("/api/sessions")
            assert answer.status_code == 401
            assert socket.session_id not in answer.content.decode()
        again = Socket(subprotocols=["dub.v1", f"ticket.{used}"], session_id=socket.session_id)
        await again.connect()
        assert await again.closing() == (4401, "credential_invalid")
        if live.find(uuid.UUID(socket.session_id)) is not None:
            await socket.leave()
            await until_gone(socket.session_id)


@pytest.mark.parametrize("claimed", [10**6, 2**32 - 1])
async def test_a_resume_from_a_message_of_ones_own_that_was_never_sent_goes_on_from_the_last(
    server: Server, ana: Person, claimed: int
) -> None:
    first = Socket(token=ana.token)
    await first.connect()
    await first.send(type="start_dubbing", source_language="en", target_language="es", number=1)
    await first.until("ready")
    await first.drop()
    back = Socket(token=ana.token, session_id=first.session_id, query=f"?resume={claimed}")
    await back.connect()
    resumed = await back.until("resumed")
    assert (resumed["how"], resumed["chunk"], resumed["number"]) == ("same", -1, 1)
    await back.send_audio(utterances((2.0, 140.0)))
    await back.send(type="stop_dubbing", number=2)
    summary = await back.until("summary")
    await back.leave()
    assert summary["lines"] >= 1
    # The count goes on where it was; the client's figure is nobody's.
    counted = back.sequences[1:]
    assert counted == list(range(counted[0], counted[0] + len(counted)))
    assert first.last_sequence < counted[0] < 100
    assert not back.heard("error")


async def test_a_resume_of_a_session_that_never_was_begins_anew(
    server: Server, ana: Person
) -> None:
    socket = Socket(token=ana.token, query=f"?resume={10**6}&cue=7&samples=9")
    await socket.connect()
    assert (await socket.until("resumed"))["how"] == "new"
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.until("ready")
    assert socket.sequences == [-1, 0]
    await socket.leave()


@pytest.mark.parametrize("claimed", [str(2**53), "1e6", "-2", "0x1", "one", ""])
async def test_a_resume_number_that_is_no_count_is_refused(
    server: Server, ana: Person, claimed: str
) -> None:
    socket = Socket(token=ana.token, query=f"?resume={claimed}")
    await socket.connect()
    assert await socket.closing() == (4400, "bad_resume")


@pytest.mark.parametrize("claimed", [0, 10**6, 2**53 - 1])
async def test_an_acknowledged_number_that_was_never_sent_changes_nothing(
    server: Server, ana: Person, claimed: int
) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="acknowledge", sequence=claimed)
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.until("ready")
    await socket.send(type="acknowledge", sequence=claimed)
    await socket.send_audio(utterances((2.0, 140.0)))
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    assert socket.sequences == list(range(len(socket.sequences)))
    await socket.leave()


async def test_a_session_id_that_is_guessed_is_made_for_the_guesser_alone(
    server: Server, ana: Person, ben: Person
) -> None:
    guessed = uuid.uuid4()
    first = Socket(token=ana.token, session_id=guessed)
    await first.connect()
    await first.send(type="ping")
    await first.until("pong")
    await first.leave()
    second = Socket(token=ben.token, session_id=guessed)
    await second.connect()
    assert await second.closing() == (4403, "session_forbidden")
    owner = await sync_to_async(lambda: DubbingSession.objects.get(pk=guessed).owner_id)()
    assert owner == ana.user.pk
