"""Engines chosen by session, key and setting, seen over the real socket and the interface."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from io import StringIO
from types import ModuleType
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import EngineKey
from accounts.orm_thread import close_orm_threads
from accounts.services import create_user, keep_engine_key
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.providers.catalogue import PROVIDERS, Provider
from pipeline.providers.scripted import engines as scripted
from pipeline.providers.scripted.hearing import ClockRecognizer, TimedRecognizerStream
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import (
    ScriptedCloner,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.providers.settings import EngineSettings
from sessions_app.engines import loaded
from sessions_app.engines.engine_access import access_of
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession, Line
from sessions_app.running.live_state import RunState
from sessions_app.running.run import RunRequest
from sessions_app.tests.conftest import Person, until_gone
from sessions_app.tests.socket import Socket

SPEECH = utterances((2.0, 140.0), (2.5, 140.0))
GOOD, BAD = "sk_a-good-key-of-somebody-4711", "sk_a-bad-key-of-somebody-0815"


@dataclass
class Trial:
    """Two providers that only tests know: ``alpha`` needs nothing, ``beta`` a key."""

    made: list[str] = field(default_factory=list)
    options: list[RecognitionOptions] = field(default_factory=list)


class ListeningRecognizer(ClockRecognizer):
    trial: Trial

    async def open(self, options: RecognitionOptions) -> TimedRecognizerStream:
        self.trial.options.append(options)
        return TimedRecognizerStream(self, options.languages[0])


class Voice(ScriptedSynthesizer):
    key: str | None = None

    async def connect(self) -> None:
        if self.key == BAD:
            raise EngineError("key_refused", "The vendor does not take the key.")


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Trial:
    settings.ENGINES = "scripted"
    found = Trial()

    def voice(name: str, access: EngineSettings) -> Voice:
        found.made.append(name)
        stock = tuple(replace(one, engine=f"{name}-voice") for one in ScriptedSynthesizer().stock)
        made = Voice(name=f"{name}-voice", stock=stock)
        made.key = access.elevenlabs.api_key if access.elevenlabs else None
        return made

    def provide(name: str, needs: Any) -> None:
        module = ModuleType(f"provider_{name}")
        module.__dict__.update(
            translator=lambda _: ScriptedTranslator(name=f"{name}-translator"),
            synthesizer=lambda access: voice(name, access),
            cloner=lambda _: ScriptedCloner(),
        )
        monkeypatch.setitem(sys.modules, module.__name__, module)
        roles = frozenset({"translator", "synthesizer", "cloner"})
        row = Provider(module=module.__name__, roles=roles, needs=needs)
        monkeypatch.setitem(PROVIDERS, name, row)

    provide("alpha", "")
    provide("beta", "elevenlabs")
    for name in ("google", "elevenlabs", "whisper"):
        monkeypatch.delitem(PROVIDERS, name)

    def recognizer(_: EngineSettings) -> ListeningRecognizer:
        made = ListeningRecognizer(languages=frozenset({"en", "fr"}), candidates_max=4)
        made.trial = found
        return made

    monkeypatch.setattr(scripted, "recognizer", recognizer)
    return found


@pytest_asyncio.fixture
async def serving(trial: Trial, ana: Person) -> AsyncIterator[Trial]:
    await loaded.engines()
    yield trial
    await live.close()
    await loaded.close_engines()
    close_orm_threads()
    await sync_to_async(connections.close_all)()


async def begun(person: Person, **start: Any) -> tuple[Socket, dict[str, Any]]:
    """The socket, and the ``ready`` or ``error`` that a start is answered with."""
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(type="start_dubbing", target_language="es", source_language="en", **start)
    while (event := await socket.receive())["type"] not in {"ready", "error"}:
        pass
    return socket, event


async def dubbed(socket: Socket) -> set[str]:
    """The engines that spoke."""
    await socket.send_audio(SPEECH)
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    return {cue["engine"] for cue in socket.heard("cue")}


async def test_two_sessions_at_once_have_the_engines_each_asked_for(
    serving: Trial, ana: Person
) -> None:
    plain, as_set = await begun(ana)
    other, wished = await begun(ana, engines={"synthesis": "alpha", "translation": "alpha"})
    assert as_set["engines"]["synthesis"] == "scripted-synthesizer"
    assert wished["engines"] == {
        "recognition": "scripted-clock",
        "translation": "alpha-translator",
        "synthesis": "alpha-voice",
    }
    assert await dubbed(plain) == {"scripted-synthesizer"}
    assert await dubbed(other) == {"alpha-voice"}
    session = await DubbingSession.objects.aget(pk=other.session_id)
    assert session.engines == wished["engines"]
    lines = [line.engine async for line in Line.objects.filter(session=session)]
    assert lines
    assert set(lines) == {"alpha-voice"}
    # Nobody asked for it, so it was never made.
    assert serving.made == ["alpha"]


async def test_sessions_that_want_the_same_share_one_set(serving: Trial, ana: Person) -> None:
    wish = {"synthesis": "alpha"}
    sockets = [(await begun(ana, engines=wish))[0] for _ in range(2)]
    assert serving.made == ["alpha"]
    assert [one["runs"] for one in loaded.engine_status()["sets"]] == [0, 2]
    for socket in sockets:
        await dubbed(socket)
        await until_gone(socket.session_id)
    assert [one["runs"] for one in loaded.engine_status()["sets"]] == [0, 0]


async def test_a_key_opens_an_engine_for_its_owner_alone(
    serving: Trial, ana: Person, ben: Person, caplog: pytest.LogCaptureFixture
) -> None:
    wish = {"synthesis": "beta"}
    socket, refused = await begun(ana, engines=wish)
    await socket.leave()
    assert refused["code"] == "key_missing"
    await sync_to_async(keep_engine_key)(ana.user, vendor="elevenlabs", text=GOOD)
    socket, ready = await begun(ana, engines=wish)
    assert ready["engines"]["synthesis"] == "beta-voice"
    assert await dubbed(socket) == {"beta-voice"}
    key = await EngineKey.objects.aget(user=ana.user)
    assert key.last_used_at is not None
    socket, refused = await begun(ben, engines=wish)
    await socket.leave()
    assert refused["code"] == "key_missing"
    assert GOOD not in caplog.text + str(loaded.engine_status()) + str(socket.received)


async def test_a_refused_key_can_be_mended_at_once(serving: Trial, ana: Person) -> None:
    wish = {"synthesis": "beta"}
    await sync_to_async(keep_engine_key)(ana.user, vendor="elevenlabs", text=BAD)
    for _ in range(2):
        socket, refused = await begun(ana, engines=wish)
        await socket.leave()
        assert refused["code"] == "key_refused"
    assert serving.made == ["beta", "beta"]
    # The health of the server does not depend on the key of one person.
    assert loaded.engine_status()["state"] == "ready"
    await sync_to_async(keep_engine_key)(ana.user, vendor="elevenlabs", text=GOOD)
    socket, ready = await begun(ana, engines=wish)
    assert ready["type"] == "ready"
    await socket.leave()


async def test_a_key_that_cannot_be_read_any_more_is_said_so(
    serving: Trial, ana: Person, settings: Any
) -> None:
    await sync_to_async(keep_engine_key)(ana.user, vendor="elevenlabs", text=GOOD)
    await sync_to_async(EngineKey.objects.update)(sealed="spoiled")
    socket, refused = await begun(ana, engines={"synthesis": "beta"})
    await socket.leave()
    assert refused["code"] == "key_unreadable"
    assert "enter it again" in refused["message"]


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ({"engines": {"synthesis": "gamma"}}, "engine_unknown"),
        ({"engines": {"hearing": "alpha"}}, "engine_role_unknown"),
        ({"engines": {"recognition": "alpha"}}, "engine_role_unknown"),
        ({"recognition": {"region": "evil.example.org/"}}, "message_invalid"),
        ({"recognition": {"region": "eu\n"}}, "message_invalid"),
        ({"recognition": {"model": "../weights"}}, "message_invalid"),
        ({"recognition": {"endpointing": "never"}}, "message_invalid"),
        ({"source_candidates": ["en", "fr"]}, "candidates_invalid"),
    ],
)
async def test_a_wrong_wish_is_refused_and_what_is_dubbed_goes_on(
    serving: Trial, ana: Person, start: dict[str, Any], code: str
) -> None:
    socket, _ = await begun(ana)
    await socket.send(type="start_dubbing", target_language="es", source_language="en", **start)
    assert (await socket.until("error"))["code"] == code
    assert await dubbed(socket) == {"scripted-synthesizer"}
    assert len(socket.heard("ready")) == 1


async def test_the_recogniser_is_told_what_the_session_wants(serving: Trial, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(
        type="start_dubbing",
        target_language="es",
        source_candidates=["en", "fr-CA"],
        recognition={"model": "chirp_3", "region": "us", "endpointing": "supershort"},
    )
    # A pair that the translator lacks: scripted ones know English only.
    assert (await socket.until("error"))["code"] == "pair_unsupported"
    await socket.send(
        type="start_dubbing",
        target_language="fr",
        source_candidates=["en", "fr-CA"],
        recognition={"model": "chirp_3", "region": "us", "endpointing": "supershort"},
    )
    ready = await socket.until("ready")
    await dubbed(socket)
    assert ready["source_language"] == "auto"
    assert "source_language_assumed" not in {one["code"] for one in socket.heard("notice")}
    assert serving.options[-1] == RecognitionOptions(
        languages=("en", "fr"), model="chirp_3", region="us", endpointing="supershort"
    )


def test_what_a_session_chose_moves_with_it_and_older_states_still_open() -> None:
    request = RunRequest(
        session_id="s",
        user_id=7,
        source_language="auto",
        target_language="es",
        engines={"synthesis": "alpha"},
        model="chirp_3",
        region="us",
        endpointing="short",
        candidates=("en", "fr"),
    )
    moved = msgspec.msgpack.encode(
        RunState(request=request, snapshot=None, finishing=False, after_chunk=-1)
    )
    assert msgspec.msgpack.decode(moved, type=RunState).request == request
    old = {"session_id": "s", "source_language": "en", "target_language": "es"}
    assert msgspec.convert(old, RunRequest).engines == {}


# The interface ------------------------------------------------------------------------


def client(person: Person) -> APIClient:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {person.token}")
    return api


def test_the_engines_are_listed_with_what_keeps_each_from_being_used(
    trial: Trial, ana: Person, ben: Person, settings: Any
) -> None:
    settings.ENGINES = "synthesizer=beta,recognizer=offline,translator=alpha"
    keep_engine_key(ana.user, vendor="elevenlabs", text=GOOD)
    mine = client(ana).get("/api/engines").json()
    theirs = client(ben).get("/api/engines").json()
    by_name = {one["engine"]: one for one in mine["engines"]["synthesis"]}
    assert by_name["beta"] == {
        "engine": "beta",
        "available": True,
        "code": "",
        "reason": "",
        "key": "yours",
        "chosen": True,
    }
    assert by_name["offline"]["available"]
    assert mine["problem"] is None
    by_name = {one["engine"]: one for one in theirs["engines"]["synthesis"]}
    assert (by_name["beta"]["available"], by_name["beta"]["code"]) == (False, "key_missing")
    assert theirs["problem"]["code"] == "key_missing"
    settings.ELEVENLABS_API_KEY = "sk_of-the-installation-1234"
    listed = client(ben).get("/api/engines").json()["engines"]["synthesis"]
    assert next(one for one in listed if one["engine"] == "beta")["key"] == "installation"
    assert trial.made == []


def test_languages_and_voices_are_those_of_the_callers_engines(
    trial: Trial, ana: Person, ben: Person, settings: Any
) -> None:
    settings.ENGINES = "synthesizer=beta,recognizer=scripted,translator=scripted"
    keep_engine_key(ana.user, vendor="elevenlabs", text=GOOD)
    assert client(ana).get("/api/voices?language=es").json()["voices"]
    assert client(ana).get("/api/languages").json()["pairs"]
    refused = client(ben).get("/api/voices?language=es")
    assert (refused.status_code, refused.json()["code"]) == (503, "key_missing")


def test_people_check_their_own_keys(trial: Trial, ana: Person, ben: Person) -> None:
    cache.clear()
    keep_engine_key(ana.user, vendor="elevenlabs", text=BAD)
    (found,) = client(ana).post("/api/engine-keys/check").json()["checks"]
    assert (found["engine"], found["ok"], found["code"]) == ("beta", False, "key_refused")
    assert found["message"] == "The vendor does not take the key."
    (shown,) = client(ana).get("/api/engine-keys").json()["keys"]
    assert shown["status"] == "key_refused"
    assert shown["last_checked_at"]
    assert client(ben).post("/api/engine-keys/check").json()["checks"] == []
    assert APIClient().post("/api/engine-keys/check").status_code == 401
    keep_engine_key(ana.user, vendor="elevenlabs", text=GOOD)
    client(ana).post("/api/engine-keys/check")
    assert client(ana).get("/api/engine-keys").json()["keys"][0]["status"] == "ok"
    for _ in range(20):
        last = client(ana).post("/api/engine-keys/check")
    assert last.status_code == 429


def test_the_command_says_of_each_engine_whether_it_works(
    trial: Trial, ana: Person, settings: Any
) -> None:
    out = StringIO()
    call_command("check_engines", stdout=out)
    said = out.getvalue()
    assert "offline     ok" in said
    assert "beta        –      “beta” needs a key from ElevenLabs" in said
    settings.ELEVENLABS_API_KEY = BAD
    with pytest.raises(CommandError, match="beta"):
        call_command("check_engines", stdout=out)
    assert "WRONG  The vendor does not take the key. (key_refused)" in out.getvalue()
    with pytest.raises(CommandError, match="set_engine_key"):
        call_command("check_engines", "--email", "ana@example.org")
    keep_engine_key(ana.user, vendor="elevenlabs", text=GOOD)
    out = StringIO()
    call_command("check_engines", "--email", "ana@example.org", stdout=out)
    assert out.getvalue().startswith("beta        ok")
    assert GOOD not in out.getvalue()


def test_staff_check_on_their_page_and_nobody_else(
    trial: Trial, ana: Person, settings: Any
) -> None:
    settings.ELEVENLABS_API_KEY = BAD
    pages = Client()
    assert "/account/login/" in pages.get("/staff/engines")["Location"]
    pages.force_login(ana.user)
    assert pages.get("/staff/engines").status_code == 403
    assert pages.post("/staff/engines").status_code == 403
    assert trial.made == []
    pages.force_login(create_user(email="root@example.org", password=None, is_staff=True))
    looked = pages.get("/staff/engines").content.decode()
    assert 'id="checks"' not in looked
    assert trial.made == []
    checked = pages.post("/staff/engines").content.decode()
    assert "The vendor does not take the key." in checked
    assert BAD not in looked + checked


def test_a_service_accounts_file_is_read_and_an_empty_one_is_none(
    ana: Person, settings: Any, tmp_path: Any
) -> None:
    file = tmp_path / "account.json"
    file.write_text("\n")
    settings.GOOGLE_CLOUD_CREDENTIALS_PATH = file
    assert "google" not in access_of(ana.user.pk).owners
    file.write_text('{"type": "service_account"}')
    access = access_of(ana.user.pk)
    assert access.owners["google"] == "installation"
    assert access.settings.google is not None
    assert access.settings.google.credentials.startswith("{")
    assert not access.settings.google.api_key


def test_a_persons_key_goes_before_the_installations_and_its_project(
    ana: Person, ben: Person, settings: Any
) -> None:
    settings.GOOGLE_API_KEY, settings.GOOGLE_CLOUD_PROJECT = "of-the-installation", "theirs"
    keep_engine_key(ana.user, vendor="google", text=GOOD)
    mine, others = access_of(ana.user.pk), access_of(ben.user.pk)
    assert mine.settings.google is not None
    assert others.settings.google is not None
    assert (mine.settings.google.api_key, mine.settings.google.project) == (GOOD, "")
    assert others.settings.google.api_key == "of-the-installation"
    assert others.settings.google.project == "theirs"
    settings.ALLOW_USER_KEYS = False
    assert access_of(ana.user.pk).owners["google"] == "installation"
