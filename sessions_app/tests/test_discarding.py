"""What is not wanted any more is not dubbed, and does not delay what is."""

from __future__ import annotations

from typing import Any

from pipeline.providers.scripted.sounds import utterances
from sessions_app.models import DubbingSession, SessionState
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_source_text import on_record

SPEECH = utterances((2.0, 140.0), (2.5, 140.0))
FOREVER_S = 3600.0


async def with_a_line_under_way(server: Server, person: Person, **request: Any) -> Socket:
    """The engine that speaks would not answer within the hour."""
    server().synthesizer.delay_s = FOREVER_S
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(
        type="start_dubbing", source_language="en", target_language="es", number=1, **request
    )
    await socket.send_audio(SPEECH)
    await socket.until("transcript")
    return socket


def reasons(socket: Socket) -> set[str]:
    return {event["reason"] for event in socket.heard("skipped")}


async def test_after_a_seek_the_new_run_does_not_wait_for_the_old_one(
    server: Server, ana: Person
) -> None:
    socket = await with_a_line_under_way(server, ana)
    server().synthesizer.delay_s = 0.01
    await socket.send(
        type="start_dubbing", source_language="en", target_language="fr", number=2, discard=True
    )
    await socket.send_audio(SPEECH)
    first = await socket.until("summary")
    assert first["lines"] == first["skipped"] > 0
    assert socket.heard("cue") == []
    assert reasons(socket) == {"discarded"}
    assert server().synthesizer.open_streams == 0
    assert (await socket.until("ready"))["target_language"] == "fr"
    await socket.until("cue")
    await socket.send(type="stop_dubbing", number=3)
    second = await socket.until("summary")
    await socket.leave()
    assert second["skipped"] == 0
    lines = await on_record(socket)
    assert len(lines) == first["lines"] + second["lines"]
    assert [line.skipped_reason for line in lines[: first["lines"]]] == (
        ["discarded"] * first["lines"]
    )


async def test_a_pause_can_discard_what_was_being_said(server: Server, ana: Person) -> None:
    socket = await with_a_line_under_way(server, ana)
    await socket.send(type="stop_dubbing", discard=True, number=2)
    summary = await socket.until("summary")
    await socket.leave()
    assert summary["lines"] == summary["skipped"] > 0
    assert reasons(socket) == {"discarded"}
    session = await DubbingSession.objects.aget(pk=socket.session_id)
    assert session.state == SessionState.ENDED


async def test_a_stop_that_still_dubs_can_be_cut_short(server: Server, ana: Person) -> None:
    socket = await with_a_line_under_way(server, ana)
    await socket.send(type="stop_dubbing", number=2)
    await socket.send(type="stop_dubbing", discard=True, number=3)
    await socket.until("summary")
    await socket.leave()
    assert reasons(socket) == {"discarded"}
    assert socket.heard("error") == []


async def test_runs_that_wait_for_their_turn_are_discarded_as_well(
    server: Server, ana: Person
) -> None:
    socket = await with_a_line_under_way(server, ana)
    start = {"type": "start_dubbing", "source_language": "en"}
    await socket.send(**start, target_language="fr", number=2)
    await socket.send_audio(SPEECH)
    await socket.send(**start, target_language="es", number=3, discard=True)
    for _ in range(2):
        await socket.until("summary")
    assert (await socket.until("ready"))["target_language"] == "es"
    assert reasons(socket) == {"discarded"}
    assert socket.heard("cue") == []
    await socket.leave()
