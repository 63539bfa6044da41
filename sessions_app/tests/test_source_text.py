"""Text of the source over the socket: dubbed as it is written, and on record so."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.providers.scripted.sounds import tone
from sessions_app.models import DubbingSession, Line
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.socket import Socket

CUES = [
    {"start_s": 0.4, "end_s": 2.0, "text": "Die Tür steht offen."},
    {"start_s": 2.2, "end_s": 4.0, "text": "niemand ist da"},
    {"start_s": 5.0, "end_s": 7.0, "text": "Wer wohnt hier?"},
]
TEXTS = [cue["text"] for cue in CUES]
WHOLE = {"from_s": 0.0, "until_s": 30.0, "cues": CUES}


async def started(person: Person, **request: Any) -> Socket:
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(
        type="start_dubbing", target_language="es", preserve_voice=False, number=1, **request
    )
    return socket


async def ended(socket: Socket) -> None:
    await socket.send(type="stop_dubbing", number=9)
    await socket.until("summary")
    await socket.leave()


async def on_record(socket: Socket) -> list[Line]:
    session = await DubbingSession.objects.aget(pk=socket.session_id)
    return [line async for line in Line.objects.filter(session=session).order_by("sequence")]


def said(socket: Socket) -> list[str]:
    return [event["text"] for event in socket.heard("transcript")]


async def test_a_language_that_nothing_recognises_is_dubbed_from_its_text(
    server: Server, ana: Person
) -> None:
    server().translator.pair_set = frozenset({("en", "es"), ("de", "es")})
    socket = await started(ana, source_language="de", source_text=True)
    await socket.send(type="source_text", language="de-CH", number=2, run=1, **WHOLE)
    await socket.send_audio(tone(8.0))
    await ended(socket)
    ready = socket.heard("ready")[0]
    assert (ready["source_language"], ready["engines"]["recognition"]) == ("de", "source-text")
    assert [notice["code"] for notice in socket.heard("notice")] == ["recognizer_missing"]
    assert said(socket) == TEXTS
    assert len(socket.heard("cue")) == len(TEXTS)
    lines = await on_record(socket)
    assert [line.source_text for line in lines] == TEXTS
    assert [(line.start_s, line.end_s) for line in lines] == [
        (cue["start_s"], cue["end_s"]) for cue in CUES
    ]


async def test_without_text_to_come_the_language_is_refused_as_ever(
    server: Server, ana: Person
) -> None:
    server().translator.pair_set = frozenset({("en", "es"), ("de", "es")})
    socket = await started(ana, source_language="de")
    assert (await socket.until("error"))["code"] == "source_language_unsupported"
    await socket.leave()


async def test_a_pair_that_is_not_translated_is_refused_with_text_as_well(
    server: Server, ana: Person
) -> None:
    socket = await started(ana, source_language="de", source_text=True)
    assert (await socket.until("error"))["code"] == "pair_unsupported"
    await socket.leave()


async def test_text_is_heard_instead_of_the_recogniser_and_can_be_taken_back(
    server: Server, ana: Person
) -> None:
    socket = await started(ana, source_language="en", source_text=True)
    await socket.send(
        type="source_text",
        language="en",
        from_s=0.0,
        until_s=30.0,
        cues=[{"start_s": 0.5, "end_s": 2.5, "text": "So it is written."}],
    )
    await socket.send_audio(tone(3.0))
    await socket.until("transcript")
    await socket.send(type="source_text", language="en", from_s=3.0, until_s=3.0)
    # Sent in the same order as it is heard: what is taken back is not waited for.
    await socket.send_audio(tone(3.0))
    await ended(socket)
    texts = said(socket)
    assert texts[0] == "So it is written."
    recognised = " ".join(texts[1:]).lower().rstrip(".").split()
    assert recognised
    assert recognised == SCRIPT[0].split()[: len(recognised)]


async def test_text_of_a_run_that_was_replaced_is_left_aside(server: Server, ana: Person) -> None:
    socket = await started(ana, source_language="en", source_text=True)
    await socket.send(
        type="start_dubbing", source_language="en", target_language="fr", number=2, discard=True
    )
    cue = {"start_s": 0.1, "end_s": 0.9, "text": "Of the first run."}
    await socket.send(
        type="source_text", language="en", from_s=0, until_s=9, cues=[cue], run=1, number=3
    )
    await socket.send_audio(tone(2.0))
    await socket.send(type="stop_dubbing", number=9)
    await socket.until("summary")
    await socket.until("summary")
    await socket.leave()
    assert "Of the first run." not in said(socket)
    assert socket.heard("error") == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"language": "fr"}, "source_text_invalid"),
        ({"language": "not a language"}, "language_invalid"),
        ({"from_s": 5.0, "until_s": 4.0}, "source_text_invalid"),
        ({"until_s": 500.0}, "source_text_invalid"),
        ({"from_s": -1.0}, "message_invalid"),
        ({"from_s": "soon"}, "message_invalid"),
        ({"cues": [{"start_s": 2.0, "end_s": 2.0, "text": "never"}]}, "source_text_invalid"),
        ({"cues": [{"start_s": 2.0, "end_s": 3.0, "text": "x" * 1001}]}, "message_invalid"),
        ({"cues": [{"start_s": 2.0, "end_s": 3.0, "text": "x"}] * 65}, "message_invalid"),
        ({"cues": [{"start_s": 2.0, "text": "x"}]}, "message_invalid"),
    ],
)
async def test_text_that_makes_no_sense_is_refused_and_dubbing_goes_on(
    server: Server, ana: Person, wrong: dict[str, Any], code: str
) -> None:
    socket = await started(ana, source_language="en", source_text=True)
    await socket.until("ready")
    await socket.send(**{"type": "source_text", "language": "en", **WHOLE, **wrong})
    error = await socket.until("error")
    assert error["code"] == code
    assert error["message"]
    await socket.send_audio(tone(2.0))
    await ended(socket)
    assert said(socket)


async def test_text_before_anything_is_dubbed_is_refused(server: Server, ana: Person) -> None:
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="source_text", language="de", **WHOLE)
    assert (await socket.until("error"))["code"] == "not_started"
    await socket.leave()
