"""The OpenAPI document is valid, whole, and what the client believes in."""

from __future__ import annotations

import typing
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema

from accounts.rest.scopes import SCOPES
from dubbing_project.api_document import document
from sessions_app.client import shapes
from sessions_app.tests.test_foreign import RULES

PAGES = {"api/docs", "api/problems"}
"""For people, not for programs."""
METHODS = {"get", "post", "put", "patch", "delete"}


def test_the_document_is_valid() -> None:
    made = document()
    assert made["openapi"].startswith("3.1")
    validate_schema(made)


def test_every_address_is_in_it_with_each_of_its_methods() -> None:
    described = {
        path.lstrip("/"): {method for method in operations if method in METHODS}
        for path, operations in document()["paths"].items()
    }
    served = {
        route.replace("<int:", "{").replace("<uuid:", "{").replace(">", "}"): set(rule.methods)
        for route, rule in RULES.items()
        if route not in PAGES
    }
    assert described == served


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, found in document()["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    ]


def test_every_operation_says_what_it_does_and_which_scope_it_needs() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))
    for name, operation in operations():
        assert operation["description"], name
        assert operation["tags"], name
        words = operation["description"].split("the scope `")
        assert len(words) == 1 or words[1].rstrip("`.") in SCOPES, name


def test_errors_are_described_as_problems() -> None:
    for name, operation in operations():
        for code, response in operation["responses"].items():
            if code.startswith("4"):
                assert set(response["content"]) == {"application/problem+json"}, (name, code)


def test_it_is_served_to_everybody_and_to_tools_of_other_origins(db: None) -> None:
    answer = Client().get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["info"]["title"] == "Live dubbing"


SHAPES = {
    name: shape
    for name, shape in vars(shapes).items()
    if typing.is_typeddict(shape) and name != "TypedDict"
}
OTHERWISE = {"Interval": "Minute"}
"""Shape of the client's → component of the document, where their names differ."""


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_clients_shapes_are_those_of_the_document(name: str) -> None:
    component = document()["components"]["schemas"][OTHERWISE.get(name, name)]
    hints = typing.get_type_hints(SHAPES[name])
    assert set(component["properties"]) == set(hints)
    for field, described in component["properties"].items():
        optional = type(None) in typing.get_args(hints[field])
        kinds = described.get("type", [])
        nullable = "null" in kinds or any(
            one.get("type") == "null" for one in described.get("oneOf", [])
        )
        assert nullable == optional, field
