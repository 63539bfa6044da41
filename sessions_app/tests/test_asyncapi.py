"""The document of the socket is whole, valid and as the source is."""

from __future__ import annotations

import json
import struct
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from django.core.management import CommandError, call_command
from jsonschema import Draft7Validator

from accounts import services as accounts
from pipeline import bounds, events, wire
from pipeline.client_messages import AnyClientMessage
from pipeline.text import source_text
from pipeline.wire import decode_cue_frame, decode_frame, decode_message
from sessions_app.models import HOLD_LASTS
from sessions_app.protocol import asyncapi, codes, messages
from sessions_app.protocol.examples import FRAMES
from sessions_app.protocol.schemas import CLIENT_MESSAGES, SERVER_MESSAGES, tag
from sessions_app.protocol.text import LAYOUT
from sessions_app.socket_client import live_client
from sessions_app.tests.protocol_check import Checker

OFFICIAL = Path(__file__).with_name("asyncapi-3.0.0.schema.json")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi.document()


def test_it_is_an_asyncapi_3_document(document: dict[str, Any]) -> None:
    validator = Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(document)] == []
    document["operations"]["takeSound"]["action"] = "shout"
    assert not validator.is_valid(document)
    document["operations"]["takeSound"]["action"] = "receive"


def test_the_committed_file_is_as_the_source_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("write_asyncapi", "--check", stdout=StringIO())
    copy = tmp_path / "asyncapi.json"
    monkeypatch.setattr("sessions_app.management.commands.write_asyncapi.PATH", copy)
    with pytest.raises(CommandError, match="run manage"):
        call_command("write_asyncapi", "--check")
    call_command("write_asyncapi", stdout=StringIO())
    assert copy.read_text(encoding="utf-8") == asyncapi.PATH.read_text(encoding="utf-8")


def test_every_message_of_the_source_is_in_it(document: dict[str, Any]) -> None:
    assert set(CLIENT_MESSAGES) == set(get_args(AnyClientMessage))
    said = {
        struct_
        for module in (events, messages)
        for struct_ in vars(module).values()
        if isinstance(struct_, type)
        and issubclass(struct_, events.Event)
        and struct_ is not events.Event
    }
    assert set(SERVER_MESSAGES) == said
    names = {tag(message) for message in (*CLIENT_MESSAGES, *SERVER_MESSAGES)}
    assert names | set(FRAMES) == set(document["components"]["messages"])


def test_everything_in_it_is_explained(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        for field, described in schema["properties"].items():
            assert field == "type" or described.get("description"), f"{name}.{field}"
    for name, message in document["components"]["messages"].items():
        assert message["description"], name
    assert all(close["description"] for close in document["channels"]["session"]["x-close-codes"])


def test_the_figures_in_the_text_are_those_of_the_source(document: dict[str, Any]) -> None:
    text = " ".join(document["channels"]["session"]["description"].split())
    for figure in (
        f"within {accounts.TICKET_LASTS.seconds} seconds",
        f"within {bounds.LOBBY_S:g} seconds",
        f"after {bounds.EXCESS_MAX} messages left out",
        f"at most {bounds.TEXT_MAX_CHARACTERS // 2**20} MiB",
        f"{bounds.ANSWERS_PER_SECOND:g} a second are answered",
        f"the last {bounds.KEPT_MAX} messages or {bounds.KEPT_MAX_BYTES // 2**20} MiB",
        f"at most {bounds.SOURCE_TEXT_MAX} pieces",
        f"longer than {source_text.WHOLE_S:g} s is cut",
        f"up to {bounds.SOURCE_TEXT_LATE_S:g} s behind its sound",
        f"every {live_client.ACKNOWLEDGE_EVERY} messages",
    ):
        assert figure in text
    assert bounds.BURST_S == 10
    busy = codes.CLOSINGS["session_busy"][1]
    assert f"{HOLD_LASTS.seconds} seconds" in busy


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    def check(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                target: Any = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
            for child in node.values():
                check(child)
        elif isinstance(node, list):
            for child in node:
                check(child)

    check(document)


@pytest.mark.parametrize("message", [*CLIENT_MESSAGES, *SERVER_MESSAGES], ids=tag)
def test_examples_are_valid_and_the_source_reads_them(
    document: dict[str, Any], message: type[msgspec.Struct]
) -> None:
    (example,) = document["components"]["messages"][tag(message)]["examples"]
    assert Checker(document).complaints(example["payload"]) == []
    if message in CLIENT_MESSAGES:
        assert type(decode_message(json.dumps(example["payload"]))) is message
    else:
        msgspec.convert(example["payload"], message)


def test_examples_of_frames_are_frames(document: dict[str, Any]) -> None:
    source, cue = (
        bytes.fromhex(document["components"]["messages"][name]["examples"][0]["payload"])
        for name in (asyncapi.SOURCE_FRAME, asyncapi.CUE_FRAME)
    )
    assert decode_frame(source).sequence == 2
    assert decode_cue_frame(cue).last
    checker = Checker(document)
    assert checker.frame(source, by_client=True) == []
    assert checker.frame(cue, by_client=False) == []


def test_the_layout_is_that_of_the_codec(document: dict[str, Any]) -> None:
    codec = wire._HEADER
    assert codec.format == "<" + "".join(letter for _, letter, _ in LAYOUT)
    *header, sound = document["components"]["messages"][asyncapi.CUE_FRAME]["x-binary-layout"]
    assert sum(row["size"] for row in header) == sound["offset"] == wire.HEADER_BYTES
    assert [row["offset"] for row in header] == [
        struct.calcsize(codec.format[: place + 1]) for place in range(len(header))
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "pong", "id": 7},
        {"sequence": -1, "type": "pong", "id": 7},
        {"sequence": 0, "type": "pong", "id": 1.5},
        {"sequence": 0, "type": "pong", "id": 7, "more": 1},
        {"sequence": 0, "type": "notice", "code": "x"},
        {"sequence": 0, "type": "notice", "code": "unheard_of", "message": "x"},
        {"sequence": 0, "type": "unheard_of"},
        {"type": "ping", "id": []},
        {"type": "acknowledge", "sequence": -1},
    ],
    ids=str,
)
def test_the_schemas_refuse_what_is_wrong(
    document: dict[str, Any], message: dict[str, Any]
) -> None:
    assert Checker(document).complaints(message)
