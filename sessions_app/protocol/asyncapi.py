"""The live socket as an AsyncAPI 3.0 document, made from the typed messages.

Pure: the same source gives the same document. ``manage.py write_asyncapi`` keeps a copy
of it beside this file, where readers and tools find it without running anything.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from pipeline.bounds import GLOSSARY_MAX_TERMS, SPEAKER_ID_MAX
from pipeline.wire import SUBPROTOCOL
from sessions_app.protocol import codes
from sessions_app.protocol import text as protocol_text
from sessions_app.protocol.examples import FRAMES, example
from sessions_app.protocol.messages import SUBPROTOCOL_JSON
from sessions_app.protocol.schemas import (
    CLIENT_MESSAGES,
    SERVER_MESSAGES,
    UNCOUNTED,
    close_codes,
    plain,
    schemas,
    tag,
)

VERSION = "1.0.0"
"""Of the protocol. The first number is that of ``dub.v1``; the second rises with what is added."""
PATH = Path(__file__).with_name("asyncapi.json")
ADDRESS = "/ws/{connection_id}/{session_id}"

_SUBPROTOCOLS = {
    SUBPROTOCOL: "Sound in binary frames both ways, everything else as JSON.",
    SUBPROTOCOL_JSON: "JSON only; sound as base64.",
    "token.<token>": "Credential: an API token. Never chosen by the server.",
    "ticket.<ticket>": "Credential: a ticket from `POST /api/ticket`, itself base64url. "
    "Never chosen by the server.",
}
_TYPES = {"B": "uint8", "H": "uint16", "I": "uint32", "Q": "uint64"}
SOURCE_FRAME, CUE_FRAME = FRAMES


def document() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "id": "urn:live-dubbing:socket",
        "info": {
            "title": "Live dubbing socket",
            "version": VERSION,
            "description": protocol_text.OVERVIEW,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {"session": _channel()},
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": _bounded(schemas()),
            "securitySchemes": _security(),
        },
    }


def as_text() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _servers() -> dict[str, Any]:
    host = {"default": "127.0.0.1:8000", "description": "Host and port of the server."}
    return {
        name: {
            "host": "{host}",
            "protocol": protocol,
            "description": description,
            "variables": {"host": host},
            "security": [{"$ref": f"#/components/securitySchemes/{one}"} for one in _security()],
        }
        for name, protocol, description in (
            ("plain", "ws", "A server of your own, on this machine or network."),
            ("secure", "wss", "A server behind a proxy that ends TLS."),
        )
    }


def _security() -> dict[str, Any]:
    return {
        "header": {
            "type": "httpApiKey",
            "name": "Authorization",
            "in": "header",
            "description": "`Token <token>`.",
        },
        "subprotocol": {
            "type": "httpApiKey",
            "name": "Sec-WebSocket-Protocol",
            "in": "header",
            "description": "`token.<token>` or `ticket.<ticket>` among the subprotocols offered.",
        },
        "cookie": {
            "type": "httpApiKey",
            "name": "sessionid",
            "in": "cookie",
            "description": "The portal's login, from pages of the portal's own origin only.",
        },
    }


def _channel() -> dict[str, Any]:
    names = _messages()
    return {
        "address": ADDRESS,
        "title": "A dubbing session",
        "description": "\n\n".join(
            f"## {heading}\n\n{text.strip()}" for heading, text in protocol_text.GUIDE.items()
        ),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "parameters": {
            name: {"description": description}
            for name, description in protocol_text.PARAMETERS.items()
        },
        "bindings": {"ws": _handshake()},
        "x-subprotocols": [
            {"name": name, "description": description}
            for name, description in _SUBPROTOCOLS.items()
        ],
        "x-error-codes": [
            {"code": code, "group": group, "description": description}
            for group, explained in codes.ERRORS.items()
            for code, description in explained.items()
        ],
        "x-notice-codes": _listed(codes.NOTICES),
        "x-skip-reasons": _listed(codes.SKIPS),
        "x-close-codes": close_codes(),
        "x-closing-reasons": [
            {"code": code, "close_code": int(close_code), "description": description}
            for code, (close_code, description) in codes.CLOSINGS.items()
        ],
    }


def _listed(explained: codes.Explained) -> list[dict[str, str]]:
    return [{"code": code, "description": text} for code, text in explained.items()]


def _handshake() -> dict[str, Any]:
    return {
        "method": "GET",
        "query": {
            "type": "object",
            "properties": {
                name: {"type": "integer", "minimum": least, "description": description}
                for name, (least, description) in protocol_text.QUERY.items()
            },
        },
        "headers": {
            "type": "object",
            "properties": {
                "Authorization": {"type": "string", "description": "`Token <token>`."},
                "Sec-WebSocket-Protocol": {
                    "type": "string",
                    "description": "What the client speaks, and a credential if it has no header "
                    "for it, separated by commas.",
                },
            },
        },
        "bindingVersion": "0.1.0",
    }


def _messages() -> dict[str, Any]:
    made = {tag(message): _message(message, sequence=None) for message in CLIENT_MESSAGES}
    for number, message in enumerate(SERVER_MESSAGES):
        made[tag(message)] = _message(message, sequence=-1 if message in UNCOUNTED else number)
    made[SOURCE_FRAME] = _frame(SOURCE_FRAME, protocol_text.SOURCE_FRAME)
    made[CUE_FRAME] = _frame(CUE_FRAME, protocol_text.CUE_FRAME)
    return made


def _message(message: type, *, sequence: int | None) -> dict[str, Any]:
    kind = tag(message)
    return {
        "name": kind,
        "summary": plain(message.__doc__ or "").split("\n\n")[0],
        "description": plain(message.__doc__ or ""),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
        "examples": [{"name": kind, "payload": example(kind, sequence=sequence)}],
    }


def _frame(name: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": text,
        "description": f"{text} {protocol_text.FRAME}",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary", "description": protocol_text.FRAME},
        "examples": [
            {
                "name": name,
                "summary": "The bytes in hexadecimal.",
                "payload": FRAMES[name].hex(" "),
            }
        ],
        "x-binary-layout": _layout(),
    }


def _layout() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    letters = "<"
    for field, letter, description in protocol_text.LAYOUT:
        row = {"offset": struct.calcsize(letters), "size": struct.calcsize(f"<{letter}")}
        rows.append({**row, "field": field, "type": _TYPES[letter], "description": description})
        letters += letter
    sound = "Mono PCM16 little-endian, to the end of the frame."
    rows.append(
        {
            "offset": struct.calcsize(letters),
            "size": None,
            "field": "sound",
            "type": "int16[]",
            "description": sound,
        }
    )
    return rows


def _operations() -> dict[str, Any]:
    """Seen from the server, as AsyncAPI asks of its documents."""
    clients = [tag(message) for message in CLIENT_MESSAGES]
    asked = {"ping": "pong", "create_voice_clone": "voice_clone"}
    made = {
        "takeMessages": _operation(
            "receive", "Messages of the client.", [one for one in clients if one not in asked]
        ),
        "takeSound": _operation("receive", "Source sound.", [SOURCE_FRAME]),
        "sayMessages": _operation(
            "send", "Messages of the server.", [tag(message) for message in SERVER_MESSAGES]
        ),
        "saySound": _operation("send", "Sound of cues.", [CUE_FRAME]),
    }
    for question, answer in asked.items():
        made[f"answer_{question}"] = {
            **_operation("receive", f"`{question}` is answered by `{answer}`.", [question]),
            "reply": {
                "channel": {"$ref": "#/channels/session"},
                "messages": [{"$ref": f"#/channels/session/messages/{answer}"}],
            },
        }
    return made


def _operation(action: str, summary: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/session"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/session/messages/{name}"} for name in names],
    }


def _bounded(made: dict[str, Any]) -> dict[str, Any]:
    """What the socket checks beyond the types."""
    made["StartDubbing"]["properties"]["glossary"]["maxProperties"] = GLOSSARY_MAX_TERMS
    made["CreateVoiceClone"]["properties"]["speaker_id"] |= {
        "minLength": 1,
        "maxLength": SPEAKER_ID_MAX,
    }
    return made
