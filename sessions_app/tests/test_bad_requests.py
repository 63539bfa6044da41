"""Random requests to every address get an answer of their own, never a fault of the server."""

from __future__ import annotations

import json
import random
import uuid
from typing import Any
from urllib.parse import urlencode

from sessions_app.tests.conftest import Person
from sessions_app.tests.test_foreign import with_token

SEED = 20261125
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1e308, float("inf"), "", "es", "auto", "xx-YY", "\0", "\ud800",
    "x" * 5000, [], {}, [1, [2]], {"a": {"b": 1}}, "2026-11-25", "' or 1=1 --",
)  # fmt: skip
FIELDS = "name expires_in_days source_language target_language preserve_voice limit id type".split()
ADDRESSES = ("/api/sessions", "/api/tokens", "/api/ticket", "/api/languages", "/api/voices")


def test_no_body_and_no_query_is_a_fault_of_the_server(ana: Person, settings: Any) -> None:
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 100_000)
    chance = random.Random(SEED)
    client = with_token(ana.token)
    answers: set[int] = set()
    for number in range(1200):
        path = chance.choice((*ADDRESSES, f"/api/sessions/{uuid.uuid4()}", "/api/tokens/999999999"))
        method = chance.choice(("get", "get", "post", "post", "put", "delete"))
        made = {chance.choice(FIELDS): chance.choice(VALUES) for _ in range(chance.randrange(5))}
        body = chance.choice((json.dumps(made), json.dumps(chance.choice(VALUES)), "{", "[" * 500))
        kind = chance.choice(("application/json", "text/plain", "multipart/form-data", "x/y"))
        if method == "get":
            query = urlencode({name: str(value) for name, value in made.items()}, errors="replace")
            answer = client.get(f"{path}?{query}")
        else:
            answer = client.generic(method.upper(), path, body, content_type=kind)
        assert answer.status_code < 500, f"seed {SEED}, request {number}: {method} {path} {body}"
        answers.add(answer.status_code)
    assert answers >= {200, 201, 400, 404, 405, 415}
