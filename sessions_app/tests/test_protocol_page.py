"""The page that explains the socket shows everything the document says, to anybody."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from sessions_app.protocol import asyncapi
from sessions_app.protocol.page import inline, prose, type_in_words

# Templates ask who is logged in.
pytestmark = pytest.mark.django_db


class Text(HTMLParser):
    """A page's text, and the anchors that it has and links to."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.anchors: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors.add(found.get("id") or "")
        href = found.get("href") or ""
        if href.startswith("#"):
            self.links.add(href[1:])

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def page() -> Text:
    read = Text()
    answer = Client().get("/protocol")
    assert answer.status_code == 200
    read.feed(answer.content.decode())
    return read


def explanations(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for child in node for text in explanations(child)]
    if not isinstance(node, dict):
        return []
    found = [text for child in node.values() for text in explanations(child)]
    own = node.get("description")
    return [*found, own] if isinstance(own, str) else found


def test_every_message_field_and_code_is_on_the_page(page: Text) -> None:
    document = asyncapi.document()
    channel = document["channels"]["session"]
    shown = " ".join(page.text.split())
    for name, message in document["components"]["messages"].items():
        assert name in shown
        assert f"message-{name}" in page.anchors or "x-binary-layout" in message
    tables = ("x-error-codes", "x-notice-codes", "x-skip-reasons", "x-close-codes")
    explained = [channel[rows] for rows in (*tables, "x-closing-reasons")]
    for text in explanations([document["components"]["schemas"], explained]):
        for paragraph in text.split("\n\n"):
            assert paragraph.replace("`", "") in shown
    assert all(str(row["code"]) in shown for rows in explained for row in rows)


def test_links_within_the_page_lead_somewhere(page: Text) -> None:
    assert page.links
    assert page.links <= page.anchors


def test_the_document_can_be_fetched_from_anywhere() -> None:
    answer = Client().get("/api/asyncapi.json")
    assert answer["Content-Type"] == "application/json"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert json.loads(answer.content) == asyncapi.document()


def test_the_home_page_leads_there() -> None:
    assert 'href="/protocol"' in Client().get("/").content.decode()


def test_prose_is_escaped() -> None:
    assert inline("a `<b>` & c") == "a <code>&lt;b&gt;</code> &amp; c"
    assert prose("one\ntwo\n\n- three\n- four\nfive") == (
        "<p>one two</p>\n<ul><li>three</li><li>four five</li></ul>"
    )


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "integer from 1"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of numbers"),
        ({"type": "string", "enum": ["a", "b"]}, '`"a"` or `"b"`'),
        ({"type": "string", "contentEncoding": "base64"}, "base64 text"),
        ({"allOf": [{"$ref": "#/components/schemas/Latencies"}]}, "`Latencies`"),
    ],
)
def test_types_are_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_in_words(schema) == words
