"""The document of the socket as a page shows it: rows of tables, prose, examples."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from sessions_app.protocol import asyncapi

Document = dict[str, Any]
Row = dict[str, Any]

_CLIENTS = Path(__file__).parent.with_name("client_examples")


@cache
def protocol() -> dict[str, Any]:
    """Everything that the template shows; the document never changes while we run."""
    document = asyncapi.document()
    channel = document["channels"]["session"]
    components = document["components"]
    return {
        "info": document["info"],
        "address": channel["address"],
        "overview": prose(document["info"]["description"]),
        "guide": _guide(channel["description"]),
        "parameters": _named(
            {name: row["description"] for name, row in channel["parameters"].items()}
        ),
        "query": _named(
            {
                name: row["description"]
                for name, row in channel["bindings"]["ws"]["query"]["properties"].items()
            }
        ),
        "subprotocols": _inline(channel["x-subprotocols"]),
        "client_messages": _messages(document, "receive"),
        "server_messages": _messages(document, "send"),
        "sequence": _sequence(components["schemas"]),
        "shared": _shared(components),
        "frames": _frames(document),
        "layout": _inline(components["messages"][asyncapi.CUE_FRAME]["x-binary-layout"]),
        "error_groups": [
            (group, _inline(list(rows)))
            for group, rows in groupby(channel["x-error-codes"], key=lambda row: row["group"])
        ],
        "notices": _inline(channel["x-notice-codes"]),
        "skips": _inline(channel["x-skip-reasons"]),
        "close_codes": _inline(channel["x-close-codes"]),
        "closings": _inline(channel["x-closing-reasons"]),
        "clients": [
            ("Python", inline("with `pip install websockets`"), _client("client.py")),
            ("JavaScript", "in a browser, without anything else", _client("client.js")),
        ],
    }


def _client(name: str) -> str:
    return (_CLIENTS / name).read_text(encoding="utf-8")


# Prose -----------------------------------------------------------------------------


def inline(text: str) -> SafeString:
    """A line of CommonMark with code in backticks and nothing else."""
    parts = re.split(r"`([^`]*)`", text)
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", part) if place % 2 else escape(part),)
            for place, part in enumerate(parts)
        ),
    )


def prose(text: str) -> SafeString:
    """Paragraphs and lists of such lines."""
    return format_html_join("\n", "{}", ((_block(one),) for one in re.split(r"\n\s*\n", text)))


def _block(text: str) -> SafeString:
    if not text.startswith("- "):
        return format_html("<p>{}</p>", inline(" ".join(text.split())))
    items = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    return format_html(
        "<ul>{}</ul>",
        format_html_join("", "<li>{}</li>", ((inline(" ".join(one.split())),) for one in items)),
    )


def _guide(text: str) -> list[tuple[str, str, SafeString]]:
    """Anchor, heading and body of each section."""
    sections = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return [
        (heading.lower().replace(" ", "-"), heading, prose(body.strip()))
        for heading, body in zip(sections[::2], sections[1::2], strict=True)
    ]


def _named(rows: dict[str, str]) -> list[Row]:
    return [{"name": name, "description": inline(text)} for name, text in rows.items()]


def _inline(rows: list[Row]) -> list[Row]:
    return [{**row, "description": inline(row["description"])} for row in rows]


# Messages --------------------------------------------------------------------------


def _messages(document: Document, action: str) -> list[Row]:
    """The JSON messages of one direction, in the document's order."""
    said = {
        reference["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        if operation["action"] == action
        for reference in operation["messages"]
    }
    return [
        _message(document, name)
        for name, message in document["components"]["messages"].items()
        if name in said and message["contentType"] == "application/json"
    ]


def _message(document: Document, name: str) -> Row:
    message = document["components"]["messages"][name]
    schema = document["components"]["schemas"][message["payload"]["$ref"].rpartition("/")[2]]
    usual = document["components"]["schemas"]["Ready"]["properties"]["sequence"]
    return {
        "name": name,
        "description": prose(message["description"]),
        "fields": _fields(schema, usual),
        "example": json.dumps(message["examples"][0]["payload"], indent=2, ensure_ascii=False),
    }


def _fields(schema: dict[str, Any], usual: dict[str, Any] | None = None) -> list[Row]:
    """Rows for all but the ``type`` and what is as ``usual``, which are said once for all."""
    return [
        {
            "name": name,
            "type": inline(type_in_words(field)),
            "needed": name in schema["required"],
            "default": json.dumps(field["default"]) if "default" in field else None,
            "description": inline(field["description"]),
        }
        for name, field in schema["properties"].items()
        if name != "type" and field != usual
    ]


def _sequence(schemas: dict[str, Any]) -> SafeString:
    return inline(schemas["Ready"]["properties"]["sequence"]["description"])


def type_in_words(schema: dict[str, Any]) -> str:
    """What a field holds, for people."""
    if "anyOf" in schema:
        return " or ".join(type_in_words(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "allOf" in schema:
        return f"`{schema['allOf'][0]['$ref'].rpartition('/')[2]}`"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    kind = str(schema["type"])
    if kind == "string" and schema.get("contentEncoding"):
        return f"{schema['contentEncoding']} text"
    if kind == "array":
        return f"list of {type_in_words(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_in_words(schema['additionalProperties'])}s"
    if "minimum" in schema:
        return f"{kind} from {schema['minimum']}"
    return kind


def _shared(components: dict[str, Any]) -> list[Row]:
    """Types that are no message of their own."""
    used = {
        message["payload"]["$ref"].rpartition("/")[2]
        for message in components["messages"].values()
        if "$ref" in message["payload"]
    }
    return [
        {
            "name": name,
            "description": prose(schema["description"]),
            "fields": _fields(schema),
        }
        for name, schema in components["schemas"].items()
        if name not in used
    ]


def _frames(document: Document) -> list[Row]:
    return [
        {
            "name": name,
            "description": inline(message["description"]),
            "example": message["examples"][0]["payload"],
        }
        for name, message in document["components"]["messages"].items()
        if "x-binary-layout" in message
    ]
