"""A client that comes back to the process that has its session misses nothing."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from pipeline.providers.scripted.sounds import utterances
from pipeline.types import Pcm
from sessions_app import holding
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession, Line, SessionState
from sessions_app.tests.conftest import Person, Server, until_gone
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.socket import Socket

SPEECH = utterances((2.0, 140.0), (2.5, 140.0), (2.0, 140.0), (2.5, 140.0))
LOUD = np.abs(SPEECH.astype(np.int32)) > 300


async def start(person: Person, **message: Any) -> Socket:
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(
        **{"type": "start_dubbing", "source_language": "en", "target_language": "es", "number": 1}
        | message
    )
    await socket.until("ready")
    return socket


async def come_back(person: Person, lost: Socket, *, place: str = "") -> Socket:
    """A connection that says how far it got; its counters go on from the lost one's."""
    query = place or f"?resume={lost.last_sequence}&cue={lost.cue}&samples={lost.cue_samples}"
    socket = Socket(token=person.token, session_id=lost.session_id, query=query)
    await socket.connect()
    await socket.until("resumed")
    socket.take_up(lost)
    return socket


async def speak(socket: Socket, pcm: Pcm, *, from_chunk: int = 0) -> None:
    """Faster than real time, but slower than the server takes it."""
    socket.go_to_chunk(from_chunk)
    for begin in range(from_chunk * 1024, len(pcm), 16 * 1024):
        await socket.send_audio(pcm[begin : begin + 16 * 1024])
        await asyncio.sleep(0.03)


def words(sockets: list[Socket]) -> list[str]:
    said = [event["text"] for socket in sockets for event in socket.heard("transcript")]
    return [word.strip(".,?!") for word in " ".join(said).lower().split()]


def lines_told(sockets: list[Socket]) -> list[int]:
    """Lines that were spoken, or said not to be: sound that comes faster than it can be
    spoken makes a backlog."""
    kinds = ("cue", "skipped", "merged")
    return sorted(e["line"] for socket in sockets for kind in kinds for e in socket.heard(kind))


