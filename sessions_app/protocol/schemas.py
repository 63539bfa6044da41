"""Messages as JSON Schemas: msgspec knows the types, the source knows the explanations."""

from __future__ import annotations

import ast
import inspect
import re
from enum import IntEnum
from functools import cache
from typing import Any

import msgspec

from pipeline import client_messages, events
from sessions_app.protocol import messages

Schema = dict[str, Any]

CLIENT_MESSAGES: tuple[type[client_messages.ClientMessage], ...] = (
    client_messages.Authenticate,
    client_messages.StartDubbing,
    client_messages.FollowDubbing,
    client_messages.AudioChunkMessage,
    client_messages.SourceTextMessage,
    client_messages.StopDubbing,
    client_messages.CreateVoiceClone,
    client_messages.IdentifySpeaker,
    client_messages.KeepSample,
    client_messages.Acknowledge,
    client_messages.Ping,
)
SERVER_MESSAGES: tuple[type[events.Event], ...] = (
    messages.Resumed,
    events.Ready,
    events.LanguageFound,
    events.PartialTranscript,
    events.CommittedTranscript,
    events.SpeakerHeard,
    events.SpeakerIdentified,
    events.Translated,
    events.CueScheduled,
    messages.CueSound,
    events.CueEnded,
    events.Skipped,
    events.Merged,
    messages.Acknowledgement,
    events.Notice,
    events.Failure,
    messages.VoiceCheck,
    messages.CloneProgress,
    messages.SampleKept,
    messages.JobMoved,
    messages.Pong,
    events.Summary,
    messages.Closing,
)
"""In the order in which a session is likely to meet them."""

UNCOUNTED = (messages.Resumed, messages.Closing)
"""Said by the connection, not by the session: no resume ever repeats them."""

_SEQUENCE: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": 2**32 - 1,
    "description": "Number of this message: the server counts everything it says in a session, "
    "JSON and binary together, from 0.",
}
_SEQUENCE_UNCOUNTED: Schema = {
    "type": "integer",
    "const": -1,
    "description": "Always -1: this message stands outside the count.",
}
_REF = "#/components/schemas/{name}"


def tag(message: type[msgspec.Struct]) -> str:
    """The ``type`` of a message."""
    return str(message.__struct_config__.tag)


def schemas() -> dict[str, Schema]:
    """Every message's payload by the name of its Struct, and the types they share."""
    _, made = msgspec.json.schema_components(
        [*CLIENT_MESSAGES, *SERVER_MESSAGES], ref_template=_REF
    )
    described: tuple[type[msgspec.Struct], ...] = (
        *CLIENT_MESSAGES,
        *SERVER_MESSAGES,
        client_messages.Recognition,
        client_messages.Subtitle,
        events.Latencies,
    )
    structs = {one.__name__: one for one in described}
    for name, schema in made.items():
        struct = structs[name]
        schema["description"] = plain(struct.__doc__ or "")
        explained = field_explanations(struct)
        for field, typed in schema["properties"].items():
            schema["properties"][field] = _field(typed, explained.get(field))
        if issubclass(struct, events.Event):
            _number(schema, counted=struct not in UNCOUNTED)
    return made


def _field(schema: Schema, explanation: str | None) -> Schema:
    if explanation is None:
        # The tag alone has no field of the Struct behind it.
        return {"type": "string", "const": schema["enum"][0]}
    if "$ref" in schema:
        # In draft 7, what stands beside a reference is not read.
        schema = {"allOf": [schema]}
    if "enum" in schema:
        schema = {"type": "string", **schema}
    return {**schema, "description": explanation}


def _number(schema: Schema, *, counted: bool) -> None:
    sequence = dict(_SEQUENCE if counted else _SEQUENCE_UNCOUNTED)
    schema["properties"] = {"sequence": sequence, **schema["properties"]}
    # A default spares the source from saying it; the server does say it each time.
    schema["required"] = list(schema["properties"])


def field_explanations(struct: type) -> dict[str, str]:
    """The string under each field, which Python itself throws away; inherited ones too."""
    found: dict[str, str] = {}
    for owner in reversed(struct.__mro__):
        if owner.__module__ not in {"builtins", "msgspec", "enum"}:
            found |= _strings_under_names(owner)
    return found


def close_codes() -> list[dict[str, Any]]:
    explained = _strings_under_names(messages.CloseCode)
    codes: list[IntEnum] = list(messages.CloseCode)
    return [
        {"code": int(one), "name": one.name.lower(), "description": explained[one.name]}
        for one in codes
    ]


@cache
def _module(path: str) -> ast.Module:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - inspect names files as strings
        return ast.parse(file.read())


def _strings_under_names(owner: type) -> dict[str, str]:
    path = inspect.getsourcefile(owner)
    if path is None:
        return {}
    found: dict[str, str] = {}
    for node in _module(path).body:
        if not (isinstance(node, ast.ClassDef) and node.name == owner.__name__):
            continue
        for named, below in zip(node.body, node.body[1:], strict=False):
            name = _assigned(named)
            if (
                name
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[name] = plain(below.value.value)
    return found


def _assigned(node: ast.stmt) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def plain(docstring: str) -> str:
    """A docstring as CommonMark: one line a paragraph, single backticks."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    return "\n\n".join(" ".join(one.split()) for one in paragraphs).replace("``", "`")
