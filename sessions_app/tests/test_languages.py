"""Which language is recognised when nobody named one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.plan import Engines
from pipeline.providers.scripted.hearing import ScriptedRecognizer
from pipeline.providers.scripted.speaking import ScriptedTranslator
from pipeline.wire import WireError
from sessions_app.engines.languages import candidates_of, resolve_source
from sessions_app.tests.engines import scripted_engines

USUAL = ("en", "es", "fr", "de")
KNOWN = frozenset({"en", "fr", "de", "it", "pl"})
PAIRS = frozenset({("en", "es"), ("fr", "es"), ("it", "es"), ("de", "es")})


def engines(**recognizer: Any) -> Engines:
    return replace(
        scripted_engines(),
        recognizer=ScriptedRecognizer(languages=KNOWN, **recognizer),
        translator=ScriptedTranslator(pair_set=PAIRS),
    )


@pytest.mark.parametrize(
    ("recognizer", "wanted", "candidates", "expected"),
    [
        ({}, "fr", (), ("fr", ())),
        ({}, "auto", (), ("en", ())),
        ({}, "auto", ("pl", "it", "en"), ("it", ())),
        ({"finds_any": True, "candidates_max": 4}, "auto", (), ("auto", ())),
        ({"finds_any": True, "candidates_max": 4}, "auto", ("it",), ("auto", ("it",))),
        ({"candidates_max": 4}, "auto", ("it", "fr"), ("auto", ("it", "fr"))),
        ({"candidates_max": 4}, "auto", (), ("auto", ("en", "fr", "de"))),
        ({"candidates_max": 2}, "auto", (), ("auto", ("en", "fr"))),
    ],
)
def test_auto_is_kept_for_engines_that_tell_languages_apart(
    recognizer: dict[str, Any],
    wanted: str,
    candidates: tuple[str, ...],
    expected: tuple[str, tuple[str, ...]],
) -> None:
    found = resolve_source(engines(**recognizer), wanted, "es", candidates=candidates, usual=USUAL)
    assert found == expected


def test_one_usual_language_that_can_be_dubbed_is_no_choice() -> None:
    found = resolve_source(engines(candidates_max=4), "auto", "es", usual=("pl", "fr"))
    assert found == ("en", ())


def test_candidates_are_languages_each_once() -> None:
    assert candidates_of(["en-US", "FR", "en"], "auto") == ("en", "fr")
    assert candidates_of([], "en") == ()


@pytest.mark.parametrize(
    ("texts", "source", "code"),
    [
        (["en"], "en", "candidates_invalid"),
        (["en", "fr", "de", "it", "pl"], "auto", "candidates_invalid"),
        (["auto"], "auto", "candidates_invalid"),
        (["english!"], "auto", "language_invalid"),
    ],
)
def test_wrong_candidates_are_refused(texts: list[str], source: str, code: str) -> None:
    with pytest.raises(WireError) as refused:
        candidates_of(texts, source)
    assert refused.value.code == code
