"""Live sessions: what they used is shown once, and the day's limit holds for all together."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import OperationalError

from pipeline.bounds import QUOTA_GRACE_S
from pipeline.guards.usage import Meter, Used
from pipeline.providers.scripted.sounds import utterances
from sessions_app import services
from sessions_app.live import registry as live
from sessions_app.models import DailyUse, EngineUse, Reservation
from sessions_app.running import record
from sessions_app.running.live_state import LiveState, decode, encode
from sessions_app.tests.conftest import Person, Server, until_gone
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_api import client
from sessions_app.tests.test_resume import SPEECH, come_back, speak, start
from sessions_app.usage import accounting, settling
from sessions_app.usage import report as usage
from sessions_app.usage.accounting import Account
from sessions_app.usage.budget import DayBudget, Standing
from sessions_app.usage.settling import Settling

PRICES = "scripted-recognizer:recognition=0.6/60,scripted-synthesizer:synthesis=10/1000"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "BATCH_WAIT_S", 0.05)
    monkeypatch.setattr(record, "RETRY_FIRST_S", 0.05)
    monkeypatch.setattr(settling, "AGAIN_S", 0.05)


@pytest_asyncio.fixture
async def recognised(server: Server) -> AsyncIterator[Any]:
    """What the engine itself was given to hear, in seconds: the vendor's bill."""
    recognizer = server().recognizer
    open_stream = recognizer.open
    billed = [0.0]

    async def opened(options: Any) -> Any:
        stream = await open_stream(options)
        push = stream.push

        async def counted(piece: Any) -> None:
            billed[0] += len(piece.pcm) / 16_000
            await push(piece)

        stream.push = counted
        return stream

    recognizer.open = opened
    yield lambda: billed[0]


def used(leg: str) -> float:
    return sum(EngineUse.objects.filter(leg=leg).values_list("amount", flat=True))


async def dub(person: Person) -> Socket:
    socket = await start(person)
    await speak(socket, SPEECH)
    await socket.send(type="stop_dubbing", number=2)
    await socket.until("summary")
    return socket


async def test_a_sessions_use_is_that_of_its_engines_with_costs(
    server: Server, ana: Person, ben: Person, settings: Any, recognised: Any
) -> None:
    settings.ENGINE_PRICES = PRICES
    settings.PRICE_CURRENCY = "EUR"
    socket = await dub(ana)
    # The summary comes after the write: who reads it may look at once.
    mine = sync_to_async(client(ana).get)
    shown = (await mine(f"/api/sessions/{socket.session_id}")).json()
    assert shown["currency"] == "EUR"
    by_leg = {row["leg"]: row for row in shown["usage"]}
    assert by_leg["recognition"]["amount"] == pytest.approx(recognised(), abs=0.001)
    assert by_leg["recognition"]["cost"] == pytest.approx(recognised() / 100, abs=0.001)
    assert by_leg["recognition"]["requests"] == server().recognizer.opened
    assert by_leg["translation"]["amount"] >= len(" ".join(SCRIPT * 2)) - 10
    assert by_leg["translation"]["cost"] is None
    assert by_leg["synthesis"]["cost"] == pytest.approx(by_leg["synthesis"]["amount"] / 100)
    answer = (await mine("/api/usage")).json()
    assert answer["usage"] == [{"day": usage.today().isoformat(), **row} for row in shown["usage"]]
    assert answer["totals"] == shown["usage"]
    assert answer["cost"] == pytest.approx(
        by_leg["recognition"]["cost"] + by_leg["synthesis"]["cost"]
    )
    theirs = (await sync_to_async(client(ben).get)("/api/usage")).json()
    assert (theirs["usage"], theirs["totals"], theirs["cost"]) == ([], [], None)
    other = await sync_to_async(client(ben).get)(f"/api/sessions/{socket.session_id}")
    assert other.status_code == 404
    await socket.leave()


def test_only_staff_see_what_others_used(ana: Person, ben: Person) -> None:
    session = services.create_session(ana.user)
    mine = Account(uuid.uuid4(), session.pk, ana.user.pk)
    today = usage.today()
    for days, amount in ((0, 1.0), (29, 2.0), (30, 4.0)):
        row = Used("espeak", "synthesis", amount, 1)
        delta = accounting.Delta(days + 1, today - timedelta(days=days), 0.0, (row,))
        accounting.settle(mine, delta)
    of_ana = f"/api/usage?user={ana.user.pk}"
    assert client(ana).get(of_ana).json()["totals"][0]["amount"] == 3.0
    assert client(ana).get("/api/usage?days=31").json()["totals"][0]["amount"] == 7.0
    assert client(ben).get(of_ana).status_code == 403
    ben.user.is_staff = True
    ben.user.save()
    answer = client(ben).get(of_ana).json()
    assert (answer["user"], answer["totals"][0]["requests"]) == (ana.user.pk, 2)
    assert client(ben).get("/api/usage?user=999999").status_code == 404


@pytest.mark.parametrize("query", ["days=0", "days=9999", "days=x", "user=x", "user=0"])
def test_wrong_questions_are_refused(ana: Person, query: str) -> None:
    assert client(ana).get(f"/api/usage?{query}").status_code == 400


