"""What the documents name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from dubbing_project.tests.test_live_end_to_end import PROJECT

DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def anchors(text: str) -> set[str]:
    """Of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def addresses(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield path
        else:
            yield from addresses(one, path)


def test_addresses_are_those_there_are_and_all_of_them() -> None:
    there = {one for one in addresses(get_resolver()) if one.startswith("/api/")}
    texts = {one.name: one.read_text(encoding="utf-8") for one in DOCUMENTS}
    for name, text in texts.items():
        for named in re.findall(r"/api/[a-z-]+(?:/[a-z-]+)?", text):
            assert any(one.startswith(named) for one in there), (name, named)
    rooms = {"/".join(one.split("/")[:3]) for one in there}
    assert not {one for one in rooms if one not in texts["integration.md"]}
