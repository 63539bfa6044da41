"""Made-up requests to every operation, by everybody: no fault of the server, no answer that the
document does not describe, and nothing of somebody else's.

``API_EXAMPLES=200`` fires more at each operation than the usual run.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Membership, Role, Team, User
from accounts.services import create_token, create_user
from accounts.webhooks.services import create_webhook, send_test
from dubbing_project.api_document import document
from sessions_app import holding, services
from sessions_app.glossaries.services import create_glossary, put_term
from sessions_app.tests.belongings import projects_of, voices_of
from sessions_app.tests.test_record import line

EXAMPLES = int(os.environ.get("API_EXAMPLES", "8"))
SEED = 20261127
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HIDDEN = {
    "visitor": {"of-ana", "of-ben", "of-team"},
    "ana": {"of-ben"},
    "ben": {"of-ana", "of-team"},
    "eva": {"of-ana", "of-ben"},
    "staff": {"of-ana", "of-ben", "of-team"},
}
"""Who → what may not be in any answer to them. Eva views what Ana's team shares."""
SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS: list[Any] = [cast(Any, found).ok() for found in SCHEMA.get_all_operations()]


@dataclass(frozen=True)
class World:
    tokens: dict[str, str]
    objects: tuple[dict[str, Any], ...]
    """Path parameters of what is Ana's, Ben's and the team's."""


@pytest.fixture
def world(transactional_db: None, settings: Any, tmp_path: Path) -> World:
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path},
    }
    settings.STORAGES = {**settings.STORAGES, "default": local}
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 10**6)
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    people = {
        name: create_user(email=f"{name}@example.org", password=None, is_staff=name == "staff")
        for name in HIDDEN
        if name != "visitor"
    }
    team = Team.objects.create(name="of-team")
    Membership.objects.create(team=team, user=people["ana"], role=Role.OWNER)
    Membership.objects.create(team=team, user=people["eva"], role=Role.VIEWER)
    tokens = {name: create_token(user, name=f"of-{name}") for name, user in people.items()}
    return World(
        {"visitor": ""} | {name: new.token for name, new in tokens.items()},
        (
            things(people["ana"], "of-ana", None, tokens["ana"].record.pk),
            things(people["ben"], "of-ben", None, tokens["ben"].record.pk),
            things(people["ana"], "of-team", team, tokens["ana"].record.pk),
        ),
    )


def things(owner: User, name: str, team: Team | None, token_id: int) -> dict[str, Any]:
    session = services.create_session(owner, target_language="es", title=name, team=team)
    holding.save_lines(session.pk, [replace(line(n), source_text=name) for n in range(3)])
    url = f"https://receiver.example/{name}"
    webhook, _ = create_webhook(owner, url=url, event_types=["*"], team=team)
    glossary = create_glossary(owner, name=name, team=team)
    term = put_term(glossary, source=name, target=name)
    of_project = projects_of(owner, name, team)
    return {
        "session_id": str(session.pk),
        "sequence": 1,
        "webhook_id": str(webhook.pk),
        "delivery_id": str(send_test(webhook).pk),
        "glossary_id": glossary.pk,
        "term_id": term.pk,
        "token_id": token_id,
        **voices_of(owner, session, name, team),
        **{key: int(pk) if pk.isdecimal() else pk for key, pk in of_project.items()},
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_whatever_is_asked_the_answer_is_one_of_the_documents(world: World, operation: Any) -> None:
    examples = (
        2 if "health" in operation.path or "engine-keys/check" in operation.path else EXAMPLES
    )
    operation.app = get_wsgi_application()
    names = [one.name for one in operation.path_parameters]
    known = [{name: one[name] for name in names} for one in world.objects] if names else []
    strategies = [operation.as_strategy()]
    strategies += [operation.as_strategy(path_parameters=one) for one in known]
    if operation.body or len(operation.query):
        negative = GenerationMode.NEGATIVE
        given_path = {"path_parameters": known[0]} if known else {}
        strategies.append(operation.as_strategy(generation_mode=negative, **given_path))

    @seed(SEED)
    @hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies), who=st.sampled_from(sorted(HIDDEN)), match=st.booleans())
    def fire(case: Any, who: str, match: bool) -> None:
        headers = {"Authorization": f"Token {world.tokens[who]}"} if who != "visitor" else {}
        if match:
            headers |= {"If-Match": "*", "Idempotency-Key": uuid.uuid4().hex}
        response = case.call(headers=headers)
        # 503 is the server's word for what is away, and no fault: engines that have not started.
        away = response.status_code == 503 and ("/ready" in case.path or "engine" in response.text)
        assert response.status_code < 500 or away, f"{who}: {response.text}"
        case.validate_response(response, checks=CHECKS)
        text = response.text
        # What they wrote themselves comes back in messages.
        sent = f"{case.query}{case.body}{case.path_parameters}"
        for hidden in HIDDEN[who]:
            assert hidden not in text or hidden in sent, f"{who} was shown {hidden}"

    fire()