async def test_use_outlives_a_database_that_is_away(
    server: Server, ana: Person, recognised: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = accounting.settle
    lost = [0]

    def away(*args: Any, **kwargs: Any) -> None:
        # Every second one was done, and only its answer was lost.
        lost[0] += 1
        if lost[0] % 2:
            settle(*args, **kwargs)
        raise OperationalError("the server is gone")

    monkeypatch.setattr(accounting, "settle", away)
    socket = await dub(ana)
    assert lost[0]
    monkeypatch.setattr(accounting, "settle", settle)
    await socket.send(type="start_dubbing", source_language="en", target_language="es", number=3)
    await socket.until("ready")
    await socket.send(type="stop_dubbing", number=4)
    await socket.until("summary")
    await socket.leave()
    await until_gone(socket.session_id)
    assert await sync_to_async(used)("recognition") == pytest.approx(recognised(), abs=0.001)


@pytest.mark.parametrize("database", ["there", "away"])
async def test_a_session_that_moves_counts_once(
    server: Server,
    ana: Person,
    settings: Any,
    recognised: Any,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
) -> None:
    """Both "processes" are here; what passes between them is what Redis holds."""
    settings.MAX_MINUTES_PER_DAY = 10
    settle = accounting.settle
    first = await start(ana)
    at = round(len(SPEECH) * 0.55 / 1024) * 1024
    await speak(first, SPEECH[:at])
    await first.until("cue_end")
    await first.drop()
    if database == "away":

        def away(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("the server is gone")

        monkeypatch.setattr(accounting, "settle", away)
    conversation = live.find(uuid.UUID(first.session_id))
    assert conversation is not None
    await conversation.put_down(timeout_s=0.0)
    monkeypatch.setattr(accounting, "settle", settle)
    if database == "there":
        assert await sync_to_async(used)("recognition") == pytest.approx(recognised(), abs=0.001)

    second = await come_back(ana, first)
    assert second.heard("resumed")[0]["how"] == "moved"
    await speak(second, SPEECH, from_chunk=second.heard("resumed")[0]["chunk"] + 1)
    await second.send(type="stop_dubbing", number=2)
    await second.until("summary")
    await second.leave()
    await until_gone(first.session_id)
    assert await sync_to_async(used)("recognition") == pytest.approx(recognised(), abs=0.001)
    assert await EngineUse.objects.filter(leg="recognition").acount() == 1
    assert [row.seconds async for row in Reservation.objects.all()] == [0.0, 0.0]


async def test_two_sessions_at_once_share_the_day(
    server: Server, ana: Person, settings: Any
) -> None:
    settings.MAX_MINUTES_PER_DAY = 3
    sockets = [await start(ana) for _ in range(2)]

    async def run_out(socket: Socket) -> float:
        await socket.send_audio(utterances((2.0, 140.0), (2.5, 140.0)))
        for _ in range(200):
            await socket.send_audio(np.zeros(16_000, dtype=np.int16))
            await asyncio.sleep(0.01)
        assert (await socket.until("error"))["code"] == "quota_exceeded"
        heard_s: float = (await socket.until("summary"))["media_s"]
        assert "quota_ending" in {notice["code"] for notice in socket.heard("notice")}
        return heard_s

    heard = await asyncio.gather(*map(run_out, sockets))
    # Sound that comes a hundred times faster than it is spoken may meet the grace.
    assert 179.0 <= sum(heard) <= 180.0 + QUOTA_GRACE_S
    for socket in sockets:
        await socket.leave()
        await until_gone(socket.session_id)
    day = await DailyUse.objects.aget(user=ana.user)
    assert day.heard_s == pytest.approx(sum(heard), abs=0.1)
    assert {row.seconds async for row in Reservation.objects.all()} == {0.0}
    late = Socket(token=ana.token)
    await late.connect()
    assert await late.closing() == (4429, "quota_exceeded")


async def test_a_session_gives_back_what_it_did_not_use(
    server: Server, ana: Person, settings: Any
) -> None:
    settings.MAX_MINUTES_PER_DAY = 1
    first = await start(ana)
    await speak(first, SPEECH[: 20 * 1024])
    refused = Socket(token=ana.token)
    await refused.connect()
    assert await refused.closing() == (4429, "quota_exceeded")
    await first.leave()
    await until_gone(first.session_id)
    again = await start(ana)
    await again.leave()


async def test_what_is_owed_travels_in_redis(ana: Person) -> None:
    mine = Account(uuid.uuid4(), uuid.uuid4(), ana.user.pk)
    meter, budget = Meter(), DayBudget(Standing(60.0, 5.0))
    meter.count("espeak", "synthesis", 20)
    budget.use(12.0)
    one = Settling(mine, budget, meter)
    one._take()
    state = LiveState(
        session_id=str(mine.session_id),
        owner=ana.user.pk,
        hold="",
        process="",
        binary=True,
        chunk=0,
        number=0,
        runs=live_runs(),
        records=[],
        told=[],
        owed=one.owed(),
        standing=budget.standing(),
    )
    back = decode(encode(state))
    assert back == state
    assert back.owed[0].delta.used == (Used("espeak", "synthesis", 20, 1),)
    assert back.standing == Standing(48.0, 5.0)


def live_runs() -> Any:
    from sessions_app.running.live_state import RunsState

    return RunsState(run=None, then=None, lines=0, cues=0, line_base=0, cue_base=0, media_s=0.0)