@pytest.mark.parametrize("cut", [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
async def test_a_dropped_connection_loses_and_repeats_nothing(
    server: Server, ana: Person, cut: float
) -> None:
    first = await start(ana)
    at = round(len(SPEECH) * cut / 1024) * 1024
    await speak(first, SPEECH[:at])
    await asyncio.sleep(0.05)
    await first.drop()
    second = await come_back(ana, first)
    assert second.heard("resumed")[0]["how"] == "same"
    assert second.heard("resumed")[0]["number"] == 1
    await speak(second, SPEECH, from_chunk=second.heard("resumed")[0]["chunk"] + 1)
    await second.send(type="stop_dubbing", number=2)
    summary = await second.until("summary")
    await second.leave()

    assert words([first, second]) == " ".join(SCRIPT * 2).split()
    assert summary["media_s"] == pytest.approx(len(SPEECH) / 16_000, abs=0.01)
    counted = [*first.sequences, *(n for n in second.sequences if n >= 0)]
    assert counted == list(range(len(counted)))
    cues = [cue for socket in (first, second) for cue in socket.heard("cue")]
    assert [cue["cue"] for cue in cues] == list(range(len(cues)))
    ended = {e["cue"]: e["duration_s"] for s in (first, second) for e in s.heard("cue_end")}
    for cue in cues:
        samples = sum(len(socket.sound(cue["cue"])) for socket in (first, second))
        assert samples / cue["sample_rate"] == pytest.approx(ended[cue["cue"]], abs=0.001)
    assert lines_told([first, second]) == list(range(summary["lines"]))
    rows = [row async for row in Line.objects.order_by("sequence")]
    assert [row.sequence for row in rows] == list(range(summary["lines"]))


async def test_messages_that_are_sent_again_count_once(server: Server, ana: Person) -> None:
    first = await start(ana)
    await speak(first, SPEECH[: 40 * 1024])
    await asyncio.sleep(0.05)
    await first.drop()
    second = await come_back(ana, first)
    await second.send(type="start_dubbing", source_language="en", target_language="fr", number=1)
    await speak(second, SPEECH)
    await second.send(type="stop_dubbing", number=2)
    await second.send(type="stop_dubbing", number=2)
    await second.send(type="ping")
    await second.until("pong")
    await second.until("summary")
    await second.leave()
    assert not second.heard("error")
    assert not second.heard("ready")
    assert words([first, second]) == " ".join(SCRIPT * 2).split()
    assert {e["language"] for e in second.heard("translation")} == {"es"}


async def test_the_old_connection_is_closed_when_its_client_comes_over_another(
    server: Server, ana: Person
) -> None:
    first = await start(ana)
    second = await come_back(ana, first)
    assert (await first.until("closing"))["code"] == "taken_over"
    assert (await first.output())["code"] == 4410
    await first.send(type="stop_dubbing", number=2)
    await speak(second, SPEECH[: 60 * 1024])
    await second.until("cue")
    await second.leave()


async def test_nobody_else_resumes_a_session(server: Server, ana: Person, ben: Person) -> None:
    first = await start(ana)
    await speak(first, SPEECH[: 60 * 1024])
    await first.until("cue")
    for kept in (True, False):
        thief = Socket(
            token=ben.token, session_id=first.session_id, query="?resume=-1&cue=0&samples=0"
        )
        await thief.connect()
        assert await thief.closing() == (4403, "session_forbidden")
        if kept:
            await first.drop()
    second = await come_back(ana, first)
    assert second.heard("resumed")[0]["how"] == "same"
    await second.leave()


@pytest.mark.parametrize("claimed", [10**14, 5000])
async def test_a_number_that_was_never_sent_opens_nothing(
    server: Server, ana: Person, claimed: int
) -> None:
    first = await start(ana)
    await first.drop()
    second = await come_back(ana, first, place=f"?resume={claimed}")
    await second.send(type="ping")
    pong = await second.until("pong")
    assert 0 < pong["sequence"] < 100
    await second.leave()


async def test_a_client_that_does_not_come_back_ends_its_session(
    server: Server, ana: Person, settings: Any
) -> None:
    settings.RESUME_SECONDS = 0.1
    first = await start(ana)
    await speak(first, SPEECH[: 60 * 1024])
    await first.until("cue_end")
    await first.drop()
    await until_gone(first.session_id)
    session = await DubbingSession.objects.aget(pk=first.session_id)
    assert session.state == SessionState.INTERRUPTED
    assert session.held_by is None
    late = Socket(token=ana.token, session_id=first.session_id, query="?resume=5")
    await late.connect()
    assert (await late.until("resumed"))["how"] == "new"
    await late.send(type="start_dubbing", source_language="en", target_language="es")
    await speak(late, SPEECH[: 60 * 1024])
    await late.until("cue")
    await late.leave()
    await until_gone(late.session_id)
    assert server().recognizer.opened == server().recognizer.closed


async def test_a_client_that_begins_anew_does_not_wait_for_its_dropped_session(
    server: Server, ana: Person
) -> None:
    first = await start(ana)
    await first.drop()
    again = Socket(token=ana.token, session_id=first.session_id)
    await again.connect()
    await again.send(type="ping")
    assert (await again.until("pong"))["sequence"] == 0
    await again.leave()


async def test_a_session_goes_on_in_another_process(server: Server, ana: Person) -> None:
    """Both "processes" are here; what passes between them is what Redis holds."""
    first = await start(ana)
    at = round(len(SPEECH) * 0.55 / 1024) * 1024
    await speak(first, SPEECH[:at])
    await first.until("cue_end")
    await first.drop()
    conversation = live.find(uuid.UUID(first.session_id))
    assert conversation is not None
    await conversation.put_down(timeout_s=0.0)
    assert live.find(uuid.UUID(first.session_id)) is None

    second = await come_back(ana, first)
    (resumed,) = second.heard("resumed")
    assert (resumed["how"], resumed["number"]) == ("moved", 1)
    assert resumed["chunk"] < at // 1024
    await speak(second, SPEECH, from_chunk=resumed["chunk"] + 1)
    await second.send(type="stop_dubbing", number=2)
    summary = await second.until("summary")
    await second.leave()
    assert words([first, second]) == " ".join(SCRIPT * 2).split()
    assert lines_told([first, second]) == list(range(summary["lines"]))
    rows = [row async for row in Line.objects.order_by("sequence")]
    assert [row.sequence for row in rows] == list(range(summary["lines"]))
    session = await DubbingSession.objects.aget(pk=first.session_id)
    assert session.state == SessionState.ENDED


async def test_a_drained_server_sends_its_clients_on(server: Server, ana: Person) -> None:
    first = await start(ana)
    await speak(first, SPEECH[: 60 * 1024])
    await first.until("transcript")
    try:
        await live.drain(5.0)
        closing = await first.until("closing")
        assert (closing["close_code"], closing["resume"]) == (1012, True)
        assert "restarting" in {notice["code"] for notice in first.heard("notice")}
        # What was committed was spoken first.
        assert len(first.heard("cue_end")) == len(first.heard("transcript"))
        refused = Socket(token=ana.token)
        await refused.connect()
        assert await refused.closing() == (1012, "restarting")
    finally:
        live._draining = False
    second = await come_back(ana, first)
    assert second.heard("resumed")[0]["how"] == "moved"
    await speak(second, SPEECH, from_chunk=second.heard("resumed")[0]["chunk"] + 1)
    await second.send(type="stop_dubbing", number=2)
    await second.until("summary")
    await second.leave()
    assert words([first, second]) == " ".join(SCRIPT * 2).split()


async def test_a_stranger_takes_no_session_over_from_another_process(
    server: Server, ana: Person, ben: Person
) -> None:
    first = await start(ana)
    await first.drop()
    conversation = live.find(uuid.UUID(first.session_id))
    assert conversation is not None
    await conversation.put_down(timeout_s=0.0)
    thief = Socket(token=ben.token, session_id=first.session_id, query="?resume=-1")
    await thief.connect()
    assert await thief.closing() == (4403, "session_forbidden")
    second = await come_back(ana, first)
    assert second.heard("resumed")[0]["how"] == "moved"
    await second.leave()


async def test_json_clients_resume_too(server: Server, ana: Person) -> None:
    def message(n: int, pcm: Pcm) -> dict[str, Any]:
        data = __import__("base64").b64encode(pcm.tobytes()).decode()
        return {"type": "audio_chunk", "audio_data": data, "sequence": n}

    blocks = [SPEECH[begin : begin + 8_000] for begin in range(0, len(SPEECH), 8_000)]
    first = Socket(token=ana.token, subprotocols=())
    await first.connect()
    await first.send(type="start_dubbing", source_language="en", target_language="es", number=1)
    await first.until("ready")
    for n, block in enumerate(blocks[:8]):
        await first.send(**message(n, block))
    await first.until("cue_end")
    await first.drop()
    query = f"?resume={first.last_sequence}&cue={first.cue}&samples={first.cue_samples}"
    second = Socket(token=ana.token, session_id=first.session_id, subprotocols=(), query=query)
    await second.connect()
    resumed = await second.until("resumed")
    assert resumed["how"] == "same"
    for n, block in enumerate(blocks):
        if n > resumed["chunk"]:
            await second.send(**message(n, block))
    await second.send(type="stop_dubbing", number=2)
    await second.until("summary")
    await second.leave()
    assert words([first, second]) == " ".join(SCRIPT * 2).split()
    assert json.dumps(first.sequences + second.sequences[1:]) == json.dumps(
        list(range(len(first.sequences) + len(second.sequences) - 1))
    )


async def test_a_hold_that_another_client_took_is_not_taken_back(
    server: Server, ana: Person
) -> None:
    first = await start(ana)
    conversation = live.find(uuid.UUID(first.session_id))
    assert conversation is not None
    await first.drop()
    await conversation.put_down(timeout_s=0.0)
    await DubbingSession.objects.filter(pk=first.session_id).aupdate(held_by=None, held_at=None)
    await sync_to_async(holding.hold_session)(
        uuid.UUID(first.session_id), ana.user, hold=uuid.uuid4()
    )
    second = Socket(token=ana.token, session_id=first.session_id, query="?resume=0")
    await second.connect()
    assert await second.closing() == (4409, "session_busy")
